//! What a function has while it runs.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::NaiveDate;
use sentinel_domain::clock::Clock;
use sentinel_domain::documents::limits::WRITES_MAX;
use sentinel_domain::documents::{
    Collection, CollectionName, Committed, Document, DocumentStore, Precondition, Query, Record, Records, StoreError,
    Write, batches,
};
use sentinel_domain::environment::Environment;
use sentinel_domain::timeframe::UnixMillis;

use crate::function::FunctionError;
use crate::lease::Lease;
use crate::outbox::{Message, OutboxRow};

/// Whatever records can be read from: a run, or a store outside of any run.
pub trait Reads: Send + Sync {
    /// Returns the records of a type.
    fn records<T: Record>(&self) -> Records<'_, T>;
}

/// A store in one environment, for those who only look.
#[derive(Debug, Clone)]
pub struct StoreReader {
    /// The store.
    pub store: Arc<dyn DocumentStore>,
    /// The environment whose names are used.
    pub environment: Environment,
}

impl Reads for StoreReader {
    fn records<T: Record>(&self) -> Records<'_, T> {
        Records::of(self.store.as_ref(), self.environment)
    }
}

impl Reads for RunContext {
    fn records<T: Record>(&self) -> Records<'_, T> {
        Self::records(self)
    }
}

/// One run's view of the world: it reads freely, and writes by [`commit`](Self::commit) alone, which holds each
/// commit to the run's lease.
#[derive(Debug)]
pub struct RunContext {
    pub(crate) store: Arc<dyn DocumentStore>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) environment: Environment,
    pub(crate) git_hash: String,
    pub(crate) job_name: String,
    pub(crate) run_id: String,
    pub(crate) at: UnixMillis,
    pub(crate) ds: NaiveDate,
    pub(crate) attempt: u32,
    pub(crate) lease: Lease,
    /// Numbers the messages of this run, so that they leave in the order they were committed.
    pub(crate) messages: AtomicU32,
    /// What this run has put into the outbox.
    pub(crate) sent: Mutex<Vec<OutboxRow>>,
}

impl RunContext {
    /// How many writes and messages fit in one commit, beside the lease.
    pub const WRITES_MAX: usize = WRITES_MAX - 1;

    /// Returns the environment.
    #[must_use]
    pub const fn environment(&self) -> Environment {
        self.environment
    }

    /// Returns the function's name.
    #[must_use]
    pub fn job_name(&self) -> &str {
        &self.job_name
    }

    /// Returns the run's name, the same when it is run again.
    #[must_use]
    pub fn run_id(&self) -> &str {
        &self.run_id
    }

    /// Returns the moment this run is about, the same when it is run again: what it was scheduled for, or when its
    /// event happened. Decisions are made as of this.
    #[must_use]
    pub const fn at(&self) -> UnixMillis {
        self.at
    }

    /// Returns the present moment, for bookkeeping: another one when it is run again.
    #[must_use]
    pub fn now(&self) -> UnixMillis {
        self.clock.now()
    }

    /// Returns the logical date.
    #[must_use]
    pub const fn ds(&self) -> NaiveDate {
        self.ds
    }

    /// Returns the commit that the program was built from.
    #[must_use]
    pub fn git_hash(&self) -> &str {
        &self.git_hash
    }

    /// Returns how often this run was started; 1 the first time.
    #[must_use]
    pub const fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Returns the lease's token: of two runs of one job, the later has the greater.
    #[must_use]
    pub const fn fencing_token(&self) -> i64 {
        self.lease.token()
    }

    /// Returns the clock, for what keeps time by itself.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Returns a collection's name in this environment.
    #[must_use]
    pub const fn collection(&self, collection: Collection) -> CollectionName {
        self.environment.collection(collection)
    }

    /// Returns the records of a type: to read, and to make the writes that [`commit`](Self::commit) takes.
    #[must_use]
    pub fn records<T: Record>(&self) -> Records<'_, T> {
        Records::of(self.store.as_ref(), self.environment)
    }

    /// Returns a document, or `None`.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn get(&self, collection: Collection, id: &str) -> Result<Option<Document>, StoreError> {
        self.store.get(self.collection(collection), id).await
    }

    /// Returns what `query` matches.
    ///
    /// # Errors
    ///
    /// When the store cannot be read, or the query is one the cloud refuses.
    pub async fn query(&self, query: &Query) -> Result<Vec<Document>, StoreError> {
        self.store.query(query).await
    }

    /// Returns how many documents `query` matches.
    ///
    /// # Errors
    ///
    /// As [`query`](Self::query).
    pub async fn count(&self, query: &Query) -> Result<usize, StoreError> {
        self.store.count(query).await
    }

    /// Makes `writes`, all or none, if this run still holds its lease.
    ///
    /// # Errors
    ///
    /// [`FunctionError::LeaseLost`] when it does not; otherwise as [`DocumentStore::commit`].
    pub async fn commit(&self, writes: Vec<Write>) -> Result<(), FunctionError> {
        self.commit_told(writes).await.map(drop)
    }

    /// Makes `writes` as [`commit`](Self::commit) does, and tells the versions of what was put.
    ///
    /// # Errors
    ///
    /// As [`commit`](Self::commit).
    pub async fn commit_told(&self, writes: Vec<Write>) -> Result<Committed, FunctionError> {
        self.lease.commit(self.store.as_ref(), self.clock.as_ref(), writes).await
    }

    /// Makes `writes` and puts `messages` into the outbox in the same commit: either both happened or neither. Tells the
    /// versions of what was put.
    ///
    /// # Errors
    ///
    /// As [`commit`](Self::commit).
    pub async fn commit_with(&self, writes: Vec<Write>, messages: Vec<Message>) -> Result<Committed, FunctionError> {
        let outbox = self.records::<OutboxRow>();
        let now = self.now();
        let (mut writes, mut rows) = (writes, Vec::with_capacity(messages.len()));
        for message in messages {
            let number = self.messages.fetch_add(1, Ordering::Relaxed);
            let row = OutboxRow::new(message, now, number);
            writes.push(outbox.put(&row, Precondition::Any)?);
            rows.push(row);
        }
        let committed = self.commit_told(writes).await?;
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).extend(rows);
        Ok(committed)
    }

    /// Returns what this run has put into the outbox since it was asked last.
    pub(crate) fn take_sent(&self) -> Vec<OutboxRow> {
        std::mem::take(&mut *self.sent.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Makes any number of `writes` that need not be made together, as many at a time as fit; in their order, so that
    /// after a failure the first ones are made and the last ones not.
    ///
    /// # Errors
    ///
    /// As [`commit`](Self::commit).
    pub async fn commit_in_batches(&self, writes: Vec<Write>) -> Result<(), FunctionError> {
        self.commit_in_batches_with(writes, Vec::new()).await
    }

    /// Makes `writes` as [`commit_in_batches`](Self::commit_in_batches) does, and puts `messages` into the outbox together
    /// with the last of them: a message is there only when all writes are.
    ///
    /// # Errors
    ///
    /// As [`commit`](Self::commit).
    pub async fn commit_in_batches_with(
        &self,
        writes: Vec<Write>,
        messages: Vec<Message>,
    ) -> Result<(), FunctionError> {
        let mut batches = batches(writes)?;
        let last = batches.pop().unwrap_or_default();
        for batch in batches {
            self.commit(batch).await?;
        }
        if !(last.is_empty() && messages.is_empty()) {
            self.commit_with(last, messages).await?;
        }
        Ok(())
    }
}
