//! What a request's body is: an event in one of its envelopes, or the clock.

use axum::http::{HeaderMap, StatusCode, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::DateTime;
use cloudevents::binding::http::to_event;
use cloudevents::{AttributesReader, Data, Event};
use sentinel_domain::events::CloudEvent;
use sentinel_domain::timeframe::UnixMillis;
use serde_json::{Value, json};

use super::answer::Refusal;
use crate::descriptor::FunctionDescriptor;

/// Eventarc's own event around a Pub/Sub message.
const MESSAGE_PUBLISHED: &str = "google.cloud.pubsub.topic.v1.messagePublished";
const STRUCTURED: &str = "application/cloudevents+json";
const BATCH: &str = "application/cloudevents-batch";

/// What a request asks for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Incoming {
    /// The event; `None` for the clock.
    pub event: Option<CloudEvent>,
    /// The moment that the clock's request is about.
    pub at: Option<UnixMillis>,
    /// Where Pub/Sub says that the event comes from, when it pushes it.
    pub pushed_by: Option<Subscription>,
}

/// The name that a push envelope gives of its subscription: `projects/P/subscriptions/S`; empty where it gives none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subscription(pub String);

/// Reads one event in CloudEvents' JSON form, as it stands in files.
///
/// # Errors
///
/// When it is no CloudEvent.
pub fn event_from_json(bytes: &[u8]) -> Result<CloudEvent, Refusal> {
    let event = serde_json::from_slice::<Event>(bytes).map_err(|error| not_an_event(&error.to_string()))?;
    plain(event)
}

/// Reads a request.
pub(super) fn read(descriptor: &FunctionDescriptor, headers: &HeaderMap, body: &[u8]) -> Result<Incoming, Refusal> {
    let content_type = text(headers, header::CONTENT_TYPE.as_str()).unwrap_or_default().to_ascii_lowercase();
    if content_type.starts_with(BATCH) {
        return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "a batch of events: send them one by one"));
    }
    if headers.contains_key("ce-specversion") || content_type.starts_with(STRUCTURED) {
        let event = to_event(headers, body.to_vec()).map_err(|error| not_an_event(&error.to_string()))?;
        let event = plain(event)?;
        if event.event_type == MESSAGE_PUBLISHED {
            return pushed(&event.data);
        }
        return Ok(Incoming { event: Some(event), ..Incoming::default() });
    }
    let json = serde_json::from_slice::<Value>(body).ok();
    if let Some(envelope) = json.as_ref().filter(|json| json["message"].is_object()) {
        return pushed(envelope);
    }
    from_clock(descriptor, headers, body, json.as_ref())
}

/// Reads a plain POST, which is the clock's.
fn from_clock(
    descriptor: &FunctionDescriptor,
    headers: &HeaderMap,
    body: &[u8],
    json: Option<&Value>,
) -> Result<Incoming, Refusal> {
    let is_scheduler = text(headers, "x-cloudscheduler") == Some("true");
    let is_plain = body.is_empty() || json.is_some_and(|json| json == &json!({}));
    if !descriptor.is_scheduled() || !(is_scheduler || is_plain) {
        return Err(accepted_only(descriptor));
    }
    let at = text(headers, "x-cloudscheduler-scheduletime").map(|time| {
        let time = DateTime::parse_from_rfc3339(time);
        time.map(|time| time.timestamp_millis()).map_err(|error| {
            Refusal::new(StatusCode::BAD_REQUEST, format!("X-CloudScheduler-ScheduleTime is no RFC 3339 time: {error}"))
        })
    });
    Ok(Incoming { at: at.transpose()?, ..Incoming::default() })
}

fn pushed(envelope: &Value) -> Result<Incoming, Refusal> {
    let subscription = envelope["subscription"].as_str().unwrap_or_default();
    let pushed_by = Some(Subscription(subscription.to_owned()));
    Ok(Incoming { event: Some(from_push(envelope)?), pushed_by, at: None })
}

fn accepted_only(descriptor: &FunctionDescriptor) -> Refusal {
    let accepted = descriptor.event_types();
    let clock = if descriptor.is_scheduled() { ", or an empty POST as the scheduler sends it" } else { "" };
    let error = format!(
        "not a CloudEvent: send one in structured mode (Content-Type: {STRUCTURED}), in binary mode (ce-* headers), or \
         in a Pub/Sub push envelope{clock}"
    );
    Refusal::new(StatusCode::BAD_REQUEST, error).with("accepted", json!(accepted))
}

/// Reads the event in a Pub/Sub push envelope: attributes `ce-…` around the data, or the data alone.
fn from_push(envelope: &Value) -> Result<CloudEvent, Refusal> {
    let message = &envelope["message"];
    let data = STANDARD.decode(message["data"].as_str().unwrap_or_default());
    let data = data.map_err(|error| not_an_event(&format!("message.data is not base64: {error}")))?;
    let Some(attributes) = message["attributes"].as_object().filter(|map| map.contains_key("ce-id")) else {
        return event_from_json(&data);
    };
    let attribute = |name: &str| attributes.get(name).and_then(Value::as_str);
    let required = |name: &str| {
        attribute(name).map(str::to_owned).ok_or_else(|| not_an_event(&format!("attribute {name} is missing")))
    };
    let time = attribute("ce-time").map(DateTime::parse_from_rfc3339).transpose();
    let time = time.map_err(|error| not_an_event(&format!("attribute ce-time: {error}")))?;
    Ok(CloudEvent {
        id: required("ce-id")?,
        source: required("ce-source")?,
        event_type: required("ce-type")?,
        subject: attribute("ce-subject").map(str::to_owned),
        time: time.map(|time| time.timestamp_millis()),
        data: json_data(&data)?,
    })
}

/// Keeps of an event what the functions use.
fn plain(event: Event) -> Result<CloudEvent, Refusal> {
    let data = match event.data() {
        None => Value::Null,
        Some(Data::Json(value)) => value.clone(),
        Some(Data::Binary(bytes)) => json_data(bytes)?,
        Some(Data::String(text)) => json_data(text.as_bytes())?,
    };
    let (id, source) = (event.id().to_owned(), event.source().clone());
    if id.is_empty() || source.is_empty() || event.ty().is_empty() {
        return Err(not_an_event("id, source and type must not be empty"));
    }
    Ok(CloudEvent {
        id,
        source,
        event_type: event.ty().to_owned(),
        subject: event.subject().map(str::to_owned),
        time: event.time().map(DateTime::timestamp_millis),
        data,
    })
}

fn json_data(bytes: &[u8]) -> Result<Value, Refusal> {
    if bytes.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(bytes).map_err(|error| not_an_event(&format!("its data is not JSON: {error}")))
}

fn not_an_event(reason: &str) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, format!("not a usable CloudEvent: {reason}"))
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
