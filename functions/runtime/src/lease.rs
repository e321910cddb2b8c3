//! The right to run, for a while, and to write while having it.
//!
//! A lease is a document in `job_locks`. Whoever takes it raises its token and so its version; every commit of the
//! run asks for the version it knows. A run that was held up, taken for dead and replaced fails at its next commit,
//! whatever the clocks say: clocks decide when a lease may be taken, never who may write.

use std::time::Duration;

use sentinel_domain::clock::Clock;
use sentinel_domain::documents::{
    Collection, Committed, DocumentStore, DocumentVersion, Precondition, Record, Records, StoreError, Stored, Write,
};
use sentinel_domain::environment::Environment;
use sentinel_domain::timeframe::UnixMillis;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use crate::function::FunctionError;

/// How often letting go is tried. Giving up costs little: the lease expires, and the run is run again.
const RELEASE_ATTEMPTS: u32 = 4;
/// How long a store that is away is left alone; four times as long after each further time.
const RELEASE_PAUSE: Duration = Duration::from_millis(20);

/// A lease as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseRow {
    /// What it is about: the job, or one run of a job that may run beside itself.
    pub lock: String,
    /// Raised by each taker; never goes back.
    pub token: i64,
    /// The run that holds it; `None` when it is free.
    pub run_id: Option<String>,
    /// Who runs that.
    pub holder: Option<String>,
    /// The one time that it was taken, named apart from all others: also from another time of the same run by the
    /// same holder, and from a time before the lease was deleted, when tokens began anew.
    pub taker: Option<String>,
    /// When it was taken or last renewed.
    pub renewed_at: UnixMillis,
    /// How long it lasts from there, in milliseconds.
    pub lasts_ms: i64,
}

impl Record for LeaseRow {
    const COLLECTION: Collection = Collection::JobLocks;

    fn id(&self) -> String {
        self.lock.clone()
    }
}

impl LeaseRow {
    /// Returns when it may be taken over.
    #[must_use]
    pub const fn expires_at(&self) -> UnixMillis {
        self.renewed_at + self.lasts_ms
    }

    /// Returns whether it may be taken over at `now`. One that begins further ahead than it lasts was taken before
    /// the clock was set back, and would otherwise hold for as long as that was.
    #[must_use]
    pub const fn is_expired(&self, now: UnixMillis) -> bool {
        self.run_id.is_none() || now >= self.expires_at() || now < self.renewed_at - self.lasts_ms
    }
}

/// A lease that is held, shared by the function's commits and the heartbeat.
#[derive(Debug)]
pub(crate) struct Lease {
    environment: Environment,
    lock: String,
    token: i64,
    /// Locked while a commit is under way: the version it asks for must not be renewed meanwhile.
    held: Mutex<Held>,
}

#[derive(Debug)]
struct Held {
    row: LeaseRow,
    version: DocumentVersion,
    is_lost: bool,
}

impl Lease {
    pub(crate) fn new(environment: Environment, stored: Stored<LeaseRow>) -> Self {
        let Stored { record: row, version, .. } = stored;
        let (lock, token) = (row.lock.clone(), row.token);
        Self { environment, lock, token, held: Mutex::new(Held { row, version, is_lost: false }) }
    }

    pub(crate) const fn token(&self) -> i64 {
        self.token
    }

    /// Commits `writes` if the lease is still held, and renews it when a third of it is used up.
    pub(crate) async fn commit(
        &self,
        store: &dyn DocumentStore,
        clock: &dyn Clock,
        writes: Vec<Write>,
    ) -> Result<Committed, FunctionError> {
        let mut held = self.held.lock().await;
        if held.is_lost {
            return Err(self.lost());
        }
        let now = clock.now();
        let is_due = now - held.row.renewed_at >= held.row.lasts_ms / 3 || now < held.row.renewed_at;
        let mut row = held.row.clone();
        if is_due {
            row.renewed_at = now;
        }
        match self.fenced(store, &held.version, is_due.then_some(&row), writes).await {
            Ok(committed) if is_due => {
                let collection = self.environment.collection(LeaseRow::COLLECTION);
                match committed.version_of(collection, &self.lock) {
                    Some(version) => (held.row, held.version) = (row, version.clone()),
                    None => self.read_again(store, &mut held).await?,
                }
                Ok(committed)
            }
            Ok(committed) => Ok(committed),
            Err(error) => Err(self.explained(store, &mut held, error).await),
        }
    }

    /// Commits the last `writes` and lets go of the lease: frees it, or deletes it where nobody asks again.
    pub(crate) async fn release(
        &self,
        store: &dyn DocumentStore,
        writes: Vec<Write>,
        delete: bool,
    ) -> Result<(), FunctionError> {
        let mut held = self.held.lock().await;
        if held.is_lost {
            return Err(self.lost());
        }
        let leases = Records::<LeaseRow>::of(store, self.environment);
        let free = LeaseRow { run_id: None, holder: None, taker: None, ..held.row.clone() };
        let mut pause = RELEASE_PAUSE;
        for attempt in 1.. {
            let unchanged = Precondition::Version(held.version.clone());
            let last = if delete { leases.delete(&self.lock, unchanged) } else { leases.put(&free, unchanged)? };
            let Err(error) = store.commit(writes.iter().cloned().chain([last]).collect()).await else { break };
            if error.is_retryable() {
                // The answer may be all that was lost.
                if self.is_released(&leases).await {
                    break;
                }
                tokio::time::sleep(pause).await;
                pause *= 4;
            }
            // A conflict may be a heartbeat that was on its way when the function ended: the lease is still one's own.
            let may_help = error.is_retryable() || error.is_conflict_on(leases.collection(), &self.lock);
            let explained = self.explained(store, &mut held, error).await;
            if !may_help || attempt >= RELEASE_ATTEMPTS || matches!(explained, FunctionError::LeaseLost { .. }) {
                return Err(explained);
            }
        }
        Ok(())
    }

    /// Returns whether the lease is free or deleted, as its release leaves it.
    async fn is_released(&self, leases: &Records<'_, LeaseRow>) -> bool {
        let stored = leases.get(&self.lock).await;
        stored.is_ok_and(|stored| {
            stored.is_none_or(|free| free.record.run_id.is_none() && free.record.token == self.token)
        })
    }

    /// Renews the lease for ever; ends when it is lost.
    pub(crate) async fn heartbeat(
        &self,
        store: &dyn DocumentStore,
        clock: &dyn Clock,
        lasts: Duration,
    ) -> FunctionError {
        loop {
            tokio::time::sleep(lasts / 3).await;
            // Any other error is a store that is away for a moment: what it costs shows at the next commit.
            if let Err(error @ FunctionError::LeaseLost { .. }) = self.commit(store, clock, Vec::new()).await {
                return error;
            }
        }
    }

    async fn fenced(
        &self,
        store: &dyn DocumentStore,
        version: &DocumentVersion,
        renewed: Option<&LeaseRow>,
        mut writes: Vec<Write>,
    ) -> Result<Committed, StoreError> {
        let leases = Records::<LeaseRow>::of(store, self.environment);
        let unchanged = Precondition::Version(version.clone());
        writes.push(match renewed {
            Some(row) => leases.put(row, unchanged)?,
            None => Write::keep(leases.collection(), &self.lock, unchanged),
        });
        store.commit_told(writes).await
    }

    /// Learns the version that one's own renewal gave the lease.
    async fn read_again(&self, store: &dyn DocumentStore, held: &mut Held) -> Result<(), FunctionError> {
        let stored = Records::<LeaseRow>::of(store, self.environment).get(&self.lock).await?;
        match stored {
            Some(Stored { record, version, .. }) if record.taker == held.row.taker => {
                (held.row, held.version) = (record, version);
                Ok(())
            }
            Some(_) | None => {
                held.is_lost = true;
                Err(self.lost())
            }
        }
    }

    /// Tells a lease that was taken over from one's own renewal whose answer was lost: there, trying again helps.
    async fn explained(&self, store: &dyn DocumentStore, held: &mut Held, error: StoreError) -> FunctionError {
        let collection = self.environment.collection(LeaseRow::COLLECTION);
        let is_about_lease = error.is_conflict_on(collection, &self.lock) || error.is_retryable();
        if is_about_lease && let Err(lost @ FunctionError::LeaseLost { .. }) = self.read_again(store, held).await {
            return lost;
        }
        error.into()
    }

    fn lost(&self) -> FunctionError {
        FunctionError::LeaseLost { lock: self.lock.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_ends_by_the_clock_or_by_a_clock_that_was_set_back() {
        let row = LeaseRow {
            lock: "job".to_owned(),
            token: 1,
            run_id: Some("run".to_owned()),
            holder: Some("me".to_owned()),
            taker: Some("me#1".to_owned()),
            renewed_at: 100_000,
            lasts_ms: 60_000,
        };
        for (now, expired) in [(100_000, false), (159_999, false), (160_000, true), (99_000, false), (39_999, true)] {
            assert_eq!(row.is_expired(now), expired, "at {now}");
        }
        assert!(LeaseRow { run_id: None, ..row }.is_expired(100_000));
    }
}
