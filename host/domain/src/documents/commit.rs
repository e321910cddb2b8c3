//! Writes, their preconditions, and the commit that holds them together.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;

use super::error::StoreError;
use super::limits::{self, COMMIT_BYTES_MAX, WRITES_MAX};
use super::{CollectionName, Document, DocumentVersion};
use crate::timeframe::UnixMillis;

/// What must hold of a document for its commit to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Precondition {
    /// Nothing.
    Any,
    /// It does not exist.
    Absent,
    /// It exists.
    Present,
    /// It exists and has not been written since this version was read.
    Version(DocumentVersion),
}

impl Precondition {
    /// Returns the precondition that what was read is still so: its version, or its absence.
    #[must_use]
    pub fn unchanged(read: Option<&Document>) -> Self {
        read.map_or(Self::Absent, |document| Self::Version(document.version.clone()))
    }

    /// Returns whether it holds of a document that is at `found`, `None` being absent.
    #[must_use]
    pub fn holds(&self, found: Option<&DocumentVersion>) -> bool {
        match self {
            Self::Any => true,
            Self::Absent => found.is_none(),
            Self::Present => found.is_some(),
            Self::Version(version) => found == Some(version),
        }
    }
}

impl fmt::Display for Precondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("anything"),
            Self::Absent => f.write_str("no document"),
            Self::Present => f.write_str("a document"),
            Self::Version(version) => write!(f, "version {version}"),
        }
    }
}

/// What a write does to its document.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Replaces the document whole, or creates it.
    Put {
        /// The new body, a JSON object.
        body: Value,
        /// When it may be deleted by itself; `None` keeps it.
        expire_at: Option<UnixMillis>,
    },
    /// Removes the document; no error when there is none.
    Delete,
    /// Leaves the document as it is: only the precondition matters, as for a lease that must still be held.
    Keep,
}

/// One document's part in a commit.
#[derive(Debug, Clone, PartialEq)]
pub struct Write {
    /// Where the document is.
    pub collection: CollectionName,
    /// Its name there.
    pub id: String,
    /// What happens to it.
    pub change: Change,
    /// What must hold before.
    pub precondition: Precondition,
}

impl Write {
    /// Returns a write that replaces or creates a document that does not expire.
    #[must_use]
    pub fn put(collection: CollectionName, id: impl Into<String>, body: Value, precondition: Precondition) -> Self {
        Self { collection, id: id.into(), change: Change::Put { body, expire_at: None }, precondition }
    }

    /// Returns a write that removes a document.
    #[must_use]
    pub fn delete(collection: CollectionName, id: impl Into<String>, precondition: Precondition) -> Self {
        Self { collection, id: id.into(), change: Change::Delete, precondition }
    }

    /// Returns a write that changes nothing and holds the commit to `precondition`.
    #[must_use]
    pub fn keep(collection: CollectionName, id: impl Into<String>, precondition: Precondition) -> Self {
        Self { collection, id: id.into(), change: Change::Keep, precondition }
    }

    /// Returns the write with a time to expire at; means something to a put alone.
    #[must_use]
    pub fn expiring(mut self, at: UnixMillis) -> Self {
        if let Change::Put { expire_at, .. } = &mut self.change {
            *expire_at = Some(at);
        }
        self
    }
}

/// Writes that are within every limit, to be made together.
#[derive(Debug, Clone, PartialEq)]
pub struct Commit(Vec<Write>);

impl Commit {
    /// Checks `writes`.
    ///
    /// # Errors
    ///
    /// When there are more than [`WRITES_MAX`], a document comes twice, an id or body is one the cloud refuses, or a
    /// document or the whole is too large.
    pub fn of(writes: Vec<Write>) -> Result<Self, StoreError> {
        if writes.len() > WRITES_MAX {
            return Err(StoreError::TooManyWrites { count: writes.len(), count_max: WRITES_MAX });
        }
        let mut seen = BTreeSet::new();
        let mut bytes = 0;
        for write in &writes {
            if !seen.insert((write.collection, write.id.as_str())) {
                return Err(StoreError::WrittenTwice { collection: write.collection, id: write.id.clone() });
            }
            bytes += checked_bytes(write)?;
        }
        if bytes > COMMIT_BYTES_MAX {
            return Err(StoreError::CommitTooLarge { bytes, bytes_max: COMMIT_BYTES_MAX });
        }
        Ok(Self(writes))
    }

    /// Returns the writes, in the order they were given.
    #[must_use]
    pub fn writes(&self) -> &[Write] {
        &self.0
    }

    /// Returns the writes, in the order they were given.
    #[must_use]
    pub fn into_writes(self) -> Vec<Write> {
        self.0
    }
}

/// What a store tells of a commit that was made: under which versions the documents stand that it has put, so that whoever
/// wrote them need not read them to write them again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Committed(BTreeMap<(CollectionName, String), DocumentVersion>);

impl Committed {
    /// Returns what is told when the versions are not known: the commit was made, and its answer lost.
    #[must_use]
    pub fn untold() -> Self {
        Self::default()
    }

    /// Returns the version of a document that the commit has put; `None` where it is not known: then it can be read.
    #[must_use]
    pub fn version_of(&self, collection: CollectionName, id: &str) -> Option<&DocumentVersion> {
        self.0.get(&(collection, id.to_owned()))
    }
}

impl FromIterator<(CollectionName, String, DocumentVersion)> for Committed {
    fn from_iter<I: IntoIterator<Item = (CollectionName, String, DocumentVersion)>>(put: I) -> Self {
        Self(put.into_iter().map(|(collection, id, version)| ((collection, id), version)).collect())
    }
}

/// Splits writes that need not be made together into as many as fit into a commit each, with room for a lease; their order
/// stays.
///
/// # Errors
///
/// When one of them is one the cloud refuses.
pub fn batches(writes: Vec<Write>) -> Result<Vec<Vec<Write>>, StoreError> {
    let mut batches = vec![Vec::new()];
    let mut bytes = 0;
    for write in writes {
        let size = checked_bytes(&write)?;
        let is_full = |batch: &Vec<Write>| batch.len() >= BATCH_WRITES || bytes + size > BATCH_BYTES;
        if batches.last().is_some_and(is_full) {
            batches.push(Vec::new());
            bytes = 0;
        }
        bytes += size;
        if let Some(batch) = batches.last_mut() {
            batch.push(write);
        }
    }
    batches.retain(|batch| !batch.is_empty());
    Ok(batches)
}

/// Fewer than the limit: a transaction of hundreds of writes is where larger ones gain nothing.
const BATCH_WRITES: usize = 400;
const BATCH_BYTES: usize = COMMIT_BYTES_MAX / 2;

fn checked_bytes(write: &Write) -> Result<usize, StoreError> {
    limits::check_id(write.collection, &write.id)?;
    match &write.change {
        Change::Put { body, .. } => limits::check_body(write.collection, &write.id, body),
        Change::Delete | Change::Keep => Ok(write.id.len()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::documents::Collection;
    use crate::environment::Environment;

    fn write(id: &str) -> Write {
        Write::put(Environment::Test.collection(Collection::Accounts), id, json!({}), Precondition::Any)
    }

    #[test]
    fn more_writes_than_the_cloud_takes_are_refused() {
        let writes = |count: usize| (0..count).map(|number| write(&number.to_string())).collect();
        assert!(Commit::of(writes(WRITES_MAX)).is_ok());
        let error = Commit::of(writes(WRITES_MAX + 1)).unwrap_err();
        assert_eq!(error.to_string(), "a commit of 501 writes: at most 500 are made together, split it");
    }

    #[test]
    fn one_document_is_written_once() {
        let error = Commit::of(vec![write("a"), write("b"), write("a")]).unwrap_err();
        assert!(matches!(error, StoreError::WrittenTwice { id, .. } if id == "a"));
    }

    #[test]
    fn a_commit_larger_than_a_request_is_refused() {
        let large = |id: u32| {
            let body = json!({ "text": "x".repeat(1_000_000) });
            Write { change: Change::Put { body, expire_at: None }, ..write(&id.to_string()) }
        };
        assert!(Commit::of((0..10).map(large).collect()).is_ok());
        let error = Commit::of((0..11).map(large).collect()).unwrap_err();
        assert!(matches!(error, StoreError::CommitTooLarge { .. }), "{error}");
    }

    #[test]
    fn batches_fit_and_keep_their_order() {
        let large = |id: usize| {
            let body = json!({ "text": "x".repeat(900_000) });
            Write { change: Change::Put { body, expire_at: None }, ..write(&id.to_string()) }
        };
        let split = |writes: Vec<Write>| {
            let ids: Vec<_> = writes.iter().map(|write| write.id.clone()).collect();
            let batches = batches(writes).unwrap();
            assert!(batches.iter().flatten().map(|write| write.id.clone()).eq(ids));
            batches.into_iter().map(|batch| Commit::of(batch).unwrap().writes().len()).collect::<Vec<_>>()
        };
        assert_eq!(split(Vec::new()), [0; 0]);
        assert_eq!(split((0..1_000).map(|id| write(&id.to_string())).collect()), [400, 400, 200]);
        assert_eq!(split((0..12).map(large).collect()), [5, 5, 2]);
    }

    #[test]
    fn preconditions_hold_of_what_they_name() {
        let version = |text: &str| DocumentVersion::new(text);
        let check = |precondition: Precondition, of_none: bool, of_1: bool| {
            assert_eq!(precondition.holds(None), of_none, "{precondition}");
            assert_eq!(precondition.holds(Some(&version("1"))), of_1, "{precondition}");
        };
        check(Precondition::Any, true, true);
        check(Precondition::Absent, true, false);
        check(Precondition::Present, false, true);
        check(Precondition::Version(version("1")), false, true);
        check(Precondition::Version(version("2")), false, false);
    }
}
