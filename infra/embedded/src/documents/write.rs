//! How a commit is made: one transaction, one statement for each write.

use rusqlite::{CachedStatement, Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use sentinel_domain::documents::{
    Change, CollectionName, Commit, Committed, DocumentVersion, Precondition, StoreError, Write,
};
use sentinel_domain::timeframe::UnixMillis;

/// A write whose body is text already.
pub(super) struct Prepared {
    collection: CollectionName,
    id: String,
    change: Prepare,
    precondition: Precondition,
}

enum Prepare {
    Put { body: String, expire_at: Option<UnixMillis> },
    Delete,
    Keep,
}

/// Why a commit was not made.
pub(super) enum NotWritten {
    Refused(StoreError),
    Failed(rusqlite::Error),
}

impl From<rusqlite::Error> for NotWritten {
    fn from(error: rusqlite::Error) -> Self {
        Self::Failed(error)
    }
}

/// Writes the bodies out.
pub(super) fn prepare(commit: Commit) -> Vec<Prepared> {
    let prepare = |Write { collection, id, change, precondition }| {
        let change = match change {
            Change::Put { body, expire_at } => Prepare::Put { body: body.to_string(), expire_at },
            Change::Delete => Prepare::Delete,
            Change::Keep => Prepare::Keep,
        };
        Prepared { collection, id, change, precondition }
    };
    commit.into_writes().into_iter().map(prepare).collect()
}

/// Makes all of `writes`, or none.
pub(super) fn apply(connection: &mut Connection, writes: &[Prepared]) -> Result<Committed, NotWritten> {
    // Immediate: the lock is waited for here, where waiting is possible, and not when a read has already been made.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version = next_version(&transaction)?;
    for write in writes {
        if !write_one(&transaction, write, version)? {
            let (id, expected) = (write.id.clone(), write.precondition.clone());
            let found = version_of(&transaction, write)?.map(|version| DocumentVersion::new(version.to_string()));
            let collection = write.collection;
            return Err(NotWritten::Refused(StoreError::PreconditionFailed { collection, id, expected, found }));
        }
    }
    transaction.commit()?;
    let put = writes.iter().filter(|write| matches!(write.change, Prepare::Put { .. }));
    let version = DocumentVersion::new(version.to_string());
    Ok(put.map(|write| (write.collection, write.id.clone(), version.clone())).collect())
}

/// Counts commits for ever, so that a version never comes back, not even after a delete.
fn next_version(transaction: &Transaction<'_>) -> rusqlite::Result<i64> {
    // Not RETURNING: SQLite keeps its answer in a table of its own, which costs more than to ask.
    transaction.prepare_cached("UPDATE sentinel_store SET commits = commits + 1")?.execute([])?;
    transaction.prepare_cached("SELECT commits FROM sentinel_store")?.query_row([], |row| row.get(0))
}

/// Returns whether the precondition held; the statement that checks it is the one that writes.
fn write_one(transaction: &Transaction<'_>, write: &Prepared, version: i64) -> rusqlite::Result<bool> {
    let (table, id) = (write.collection, &write.id);
    let cached = |sql: String| -> rusqlite::Result<CachedStatement<'_>> { transaction.prepare_cached(&sql) };
    match (&write.change, &write.precondition) {
        (Prepare::Put { body, expire_at }, Precondition::Any | Precondition::Absent) => {
            let on_conflict = if write.precondition == Precondition::Any {
                "UPDATE SET version = excluded.version, body = excluded.body, expire_at = excluded.expire_at"
            } else {
                "NOTHING"
            };
            let sql = format!(
                "INSERT INTO {table} (id, version, body, expire_at) VALUES (?1, ?2, ?3, ?4) \
                 ON CONFLICT (id) DO {on_conflict}"
            );
            Ok(cached(sql)?.execute(params![id, version, body, expire_at])? == 1)
        }
        (Prepare::Put { body, expire_at }, Precondition::Present | Precondition::Version(_)) => {
            let sql = format!(
                "UPDATE {table} SET version = ?2, body = ?3, expire_at = ?4 WHERE id = ?1 AND (?5 IS NULL OR version = ?5)"
            );
            let expected = expected_version(&write.precondition);
            Ok(cached(sql)?.execute(params![id, version, body, expire_at, expected])? == 1)
        }
        (Prepare::Delete, Precondition::Present | Precondition::Version(_)) => {
            let sql = format!("DELETE FROM {table} WHERE id = ?1 AND (?2 IS NULL OR version = ?2)");
            Ok(cached(sql)?.execute(params![id, expected_version(&write.precondition)])? == 1)
        }
        (Prepare::Delete, Precondition::Any) => {
            cached(format!("DELETE FROM {table} WHERE id = ?1"))?.execute(params![id])?;
            Ok(true)
        }
        (Prepare::Delete, Precondition::Absent) | (Prepare::Keep, _) => {
            let found = version_of(transaction, write)?.map(|version| DocumentVersion::new(version.to_string()));
            Ok(write.precondition.holds(found.as_ref()))
        }
    }
}

/// Returns the version to compare with; `None` for a precondition that any version meets. A version of another store
/// meets nothing: ours begin at 1.
fn expected_version(precondition: &Precondition) -> Option<i64> {
    match precondition {
        Precondition::Version(version) => Some(version.as_str().parse().unwrap_or(0)),
        Precondition::Any | Precondition::Absent | Precondition::Present => None,
    }
}

fn version_of(transaction: &Transaction<'_>, write: &Prepared) -> rusqlite::Result<Option<i64>> {
    let sql = format!("SELECT version FROM {} WHERE id = ?1", write.collection);
    transaction.prepare_cached(&sql)?.query_row([&write.id], |row| row.get(0)).optional()
}

/// Deletes at most `limit` expired documents; returns how many.
pub(super) fn sweep(
    connection: &mut Connection,
    collection: CollectionName,
    now: UnixMillis,
    limit: usize,
) -> rusqlite::Result<usize> {
    let expired = format!("SELECT rowid FROM {collection} WHERE expire_at <= ?1 LIMIT ?2");
    let any: Option<i64> =
        connection.prepare_cached(&expired)?.query_row(params![now, 1], |row| row.get(0)).optional()?;
    if any.is_none() {
        return Ok(0);
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let count = transaction
        .prepare_cached(&format!("DELETE FROM {collection} WHERE rowid IN ({expired})"))?
        .execute(params![now, limit])?;
    transaction.commit()?;
    Ok(count)
}
