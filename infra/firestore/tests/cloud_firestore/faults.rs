//! A connection that fails, before a commit and after it: the right end state, or an error that says so.

use std::time::{Duration, Instant};

use sentinel_contracts::counterpart::Counterpart;
use sentinel_contracts::documents::positions;
use sentinel_domain::documents::{DocumentStore, Precondition, Query, StoreError, Write};
use sentinel_firestore::{FirestoreDocuments, FirestoreSettings};

use crate::proxy::{Fault, Proxy};
use crate::{number, put_number, read, settings};

/// Returns a store behind a proxy that has let a commit of `a` through.
async fn behind_proxy() -> Option<(Proxy, FirestoreDocuments)> {
    let proxy = Proxy::to(Counterpart::Firestore.address()?).await;
    let store = FirestoreDocuments::connect(settings(&proxy.address)).unwrap();
    store.commit(vec![put_number("a", 1, Precondition::Absent)]).await.unwrap();
    Some((proxy, store))
}

fn unavailable(error: &StoreError) {
    assert!(matches!(error, StoreError::Unavailable { .. }) && error.is_retryable(), "{error}");
}

#[tokio::test]
async fn a_read_whose_connection_is_cut_is_read_again() {
    let Some((proxy, store)) = behind_proxy().await else { return };
    for fault in [Fault::LosesRequest, Fault::LosesAnswer] {
        proxy.set(fault).await;
        assert_eq!(number(&store, "a").await, Some(1), "{fault:?}");
        assert!(proxy.is_over());
        proxy.set(fault).await;
        assert_eq!(store.query(&Query::of(positions())).await.unwrap().len(), 1, "{fault:?}");
        assert!(proxy.is_over());
    }
}

/// What the caller did not learn is found out: success, once, whatever the precondition.
#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_a_success() {
    let Some((proxy, store)) = behind_proxy().await else { return };
    let lease = read(&store, "a").await.unwrap();
    for (n, precondition) in (2..).zip([Precondition::Version(lease.version), Precondition::Present, Precondition::Any])
    {
        proxy.set(Fault::LosesAnswer).await;
        let new = put_number(&format!("new-{n}"), n, Precondition::Absent);
        store.commit(vec![put_number("a", n, precondition), new]).await.unwrap();
        assert!(proxy.is_over());
        assert_eq!((number(&store, "a").await, number(&store, &format!("new-{n}")).await), (Some(n), Some(n)));
    }
}

#[tokio::test]
async fn a_commit_that_did_not_arrive_is_told_and_can_be_made_again() {
    let Some((proxy, store)) = behind_proxy().await else { return };
    let version = read(&store, "a").await.unwrap().version;
    let write = || vec![put_number("a", 2, Precondition::Version(version.clone()))];
    proxy.set(Fault::LosesRequest).await;
    let error = store.commit(write()).await.unwrap_err();
    unavailable(&error);
    assert!(error.to_string().contains("has not been seen to be made"), "{error}");
    assert!(proxy.is_over());
    assert_eq!(number(&store, "a").await, Some(1));
    store.commit(write()).await.unwrap();
    assert_eq!(number(&store, "a").await, Some(2));
}

/// UNAVAILABLE is Google's own word, on a connection that stands.
#[tokio::test]
async fn what_is_answered_unavailable_is_read_again_and_a_commit_is_told() {
    let Some((_, warm)) = behind_proxy().await else { return };
    drop(warm);
    for is_commit in [false, true] {
        let proxy = Proxy::to(Counterpart::Firestore.address().unwrap()).await;
        proxy.set(Fault::Unavailable).await;
        let store = FirestoreDocuments::connect(settings(&proxy.address)).unwrap();
        if is_commit {
            let write = || vec![put_number("a", 7, Precondition::Absent)];
            let error = store.commit(write()).await.unwrap_err();
            unavailable(&error);
            assert!(proxy.is_over(), "{error}");
            assert_eq!(number(&store, "a").await, None, "{error}");
            store.commit(write()).await.unwrap();
            assert_eq!(number(&store, "a").await, Some(7));
        } else {
            assert_eq!(read(&store, "a").await, None);
            assert!(proxy.is_over(), "nobody was answered UNAVAILABLE");
        }
    }
}

/// A delete leaves no number behind: the caller is told that it is unknown, and asks again.
#[tokio::test]
async fn a_delete_whose_answer_is_lost_is_told_to_be_unknown() {
    let Some((proxy, store)) = behind_proxy().await else { return };
    let delete = || vec![Write::delete(positions(), "a", Precondition::Present)];
    proxy.set(Fault::LosesAnswer).await;
    unavailable(&store.commit(delete()).await.unwrap_err());
    assert!(proxy.is_over());
    assert_eq!(number(&store, "a").await, None);
    let error = store.commit(delete()).await.unwrap_err();
    assert!(error.is_conflict_on(positions(), "a"), "{error}");
}

#[tokio::test]
async fn a_store_that_is_not_there_is_named_after_a_bounded_number_of_attempts() {
    let Some(address) = Counterpart::Firestore.address() else { return };
    let proxy = Proxy::to(address).await;
    proxy.set(Fault::Refuses).await;
    let store = FirestoreDocuments::connect(settings(&proxy.address)).unwrap();
    let begin = Instant::now();
    unavailable(&store.get(positions(), "a").await.unwrap_err());
    let attempts = proxy.accepted();
    // Seven, each of which may find a dead connection before it makes a new one.
    assert!((2..=14).contains(&attempts), "{attempts}");
    unavailable(&store.commit(vec![put_number("a", 1, Precondition::Any)]).await.unwrap_err());
    assert!(proxy.accepted() - attempts <= 16, "{}", proxy.accepted());
    assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
    proxy.set(Fault::None).await;
    assert_eq!(read(&store, "a").await, None, "it is used again as soon as it is there");
}

#[tokio::test]
async fn a_store_that_hangs_is_not_waited_for_longer_than_was_said() {
    let Some(address) = Counterpart::Firestore.address() else { return };
    let proxy = Proxy::to(address).await;
    let limited = FirestoreSettings { call_timeout: Duration::from_millis(400), ..settings(&proxy.address) };
    let store = FirestoreDocuments::connect(limited).unwrap();
    // The first call warms a fresh emulator up, and may itself be late.
    while store.get(positions(), "a").await.is_err() {}
    proxy.set(Fault::Hangs).await;
    let begin = Instant::now();
    unavailable(&store.get(positions(), "a").await.unwrap_err());
    unavailable(&store.query(&Query::of(positions())).await.unwrap_err());
    unavailable(&store.commit(vec![put_number("a", 1, Precondition::Any)]).await.unwrap_err());
    assert!(begin.elapsed() < Duration::from_secs(4), "{:?}", begin.elapsed());
}
