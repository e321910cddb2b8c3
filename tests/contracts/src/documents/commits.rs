//! Facts about writes, preconditions, atomicity and limits.

use sentinel_domain::documents::limits::{DOCUMENT_BYTES_MAX, WRITES_MAX};
use sentinel_domain::documents::{Change, Collection, DocumentStore, Precondition, StoreError, Write};
use sentinel_domain::environment::Environment;
use serde_json::{Value, json};

use super::{conflict_on, number, positions, put, put_number};

/// Nested, empty, long and exact values come back to the last bit.
pub async fn a_document_is_read_as_it_was_written(store: &dyn DocumentStore) {
    let body = json!({
        "text": "Grüße, \"quoted\" \u{1F680} \u{0} end", "empty": "", "null": null, "true": true, "list": [], "map": {},
        "integers": [0, -1, i64::MAX, i64::MIN],
        "reals": [0.1, 1.0, 1e-7, 5e-324, f64::MAX, 8_903.27, 1.797_693_134_862_315_7e308, 2.225_073_858_507_201_4e-308],
        "nested": { "a": [{ "b": { "c": "d" } }] }, "decimal": "84978.400000000000000000000001",
    });
    put(store, "coinbase:BTC-USD ü", body.clone()).await;
    let read = store.get(positions(), "coinbase:BTC-USD ü").await.unwrap().unwrap();
    assert_eq!(read.id, "coinbase:BTC-USD ü");
    assert_eq!(read.body, body);
    let bits =
        |value: &Value| value["reals"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap().to_bits()).collect();
    let (read, written): (Vec<u64>, Vec<u64>) = (bits(&read.body), bits(&body));
    assert_eq!(read, written);
}

/// Reading, and deleting without a condition, what is not there.
pub async fn what_is_not_there_is_none(store: &dyn DocumentStore) {
    assert_eq!(store.get(positions(), "a").await.unwrap(), None);
    store.commit(vec![Write::delete(positions(), "a", Precondition::Any)]).await.unwrap();
    assert_eq!(store.get(positions(), "a").await.unwrap(), None);
}

/// In the order of the ids, those missing left out, those asked for twice given twice.
pub async fn many_are_read_in_the_order_asked_for(store: &dyn DocumentStore) {
    for id in ["a", "b", "c"] {
        put(store, id, json!({})).await;
    }
    let ids = ["c", "x", "a", "c"].map(str::to_owned);
    let read = store.get_many(positions(), &ids).await.unwrap();
    assert_eq!(read.iter().map(|document| document.id.as_str()).collect::<Vec<_>>(), ["c", "a", "c"]);
    assert_eq!(store.get_many(positions(), &[]).await.unwrap(), []);
}

/// No field of the earlier body is left.
pub async fn a_put_replaces_the_whole_document(store: &dyn DocumentStore) {
    put(store, "a", json!({ "old": 1, "n": 1 })).await;
    put(store, "a", json!({ "n": 2 })).await;
    assert_eq!(store.get(positions(), "a").await.unwrap().unwrap().body, json!({ "n": 2 }));
}

/// Also one that writes the same body again.
pub async fn every_write_changes_the_version(store: &dyn DocumentStore) {
    put(store, "a", json!({ "n": 1 })).await;
    let first = store.get(positions(), "a").await.unwrap().unwrap();
    let again = store.get(positions(), "a").await.unwrap().unwrap();
    assert_eq!(first, again, "reading changes nothing");
    store.commit(vec![put_number("a", 1, Precondition::Any)]).await.unwrap();
    let same = store.get(positions(), "a").await.unwrap().unwrap();
    assert_eq!(same.body, first.body);
    assert_ne!(same.version, first.version);
    store.commit(vec![put_number("a", 2, Precondition::Any)]).await.unwrap();
    assert_ne!(store.get(positions(), "a").await.unwrap().unwrap().version, same.version);
}

/// Whoever wrote a document may write it again without reading it: also where the same commit deletes and keeps.
pub async fn a_commit_tells_the_versions_of_what_it_put(store: &dyn DocumentStore) {
    put_two(store).await;
    let kept = store.get(positions(), "kept").await.unwrap().unwrap();
    let writes = vec![
        Write::delete(positions(), "gone", Precondition::Present),
        put_number("a", 1, Precondition::Absent),
        Write::keep(positions(), "nowhere", Precondition::Any),
        Write::keep(positions(), "kept", Precondition::Version(kept.version.clone())),
        put_number("b", 2, Precondition::Any),
    ];
    let told = store.commit_told(writes).await.unwrap();
    for id in ["a", "b"] {
        let read = store.get(positions(), id).await.unwrap().unwrap();
        assert_eq!(told.version_of(positions(), id), Some(&read.version), "{id}");
    }
    for id in ["gone", "kept", "nowhere"] {
        assert_eq!(told.version_of(positions(), id), None, "{id} was not put");
    }
    let version = told.version_of(positions(), "a").unwrap().clone();
    let again = store.commit_told(vec![put_number("a", 3, Precondition::Version(version.clone()))]).await.unwrap();
    assert_ne!(again.version_of(positions(), "a"), Some(&version));
    conflict_on(store, vec![put_number("a", 4, Precondition::Version(version))], "a").await;
}

async fn put_two(store: &dyn DocumentStore) {
    for id in ["gone", "kept"] {
        put(store, id, json!({})).await;
    }
}

/// A holder of an old version must not mistake a document that was deleted and made again for the one it read.
pub async fn a_version_does_not_come_back_after_a_delete(store: &dyn DocumentStore) {
    put(store, "a", json!({ "n": 1 })).await;
    let version = store.get(positions(), "a").await.unwrap().unwrap().version;
    store.commit(vec![Write::delete(positions(), "a", Precondition::Any)]).await.unwrap();
    put(store, "a", json!({ "n": 1 })).await;
    conflict_on(store, vec![put_number("a", 2, Precondition::Version(version))], "a").await;
}

/// Creating succeeds once, and once more after a delete.
pub async fn absent_holds_once(store: &dyn DocumentStore) {
    store.commit(vec![put_number("a", 1, Precondition::Absent)]).await.unwrap();
    conflict_on(store, vec![put_number("a", 2, Precondition::Absent)], "a").await;
    conflict_on(store, vec![Write::delete(positions(), "a", Precondition::Absent)], "a").await;
    assert_eq!(number(store, "a").await, Some(1));
    store.commit(vec![Write::delete(positions(), "a", Precondition::Present)]).await.unwrap();
    store.commit(vec![put_number("a", 3, Precondition::Absent)]).await.unwrap();
    assert_eq!(number(store, "a").await, Some(3));
}

/// For puts and deletes.
pub async fn present_holds_of_what_is_there(store: &dyn DocumentStore) {
    conflict_on(store, vec![put_number("a", 1, Precondition::Present)], "a").await;
    conflict_on(store, vec![Write::delete(positions(), "a", Precondition::Present)], "a").await;
    assert_eq!(number(store, "a").await, None);
    put(store, "a", json!({ "n": 1 })).await;
    store.commit(vec![put_number("a", 2, Precondition::Present)]).await.unwrap();
    assert_eq!(number(store, "a").await, Some(2));
}

/// The way to change what was read: it fails when anybody wrote in between, and says what it found.
pub async fn a_version_holds_until_the_next_write(store: &dyn DocumentStore) {
    put(store, "a", json!({ "n": 1 })).await;
    let first = store.get(positions(), "a").await.unwrap().unwrap().version;
    let unchanged = || Precondition::Version(first.clone());
    store.commit(vec![put_number("a", 2, unchanged())]).await.unwrap();
    conflict_on(store, vec![put_number("a", 3, unchanged())], "a").await;
    conflict_on(store, vec![Write::delete(positions(), "a", unchanged())], "a").await;
    conflict_on(store, vec![put_number("b", 3, unchanged())], "b").await;
    let read = store.get(positions(), "a").await.unwrap().unwrap();
    assert_eq!(read.body["n"], 2);
    store.commit(vec![Write::delete(positions(), "a", Precondition::Version(read.version))]).await.unwrap();
    assert_eq!(number(store, "a").await, None);
}

/// A lease is checked in this way.
pub async fn keep_changes_nothing_and_holds_the_commit(store: &dyn DocumentStore) {
    put(store, "lease", json!({ "n": 1 })).await;
    let lease = store.get(positions(), "lease").await.unwrap().unwrap();
    let held = || Write::keep(positions(), "lease", Precondition::Version(lease.version.clone()));
    store.commit(vec![held(), put_number("a", 1, Precondition::Any)]).await.unwrap();
    assert_eq!(store.get(positions(), "lease").await.unwrap().unwrap(), lease);
    put(store, "lease", json!({ "n": 2 })).await;
    conflict_on(store, vec![held(), put_number("a", 2, Precondition::Any)], "lease").await;
    assert_eq!(number(store, "a").await, Some(1));
    let keep = |id: &str, precondition| vec![Write::keep(positions(), id, precondition)];
    store.commit(keep("none", Precondition::Absent)).await.unwrap();
    store.commit(keep("none", Precondition::Any)).await.unwrap();
    conflict_on(store, keep("none", Precondition::Present), "none").await;
}

/// Wherever in the commit the failing write stands.
pub async fn a_commit_that_fails_leaves_nothing(store: &dyn DocumentStore) {
    put(store, "there", json!({ "n": 0 })).await;
    put(store, "deleted", json!({ "n": 0 })).await;
    for place in 0..4 {
        let mut writes = vec![
            put_number("new", 1, Precondition::Any),
            put_number("there", 1, Precondition::Present),
            Write::delete(positions(), "deleted", Precondition::Any),
        ];
        writes.insert(place, put_number("missing", 1, Precondition::Present));
        conflict_on(store, writes, "missing").await;
        let numbers = [number(store, "new").await, number(store, "there").await, number(store, "deleted").await];
        assert_eq!(numbers, [None, Some(0), Some(0)], "failing write at {place}");
    }
}

/// Nothing to write is no fault.
pub async fn an_empty_commit_is_made(store: &dyn DocumentStore) {
    store.commit(Vec::new()).await.unwrap();
}

/// The cloud's limit, on every store.
pub async fn a_full_commit_is_made_and_a_larger_one_refused(store: &dyn DocumentStore) {
    let writes = |count: usize| (0..count).map(|n| put_number(&format!("{n:04}"), 1, Precondition::Absent)).collect();
    let error = store.commit(writes(WRITES_MAX + 1)).await.unwrap_err();
    assert!(matches!(error, StoreError::TooManyWrites { count: 501, count_max: 500 }), "{error}");
    assert_eq!(number(store, "0000").await, None);
    store.commit(writes(WRITES_MAX)).await.unwrap();
    assert_eq!(number(store, "0499").await, Some(1));
}

/// Sizes, ids, bodies and double writes.
pub async fn what_the_cloud_cannot_hold_is_refused(store: &dyn DocumentStore) {
    let large = json!({ "text": "x".repeat(DOCUMENT_BYTES_MAX) });
    let refuse = async |write: Write, part: &str| {
        let error = store.commit(vec![put_number("other", 1, Precondition::Any), write]).await.unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    };
    refuse(Write::put(positions(), "a", large, Precondition::Any), "at most 1048576").await;
    refuse(Write::put(positions(), "a/b", json!({}), Precondition::Any), "slash").await;
    refuse(Write::put(positions(), "a", json!([]), Precondition::Any), "not a JSON object").await;
    refuse(Write::put(positions(), "a", json!({ "a": [[1]] }), Precondition::Any), "array holds an array").await;
    refuse(Write::put(positions(), "a", json!({ "expire_at": 1 }), Precondition::Any), "belongs to the store").await;
    refuse(put_number("other", 2, Precondition::Any), "written twice").await;
    assert_eq!(number(store, "other").await, None);
    let largest = json!({ "text": "x".repeat(DOCUMENT_BYTES_MAX - 200) });
    put(store, "largest", largest.clone()).await;
    assert_eq!(store.get(positions(), "largest").await.unwrap().unwrap().body, largest);
}

/// The same id in two collections is two documents.
pub async fn collections_do_not_share_ids(store: &dyn DocumentStore) {
    let name = |collection| Environment::Test.collection(collection);
    for collection in Collection::ALL {
        let body = json!({ "of": name(collection).as_str() });
        store.commit(vec![Write::put(name(collection), "a", body, Precondition::Absent)]).await.unwrap();
    }
    for collection in Collection::ALL {
        let read = store.get(name(collection), "a").await.unwrap().unwrap();
        assert_eq!(read.body["of"], name(collection).as_str());
    }
}

/// Nobody who holds a store of TEST reads or writes PROD through it.
pub async fn the_names_of_another_environment_are_refused(store: &dyn DocumentStore) {
    let production = Environment::Prod.collection(Collection::LivePositions);
    let check = |error: StoreError| {
        assert!(matches!(error, StoreError::ForeignCollection { .. }), "{error}");
        assert!(error.to_string().contains("live_positions is not a collection of TEST"), "{error}");
    };
    check(store.get(production, "a").await.unwrap_err());
    check(store.query(&sentinel_domain::documents::Query::of(production)).await.unwrap_err());
    let write = Write::put(production, "a", json!({}), Precondition::Any);
    check(store.commit(vec![put_number("a", 1, Precondition::Any), write]).await.unwrap_err());
    assert_eq!(number(store, "a").await, None);
}

/// Each put says anew when the document may go.
pub async fn expiry_is_kept_and_replaced(store: &dyn DocumentStore) {
    // Far ahead, so that a store that expires by itself keeps it.
    let far = 4_102_444_800_000;
    store.commit(vec![put_number("a", 1, Precondition::Any).expiring(far)]).await.unwrap();
    assert_eq!(store.get(positions(), "a").await.unwrap().unwrap().expire_at, Some(far));
    let write = put_number("a", 1, Precondition::Any);
    assert!(matches!(write.change, Change::Put { expire_at: None, .. }));
    store.commit(vec![write]).await.unwrap();
    assert_eq!(store.get(positions(), "a").await.unwrap().unwrap().expire_at, None);
}
