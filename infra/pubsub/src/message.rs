//! An event as a message of Pub/Sub.
//!
//! CloudEvents' binary mode: the attributes `ce-specversion`, `ce-id`, `ce-source`, `ce-type`, `ce-subject`, `ce-time`
//! and `content-type` stand beside the data, which is the event's data as JSON. Subscriptions filter on `ce-type`.
//!
//! The ordering key names what must not overtake itself: the strategy and the symbol that the event's data names
//! (`strategy_id`, `exchange`, `symbol`, those of them that are there), else the event's subject. An event that names
//! neither has none and is delivered beside all others: the shards of one close must not wait for each other. The key
//! orders what Pub/Sub has taken; a message that it did not take steps back in the outbox and comes later, so a consumer
//! relies on the state it reads and not on the order.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use google_cloud_pubsub::model::Message;
use sentinel_domain::events::CloudEvent;
use sentinel_domain::hash::ContentHash;
use thiserror::Error;

/// What Pub/Sub allows in the value of an attribute, and in an ordering key, in bytes.
const ATTRIBUTE_BYTES_MAX: usize = 1_024;
/// What a function takes of an event's data, in bytes: a push carries it in base64, in a body of at most 1 MiB.
const DATA_BYTES_MAX: usize = 700 << 10;

/// Why an event does not fit into a message.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MessageFault {
    /// An attribute is too long.
    #[error("the event's {attribute} has {bytes} bytes; an attribute of a message holds {ATTRIBUTE_BYTES_MAX}")]
    LongAttribute {
        /// Which.
        attribute: &'static str,
        /// How long it is.
        bytes: usize,
    },
    /// The data is too large.
    #[error("the event's data has {bytes} bytes; {DATA_BYTES_MAX} are allowed: name the thing, do not carry it")]
    LargeData {
        /// How large it is.
        bytes: usize,
    },
}

/// Returns the message that carries `event`.
///
/// # Errors
/// When the event is larger than Pub/Sub, or the function at the other end, takes.
pub fn message(event: &CloudEvent) -> Result<Message, MessageFault> {
    let data = event.data.to_string();
    if data.len() > DATA_BYTES_MAX {
        return Err(MessageFault::LargeData { bytes: data.len() });
    }
    let attributes = attributes(event);
    match attributes.iter().find(|(_, value)| value.len() > ATTRIBUTE_BYTES_MAX) {
        Some((attribute, value)) => Err(MessageFault::LongAttribute { attribute, bytes: value.len() }),
        None => Ok(Message::new().set_attributes(attributes).set_data(data).set_ordering_key(ordering_key(event))),
    }
}

/// Returns what must not overtake itself: strategy and symbol, else the subject; empty where the event names neither.
#[must_use]
pub fn ordering_key(event: &CloudEvent) -> String {
    let named = |field: &str| event.data[field].as_str().filter(|name| !name.is_empty());
    let names: Vec<&str> = ["strategy_id", "exchange", "symbol"].into_iter().filter_map(named).collect();
    let key = match (names.is_empty(), &event.subject) {
        (true, Some(subject)) => subject.clone(),
        (true, None) => String::new(),
        (false, _) => names.join("|"),
    };
    if key.len() > ATTRIBUTE_BYTES_MAX { ContentHash::of(key.as_bytes()).to_string() } else { key }
}

fn attributes(event: &CloudEvent) -> BTreeMap<&'static str, String> {
    let mut attributes = BTreeMap::from([
        ("ce-specversion", "1.0".to_owned()),
        ("ce-id", event.id.clone()),
        ("ce-source", event.source.clone()),
        ("ce-type", event.event_type.clone()),
        ("content-type", "application/json".to_owned()),
    ]);
    attributes.extend(event.subject.clone().map(|subject| ("ce-subject", subject)));
    let time = event.time.and_then(DateTime::<Utc>::from_timestamp_millis);
    attributes.extend(time.map(|time| ("ce-time", time.to_rfc3339_opts(SecondsFormat::Millis, true))));
    attributes
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn event() -> CloudEvent {
        CloudEvent::new("/functions/x", "1", "sentinel.x.v1")
    }

    #[track_caller]
    fn check_key(event: &CloudEvent, expected: &str) {
        assert_eq!(ordering_key(event), expected, "{event:?}");
    }

    #[test]
    fn key_is_strategy_and_symbol_then_the_subject_then_none() {
        let both = json!({ "symbol": "BTC/USD", "exchange": "alpaca", "strategy_id": "sma-cross", "other": 1 });
        check_key(&event().with_data(both), "sma-cross|alpaca|BTC/USD");
        check_key(&event().with_data(json!({ "symbol": "BTC/USD" })).about("s"), "BTC/USD");
        check_key(&event().about("sma-cross"), "sma-cross");
        check_key(&event().with_data(json!({ "close_time": 1, "shard": 0 })), "");
        check_key(&event().with_data(json!({ "symbol": 7, "strategy_id": "" })), "");
        check_key(&event().with_data(json!([1])), "");
    }

    #[test]
    fn long_key_is_its_hash() {
        let long = event().about("s".repeat(ATTRIBUTE_BYTES_MAX + 1));
        assert_eq!(ordering_key(&long).len(), 64);
    }

    #[test]
    fn attributes_are_those_of_binary_mode() {
        let attributes = attributes(&event().about("s").at(1_735_776_300_123));
        let expected = [
            ("ce-id", "1"),
            ("ce-source", "/functions/x"),
            ("ce-specversion", "1.0"),
            ("ce-subject", "s"),
            ("ce-time", "2025-01-02T00:05:00.123Z"),
            ("ce-type", "sentinel.x.v1"),
            ("content-type", "application/json"),
        ];
        assert_eq!(attributes, expected.map(|(name, value)| (name, value.to_owned())).into());
    }

    #[test]
    fn what_cannot_be_delivered_is_refused_before_it_is_sent() {
        let long = CloudEvent::new("/x", "i".repeat(2_000), "t");
        assert_eq!(message(&long), Err(MessageFault::LongAttribute { attribute: "ce-id", bytes: 2_000 }));
        let large = event().with_data(Value::String("x".repeat(DATA_BYTES_MAX)));
        assert_eq!(message(&large), Err(MessageFault::LargeData { bytes: DATA_BYTES_MAX + 2 }));
        let fits = event().with_data(Value::String("x".repeat(DATA_BYTES_MAX - 2)));
        assert!(message(&fits).is_ok());
    }
}
