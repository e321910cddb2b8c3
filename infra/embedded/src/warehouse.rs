//! The warehouse on DuckDB: one file, many processes, one at a time.
//!
//! DuckDB gives a file to one writing process and to nobody beside it. So every call here is one short session: take
//! the lock, open, work, close. A lock file beside the store is waited for within bounds, and whoever gives up is told
//! who holds it. A writing session is kept for a moment, as long as nobody waits, since opening costs more than most
//! calls. A query that takes long is stopped and asked again of a copy, so that it never holds writers up.
//!
//! Partitions: DuckDB has none. It keeps the smallest and largest `ds` of each block of 122,880 rows, and rows of one
//! day are written together, so a condition on `ds` skips the other days' blocks much as a partition would; each statement
//! names its batch's range of days for this reason. There is no unique index: keys are kept unique under the lock, by
//! adding only rows whose keys are not there.
//!
//! Start with [`DuckWarehouse`].

mod days;
mod file;
mod fresh;
mod held;
mod keys;
mod known;
mod lock;
mod merge;
mod query;
mod session;
mod shape;
mod snapshot;
mod staged;
mod value;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sentinel_domain::environment::Environment;
use sentinel_domain::tables::export::create_view;
use sentinel_domain::tables::{Cell, Row};
use sentinel_domain::warehouse::{Merged, ResultSet, RowKey, TableId, ViewId, Warehouse, WarehouseError, check_batch};

use file::StoreFile;
use held::Held;
use session::Session;

/// The format of stores that this code makes; it is raised when an older reader would misread one.
pub const FORMAT: i64 = 1;

/// How long the lock is waited for unless told otherwise: longer than any session is meant to be.
const WAIT: Duration = Duration::from_secs(30);

/// How long a query may hold writers up before it moves to a copy.
const QUERY_IN_PLACE: Duration = Duration::from_secs(2);

/// The warehouse in one file. Cheap to clone; clones share the session that is kept for a moment.
#[derive(Debug, Clone)]
pub struct DuckWarehouse {
    file: StoreFile,
    query_in_place: Duration,
    held: Arc<Held>,
}

/// What a call works with, where blocking is allowed.
struct Desk {
    file: StoreFile,
    query_in_place: Duration,
    held: Arc<Held>,
}

impl Desk {
    fn write<T>(&self, work: impl FnOnce(&Session) -> Result<T, WarehouseError>) -> Result<T, WarehouseError> {
        self.held.write(&self.file, work)
    }

    fn ask(&self, sql: &str, parameters: &[Cell]) -> Result<ResultSet, WarehouseError> {
        query::ask(&self.held, &self.file, sql, parameters, self.query_in_place)
    }

    /// Makes the tables that a store of an earlier day lacks; returns whether it is known which there should be.
    fn make_tables(&self) -> Result<bool, WarehouseError> {
        let Some(environment) = self.file.tables_of else { return Ok(false) };
        let make = |session: &Session| {
            let made = session.connection.execute_batch(&shape::create_all(environment));
            made.map_err(|error| self.file.failed("make tables in", error, false))
        };
        self.write(make).map(|()| true)
    }

    fn read<T>(&self, work: impl Fn(&Session) -> Result<T, WarehouseError>) -> Result<T, WarehouseError> {
        self.held.read(|session| Some(work(session))).unwrap_or_else(|| work(&Session::read(&self.file)?))
    }
}

impl DuckWarehouse {
    /// Names the store at `path`; `purpose` is what others are told while this process holds it. The file is made by
    /// the first call that writes.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>, purpose: impl Into<String>) -> Self {
        let file = StoreFile::new(path.into(), purpose.into(), WAIT);
        Self { file, query_in_place: QUERY_IN_PLACE, held: Arc::default() }
    }

    /// Waits at most so long for others to finish.
    #[must_use]
    pub fn with_wait(mut self, wait: Duration) -> Self {
        self.file.wait = wait;
        self
    }

    /// Has every table and view of `environment` there before anything was written: a question about what did not
    /// happen yet has no rows for an answer.
    #[must_use]
    pub const fn with_tables_of(mut self, environment: Environment) -> Self {
        self.file.tables_of = Some(environment);
        self
    }

    /// Moves a query to a copy of the store once it took so long; zero copies for every query.
    #[must_use]
    pub const fn with_query_in_place(mut self, limit: Duration) -> Self {
        self.query_in_place = limit;
        self
    }

    /// Returns where the store is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.file.path
    }

    /// Copies the store to `target`, as it is between two sessions: whole, and readable as a store of its own.
    ///
    /// # Errors
    /// When the store is in use for too long or the copy cannot be written.
    pub async fn copy_to(&self, target: impl Into<PathBuf>) -> Result<(), WarehouseError> {
        let target = target.into();
        self.blocking(move |desk| {
            desk.held.close();
            snapshot::copy(&desk.file, &target)
        })
        .await
    }

    /// Closes the file at once instead of in a moment. Every clone may go on and opens it again.
    pub fn close(&self) {
        self.held.close();
    }

    /// Runs `work` where blocking is allowed.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(Desk) -> Result<T, WarehouseError> + Send + 'static,
    ) -> Result<T, WarehouseError> {
        let desk = Desk { file: self.file.clone(), query_in_place: self.query_in_place, held: Arc::clone(&self.held) };
        match tokio::task::spawn_blocking(move || work(desk)).await {
            Ok(result) => result,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(error) => Err(self.file.failed("work on", error, true)),
            },
        }
    }
}

#[async_trait]
impl Warehouse for DuckWarehouse {
    async fn ensure(&self, table: &TableId) -> Result<(), WarehouseError> {
        let table = table.clone();
        // Whoever makes sure of a table is about to use it: what follows finds the session open.
        self.blocking(move |desk| desk.write(|session| shape::ensure(session, &desk.file, &table))).await
    }

    async fn ensure_view(&self, view: &ViewId) -> Result<(), WarehouseError> {
        let sql = create_view(&view.physical_name, &view.query);
        self.blocking(move |desk| desk.write(|session| session.connection.execute_batch(&sql).map_err(query::failed)))
            .await
    }

    async fn check(&self, table: &TableId) -> Result<(), WarehouseError> {
        let table = table.clone();
        self.blocking(move |desk| desk.read(|session| shape::check(session, &table))).await
    }

    async fn merge(&self, table: &TableId, rows: &[Row]) -> Result<Merged, WarehouseError> {
        check_batch(table, rows)?;
        if rows.is_empty() {
            return Ok(Merged::default());
        }
        let (table, rows) = (table.clone(), rows.to_vec());
        self.blocking(move |desk| desk.write(|session| merge::merge(session, &desk.file, &table, &rows))).await
    }

    async fn existing_keys(&self, table: &TableId, keys: &[RowKey]) -> Result<Vec<bool>, WarehouseError> {
        let (table, keys) = (table.clone(), keys.to_vec());
        self.blocking(move |desk| desk.read(|session| keys::existing(session, &desk.file, &table, &keys))).await
    }

    async fn query(&self, sql: &str, parameters: &[Cell]) -> Result<ResultSet, WarehouseError> {
        let (sql, parameters) = (sql.to_owned(), parameters.to_vec());
        self.blocking(move |desk| match desk.ask(&sql, &parameters) {
            Err(error) if query::names_what_is_absent(&error) && desk.make_tables()? => desk.ask(&sql, &parameters),
            answer => answer,
        })
        .await
    }
}
