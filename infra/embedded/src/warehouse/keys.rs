//! Which rows are there.

use sentinel_domain::tables::export::quoted;
use sentinel_domain::tables::{Cell, Column, Kind, PARTITION};
use sentinel_domain::warehouse::{RowKey, TableId, WarehouseError};

use super::file::StoreFile;
use super::query;
use super::session::Session;
use super::shape;
use super::staged::{STAGED, stage};

/// Numbers the keys, so that the answer can be given in their order.
const NUMBER: Column = Column {
    name: "key_number",
    kind: Kind::Integer,
    nullable: false,
    unit: None,
    doc: "The key's place.",
    rules: &[],
};

/// Returns for each key whether its row is there.
pub(super) fn existing(
    session: &Session,
    store: &StoreFile,
    table: &TableId,
    keys: &[RowKey],
) -> Result<Vec<bool>, WarehouseError> {
    shape::check(session, table)?;
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let columns: Vec<&Column> = std::iter::once(&NUMBER).chain(table.schema.matched()).collect();
    let rows: Vec<Vec<Cell>> = (0_i64..).zip(keys).map(|(number, key)| cells(number, key)).collect();
    stage(&session.connection, store, &columns, rows.iter())?;

    let mut statement = session.connection.prepare(&existing_sql(table)).map_err(query::failed)?;
    let numbers = statement.query_map([], |row| row.get::<_, usize>(0)).map_err(query::failed)?;
    let mut there = vec![false; keys.len()];
    for number in numbers {
        there[number.map_err(query::failed)?] = true;
    }
    Ok(there)
}

fn cells(number: i64, key: &RowKey) -> Vec<Cell> {
    [Cell::Integer(number), Cell::Date(key.ds)].into_iter().chain(key.values.iter().cloned()).collect()
}

fn existing_sql(table: &TableId) -> String {
    let equal: Vec<_> = table.schema.matched().map(|column| format!("t.{0} = s.{0}", quoted(column.name))).collect();
    format!(
        "SELECT s.{number} FROM {STAGED} AS s SEMI JOIN (SELECT * FROM {target} \
         WHERE {PARTITION} >= (SELECT min({PARTITION}) FROM {STAGED}) AND {PARTITION} <= (SELECT max({PARTITION}) FROM {STAGED})) AS t \
         ON {equal}",
        number = NUMBER.name,
        target = quoted(&table.physical_name),
        equal = equal.join(" AND "),
    )
}
