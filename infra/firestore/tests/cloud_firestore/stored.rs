//! What lies in Firestore beside a body, and what a store is made of.

use std::time::{Duration, Instant};

use firestore::gcloud_sdk::google::firestore::v1::value::ValueType;
use firestore::gcloud_sdk::google_cloud_auth::credentials::anonymous;
use firestore::{FirestoreDb, FirestoreDbOptions, FirestoreDocument};
use sentinel_contracts::counterpart::Counterpart;
use sentinel_contracts::documents::positions;
use sentinel_domain::documents::{DocumentStore, DocumentVersion, Precondition, Query, StoreError, Write};
use sentinel_domain::environment::Environment;
use sentinel_firestore::{FirestoreDocuments, FirestoreSettings};
use serde_json::json;

use crate::{number, put_number, read, settings};

/// Opens the database by the crate alone, beside the store.
pub(crate) async fn beside(settings: &FirestoreSettings) -> FirestoreDb {
    let address = format!("http://{}", settings.emulator.as_ref().unwrap());
    let options = FirestoreDbOptions::new(settings.project.clone()).with_firebase_api_url(address);
    FirestoreDb::with_options_auth(options, anonymous::Builder::new().build()).await.unwrap()
}

async fn raw(db: &FirestoreDb, id: &str) -> FirestoreDocument {
    db.fluent().select().by_id_in(positions().as_str()).one(id).await.unwrap().unwrap()
}

/// A policy of the database deletes by a field of type timestamp, and by no other.
#[tokio::test]
async fn expiry_is_a_timestamp_and_every_commit_leaves_its_number() {
    let Some(address) = Counterpart::Firestore.address() else { return };
    let settings = settings(&address);
    let store = FirestoreDocuments::connect(settings.clone()).unwrap();
    let both = ["a", "b"].map(|id| put_number(id, 1, Precondition::Absent).expiring(4_102_444_800_123));
    store.commit(both.to_vec()).await.unwrap();
    let db = beside(&settings).await;
    let (a, b) = (raw(&db, "a").await, raw(&db, "b").await);
    let Some(ValueType::TimestampValue(at)) = &a.fields["expire_at"].value_type else { panic!("{a:?}") };
    assert_eq!((at.seconds, at.nanos), (4_102_444_800, 123_000_000));
    assert_eq!(a.fields["_commit"], b.fields["_commit"], "one commit, one number");
    store.commit(vec![put_number("a", 1, Precondition::Present)]).await.unwrap();
    let again = raw(&db, "a").await;
    assert_ne!(a.fields["_commit"], again.fields["_commit"]);
    assert!(!again.fields.contains_key("expire_at"));
    assert_eq!(read(&store, "a").await.unwrap().body, json!({ "n": 1 }), "neither is part of the body");
}

/// A document that somebody made in the console, without our fields.
#[tokio::test]
async fn a_document_of_another_hand_is_read() {
    let Some(address) = Counterpart::Firestore.address() else { return };
    let settings = settings(&address);
    let store = FirestoreDocuments::connect(settings.clone()).unwrap();
    let db = beside(&settings).await;
    let body = json!({ "n": 7, "by": "hand" });
    let made = db.fluent().insert().into(positions().as_str()).document_id("a").object(&body).execute::<()>();
    made.await.unwrap();
    let document = read(&store, "a").await.unwrap();
    assert_eq!((document.body, document.expire_at), (body, None));
    store.commit(vec![put_number("a", 8, Precondition::Version(document.version))]).await.unwrap();
    assert_eq!(number(&store, "a").await, Some(8));
}

#[tokio::test]
async fn a_version_of_another_store_is_never_met() {
    let Some(store) = crate::fresh() else { return };
    store.commit(vec![put_number("a", 1, Precondition::Any)]).await.unwrap();
    for version in ["17", "archived", "1.5", ""] {
        let unchanged = Precondition::Version(DocumentVersion::new(version));
        for write in [
            put_number("a", 2, unchanged.clone()),
            Write::delete(positions(), "a", unchanged.clone()),
            Write::keep(positions(), "a", unchanged.clone()),
        ] {
            let error = store.commit(vec![write]).await.unwrap_err();
            assert!(error.is_conflict_on(positions(), "a"), "{version}: {error}");
        }
    }
    assert_eq!(number(&store, "a").await, Some(1));
}

/// The first that fails is the one named, though Firestore names none.
#[tokio::test]
async fn a_conflict_names_the_first_write_that_failed_and_what_it_found() {
    let Some(store) = crate::fresh() else { return };
    store.commit(vec![put_number("b", 1, Precondition::Absent)]).await.unwrap();
    let found = read(&store, "b").await.unwrap().version;
    let writes = [
        put_number("a", 1, Precondition::Absent),
        put_number("b", 2, Precondition::Absent),
        put_number("c", 1, Precondition::Present),
    ];
    let error = store.commit(writes.to_vec()).await.unwrap_err();
    assert!(
        matches!(&error, StoreError::PreconditionFailed { id, found: Some(version), expected: Precondition::Absent, .. }
        if id == "b" && *version == found),
        "{error}"
    );
}

/// An id of a path would lead to another document.
#[tokio::test]
async fn ids_that_no_document_can_have_are_not_there() {
    let Some(store) = crate::fresh() else { return };
    store.commit(vec![put_number("a", 1, Precondition::Any)]).await.unwrap();
    let ids = ["", "..", "a/b/c", "__x__", "a"].map(str::to_owned);
    let found = store.get_many(positions(), &ids).await.unwrap();
    assert_eq!(found.iter().map(|document| document.id.as_str()).collect::<Vec<_>>(), ["a"]);
}

/// Many small values take more room on the way than Firestore counts, and the way is bounded too.
#[tokio::test]
async fn a_commit_that_is_too_large_on_its_way_is_refused_before_it_is_sent() {
    let Some(store) = crate::fresh() else { return };
    // Of a field that has no index: it may hold more than a document may have index entries.
    let body = json!({ "orders": vec![true; 1_000_000] });
    let writes =
        |count: u32| (0..count).map(|n| Write::put(positions(), n.to_string(), body.clone(), Precondition::Any));
    let error = store.commit(writes(4).collect()).await.unwrap_err();
    assert!(matches!(error, StoreError::CommitTooLarge { .. }), "{error}");
    assert!(read(&store, "0").await.is_none());
}

#[tokio::test]
async fn a_store_is_made_at_once_and_says_where_it_is() {
    let begin = Instant::now();
    let settings = FirestoreSettings::new("sentinel-example", "sentinel-prod", Environment::Prod);
    let store = FirestoreDocuments::connect(settings).unwrap();
    assert!(begin.elapsed() < Duration::from_millis(50), "{:?}", begin.elapsed());
    let shown = format!("{store:?}");
    assert!(shown.contains("sentinel-example") && shown.contains("Prod"), "{shown}");
}

/// Medians, printed; the bound is one that only waiting for something would pass.
#[tokio::test]
async fn single_calls_take_milliseconds() {
    let Some(store) = crate::fresh() else { return };
    let mut taken: [Vec<Duration>; 3] = Default::default();
    for n in 0..100 {
        let begin = Instant::now();
        store.commit(vec![put_number(&n.to_string(), n, Precondition::Absent)]).await.unwrap();
        taken[0].push(begin.elapsed());
        let begin = Instant::now();
        read(&store, &n.to_string()).await.unwrap();
        taken[1].push(begin.elapsed());
        let begin = Instant::now();
        store.query(&Query::of(positions()).at_least("n", n - 10).limit(10)).await.unwrap();
        taken[2].push(begin.elapsed());
    }
    for (what, mut taken) in ["commit", "get", "select of ten"].into_iter().zip(taken) {
        taken.sort();
        println!("{what}: median {:?}, nine in ten under {:?}", taken[50], taken[90]);
        assert!(taken[50] < Duration::from_secs(1), "{what}: {:?}", taken[50]);
    }
}
