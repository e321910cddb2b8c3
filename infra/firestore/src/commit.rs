//! A commit: what is sent, and what an answer means.
//!
//! `ABORTED` means that others were in the way and nothing was written: it is tried again, a bounded number of times
//! and as long as one call may take.
//! An answer that says that a precondition does not hold does not say which, so that the documents are read; so they
//! are when no answer came. A document that carries this commit's own number settles it: the commit was made. A
//! commit that did not arrive is not sent again here, since it may still be on its way: the caller is told.

use std::collections::BTreeMap;

use backon::{BackoffBuilder, ExponentialBackoff};
use firestore::gcloud_sdk::google::firestore::v1::precondition::ConditionType;
use firestore::gcloud_sdk::google::firestore::v1::write::Operation;
use firestore::gcloud_sdk::google::firestore::v1::{
    CommitRequest, CommitResponse, Document as Stored, DocumentMask, Precondition as Condition, Write as Sent,
};
use firestore::gcloud_sdk::prost::Message;
use firestore::gcloud_sdk::prost_types::Timestamp;
use firestore::gcloud_sdk::tonic::{Code, Status};
use sentinel_domain::documents::limits::COMMIT_BYTES_MAX;
use sentinel_domain::documents::{Change, Commit, Committed, Precondition, StoreError, Write};
use tokio::time::{Instant, sleep};

use crate::connection::{Connection, pauses};
use crate::failure::said;
use crate::value::{COMMIT, document_fields, is_written_by, update_time, version_at, version_of};

/// Meets no document: Firestore was not there then.
const NEVER: Timestamp = Timestamp { seconds: 1, nanos: 0 };

/// Makes `commit`, all or nothing.
pub(crate) async fn make(connection: &Connection, commit: Commit) -> Result<Committed, StoreError> {
    let attempt = Attempt::of(connection, commit);
    if attempt.request.writes.is_empty() {
        return Ok(Committed::untold());
    }
    attempt.check_size()?;
    attempt.make().await
}

/// What the documents of a commit say about it.
enum Finding {
    /// It was made.
    Made,
    /// It was not, because of this.
    Refused(StoreError),
    /// It was not, and could be now.
    Possible,
}

struct Attempt<'a> {
    connection: &'a Connection,
    /// Drawn once for all sendings.
    number: u128,
    writes: Vec<(String, Write)>,
    request: CommitRequest,
}

impl<'a> Attempt<'a> {
    fn of(connection: &'a Connection, commit: Commit) -> Self {
        let number = rand::random();
        let name = |write: &Write| format!("{}/documents/{}/{}", connection.path(), write.collection, write.id);
        let writes: Vec<_> = commit.into_writes().into_iter().map(|write| (name(&write), write)).collect();
        let sent = writes.iter().filter_map(|(name, write)| sent(name, write, number)).collect();
        let request = CommitRequest { database: connection.path().to_owned(), writes: sent, ..Default::default() };
        Self { connection, number, writes, request }
    }

    /// As sent, small values take more room than they are counted with.
    fn check_size(&self) -> Result<(), StoreError> {
        let bytes = self.request.encoded_len();
        if bytes <= COMMIT_BYTES_MAX {
            return Ok(());
        }
        Err(StoreError::CommitTooLarge { bytes, bytes_max: COMMIT_BYTES_MAX })
    }

    async fn make(&self) -> Result<Committed, StoreError> {
        let begun = Instant::now();
        let mut pauses = pauses().build();
        loop {
            let status = match self.connection.commit(self.request.clone()).await {
                Ok(answer) => return Ok(self.told(&answer)),
                Err(status) => status,
            };
            match status.code() {
                Code::Aborted => {}
                Code::FailedPrecondition | Code::NotFound | Code::AlreadyExists => match self.look().await? {
                    Finding::Made => return Ok(Committed::untold()),
                    Finding::Refused(error) => return Err(error),
                    // Somebody made it possible in between, or it is not about a document at all: a bounded number of
                    // attempts tells.
                    Finding::Possible => {}
                },
                Code::Unavailable | Code::Cancelled | Code::DeadlineExceeded | Code::Internal | Code::Unknown => {
                    return self.settle(&status).await.map(|()| Committed::untold());
                }
                _ => return Err(self.connection.failed(&status)),
            }
            let is_late = begun.elapsed() > self.connection.settings().call_timeout;
            if is_late || pause(&mut pauses).await.is_none() {
                return Err(self.connection.failed(&status));
            }
        }
    }

    /// Returns the versions of what was put: each write is answered, in their order, with when it was made.
    fn told(&self, answer: &CommitResponse) -> Committed {
        let sent = self.writes.iter().filter(|(_, write)| !is_nothing(write));
        let put = sent.zip(&answer.write_results).filter(|((_, write), _)| matches!(write.change, Change::Put { .. }));
        put.filter_map(|((_, write), result)| {
            Some((write.collection, write.id.clone(), version_at(result.update_time?)))
        })
        .collect()
    }

    /// Finds out whether a commit without an answer was made, as far as that can be known.
    async fn settle(&self, status: &Status) -> Result<(), StoreError> {
        let failed = self.connection.failed(status);
        if !failed.is_retryable() {
            return Err(failed);
        }
        let mut pauses = pauses().with_max_times(2).build();
        loop {
            match self.look().await {
                Ok(Finding::Made) => return Ok(()),
                Ok(Finding::Refused(_) | Finding::Possible) => {}
                Err(_) => return Err(failed),
            }
            if pause(&mut pauses).await.is_none() {
                let reason = format!("{}; the commit has not been seen to be made", said(status));
                return Err(StoreError::Unavailable { store: self.connection.path().to_owned(), reason });
            }
        }
    }

    async fn look(&self) -> Result<Finding, StoreError> {
        let names: Vec<String> = self.writes.iter().map(|(name, _)| name.clone()).collect();
        let found = self.connection.get(&names, Some(&[COMMIT])).await;
        let found = found.map_err(|status| self.connection.failed(&status))?;
        let found: BTreeMap<&str, &Stored> = found.iter().map(|document| (document.name.as_str(), document)).collect();
        if found.values().any(|document| is_written_by(document, self.number)) {
            return Ok(Finding::Made);
        }
        for (name, Write { collection, id, precondition, .. }) in &self.writes {
            let version = found.get(name.as_str()).map(|document| version_of(document));
            if !precondition.holds(version.as_ref()) {
                let (collection, id, expected) = (*collection, id.clone(), precondition.clone());
                let error = StoreError::PreconditionFailed { collection, id, expected, found: version };
                return Ok(Finding::Refused(error));
            }
        }
        Ok(Finding::Possible)
    }
}

async fn pause(pauses: &mut ExponentialBackoff) -> Option<()> {
    sleep(pauses.next()?).await;
    Some(())
}

/// Returns whether there is nothing to write and nothing to hold to.
fn is_nothing(write: &Write) -> bool {
    write.change == Change::Keep && write.precondition == Precondition::Any
}

/// Returns a write as it is sent; `None` where that is nothing.
fn sent(name: &str, write: &Write, number: u128) -> Option<Sent> {
    let current_document = condition(&write.precondition);
    let (operation, update_mask) = match (&write.change, &write.precondition) {
        (Change::Put { body, expire_at }, _) => {
            let fields = document_fields(body, *expire_at, number);
            (Operation::Update(Stored { name: name.to_owned(), fields, ..Default::default() }), None)
        }
        (Change::Keep, Precondition::Any) => return None,
        // Deleting what must not be there changes nothing.
        (Change::Delete, _) | (Change::Keep, Precondition::Absent) => (Operation::Delete(name.to_owned()), None),
        // Neither does an update of no field, which leaves the time of the last write as it is.
        (Change::Keep, Precondition::Present | Precondition::Version(_)) => {
            let nothing = DocumentMask::default();
            (Operation::Update(Stored { name: name.to_owned(), ..Default::default() }), Some(nothing))
        }
    };
    Some(Sent { operation: Some(operation), update_mask, current_document, ..Default::default() })
}

fn condition(precondition: &Precondition) -> Option<Condition> {
    let condition = match precondition {
        Precondition::Any => return None,
        Precondition::Absent => ConditionType::Exists(false),
        Precondition::Present => ConditionType::Exists(true),
        Precondition::Version(version) => ConditionType::UpdateTime(update_time(version).unwrap_or(NEVER)),
    };
    Some(Condition { condition_type: Some(condition) })
}
