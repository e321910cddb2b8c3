//! What functions tell each other: events, and the port that carries them.
//!
//! A [`CloudEvent`] is a fact that happened, named by (source, id): the same fact told twice has the same name, so a
//! consumer can tell. Delivery is at least once and in no promised order; nothing here retries or remembers.

use std::fmt::Debug;

use async_trait::async_trait;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use thiserror::Error;

use crate::timeframe::UnixMillis;

/// One event in the terms of CloudEvents 1.0, with JSON data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CloudEvent {
    /// Name of the fact, unique within its source and derived from content, never random.
    pub id: String,
    /// Who tells it, as a URI reference: `/functions/ingest-candles`.
    pub source: String,
    /// What kind of fact it is: `sentinel.candle.closed.v1`.
    #[serde(rename = "type")]
    pub event_type: String,
    /// What the fact is about, within the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// When it happened, in Unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<UnixMillis>,
    /// The fact itself; `null` where there is none.
    #[serde(default)]
    pub data: Value,
}

impl CloudEvent {
    /// Returns an event without subject, time and data.
    #[must_use]
    pub fn new(source: impl Into<String>, id: impl Into<String>, event_type: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            source: source.into(),
            event_type: event_type.into(),
            subject: None,
            time: None,
            data: Value::Null,
        }
    }

    /// Returns the event with a subject.
    #[must_use]
    pub fn about(self, subject: impl Into<String>) -> Self {
        Self { subject: Some(subject.into()), ..self }
    }

    /// Returns the event with the time it happened at.
    #[must_use]
    pub fn at(self, time: UnixMillis) -> Self {
        Self { time: Some(time), ..self }
    }

    /// Returns the event with data.
    #[must_use]
    pub fn with_data(self, data: Value) -> Self {
        Self { data, ..self }
    }

    /// Returns the JSON form of CloudEvents 1.0, as it goes over a wire and stands in files.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut event = json!({
            "specversion": "1.0", "id": self.id, "source": self.source, "type": self.event_type,
            "datacontenttype": "application/json", "data": self.data,
        });
        if let Some(subject) = &self.subject {
            event["subject"] = json!(subject);
        }
        if let Some(time) = self.time.and_then(DateTime::<Utc>::from_timestamp_millis) {
            event["time"] = json!(time.to_rfc3339_opts(SecondsFormat::Millis, true));
        }
        event
    }
}

/// Carries events to whoever asked for their type.
#[async_trait]
pub trait Publisher: Send + Sync + Debug {
    /// Hands `event` over; once this returns, it is the carrier's to deliver at least once.
    ///
    /// # Errors
    ///
    /// When the event could not be handed over; it may have been delivered all the same.
    async fn publish(&self, topic: &str, event: &CloudEvent) -> Result<(), PublishError>;
}

/// An event that could not be handed over.
#[derive(Debug, Error)]
#[error("cannot publish event {id} to {topic}: {reason}")]
pub struct PublishError {
    /// Where it was going.
    pub topic: String,
    /// The event's id.
    pub id: String,
    /// What stood in the way.
    pub reason: String,
}
