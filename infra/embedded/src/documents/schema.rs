//! What is in the file: opening, creating and checking it.

use std::collections::BTreeSet;
use std::path::Path;
use std::thread;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, TransactionBehavior};
use sentinel_domain::documents::{Collection, Index, StoreError};
use sentinel_domain::environment::Environment;

use super::Durability;
use super::failure::store_error;
use super::sql;

/// In the file's header, so that another program's database is not taken for ours: "SNTL".
const APPLICATION_ID: i64 = 0x534E_544C;
/// The newest layout this release knows. A new index or collection needs no new version, it is added on opening.
const VERSION: i64 = 1;
/// How long a writer queues behind others before it gives up. Commits take milliseconds: only a stopped process that
/// holds the lock makes anybody wait this long.
const BUSY_TIMEOUT: Duration = Duration::from_secs(60);
/// How often turning WAL on is tried while other processes do the same: SQLite does not queue them for that.
const WAL_ATTEMPTS: u32 = 2_000;
const WAL_PAUSE: Duration = Duration::from_millis(5);
/// Page cache of a connection. With SQLite's own 2 MiB, 10,000 new signals took half as long again.
const CACHE_KIB: i64 = 32_768;
/// Pages of the log that are moved into the file at a time, 16 MiB: fewer waits for the disk than SQLite's own 1,000.
const CHECKPOINT_PAGES: i64 = 4_000;
/// The same where commits do not wait for the disk, so that this is the only wait: 64 MiB.
const CHECKPOINT_PAGES_UNCONFIRMED: i64 = 16_000;
/// What is kept of a log that grew behind a long reader.
const LOG_BYTES_KEPT: i64 = 64 << 20;
/// Statements are few, but each query shape is its own.
const STATEMENTS_CACHED: usize = 256;

/// Opens a connection to the store at `path`, creating what is missing.
pub(super) fn open(path: &Path, environment: Environment, durability: Durability) -> Result<Connection, StoreError> {
    let failed = |error: rusqlite::Error| store_error(path, &error);
    let mut connection = Connection::open(path).map_err(failed)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_CACHED);
    check_header(&connection, path)?;
    use_wal(&connection).map_err(failed)?;
    let (synchronous, checkpoint_pages) = match durability {
        Durability::PowerCut => ("FULL", CHECKPOINT_PAGES),
        Durability::ProcessEnd => ("NORMAL", CHECKPOINT_PAGES_UNCONFIRMED),
    };
    connection.pragma_update(None, "synchronous", synchronous).map_err(failed)?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB).map_err(failed)?;
    connection.pragma_update(None, "wal_autocheckpoint", checkpoint_pages).map_err(failed)?;
    connection.pragma_update(None, "journal_size_limit", LOG_BYTES_KEPT).map_err(failed)?;
    create_missing(&mut connection, environment).map_err(failed)?;
    check_environment(&connection, path, environment)?;
    Ok(connection)
}

/// Refuses other programs' databases and newer stores before anything is changed.
fn check_header(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let failed = |error: rusqlite::Error| store_error(path, &error);
    let store = path.display().to_string();
    let number = |pragma: &str| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0)).map_err(failed);
    // What is in it before whose it is: another process may be creating the store, tables and header in one commit.
    let is_empty = objects(connection).map_err(failed)?.is_empty();
    let (application, found) = (number("application_id")?, number("user_version")?);
    if application != APPLICATION_ID && !is_empty {
        return Err(StoreError::NotAStore { store, reason: "it is a database of another program".to_owned() });
    }
    if found > VERSION {
        return Err(StoreError::TooNew { store, found, supported: VERSION });
    }
    Ok(())
}

/// Turns on write-ahead logging, which stays on in the file.
fn use_wal(connection: &Connection) -> rusqlite::Result<()> {
    let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
    if mode == "wal" {
        return Ok(());
    }
    for _ in 1..WAL_ATTEMPTS {
        match connection.pragma_update(None, "journal_mode", "wal") {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => thread::sleep(WAL_PAUSE),
            done => return done,
        }
    }
    connection.pragma_update(None, "journal_mode", "wal")
}

/// Returns the names of all tables and indexes.
fn objects(connection: &Connection) -> rusqlite::Result<BTreeSet<String>> {
    connection.prepare("SELECT name FROM sqlite_master")?.query_map([], |row| row.get(0))?.collect()
}

/// Creates the tables and indexes that are not there; writes nothing, and so waits for nobody, when all are.
fn create_missing(connection: &mut Connection, environment: Environment) -> rusqlite::Result<()> {
    let wanted = statements(environment);
    let missing = |found: &BTreeSet<String>| wanted.iter().any(|(name, _)| !found.contains(name));
    if !missing(&objects(connection)?) {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = objects(&transaction)?;
    for (_, statement) in wanted.iter().filter(|(name, _)| !found.contains(name)) {
        transaction.execute_batch(statement)?;
    }
    transaction.execute(
        "INSERT OR IGNORE INTO sentinel_store (one, environment, commits) VALUES (1, ?1, 0)",
        [environment.as_str()],
    )?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()
}

/// Returns each object's name and the statement that creates it.
fn statements(environment: Environment) -> Vec<(String, String)> {
    let store =
        "CREATE TABLE sentinel_store (one INTEGER PRIMARY KEY, environment TEXT NOT NULL, commits INTEGER NOT NULL)";
    let mut statements = vec![("sentinel_store".to_owned(), store.to_owned())];
    for collection in Collection::ALL {
        let table = environment.collection(collection).as_str();
        statements.push((
            table.to_owned(),
            format!(
                "CREATE TABLE {table} (id TEXT NOT NULL PRIMARY KEY, version INTEGER NOT NULL, body TEXT NOT NULL, \
                 expire_at INTEGER)"
            ),
        ));
        let expiry = format!("{table}_by_expire_at");
        let create = format!("CREATE INDEX {expiry} ON {table} (expire_at) WHERE expire_at IS NOT NULL");
        statements.push((expiry, create));
        let declared: BTreeSet<&[&str]> = collection.indexes().iter().map(Index::fields).collect();
        statements.extend(declared.into_iter().map(|fields| index(table, fields)));
    }
    statements
}

/// The id comes last in each index, so that ties are found in their order. One index serves both directions.
fn index(table: &str, fields: &[&str]) -> (String, String) {
    let name = format!("{table}_by_{}", fields.join("_and_").replace('.', "_"));
    let columns: Vec<String> = fields.iter().map(|field| sql::extract(field)).collect();
    let create = format!("CREATE INDEX {name} ON {table} ({}, id)", columns.join(", "));
    (name, create)
}

fn check_environment(connection: &Connection, path: &Path, expected: Environment) -> Result<(), StoreError> {
    let failed = |error: rusqlite::Error| store_error(path, &error);
    let store = path.display().to_string();
    let found: String =
        connection.query_row("SELECT environment FROM sentinel_store", [], |row| row.get(0)).map_err(failed)?;
    match found.parse::<Environment>() {
        Ok(found) if found == expected => Ok(()),
        Ok(found) => Err(StoreError::WrongEnvironment { store, expected, found }),
        Err(error) => Err(StoreError::NotAStore { store, reason: error.to_string() }),
    }
}
