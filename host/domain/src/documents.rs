//! The port for hot documents: what is alive now, as JSON documents in collections.
//!
//! Small on purpose, so that it maps one to one to a SQLite transaction and to a Firestore transaction: get, query,
//! and an atomic [`commit`](DocumentStore::commit) whose writes each hold a [`Precondition`]. There are no joins, no
//! aggregates, no partial updates, and no transaction that stays open while code thinks: read, decide, commit with
//! the versions that were read, and start again when one of them has changed.
//!
//! What the cloud would refuse is refused here, before an adapter sees it: [`limits`].
//!
//! Start with [`DocumentStore`] and [`Write`]; typed access is [`Records`], over types that are a [`Record`].

mod collection;
mod commit;
mod error;
mod index;
pub mod limits;
mod query;
mod records;

use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::collection::Collection;
pub use self::commit::{Change, Commit, Committed, Precondition, Write, batches};
pub use self::error::StoreError;
pub use self::index::{Index, NeededIndex};
pub use self::query::{Cursor, Direction, Filter, Operator, Query};
pub use self::records::{Record, Records, Stored};
pub use crate::environment::CollectionName;
use crate::timeframe::UnixMillis;

/// The state of a document at one moment; changes with every write, even one that writes the same body.
///
/// Opaque: only equality means something. A version is never used twice, not even after a delete.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DocumentVersion(String);

impl DocumentVersion {
    /// Wraps a store's own version.
    #[must_use]
    pub fn new(version: impl Into<String>) -> Self {
        Self(version.into())
    }

    /// Returns the store's own version.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DocumentVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A document as it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Its name within the collection.
    pub id: String,
    /// Its state, for [`Precondition::Version`].
    pub version: DocumentVersion,
    /// Always a JSON object.
    pub body: Value,
    /// When it may be deleted by itself; `None` keeps it.
    pub expire_at: Option<UnixMillis>,
}

/// A store of hot documents.
///
/// Adapters implement [`get_many`](Self::get_many), [`select`](Self::select) and [`apply`](Self::apply), and are held
/// to the contract suite; callers use the rest. A document past its `expire_at` may or may not still be there.
#[async_trait]
pub trait DocumentStore: Send + Sync + fmt::Debug {
    /// Returns the documents under `ids` that exist, in the order of `ids`; all as of one moment.
    ///
    /// # Errors
    ///
    /// When the store cannot be reached or read.
    async fn get_many(&self, collection: CollectionName, ids: &[String]) -> Result<Vec<Document>, StoreError>;

    /// Returns what a checked query matches, in its order; [`query`](Self::query) checks it.
    ///
    /// # Errors
    ///
    /// When the store cannot be reached or read.
    async fn select(&self, query: &Query) -> Result<Vec<Document>, StoreError>;

    /// Makes a checked commit: all of its writes, or none. Tells the versions of what it has put, as far as they are known.
    ///
    /// # Errors
    ///
    /// [`StoreError::PreconditionFailed`] for the first write whose precondition does not hold; otherwise when the
    /// store cannot be reached or written, and then it is unknown whether the commit was made.
    async fn apply(&self, commit: Commit) -> Result<Committed, StoreError>;

    /// Returns the document `id`, or `None`.
    ///
    /// # Errors
    ///
    /// When the store cannot be reached or read.
    async fn get(&self, collection: CollectionName, id: &str) -> Result<Option<Document>, StoreError> {
        Ok(self.get_many(collection, &[id.to_owned()]).await?.pop())
    }

    /// Returns what `query` matches, in its order.
    ///
    /// # Errors
    ///
    /// [`StoreError::InvalidQuery`] for what the cloud would refuse; otherwise as [`select`](Self::select).
    async fn query(&self, query: &Query) -> Result<Vec<Document>, StoreError> {
        query.check()?;
        self.select(query).await
    }

    /// Returns how many documents `query` matches. Adapters that can do so count without reading them.
    ///
    /// # Errors
    ///
    /// As [`query`](Self::query).
    async fn count(&self, query: &Query) -> Result<usize, StoreError> {
        Ok(self.query(query).await?.len())
    }

    /// Makes `writes`, all or none.
    ///
    /// # Errors
    ///
    /// When a write or their sum is over a limit or malformed; otherwise as [`apply`](Self::apply).
    async fn commit(&self, writes: Vec<Write>) -> Result<(), StoreError> {
        self.commit_told(writes).await.map(drop)
    }

    /// Makes `writes`, all or none, and tells the versions of what was put.
    ///
    /// # Errors
    ///
    /// As [`commit`](Self::commit).
    async fn commit_told(&self, writes: Vec<Write>) -> Result<Committed, StoreError> {
        self.apply(Commit::of(writes)?).await
    }
}
