//! Writing a batch: staged in memory, then one `MERGE`, all of it or nothing.

use sentinel_domain::tables::export::quoted;
use sentinel_domain::tables::{Column, PARTITION, Row};
use sentinel_domain::warehouse::sql::{self, MergeParts};
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
    // One statement is one transaction.
    let mut statement = session.connection.prepare(&merge_sql(table)).map_err(failed)?;
    let actions = statement.query_map([], |row| row.get::<_, String>(0)).map_err(failed)?;
    let mut merged = Merged::default();
    for action in actions {
        match action.map_err(failed)?.as_str() {
            "INSERT" => merged.inserted += 1,
            _ => merged.updated += 1,
        }
    }
    merged.unchanged = rows.len() as u64 - merged.inserted - merged.updated;
    Ok(merged)
}

fn merge_sql(table: &TableId) -> String {
    let target = quoted(&table.physical_name);
    // The range of days comes first, and is written out, so that blocks of other days are not read.
    let days = format!(
        "t.{PARTITION} >= (SELECT min({PARTITION}) FROM {STAGED}) AND t.{PARTITION} <= (SELECT max({PARTITION}) FROM {STAGED})"
    );
    let parts = MergeParts { target: &target, source: STAGED, days: &days };
    format!("{} RETURNING merge_action", sql::merge_sql(&DuckSql, table.schema, parts))
}
