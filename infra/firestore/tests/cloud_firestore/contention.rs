//! Many at one document, and others in the way.

use std::time::{Duration, Instant};

use firestore::{FirestoreConsistencySelector, FirestoreDb, FirestoreTransaction};
use sentinel_contracts::counterpart::Counterpart;
use sentinel_contracts::documents::{increment, positions};
use sentinel_domain::documents::{DocumentStore, Precondition, Write};
use sentinel_firestore::{FirestoreDocuments, FirestoreSettings};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::stored::beside;
use crate::{number, put_number, read, settings};

const CALLERS: i64 = 8;
const UPDATES: i64 = 5;

/// What took transactions of the same eight six seconds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_at_one_document_lose_nothing_in_a_moment() {
    let Some(store) = crate::fresh() else { return };
    let begin = Instant::now();
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let store = store.clone();
        callers.spawn(async move {
            let mut conflicts = 0;
            for _ in 0..UPDATES {
                conflicts += increment(&store, "counter").await;
            }
            conflicts
        });
    }
    let conflicts: u32 = callers.join_all().await.into_iter().sum();
    println!("{CALLERS} × {UPDATES} updates in {:?}, {conflicts} conflicts", begin.elapsed());
    assert_eq!(number(&store, "counter").await, Some(CALLERS * UPDATES));
    assert!(begin.elapsed() < Duration::from_secs(30), "{:?}", begin.elapsed());
}

/// The lease of a run is kept by all of its commits at once: keeping is no reason to fail.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commits_that_keep_one_lease_do_not_disturb_each_other() {
    let Some(store) = crate::fresh() else { return };
    store.commit(vec![put_number("lease", 1, Precondition::Absent)]).await.unwrap();
    let lease = read(&store, "lease").await.unwrap();
    let mut callers = JoinSet::new();
    for n in 0..20 {
        let (store, unchanged) = (store.clone(), Precondition::Version(lease.version.clone()));
        callers.spawn(async move {
            let held = Write::keep(positions(), "lease", unchanged);
            store.commit(vec![held, put_number(&n.to_string(), n, Precondition::Absent)]).await
        });
    }
    for result in callers.join_all().await {
        result.unwrap();
    }
    assert_eq!(read(&store, "lease").await.unwrap(), lease);
}

/// Many readers of many documents, while they are all rewritten together, over and over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_documents_are_read_as_of_one_moment() {
    let Some(store) = crate::fresh() else { return };
    let ids: Vec<String> = (0..20).map(|n| n.to_string()).collect();
    let all = |n: i64| ids.iter().map(|id| put_number(id, n, Precondition::Any)).collect::<Vec<_>>();
    store.commit(all(0)).await.unwrap();
    let mut readers = JoinSet::new();
    for _ in 0..3 {
        let (store, ids) = (store.clone(), ids.clone());
        readers.spawn(async move {
            for _ in 0..100 {
                let read = store.get_many(positions(), &ids).await.unwrap();
                assert!(read.len() == ids.len() && read.iter().all(|d| d.body == read[0].body), "{read:?}");
            }
        });
    }
    let mut n = 0;
    while !readers.is_empty() {
        n += 1;
        store.commit(all(n)).await.unwrap();
        sleep(Duration::from_millis(5)).await;
        while let Some(reader) = readers.try_join_next() {
            reader.unwrap();
        }
    }
    assert!(n > 5, "only {n} commits in the meantime");
}

/// Somebody's transaction, open until it is rolled back, holds a lock on what it read.
async fn lock<'a>(db: &'a FirestoreDb, id: &str) -> FirestoreTransaction<'a> {
    let transaction = db.begin_transaction().await.unwrap();
    let selector = FirestoreConsistencySelector::Transaction(transaction.transaction_id().clone());
    let within = db.clone_with_consistency_selector(selector);
    within.fluent().select().by_id_in(positions().as_str()).one(id).await.unwrap().unwrap();
    transaction
}

/// Behind a lock a commit waits some two seconds and is then ABORTED: tried again, it is made.
#[tokio::test]
async fn a_commit_that_is_aborted_is_made_once_the_lock_is_gone() {
    let Some(address) = Counterpart::Firestore.address() else { return };
    let settings = settings(&address);
    let store = FirestoreDocuments::connect(settings.clone()).unwrap();
    store.commit(vec![put_number("a", 1, Precondition::Absent)]).await.unwrap();
    let version = read(&store, "a").await.unwrap().version;
    let db = beside(&settings).await;
    let transaction = lock(&db, "a").await;
    let begin = Instant::now();
    let unlock = async {
        sleep(Duration::from_secs(3)).await;
        transaction.rollback().await.unwrap();
    };
    let (made, ()) = tokio::join!(store.commit(vec![put_number("a", 2, Precondition::Version(version))]), unlock);
    made.unwrap();
    assert!(begin.elapsed() >= Duration::from_secs(3), "it was not locked");
    assert_eq!(number(&store, "a").await, Some(2));
}

/// One that stays ends within bounds, with the reason, and with nothing written.
#[tokio::test]
async fn a_commit_that_is_aborted_for_too_long_says_so() {
    let Some(address) = Counterpart::Firestore.address() else { return };
    let settings = FirestoreSettings { call_timeout: Duration::from_secs(4), ..settings(&address) };
    let store = FirestoreDocuments::connect(settings.clone()).unwrap();
    store.commit(vec![put_number("a", 1, Precondition::Absent)]).await.unwrap();
    let db = beside(&settings).await;
    let transaction = lock(&db, "a").await;
    let begin = Instant::now();
    let error = store.commit(vec![put_number("a", 2, Precondition::Any)]).await.unwrap_err();
    assert!(error.is_retryable() && error.to_string().contains("Aborted"), "{error}");
    assert!((4..15).contains(&begin.elapsed().as_secs()), "{:?}", begin.elapsed());
    transaction.rollback().await.unwrap();
    assert_eq!(number(&store, "a").await, Some(1));
}
