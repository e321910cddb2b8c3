//! One session: the lock and a connection, both for a short moment.

use std::cell::RefCell;
use std::ptr;
use std::time::Duration;
use std::{fs, io};

use duckdb::{AccessMode, Config, Connection};
use sentinel_domain::warehouse::{TableId, WarehouseError};

use super::FORMAT;
use super::file::StoreFile;
use super::known::KnownRows;
use super::lock::{POLL, StoreLock};
use super::shape;

/// An open store. Dropping it closes the file, then gives the lock back.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) connection: Connection,
    /// Tables that were compared with their schema in this session: nobody else can have changed them since.
    checked: RefCell<Vec<TableId>>,
    /// Rows that need not be asked for.
    pub(super) known: RefCell<KnownRows>,
    _lock: Option<StoreLock>,
}

impl Session {
    /// Opens the store to write, and makes it where there is none.
    pub(super) fn write(store: &StoreFile) -> Result<Self, WarehouseError> {
        let lock = StoreLock::exclusive(store)?;
        super::fresh::make_whole(store)?;
        let connection = open(store, AccessMode::ReadWrite)?;
        if check_format(&connection, store)?.is_none() {
            let tables = store.tables_of.map(shape::create_all).unwrap_or_default();
            connection
                .execute_batch(&format!(
                    "BEGIN; CREATE TABLE IF NOT EXISTS sentinel_store (format BIGINT NOT NULL); \
                     INSERT INTO sentinel_store VALUES ({FORMAT}); {tables} COMMIT"
                ))
                .map_err(|error| store.failed("make", error, false))?;
        }
        Ok(Self::of(connection, Some(lock)))
    }

    /// Folds in what a killed writer has left, and closes.
    fn fold_log(self, store: &StoreFile) -> Result<(), WarehouseError> {
        let Self { connection, _lock, .. } = self;
        connection.execute_batch("FORCE CHECKPOINT").map_err(|error| store.failed("open", error, false))?;
        drop(connection);
        // A writer that was killed within the first entry has left a log that holds nothing whole. DuckDB lets it lie
        // there; all that was committed is in the store by now.
        match fs::remove_file(store.beside(".wal")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(store.failed("open", error, false)),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Opens the store to read.
    pub(super) fn read(store: &StoreFile) -> Result<Self, WarehouseError> {
        let lock = lock_whole(store)?;
        Self::read_locked(store, Some(lock))
    }

    /// Opens a store whose lock is held, or that needs none as nobody else knows of it.
    pub(super) fn read_locked(store: &StoreFile, lock: Option<StoreLock>) -> Result<Self, WarehouseError> {
        let connection = open(store, AccessMode::ReadOnly)?;
        check_format(&connection, store)?;
        Ok(Self::of(connection, lock))
    }

    fn of(connection: Connection, lock: Option<StoreLock>) -> Self {
        Self { connection, checked: RefCell::default(), known: RefCell::default(), _lock: lock }
    }

    /// Returns whether a table was found to be what its schema says.
    pub(super) fn is_checked(&self, table: &TableId) -> bool {
        let is_it = |known: &TableId| ptr::eq(known.schema, table.schema) && known.physical_name == table.physical_name;
        self.checked.borrow().iter().any(is_it)
    }

    /// Notes that a table is what its schema says.
    pub(super) fn note_checked(&self, table: &TableId) {
        self.checked.borrow_mut().push(table.clone());
    }
}

/// Waits for the right to read a store that is there and whole: what a killed writer had committed stands in a log
/// beside the store until it is folded in.
pub(super) fn lock_whole(store: &StoreFile) -> Result<StoreLock, WarehouseError> {
    loop {
        let lock = StoreLock::shared(store)?;
        if store.path.exists() && !store.beside(".wal").exists() {
            return Ok(lock);
        }
        drop(lock);
        Session::write(store)?.fold_log(store)?;
    }
}

/// Opens the file. Programs that do not know of the lock file may hold it; they are waited for too.
fn open(store: &StoreFile, mode: AccessMode) -> Result<Connection, WarehouseError> {
    let mut waited = Duration::ZERO;
    loop {
        let read_only = matches!(mode, AccessMode::ReadOnly);
        let config = Config::default();
        // What jobs write are small steps: to wake other threads for them takes longer than it saves.
        let config = if read_only { config.access_mode(AccessMode::ReadOnly) } else { config.threads(1) };
        let opened = config.and_then(restrict).and_then(|config| Connection::open_with_flags(&store.path, config));
        match opened {
            Ok(connection) => {
                // A DuckDB built without time zones knows nothing but UTC.
                drop(connection.execute_batch("SET TimeZone = 'UTC'"));
                return Ok(connection);
            }
            Err(error) => match foreign_holder(&error.to_string()) {
                Some(_) if waited < store.wait => {
                    std::thread::sleep(POLL);
                    waited += POLL;
                }
                Some(holder) => return Err(WarehouseError::Busy { store: store.to_string(), holder, waited }),
                None => return Err(cannot_open(store, &error)),
            },
        }
    }
}

/// Keeps SQL inside the store: no file is read or written, nothing is fetched.
pub(super) fn restrict(config: Config) -> duckdb::Result<Config> {
    config.enable_autoload_extension(false)?.enable_external_access(false)
}

/// Returns who holds the file, as DuckDB tells it.
fn foreign_holder(message: &str) -> Option<String> {
    let (_, holder) = message.split_once("Conflicting lock is held in ")?;
    Some(holder.split(". ").next().unwrap_or(holder).trim().to_owned())
}

fn cannot_open(store: &StoreFile, error: &duckdb::Error) -> WarehouseError {
    let message = error.to_string();
    // DuckDB names the numbers of its own file format; all there is to do is to use a newer one.
    if message.contains("database file with version number") {
        let found = message.lines().next().unwrap_or_default().to_owned();
        return WarehouseError::NewerStore { store: store.to_string(), found, known: FORMAT.to_string() };
    }
    store.failed("open", message, false)
}

/// Returns whether a statement failed because a table is not there.
pub(super) fn is_absent(error: &duckdb::Error) -> bool {
    says_absent(&error.to_string())
}

/// The same of DuckDB's words.
pub(super) fn says_absent(message: &str) -> bool {
    message.contains("does not exist")
}

/// Returns the store's format, `None` of a store that is being made.
fn check_format(connection: &Connection, store: &StoreFile) -> Result<Option<i64>, WarehouseError> {
    let found: Option<i64> = match connection.query_row("SELECT max(format) FROM sentinel_store", [], |row| row.get(0))
    {
        Err(error) if is_absent(&error) => None,
        found => found.map_err(|error| store.failed("open", error, false))?,
    };
    match found {
        Some(found) if found > FORMAT => Err(WarehouseError::NewerStore {
            store: store.to_string(),
            found: found.to_string(),
            known: FORMAT.to_string(),
        }),
        found => Ok(found),
    }
}
