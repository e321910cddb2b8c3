//! Writing a batch: staged in memory, then inserted where it is new and merged where it is not, all of it or nothing.

use sentinel_domain::tables::export::quoted;
use sentinel_domain::tables::{Column, PARTITION, Row};
use sentinel_domain::warehouse::sql::{self, Dialect, MergeParts};
use sentinel_domain::warehouse::{Merged, TableId, WarehouseError};

use super::file::StoreFile;
use super::session::Session;
use super::shape;
use super::staged::{DuckSql, STAGED, stage};

/// Writes rows, whose batch is checked, by logical date and business key.
pub(super) fn merge(
    session: &Session,
    store: &StoreFile,
    table: &TableId,
    rows: &[Row],
) -> Result<Merged, WarehouseError> {
    shape::check(session, table)?;
    let columns: Vec<&Column> = table.schema.columns.iter().collect();
    stage(&session.connection, store, &columns, rows.iter())?;
    let failed = |error: duckdb::Error| store.failed("write to", error, false);
    let transaction = session.connection.unchecked_transaction().map_err(failed)?;
    let inserted = transaction.execute(&insert_sql(table), []).map_err(failed)? as u64;
    // Most batches are new as a whole, and planning a MERGE over forty columns takes three times as long as all else.
    let updated = if inserted < rows.len() as u64 {
        transaction.execute(&merge_sql(table), []).map_err(failed)? as u64
    } else {
        0
    };
    transaction.commit().map_err(failed)?;
    Ok(Merged { inserted, updated, unchanged: rows.len() as u64 - inserted - updated })
}

/// Adds the rows whose keys are not there.
fn insert_sql(table: &TableId) -> String {
    let names = list(table.schema.columns.iter().map(|column| quoted(column.name)));
    let taken = list(table.schema.columns.iter().map(|column| DuckSql.taken(column)));
    format!(
        "INSERT INTO {target} ({names}) SELECT {taken} FROM {STAGED} AS s ANTI JOIN {target} AS t ON {days} AND {equal}",
        target = quoted(&table.physical_name),
        days = days(),
        equal = sql::matched_sql(&DuckSql, table.schema),
    )
}

fn merge_sql(table: &TableId) -> String {
    let target = quoted(&table.physical_name);
    sql::merge_sql(&DuckSql, table.schema, MergeParts { target: &target, source: STAGED, days: &days() })
}

/// The range of days comes first, and is written out, so that blocks of other days are not read.
fn days() -> String {
    format!(
        "t.{PARTITION} >= (SELECT min({PARTITION}) FROM {STAGED}) AND t.{PARTITION} <= (SELECT max({PARTITION}) FROM {STAGED})"
    )
}

fn list(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}
