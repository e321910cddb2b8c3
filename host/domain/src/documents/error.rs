//! What a document store can answer instead of what was asked.

use thiserror::Error;

use super::commit::Precondition;
use super::{CollectionName, DocumentVersion};
use crate::environment::Environment;

/// Why a document store did not do what it was asked to.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Somebody else has written in between; nothing of the commit was made.
    #[error("{collection}/{id} has changed: expected {expected}, found {}; nothing was written, read again", found.as_ref().map_or_else(|| "no document".to_owned(), |version| format!("version {version}")))]
    PreconditionFailed {
        /// Where the document is.
        collection: CollectionName,
        /// Its name there.
        id: String,
        /// What the write asked for.
        expected: Precondition,
        /// What is there; `None` when there is no document.
        found: Option<DocumentVersion>,
    },
    /// The store did not answer in time; whether a commit was made is unknown.
    #[error("{store} is unavailable: {reason}; try again")]
    Unavailable {
        /// Which store.
        store: String,
        /// What happened.
        reason: String,
    },
    /// No room is left where the store lives.
    #[error("{store} cannot grow: {reason}; free some space and run again, nothing was half-written")]
    Full {
        /// Which store.
        store: String,
        /// What happened.
        reason: String,
    },
    /// The store was written by a newer release.
    #[error("{store} has schema version {found}, this release reads up to {supported}: use the newer release")]
    TooNew {
        /// Which store.
        store: String,
        /// The version it has.
        found: i64,
        /// The newest this release knows.
        supported: i64,
    },
    /// There is something else where the store should be.
    #[error("{store} is not a document store: {reason}")]
    NotAStore {
        /// Which store.
        store: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The store belongs to another environment.
    #[error("{store} belongs to {found}, this run to {expected}: point it at its own store")]
    WrongEnvironment {
        /// Which store.
        store: String,
        /// The environment of the caller.
        expected: Environment,
        /// The environment of the store.
        found: Environment,
    },
    /// A collection of another environment was named.
    #[error("{collection} is not a collection of {environment}: nothing was read or written")]
    ForeignCollection {
        /// The collection named.
        collection: CollectionName,
        /// The environment of the store.
        environment: Environment,
    },
    /// A body does not have the form its reader expects.
    #[error("{collection}/{id} does not read as {record} at `{path}`: {reason}")]
    Unreadable {
        /// Where the document is.
        collection: CollectionName,
        /// Its name there.
        id: String,
        /// The type that was expected.
        record: &'static str,
        /// The field, as `a.b[0]`; `.` for the whole.
        path: String,
        /// What is wrong there.
        reason: String,
    },
    /// A document that the cloud would refuse, or that is no JSON object.
    #[error("{collection}/{id} cannot be stored: {reason}")]
    InvalidDocument {
        /// Where the document was to be.
        collection: CollectionName,
        /// Its name there.
        id: String,
        /// What is wrong, and what is allowed.
        reason: String,
    },
    /// A document over the size limit.
    #[error("{collection}/{id} has {bytes} bytes: a document has at most {bytes_max}, cut it into chunks")]
    DocumentTooLarge {
        /// Where the document was to be.
        collection: CollectionName,
        /// Its name there.
        id: String,
        /// Its size, counted as the cloud counts.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// A commit with too many writes.
    #[error("a commit of {count} writes: at most {count_max} are made together, split it")]
    TooManyWrites {
        /// How many there were.
        count: usize,
        /// The limit.
        count_max: usize,
    },
    /// A commit whose documents together are too large.
    #[error("a commit of {bytes} bytes: at most {bytes_max} are written together, split it")]
    CommitTooLarge {
        /// Their size, counted as the cloud counts.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// One document twice in one commit.
    #[error("{collection}/{id} is written twice in one commit: join the two writes")]
    WrittenTwice {
        /// Where the document is.
        collection: CollectionName,
        /// Its name there.
        id: String,
    },
    /// A query that the cloud would refuse.
    #[error("cannot query {collection}: {reason}")]
    InvalidQuery {
        /// The collection asked.
        collection: CollectionName,
        /// What is wrong, and what is allowed.
        reason: String,
    },
    /// Anything else the store says; trying again will not help.
    #[error("{store}: {reason}")]
    Failed {
        /// Which store.
        store: String,
        /// What it says.
        reason: String,
    },
}

impl StoreError {
    /// Returns whether the very same call may succeed later. A changed document is not one of these: read it again.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::Full { .. })
    }

    /// Returns whether somebody else has written in between.
    #[must_use]
    pub const fn is_conflict(&self) -> bool {
        matches!(self, Self::PreconditionFailed { .. })
    }

    /// Returns whether the document that has changed is this one.
    #[must_use]
    pub fn is_conflict_on(&self, collection: CollectionName, id: &str) -> bool {
        matches!(self, Self::PreconditionFailed { collection: c, id: i, .. } if *c == collection && i == id)
    }
}
