//! A hot store that counts what Google would charge for (documents read, written and deleted) and says when it committed.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use async_trait::async_trait;
use sentinel_domain::documents::{
    Change, CollectionName, Commit, Committed, Document, DocumentStore, Query, StoreError,
};

/// What was charged so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charged {
    /// Documents read; a question that finds nothing counts as one.
    pub reads: usize,
    /// Documents written.
    pub writes: usize,
    /// Documents deleted.
    pub deletes: usize,
    /// Questions and commits: what is waited for one after the other.
    pub calls: usize,
}

/// A commit that was made.
#[derive(Debug, Clone)]
pub struct Made {
    /// When it was.
    pub at: Instant,
    /// What it wrote to.
    pub collections: BTreeSet<CollectionName>,
}

/// The store around another.
#[derive(Debug)]
pub struct CountingStore {
    store: Arc<dyn DocumentStore>,
    reads: AtomicUsize,
    writes: AtomicUsize,
    deletes: AtomicUsize,
    calls: AtomicUsize,
    commits: Mutex<Vec<Made>>,
}

impl CountingStore {
    /// Counts what `store` is asked from now on.
    #[must_use]
    pub fn new(store: Arc<dyn DocumentStore>) -> Self {
        let zero = AtomicUsize::default;
        Self { store, reads: zero(), writes: zero(), deletes: zero(), calls: zero(), commits: Mutex::default() }
    }

    /// Returns the count and begins anew.
    pub fn take(&self) -> Charged {
        let take = |counter: &AtomicUsize| counter.swap(0, Ordering::Relaxed);
        Charged {
            reads: take(&self.reads),
            writes: take(&self.writes),
            deletes: take(&self.deletes),
            calls: take(&self.calls),
        }
    }

    /// Returns the commits since they were asked for last, in order.
    pub fn take_commits(&self) -> Vec<Made> {
        std::mem::take(&mut self.commits.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn read(&self, documents: usize) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.reads.fetch_add(documents.max(1), Ordering::Relaxed);
    }
}

#[async_trait]
impl DocumentStore for CountingStore {
    async fn get_many(&self, collection: CollectionName, ids: &[String]) -> Result<Vec<Document>, StoreError> {
        self.read(ids.len());
        self.store.get_many(collection, ids).await
    }

    async fn select(&self, query: &Query) -> Result<Vec<Document>, StoreError> {
        let found = self.store.select(query).await?;
        self.read(found.len());
        Ok(found)
    }

    /// Counting is charged by the thousand.
    async fn count(&self, query: &Query) -> Result<usize, StoreError> {
        let count = self.store.count(query).await?;
        self.read(count.div_ceil(1_000));
        Ok(count)
    }

    async fn apply(&self, commit: Commit) -> Result<Committed, StoreError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        for write in commit.writes() {
            let counter = match write.change {
                Change::Put { .. } => &self.writes,
                Change::Delete => &self.deletes,
                // A document that must be unchanged is looked at.
                Change::Keep => &self.reads,
            };
            counter.fetch_add(1, Ordering::Relaxed);
        }
        let collections = commit.writes().iter().map(|write| write.collection).collect();
        let committed = self.store.apply(commit).await?;
        #[expect(clippy::disallowed_methods, reason = "a bench measures time")]
        let at = Instant::now();
        self.commits.lock().unwrap_or_else(PoisonError::into_inner).push(Made { at, collections });
        Ok(committed)
    }
}
