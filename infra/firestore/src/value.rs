//! JSON as Firestore's values, and back, to the last bit.
//!
//! A whole number stays a whole number and a real one a real one, as each was written: Firestore compares them by
//! value, as the port asks. Types that only Firestore has are never written, and refused when read.

use std::collections::{BTreeMap, HashMap};

use firestore::gcloud_sdk::google::firestore::v1::value::ValueType;
use firestore::gcloud_sdk::google::firestore::v1::{ArrayValue, Document as Stored, MapValue, Value};
use firestore::gcloud_sdk::prost_types::Timestamp;
use sentinel_domain::documents::{Document, DocumentVersion};
use sentinel_domain::timeframe::UnixMillis;
use serde_json::{Map, Number, Value as Json};

/// The field that Firestore deletes a document by.
pub(crate) const EXPIRE_AT: &str = "expire_at";
/// The field that says which commit wrote a document last.
pub(crate) const COMMIT: &str = "_commit";

const MILLIS_PER_SECOND: i64 = 1_000;
const NANOS_PER_MILLI: i32 = 1_000_000;

/// Returns a JSON value as Firestore's.
pub(crate) fn to_value(json: &Json) -> Value {
    let value = match json {
        Json::Null => ValueType::NullValue(0),
        Json::Bool(value) => ValueType::BooleanValue(*value),
        Json::Number(number) => match number.as_i64() {
            Some(integer) => ValueType::IntegerValue(integer),
            None => ValueType::DoubleValue(number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(text) => ValueType::StringValue(text.clone()),
        Json::Array(items) => ValueType::ArrayValue(ArrayValue { values: items.iter().map(to_value).collect() }),
        Json::Object(fields) => ValueType::MapValue(MapValue { fields: to_fields(fields) }),
    };
    value.into_value()
}

fn to_fields(fields: &Map<String, Json>) -> HashMap<String, Value> {
    fields.iter().map(|(name, value)| (name.clone(), to_value(value))).collect()
}

/// Returns the fields of a document that `commit` writes: the body's and the store's own.
pub(crate) fn document_fields(body: &Json, expire_at: Option<UnixMillis>, commit: u128) -> HashMap<String, Value> {
    let mut fields = body.as_object().map(to_fields).unwrap_or_default();
    fields.insert(COMMIT.to_owned(), ValueType::BytesValue(commit.to_be_bytes().to_vec()).into_value());
    if let Some(at) = expire_at {
        fields.insert(EXPIRE_AT.to_owned(), ValueType::TimestampValue(timestamp(at)).into_value());
    }
    fields
}

/// Returns whether `commit` is the one that wrote the document last.
pub(crate) fn is_written_by(document: &Stored, commit: u128) -> bool {
    let written = document.fields.get(COMMIT).and_then(|value| value.value_type.as_ref());
    matches!(written, Some(ValueType::BytesValue(bytes)) if bytes[..] == commit.to_be_bytes())
}

/// Reads a document; the error says what is in it that the port does not know.
pub(crate) fn read_document(stored: Stored) -> Result<Document, String> {
    let id = stored.name.rsplit('/').next().unwrap_or_default().to_owned();
    let version = version_of(&stored);
    let mut fields = stored.fields;
    fields.remove(COMMIT);
    let expire_at = match fields.remove(EXPIRE_AT).and_then(|value| value.value_type) {
        None => None,
        Some(ValueType::TimestampValue(at)) => Some(millis(at)),
        Some(_) => return Err(format!("{EXPIRE_AT} is not a timestamp")),
    };
    Ok(Document { id, version, body: from_fields(fields)?, expire_at })
}

/// Returns the version: when the document was written, to the nanosecond, which Firestore never repeats.
pub(crate) fn version_of(stored: &Stored) -> DocumentVersion {
    version_at(stored.update_time.unwrap_or_default())
}

/// Returns the version of what was written at a time.
pub(crate) fn version_at(Timestamp { seconds, nanos }: Timestamp) -> DocumentVersion {
    DocumentVersion::new(format!("{seconds}.{nanos:09}"))
}

/// Returns when a version was written; `None` for a version of another store.
pub(crate) fn update_time(version: &DocumentVersion) -> Option<Timestamp> {
    let (seconds, nanos) = version.as_str().split_once('.')?;
    // Firestore's own are whole microseconds, and it takes no others.
    let is_own = nanos.len() == 9 && nanos.ends_with("000");
    let nanos = nanos.parse().ok().filter(|_| is_own)?;
    Some(Timestamp { seconds: seconds.parse().ok()?, nanos })
}

fn from_fields(fields: HashMap<String, Value>) -> Result<Json, String> {
    let sorted: BTreeMap<String, Value> = fields.into_iter().collect();
    let read = |(name, value)| match from_value(value) {
        Ok(value) => Ok((name, value)),
        Err(kind) => Err(format!("{name}: {kind}")),
    };
    sorted.into_iter().map(read).collect::<Result<Map<String, Json>, String>>().map(Json::Object)
}

fn from_value(value: Value) -> Result<Json, String> {
    match value.value_type {
        None | Some(ValueType::NullValue(_)) => Ok(Json::Null),
        Some(ValueType::BooleanValue(value)) => Ok(Json::Bool(value)),
        Some(ValueType::IntegerValue(value)) => Ok(Json::from(value)),
        Some(ValueType::DoubleValue(value)) => {
            Number::from_f64(value).map(Json::Number).ok_or_else(|| format!("{value} is not a number of JSON"))
        }
        Some(ValueType::StringValue(text)) => Ok(Json::String(text)),
        Some(ValueType::ArrayValue(array)) => {
            array.values.into_iter().map(from_value).collect::<Result<_, _>>().map(Json::Array)
        }
        Some(ValueType::MapValue(map)) => from_fields(map.fields),
        Some(_) => Err("a timestamp, bytes, a place or a reference: only JSON's types are kept here".to_owned()),
    }
}

fn timestamp(at: UnixMillis) -> Timestamp {
    let millis = i32::try_from(at.rem_euclid(MILLIS_PER_SECOND)).unwrap_or_default();
    Timestamp { seconds: at.div_euclid(MILLIS_PER_SECOND), nanos: millis * NANOS_PER_MILLI }
}

fn millis(at: Timestamp) -> UnixMillis {
    at.seconds.saturating_mul(MILLIS_PER_SECOND).saturating_add(i64::from(at.nanos / NANOS_PER_MILLI))
}

trait IntoValue {
    fn into_value(self) -> Value;
}

impl IntoValue for ValueType {
    fn into_value(self) -> Value {
        Value { value_type: Some(self) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn stored(body: &Json, expire_at: Option<UnixMillis>) -> Stored {
        let update_time = Some(Timestamp { seconds: 1_700_000_000, nanos: 1_002_000 });
        let name = "projects/p/databases/d/documents/accounts/a:1".to_owned();
        Stored { name, fields: document_fields(body, expire_at, 7), update_time, ..Default::default() }
    }

    #[test]
    fn a_body_comes_back_as_it_was_and_without_the_fields_of_the_store() {
        let body =
            json!({ "i": i64::MIN, "r": 1.0, "tiny": 5e-324, "n": null, "t": true, "l": [1, { "a": [] }], "": {} });
        for expire_at in [None, Some(1_700_000_000_123), Some(-1)] {
            let document = read_document(stored(&body, expire_at)).unwrap();
            assert_eq!((document.id.as_str(), &document.body, document.expire_at), ("a:1", &body, expire_at));
            assert!(document.body["r"].is_f64() && document.body["i"].is_i64());
        }
    }

    #[test]
    fn a_version_is_the_time_of_the_write_and_another_stores_is_none() {
        let stored = stored(&json!({}), None);
        assert_eq!(version_of(&stored).as_str(), "1700000000.001002000");
        assert_eq!(update_time(&version_of(&stored)), stored.update_time);
        for other in ["17", "archived", "1.5", "1.000000001", "1.00000000x"] {
            assert_eq!(update_time(&DocumentVersion::new(other)), None, "{other}");
        }
    }

    #[test]
    fn a_commit_knows_its_own_documents() {
        let stored = stored(&json!({}), None);
        assert!(is_written_by(&stored, 7) && !is_written_by(&stored, 8));
        assert!(!is_written_by(&Stored::default(), 0));
    }

    #[test]
    fn what_only_firestore_has_is_refused_with_its_field() {
        let mut stored = stored(&json!({}), None);
        stored.fields.insert("seen".to_owned(), ValueType::TimestampValue(timestamp(0)).into_value());
        let error = read_document(stored).unwrap_err();
        assert!(error.starts_with("seen: a timestamp"), "{error}");
    }
}
