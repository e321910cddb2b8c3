//! What Firestore refuses, refused on a laptop too, so that what works here works there.
//!
//! Numbers and the way of counting are those of its documentation ("Quotas and limits", "Storage size calculations").

use serde_json::Value;

use super::CollectionName;
use super::error::StoreError;

/// Writes in one commit.
pub const WRITES_MAX: usize = 500;
/// Bytes of one document with its name.
pub const DOCUMENT_BYTES_MAX: usize = 1 << 20;
/// Bytes of one commit: a request to the cloud.
pub const COMMIT_BYTES_MAX: usize = 10 << 20;
/// Bytes of a document's id, and of a field's name.
pub const NAME_BYTES_MAX: usize = 1_500;
/// Maps and arrays within each other.
pub const DEPTH_MAX: usize = 20;
/// Entries that one document may have in all indexes.
pub const INDEX_ENTRIES_MAX: usize = 40_000;
/// Values of an `in` filter.
pub const IN_VALUES_MAX: usize = 30;

/// Fields beside a body's own, where a store keeps when a document expires and which commit wrote it last.
pub const OWN_FIELDS: [&str; 2] = ["expire_at", "_commit"];

/// What those cost: their names, a time of 8 bytes and a random number of 16.
const OWN_FIELDS_BYTES: usize = 10 + 8 + 8 + 16;
/// What a document costs beside its name and fields.
const DOCUMENT_OVERHEAD_BYTES: usize = 32;
/// What a document's name costs beside its parts.
const NAME_OVERHEAD_BYTES: usize = 16;

/// Checks a document's id.
///
/// # Errors
///
/// When it is empty, `.` or `..`, holds a slash, looks like `__…__`, or is longer than [`NAME_BYTES_MAX`].
pub fn check_id(collection: CollectionName, id: &str) -> Result<(), StoreError> {
    let reason = match id {
        "" => "its id is empty".to_owned(),
        "." | ".." => "its id is a path".to_owned(),
        id if id.contains('/') => "its id holds a slash".to_owned(),
        id if id.contains('\0') => "its id holds a null character".to_owned(),
        id if is_reserved(id) => "ids of the form __…__ are reserved".to_owned(),
        id if id.len() > NAME_BYTES_MAX => format!("its id has {} bytes, at most {NAME_BYTES_MAX}", id.len()),
        _ => return Ok(()),
    };
    Err(StoreError::InvalidDocument { collection, id: shortened(id), reason })
}

/// Checks a document's body and returns the document's size in bytes as the cloud counts it.
///
/// # Errors
///
/// When it is no object, holds an array in an array, a whole number beyond 64 bits with sign, a field name that is
/// empty, reserved or the store's own, is nested too deep, too large, or has more than [`INDEX_ENTRIES_MAX`] entries in
/// indexes.
pub fn check_body(collection: CollectionName, id: &str, body: &Value) -> Result<usize, StoreError> {
    let invalid = |reason: String| StoreError::InvalidDocument { collection, id: id.to_owned(), reason };
    if !body.is_object() {
        return Err(invalid("its body is not a JSON object".to_owned()));
    }
    if let Some(own) = OWN_FIELDS.into_iter().find(|own| body.get(own).is_some()) {
        return Err(invalid(format!("its field \"{own}\" belongs to the store: choose another name")));
    }
    let name = NAME_OVERHEAD_BYTES + collection.as_str().len() + 1 + id.len() + 1;
    let bytes = name + DOCUMENT_OVERHEAD_BYTES + OWN_FIELDS_BYTES + value_bytes(body, 0).map_err(invalid)?;
    if bytes > DOCUMENT_BYTES_MAX {
        let bytes_max = DOCUMENT_BYTES_MAX;
        return Err(StoreError::DocumentTooLarge { collection, id: id.to_owned(), bytes, bytes_max });
    }
    let entries = index_entries(collection, body);
    if entries > INDEX_ENTRIES_MAX {
        return Err(invalid(format!(
            "it has {entries} index entries, at most {INDEX_ENTRIES_MAX}: take its largest field out by \
             Collection::unindexed and firestore-indexes.json"
        )));
    }
    Ok(bytes)
}

/// Returns how many index entries a document has at most: those of each field by itself, and one in each composite.
fn index_entries(collection: CollectionName, body: &Value) -> usize {
    let collection = collection.collection();
    let indexed = body.as_object().into_iter().flatten();
    let indexed = indexed.filter(|(name, _)| !collection.unindexed().contains(&name.as_str()));
    indexed.map(|(_, value)| field_entries(value)).sum::<usize>() + collection.indexes().len()
}

/// A value is found in both directions, a list by each of its items, a map by its fields.
fn field_entries(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.len(),
        Value::Object(fields) => fields.values().map(field_entries).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 2,
    }
}

fn value_bytes(value: &Value, depth: usize) -> Result<usize, String> {
    if depth > DEPTH_MAX {
        return Err(format!("it is nested deeper than {DEPTH_MAX}"));
    }
    match value {
        Value::Null | Value::Bool(_) => Ok(1),
        Value::Number(number) if number.is_u64() && !number.is_i64() => {
            Err(format!("{number} does not fit a signed 64-bit integer: keep it as text"))
        }
        Value::Number(_) => Ok(8),
        Value::String(text) => Ok(text.len() + 1),
        Value::Array(items) => items.iter().map(|item| item_bytes(item, depth)).sum(),
        Value::Object(fields) => fields.iter().map(|(name, value)| field_bytes(name, value, depth)).sum(),
    }
}

fn item_bytes(item: &Value, depth: usize) -> Result<usize, String> {
    if item.is_array() {
        return Err("an array holds an array: put an object in between".to_owned());
    }
    value_bytes(item, depth + 1)
}

fn field_bytes(name: &str, value: &Value, depth: usize) -> Result<usize, String> {
    if name.is_empty() || is_reserved(name) || name.len() > NAME_BYTES_MAX {
        let name = shortened(name);
        return Err(format!("field name \"{name}\": use 1 to {NAME_BYTES_MAX} bytes, not of the form __…__"));
    }
    Ok(name.len() + 1 + value_bytes(value, depth + 1)?)
}

fn is_reserved(name: &str) -> bool {
    name.len() >= 4 && name.starts_with("__") && name.ends_with("__")
}

/// An id that is far too long does not make an error message far too long.
fn shortened(text: &str) -> String {
    if text.chars().count() <= 80 { text.to_owned() } else { text.chars().take(79).chain(['…']).collect() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::documents::Collection;
    use crate::environment::Environment;

    fn check(body: &Value) -> Result<usize, String> {
        let collection = Environment::Prod.collection(Collection::Accounts);
        check_body(collection, "a", body).map_err(|error| error.to_string())
    }

    #[test]
    fn size_is_counted_as_the_cloud_counts() {
        // Name: "accounts" + 1, "a" + 1, + 16; + 32; "expire_at" 10 + 8, "_commit" 8 + 16. Fields: "type" 5 + "Personal" 9, "done" 5 + 1, "priority" 9 + 8.
        let body = json!({ "type": "Personal", "done": false, "priority": 1 });
        assert_eq!(check(&body), Ok(9 + 2 + 16 + 32 + 18 + 24 + 14 + 6 + 17));
    }

    #[test]
    fn a_document_over_one_mebibyte_is_refused() {
        let of_bytes = |bytes: usize| json!({ "t": "x".repeat(bytes - 9 - 2 - 16 - 32 - 42 - 2 - 1) });
        assert_eq!(check(&of_bytes(DOCUMENT_BYTES_MAX)), Ok(DOCUMENT_BYTES_MAX));
        let error = check(&of_bytes(DOCUMENT_BYTES_MAX + 1)).unwrap_err();
        assert!(error.contains("1048577 bytes") && error.contains("chunks"), "{error}");
    }

    #[test]
    fn what_has_no_index_is_not_counted_and_what_has_may_not_be_too_much() {
        let lanes: Vec<_> = (0..20_000).map(|lane| (format!("{lane:05}"), json!({ "dust": 0, "n": [1, 2] }))).collect();
        let lanes = Value::Object(lanes.into_iter().collect());
        check(&json!({ "lanes": lanes })).unwrap();
        let error = check(&json!({ "others": lanes })).unwrap_err();
        assert!(error.contains("80000 index entries, at most 40000"), "{error}");
        check(&json!({ "others": vec![0; INDEX_ENTRIES_MAX] })).unwrap();
        assert!(check(&json!({ "others": vec![0; INDEX_ENTRIES_MAX + 1] })).is_err());
    }

    #[test]
    fn what_the_cloud_cannot_hold_is_refused() {
        let mut deep = json!(1);
        for _ in 0..21 {
            deep = json!({ "a": deep });
        }
        for (body, part) in [
            (json!([1]), "not a JSON object"),
            (json!({ "a": [[1]] }), "an array holds an array"),
            (json!({ "a": u64::MAX }), "signed 64-bit"),
            (json!({ "": 1 }), "field name"),
            (json!({ "__name__": 1 }), "field name"),
            (json!({ "expire_at": 1 }), "belongs to the store"),
            (deep, "nested deeper"),
        ] {
            let error = check(&body).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn ids_that_are_no_names_are_refused() {
        let collection = Environment::Prod.collection(Collection::Accounts);
        for id in ["", ".", "..", "a/b", "__x__", &"x".repeat(1_501)] {
            assert!(check_id(collection, id).is_err(), "{id}");
        }
        for id in ["a", "...", "coinbase:BTC-USD:1h", "__x", &"x".repeat(1_500)] {
            assert!(check_id(collection, id).is_ok(), "{id}");
        }
    }
}
