//! Two starters, one moving at the worst moment of the other.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use sentinel_domain::documents::{
    Collection, CollectionName, Commit, Committed, Document, DocumentStore, Query, StoreError,
};
use sentinel_function_runtime::{Outcome, RunError, RunRequest, Runtime, async_trait};
use tokio::sync::{Mutex, Notify};

use crate::support::{NOW, World, event, function, idle, writing};

type Meanwhile = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Before which of its first calls something else happens.
#[derive(Clone, Copy, PartialEq)]
enum Moment {
    ReadingTheLease,
    Committing,
}

/// A store that lets something else happen once, at a moment.
struct Interrupted {
    store: Arc<dyn DocumentStore>,
    moment: Moment,
    meanwhile: Mutex<Option<Meanwhile>>,
}

impl Interrupted {
    async fn pass(&self, moment: Moment) {
        if moment == self.moment
            && let Some(meanwhile) = self.meanwhile.lock().await.take()
        {
            meanwhile.await;
        }
    }
}

impl fmt::Debug for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.store.fmt(f)
    }
}

#[async_trait]
impl DocumentStore for Interrupted {
    async fn get_many(&self, collection: CollectionName, ids: &[String]) -> Result<Vec<Document>, StoreError> {
        if collection.collection() == Collection::JobLocks {
            self.pass(Moment::ReadingTheLease).await;
        }
        self.store.get_many(collection, ids).await
    }

    async fn select(&self, query: &Query) -> Result<Vec<Document>, StoreError> {
        self.store.select(query).await
    }

    async fn apply(&self, commit: Commit) -> Result<Committed, StoreError> {
        self.pass(Moment::Committing).await;
        self.store.apply(commit).await
    }
}

fn interrupted(world: &World, moment: Moment, meanwhile: impl Future<Output = ()> + Send + 'static) -> Runtime {
    let meanwhile = Mutex::new(Some(Box::pin(meanwhile) as Meanwhile));
    let store = Interrupted { store: Arc::clone(&world.runtime.store), moment, meanwhile };
    Runtime { store: Arc::new(store), ..world.other() }
}

/// Between its look at the row, which was not there, and its look at the lease, which is free again.
#[tokio::test]
async fn an_event_whose_run_ended_between_two_looks_has_no_second_run() {
    for moment in [Moment::ReadingTheLease, Moment::Committing] {
        let world = World::new();
        let first = world.runtime.clone();
        let second = interrupted(&world, moment, async move {
            first.run_once(&writing("job"), RunRequest::of_event(event("1").at(NOW))).await.unwrap();
        });
        let outcome = second.run_once(&writing("job"), RunRequest::of_event(event("1").at(NOW))).await.unwrap();
        assert!(matches!(outcome, Outcome::Duplicate(_)), "{outcome:?}");
        assert_eq!(world.account("job").await, Some(1));
    }
}

/// Both have seen the lease free; the other's commit comes first.
#[tokio::test]
async fn of_two_that_saw_the_lease_free_one_has_it() {
    let world = World::new();
    let (begun, first) = (Arc::new(Notify::new()), world.runtime.clone());
    let tell = Arc::clone(&begun);
    let second = interrupted(&world, Moment::Committing, async move {
        tokio::spawn(async move {
            let holding = function("job", move |_, _| {
                tell.notify_one();
                Box::pin(std::future::pending())
            });
            first.run_once(&holding, RunRequest::scheduled_at(NOW)).await.map(|_| ())
        });
        begun.notified().await;
    });
    let error = second.run_once(&idle("job"), RunRequest::scheduled_at(NOW + 1)).await.unwrap_err();
    assert!(matches!(&error, RunError::LeaseHeld { holder, .. } if holder == "first"), "{error}");
}
