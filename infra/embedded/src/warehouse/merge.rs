//! Writing a batch: staged in memory, then one `MERGE`, all of it or nothing.

use sentinel_domain::tables::export::quoted;
use sentinel_domain::tables::{Column, PARTITION, Row, TableSchema};
use sentinel_domain::warehouse::{Merged, TableId, WarehouseError};

use super::file::StoreFile;
use super::session::Session;
use super::shape;
use super::staged::{STAGED, stage, typed};

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
    let schema = table.schema;
    let names = list(schema.columns.iter().map(|column| quoted(column.name)));
    let selected = list(schema.columns.iter().map(typed));
    format!(
        "INSERT INTO {target} ({names}) SELECT {selected} FROM {STAGED} AS s ANTI JOIN {target} AS t ON {on}",
        target = quoted(&table.physical_name),
        on = matched(schema),
    )
}

fn merge_sql(table: &TableId) -> String {
    let schema = table.schema;
    let names = list(schema.columns.iter().map(|column| quoted(column.name)));
    let selected = list(schema.columns.iter().map(typed));
    let values = list(schema.columns.iter().map(|column| format!("s.{}", quoted(column.name))));
    format!(
        "MERGE INTO {target} AS t USING (SELECT {selected} FROM {STAGED}) AS s ON {on} \
         WHEN MATCHED AND {differs} THEN UPDATE SET {set} \
         WHEN NOT MATCHED THEN INSERT ({names}) VALUES ({values})",
        target = quoted(&table.physical_name),
        on = matched(schema),
        differs = differs(schema),
        set = set(schema),
    )
}

/// The range of days comes first, and is written out, so that blocks of other days are not read.
fn matched(schema: &TableSchema) -> String {
    let range = format!(
        "t.{PARTITION} >= (SELECT min({PARTITION}) FROM {STAGED}) AND t.{PARTITION} <= (SELECT max({PARTITION}) FROM {STAGED})"
    );
    let equal = schema.matched().map(|column| format!("t.{0} = s.{0}", quoted(column.name)));
    std::iter::once(range).chain(equal).collect::<Vec<_>>().join(" AND ")
}

/// Rows that are there just so are left alone, and settled ones by those that are not.
fn differs(schema: &TableSchema) -> String {
    let changed: Vec<_> =
        updated(schema).map(|column| format!("t.{0} IS DISTINCT FROM s.{0}", quoted(column.name))).collect();
    let changed = if changed.is_empty() { "FALSE".to_owned() } else { format!("({})", changed.join(" OR ")) };
    match schema.settled {
        Some(settled) => format!("NOT (t.{0} AND NOT s.{0}) AND {changed}", quoted(settled)),
        None => changed,
    }
}

fn set(schema: &TableSchema) -> String {
    let pairs = updated(schema).map(|column| format!("{0} = s.{0}", quoted(column.name)));
    let pairs = list(pairs);
    // A table of keys alone has nothing to update; MERGE wants an assignment all the same.
    if pairs.is_empty() { format!("{0} = s.{0}", quoted(PARTITION)) } else { pairs }
}

fn updated(schema: &TableSchema) -> impl Iterator<Item = &'static Column> {
    let is_updated = |column: &&Column| column.name != PARTITION && !schema.is_key(column.name);
    schema.columns.iter().filter(is_updated)
}

fn list(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}
