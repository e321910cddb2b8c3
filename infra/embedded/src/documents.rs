//! Hot documents on SQLite.
//!
//! One file for each environment, one table for each collection, bodies as JSON text, and an expression index for
//! each combination of fields that [`Collection::indexes`] lists. Any number of processes may use the file at once:
//! readers never wait (WAL), writers queue (`BEGIN IMMEDIATE` under a busy timeout), so nobody is told that the
//! database is locked. What waits for the disk is done on the blocking threads of the runtime; in simulated time, where
//! nothing waits, going there and back would take longer than the work.
//!
//! rusqlite and not sqlx: the store needs one statement cache on one writing connection, transactions that cannot be
//! left open by a dropped future, and SQLite's own error codes; an async pool in front of a library that blocks
//! would add threads and take those away.
//!
//! Read in this order: `schema` (what is in the file), `write` (how a commit is made), `sql` (how a query is asked).

mod failure;
mod schema;
mod sql;
mod write;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use rusqlite::{Connection, Row, params};
use sentinel_domain::documents::{
    Collection, CollectionName, Commit, Committed, Document, DocumentStore, DocumentVersion, Query, StoreError,
};
use sentinel_domain::environment::Environment;
use sentinel_domain::timeframe::UnixMillis;

use self::failure::store_error;

/// Reading connections kept open, each with its page cache; more are opened while more read at once.
const IDLE_READERS_MAX: usize = 4;
/// Documents deleted in one transaction of a sweep, so that no writer waits long for it.
const SWEEP_DOCUMENTS: usize = 1_000;

/// What a commit survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// The end of the process and a power cut: each commit waits for the disk. An order intent that was committed
    /// must be there after anything, so this is what trading uses.
    PowerCut,
    /// The end of the process; a power cut may take the last commits, whole ones. For simulated time, which can be
    /// run again and makes more commits a second than a disk can confirm.
    ProcessEnd,
}

/// The hot store of one environment in one SQLite file. Clones share its connections.
#[derive(Clone)]
pub struct SqliteDocuments(Arc<Shared>);

struct Shared {
    path: PathBuf,
    environment: Environment,
    durability: Durability,
    /// One at a time within the process; SQLite sees to the other processes.
    writer: Mutex<Connection>,
    readers: Mutex<Vec<Connection>>,
}

impl SqliteDocuments {
    /// Opens the store at `path`, or creates it; the folder must exist.
    ///
    /// # Errors
    ///
    /// When the file is no store, is of a newer release, belongs to another environment, or cannot be opened.
    pub fn open(path: &Path, environment: Environment, durability: Durability) -> Result<Self, StoreError> {
        let writer = schema::open(path, environment, durability)?;
        let (writer, readers) = (Mutex::new(writer), Mutex::new(Vec::new()));
        Ok(Self(Arc::new(Shared { path: path.to_owned(), environment, durability, writer, readers })))
    }

    /// Deletes every document whose `expire_at` is at or before `now`; returns how many.
    ///
    /// # Errors
    ///
    /// When the store cannot be written; what was deleted until then stays deleted.
    pub async fn sweep(&self, now: UnixMillis) -> Result<usize, StoreError> {
        self.blocking(move |shared| {
            let mut deleted = 0;
            for collection in Collection::ALL {
                deleted += shared.sweep_collection(shared.environment.collection(collection), now)?;
            }
            Ok(deleted)
        })
        .await
    }

    /// Writes a copy of the store as of this moment to `path`, which must not exist; writers go on meanwhile.
    ///
    /// # Errors
    ///
    /// When `path` exists or cannot be written.
    pub async fn backup(&self, path: &Path) -> Result<(), StoreError> {
        let path = path.to_owned();
        self.blocking(move |shared| {
            let target = path.to_string_lossy().into_owned();
            shared.read(|connection| connection.execute("VACUUM INTO ?1", [&target]).map(|_| ()))
        })
        .await
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Shared) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        if self.0.durability == Durability::ProcessEnd {
            return work(&self.0);
        }
        let shared = Arc::clone(&self.0);
        tokio::task::spawn_blocking(move || work(&shared)).await.unwrap_or_else(|panic| {
            let store = self.0.path.display().to_string();
            Err(StoreError::Failed { store, reason: format!("a task of the store ended early: {panic}") })
        })
    }
}

impl Shared {
    fn writer(&self) -> MutexGuard<'_, Connection> {
        // A panic while writing dropped, and so rolled back, its transaction: the connection itself is sound.
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read<T>(&self, work: impl FnOnce(&mut Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        if self.durability == Durability::ProcessEnd {
            // Nobody waits behind a commit that does not wait for the disk, and the writer's pages are at hand: another
            // connection reads them again after each commit.
            return work(&mut self.writer()).map_err(|error| self.failed(&error));
        }
        let idle = self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => schema::open(&self.path, self.environment, self.durability)?,
        };
        let answer = work(&mut connection).map_err(|error| self.failed(&error));
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if readers.len() < IDLE_READERS_MAX {
            readers.push(connection);
        }
        answer
    }

    fn failed(&self, error: &rusqlite::Error) -> StoreError {
        store_error(&self.path, error)
    }

    fn own(&self, collection: CollectionName) -> Result<(), StoreError> {
        let environment = self.environment;
        let foreign = StoreError::ForeignCollection { collection, environment };
        if collection.belongs_to(environment) { Ok(()) } else { Err(foreign) }
    }

    fn sweep_collection(&self, collection: CollectionName, now: UnixMillis) -> Result<usize, StoreError> {
        let mut deleted = 0;
        loop {
            let count = write::sweep(&mut self.writer(), collection, now, SWEEP_DOCUMENTS)
                .map_err(|error| self.failed(&error))?;
            deleted += count;
            if count < SWEEP_DOCUMENTS {
                return Ok(deleted);
            }
        }
    }
}

impl fmt::Debug for SqliteDocuments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shared { path, environment, durability, .. } = self.0.as_ref();
        let mut shown = f.debug_struct("SqliteDocuments");
        shown.field("path", path).field("environment", environment).field("durability", durability);
        shown.finish_non_exhaustive()
    }
}

#[async_trait]
impl DocumentStore for SqliteDocuments {
    async fn get_many(&self, collection: CollectionName, ids: &[String]) -> Result<Vec<Document>, StoreError> {
        let ids = ids.to_vec();
        self.blocking(move |shared| {
            shared.own(collection)?;
            shared.read(|connection| {
                // One transaction: all as of one moment.
                let transaction = connection.transaction()?;
                let mut statement = transaction.prepare_cached(&sql::get(collection))?;
                let found = ids.iter().map(|id| statement.query_map(params![id], document)?.next().transpose());
                found.filter_map(Result::transpose).collect()
            })
        })
        .await
    }

    async fn select(&self, query: &Query) -> Result<Vec<Document>, StoreError> {
        let query = query.clone();
        self.blocking(move |shared| {
            shared.own(query.collection)?;
            let (sql, values) = sql::select(&query);
            shared.read(|connection| {
                let mut statement = connection.prepare_cached(&sql)?;
                statement.query_map(rusqlite::params_from_iter(values), document)?.collect()
            })
        })
        .await
    }

    async fn count(&self, query: &Query) -> Result<usize, StoreError> {
        query.check()?;
        let query = query.clone();
        self.blocking(move |shared| {
            shared.own(query.collection)?;
            let (sql, values) = sql::count(&query);
            shared.read(|connection| {
                let mut statement = connection.prepare_cached(&sql)?;
                let count: i64 = statement.query_row(rusqlite::params_from_iter(values), |row| row.get(0))?;
                Ok(usize::try_from(count).unwrap_or_default())
            })
        })
        .await
    }

    async fn apply(&self, commit: Commit) -> Result<Committed, StoreError> {
        self.blocking(move |shared| {
            for write in commit.writes() {
                shared.own(write.collection)?;
            }
            // Written out before the lock is taken: others wait for the disk alone.
            let writes = write::prepare(commit);
            write::apply(&mut shared.writer(), &writes).map_err(|error| match error {
                write::NotWritten::Refused(error) => error,
                write::NotWritten::Failed(error) => shared.failed(&error),
            })
        })
        .await
    }
}

/// Reads the columns `id, version, body, expire_at`.
fn document(row: &Row<'_>) -> rusqlite::Result<Document> {
    let body = row.get_ref(2)?.as_bytes()?;
    let body = serde_json::from_slice(body)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(2, rusqlite::types::Type::Text, Box::new(error)))?;
    let version = DocumentVersion::new(row.get::<_, i64>(1)?.to_string());
    Ok(Document { id: row.get(0)?, version, body, expire_at: row.get(3)? })
}

#[cfg(test)]
mod tests {
    use sentinel_domain::documents::{Precondition, Write};
    use serde_json::json;
    use tempfile::TempDir;

    use super::*;

    fn store() -> (TempDir, SqliteDocuments) {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("hot.sqlite");
        let store = SqliteDocuments::open(&path, Environment::Test, Durability::ProcessEnd).unwrap();
        (folder, store)
    }

    #[tokio::test]
    async fn a_full_disk_is_named_and_leaves_whole_commits() {
        let (_folder, store) = store();
        let name = Environment::Test.collection(Collection::LivePositions);
        let write = |n: i32| Write::put(name, n.to_string(), json!({ "text": "x".repeat(9_000) }), Precondition::Any);
        let limit = |pages: i64| store.0.writer().pragma_update(None, "max_page_count", pages).unwrap();
        limit(200);
        let mut made = 0;
        let error = loop {
            match store.commit((made..made + 10).map(write).collect()).await {
                Ok(()) => made += 10,
                Err(error) => break error,
            }
        };
        assert!(matches!(error, StoreError::Full { .. }) && error.is_retryable(), "{error}");
        assert!(error.to_string().contains("free some space and run again"), "{error}");
        let count = async || i32::try_from(store.query(&Query::of(name)).await.unwrap().len()).unwrap();
        assert_eq!(count().await, made);
        limit(1_000_000);
        store.commit((made..made + 10).map(write).collect()).await.unwrap();
        assert_eq!(count().await, made + 10);
    }

    #[test]
    fn every_declared_index_is_used_by_the_questions_it_is_for() {
        let (_folder, store) = store();
        for collection in Collection::ALL {
            let name = Environment::Test.collection(collection);
            for index in collection.indexes() {
                let (last, first) = index.fields().split_last().unwrap();
                let equal = first.iter().fold(Query::of(name), |query, field| query.equal(field, "x"));
                let ranged = equal.clone().at_least(last, 5).order_by(last, index.direction()).limit(3);
                ranged.check().unwrap();
                for query in [equal.equal(last, "x"), ranged] {
                    let (sql, values) = sql::select(&query);
                    let plan = format!("EXPLAIN QUERY PLAN {sql}");
                    let plan: Vec<String> = store
                        .0
                        .read(|connection| {
                            let mut statement = connection.prepare(&plan)?;
                            statement.query_map(rusqlite::params_from_iter(values), |row| row.get(3))?.collect()
                        })
                        .unwrap();
                    assert!(plan.iter().any(|line| line.contains(" USING INDEX ")), "{sql}: {plan:?}");
                    assert!(!plan.iter().any(|line| line.contains("TEMP B-TREE")), "sorted: {sql}: {plan:?}");
                }
            }
        }
    }
}
