//! Typed collections on top of documents.

use std::any::type_name;
use std::fmt;
use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{
    Change, Collection, CollectionName, Document, DocumentStore, DocumentVersion, Precondition, Query, StoreError,
    Write,
};
use crate::environment::Environment;
use crate::timeframe::UnixMillis;

/// How many documents [`Records::all`] asks for at a time.
const PAGE_DOCUMENTS: u32 = 500;

/// A type that is kept as the documents of one collection.
pub trait Record: Serialize + DeserializeOwned + Send + Sync {
    /// Where it is kept.
    const COLLECTION: Collection;

    /// Returns its document's name, which derives from its content and never changes.
    fn id(&self) -> String;
}

/// A record as it was read, with the version to write it back under.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored<T> {
    /// What was read.
    pub record: T,
    /// The state it was read in.
    pub version: DocumentVersion,
    /// When it may be deleted by itself.
    pub expire_at: Option<UnixMillis>,
}

impl<T> Stored<T> {
    /// Returns the precondition that nobody has written it since.
    #[must_use]
    pub fn unchanged(&self) -> Precondition {
        Precondition::Version(self.version.clone())
    }
}

/// The records of one type in one environment of one store.
pub struct Records<'a, T> {
    store: &'a dyn DocumentStore,
    collection: CollectionName,
    record: PhantomData<fn() -> T>,
}

impl<'a, T: Record> Records<'a, T> {
    /// Returns the records of `environment` in `store`.
    #[must_use]
    pub fn of(store: &'a dyn DocumentStore, environment: Environment) -> Self {
        Self { store, collection: environment.collection(T::COLLECTION), record: PhantomData }
    }

    /// Returns the collection's name.
    #[must_use]
    pub const fn collection(&self) -> CollectionName {
        self.collection
    }

    /// Returns the question for all of them, to be narrowed and given to [`query`](Self::query).
    #[must_use]
    pub const fn select(&self) -> Query {
        Query::of(self.collection)
    }

    /// Returns the record under `id`, or `None`.
    ///
    /// # Errors
    ///
    /// When the store fails, or the document does not read as a `T`.
    pub async fn get(&self, id: &str) -> Result<Option<Stored<T>>, StoreError> {
        self.store.get(self.collection, id).await?.map(|document| self.read(document)).transpose()
    }

    /// Returns the records under `ids` that exist, in that order.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub async fn get_many(&self, ids: &[String]) -> Result<Vec<Stored<T>>, StoreError> {
        let documents = self.store.get_many(self.collection, ids).await?;
        documents.into_iter().map(|document| self.read(document)).collect()
    }

    /// Returns what `query` matches, in its order.
    ///
    /// # Errors
    ///
    /// When the store fails, the query is one the cloud refuses, or a document does not read as a `T`.
    pub async fn query(&self, query: &Query) -> Result<Vec<Stored<T>>, StoreError> {
        self.store.query(query).await?.into_iter().map(|document| self.read(document)).collect()
    }

    /// Returns all that `query` matches, asking page by page: as much as there is, each page of its own moment.
    ///
    /// # Errors
    ///
    /// As [`query`](Self::query).
    pub async fn all(&self, query: Query) -> Result<Vec<Stored<T>>, StoreError> {
        let mut query = query.limit(PAGE_DOCUMENTS);
        let mut records = Vec::new();
        loop {
            let page = self.store.query(&query).await?;
            let last = page.last().filter(|_| page.len() == PAGE_DOCUMENTS as usize);
            let next = last.map(|last| query.clone().start_after(last));
            for document in page {
                records.push(self.read(document)?);
            }
            match next {
                Some(next) => query = next,
                None => return Ok(records),
            }
        }
    }

    /// Returns the write that puts `record`, to be committed with others.
    ///
    /// # Errors
    ///
    /// When the record has no form in JSON.
    pub fn put(&self, record: &T, precondition: Precondition) -> Result<Write, StoreError> {
        let id = record.id();
        let body = serde_json::to_value(record).map_err(|error| StoreError::InvalidDocument {
            collection: self.collection,
            id: id.clone(),
            reason: error.to_string(),
        })?;
        Ok(Write::put(self.collection, id, body, precondition))
    }

    /// Returns the write that puts `stored` back, under the condition that nobody has written it since it was read;
    /// what it expires at stays.
    ///
    /// # Errors
    ///
    /// When the record has no form in JSON.
    pub fn put_back(&self, stored: &Stored<T>) -> Result<Write, StoreError> {
        let mut write = self.put(&stored.record, stored.unchanged())?;
        if let Change::Put { expire_at, .. } = &mut write.change {
            *expire_at = stored.expire_at;
        }
        Ok(write)
    }

    /// Returns the write that deletes the record under `id`.
    #[must_use]
    pub fn delete(&self, id: &str, precondition: Precondition) -> Write {
        Write::delete(self.collection, id, precondition)
    }

    /// Reads a document as a record.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unreadable`], which names the field.
    pub fn read(&self, document: Document) -> Result<Stored<T>, StoreError> {
        let Document { id, version, body, expire_at } = document;
        let record = serde_path_to_error::deserialize(body).map_err(|error| StoreError::Unreadable {
            collection: self.collection,
            id,
            record: type_name::<T>().rsplit("::").next().unwrap_or_default(),
            path: error.path().to_string(),
            reason: error.inner().to_string(),
        })?;
        Ok(Stored { record, version, expire_at })
    }
}

impl<T> fmt::Debug for Records<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Records").field("store", &self.store).field("collection", &self.collection).finish()
    }
}
