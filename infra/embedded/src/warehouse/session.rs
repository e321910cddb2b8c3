//! One session: the lock and a connection, both for a short moment.

use std::time::Duration;

use duckdb::{AccessMode, Config, Connection};
use sentinel_domain::warehouse::WarehouseError;

use super::FORMAT;
use super::file::StoreFile;
use super::lock::{POLL, StoreLock};

/// An open store. Dropping it closes the file, then gives the lock back.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) connection: Connection,
    _lock: Option<StoreLock>,
}

impl Session {
    /// Opens the store to write, and makes it where there is none.
    pub(super) fn write(store: &StoreFile) -> Result<Self, WarehouseError> {
        let lock = StoreLock::exclusive(store)?;
        super::fresh::make_whole(store)?;
        let connection = open(store, AccessMode::ReadWrite)?;
        check_format(&connection, store)?;
        connection
            .execute_batch(&format!(
                "BEGIN; CREATE TABLE IF NOT EXISTS sentinel_store (format BIGINT NOT NULL); \
                 INSERT INTO sentinel_store SELECT {FORMAT} WHERE NOT EXISTS (SELECT 1 FROM sentinel_store); COMMIT"
            ))
            .map_err(|error| store.failed("open", error, false))?;
        Ok(Self { connection, _lock: Some(lock) })
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
        Ok(Self { connection, _lock: lock })
    }
}

/// Waits for the right to read a store that is there and whole: what a killed writer had committed stands in a log
/// beside the store until the next writer folds it in.
pub(super) fn lock_whole(store: &StoreFile) -> Result<StoreLock, WarehouseError> {
    loop {
        let lock = StoreLock::shared(store)?;
        if store.path.exists() && !store.beside(".wal").exists() {
            return Ok(lock);
        }
        drop(lock);
        drop(Session::write(store)?);
    }
}

/// Opens the file. Programs that do not know of the lock file may hold it; they are waited for too.
fn open(store: &StoreFile, mode: AccessMode) -> Result<Connection, WarehouseError> {
    let mut waited = Duration::ZERO;
    loop {
        let read_only = matches!(mode, AccessMode::ReadOnly);
        let config =
            if read_only { Config::default().access_mode(AccessMode::ReadOnly) } else { Ok(Config::default()) };
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
    error.to_string().contains("does not exist")
}

fn check_format(connection: &Connection, store: &StoreFile) -> Result<(), WarehouseError> {
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
        _ => Ok(()),
    }
}
