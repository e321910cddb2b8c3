//! Facts about many callers at once. That they may be processes is for an adapter's own tests to add, by
//! [`increment`](super::increment).

use sentinel_domain::documents::{DocumentStore, Precondition};
use serde_json::json;

use super::{increment, number, positions, put, put_number};

const CALLERS: usize = 4;
/// Few, because a cloud store under one hot document is slow.
const UPDATES: usize = 5;

/// Read, decide, commit with the version that was read: nobody's work is overwritten.
pub async fn concurrent_updates_lose_nothing(store: &dyn DocumentStore) {
    let caller = async || {
        for _ in 0..UPDATES {
            increment(store, "counter").await;
        }
    };
    tokio::join!(caller(), caller(), caller(), caller());
    let expected = i64::try_from(CALLERS * UPDATES).unwrap();
    assert_eq!(number(store, "counter").await, Some(expected));
}

/// A lock is taken by one.
pub async fn one_of_many_creators_wins(store: &dyn DocumentStore) {
    let caller = async |n: i64| store.commit(vec![put_number("lock", n, Precondition::Absent)]).await.is_ok();
    let won = tokio::join!(caller(0), caller(1), caller(2), caller(3));
    let won = [won.0, won.1, won.2, won.3];
    assert_eq!(won.iter().filter(|won| **won).count(), 1, "{won:?}");
    let winner = usize::try_from(number(store, "lock").await.unwrap()).unwrap();
    assert!(won[winner], "{won:?}");
}

/// Two documents that always change together are never seen apart.
pub async fn readers_see_whole_commits(store: &dyn DocumentStore) {
    let both = |n: i64| vec![put_number("a", n, Precondition::Any), put_number("b", n, Precondition::Any)];
    store.commit(both(0)).await.unwrap();
    put(store, "unrelated", json!({ "n": 0 })).await;
    let writer = async {
        for n in 1..=20 {
            store.commit(both(n)).await.unwrap();
        }
    };
    let reader = async {
        for _ in 0..20 {
            let read = store.get_many(positions(), &["a".to_owned(), "b".to_owned()]).await.unwrap();
            assert_eq!(read[0].body, read[1].body);
        }
    };
    tokio::join!(writer, reader);
}
