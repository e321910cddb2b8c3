//! Writing a batch: staged in memory, then inserted where it is new and replaced where it differs, all of it or nothing.
//!
//! Planning a statement over forty columns takes longer than carrying it out, and a `MERGE` takes three times as long to
//! plan as what stands here in its place.

use sentinel_domain::tables::export::quoted;
use sentinel_domain::tables::{Column, Row};
use sentinel_domain::warehouse::sql::{self, Dialect};
use sentinel_domain::warehouse::{Merged, TableId, WarehouseError};

use super::days::Days;
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
    let mut known = session.known.borrow_mut();
    let rows_of = rows.len() as u64;
    let written: Vec<&Row> = rows.iter().filter(|row| !known.holds(table, row)).collect();
    let Some(days) = Days::of_rows(table.schema, &written) else {
        return Ok(Merged { unchanged: rows_of, ..Merged::default() });
    };
    let columns: Vec<&Column> = table.schema.columns.iter().collect();
    stage(&session.connection, store, &columns, written.iter().copied())?;
    let failed = |error: duckdb::Error| store.failed("write to", error, false);
    let transaction = session.connection.unchecked_transaction().map_err(failed)?;
    let insert = insert_sql(table, &days);
    let inserted = transaction.execute(&insert, []).map_err(failed)? as u64;
    let mut updated = 0;
    // What only grows has no other rows of these keys.
    if inserted < written.len() as u64 && table.schema.grows_by.is_none() {
        updated = transaction.execute(&delete_sql(table, &days), []).map_err(failed)? as u64;
        if updated > 0 {
            transaction.execute(&insert, []).map_err(failed)?;
        }
    }
    transaction.commit().map_err(failed)?;
    known.note_written(table, &written);
    Ok(Merged { inserted, updated, unchanged: rows_of - inserted - updated })
}

/// Adds the rows whose keys are not there.
fn insert_sql(table: &TableId, days: &Days) -> String {
    let names = list(table.schema.columns.iter().map(|column| quoted(column.name)));
    let taken = list(table.schema.columns.iter().map(|column| DuckSql.taken(column)));
    format!(
        "INSERT INTO {target} ({names}) SELECT {taken} FROM {STAGED} AS s ANTI JOIN {target} AS t ON {days} AND {equal}",
        target = quoted(&table.physical_name),
        equal = sql::matched_sql(&DuckSql, table.schema),
    )
}

/// Takes away the rows that are to be replaced.
fn delete_sql(table: &TableId, days: &Days) -> String {
    let taken = list(table.schema.columns.iter().map(|column| DuckSql.taken(column)));
    format!(
        "DELETE FROM {target} AS t USING (SELECT {taken} FROM {STAGED}) AS s WHERE {days} AND {equal} AND {differs}",
        target = quoted(&table.physical_name),
        equal = sql::matched_sql(&DuckSql, table.schema),
        differs = sql::differs_sql(&DuckSql, table.schema),
    )
}

fn list(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}
