//! Which rows are there.

use duckdb::params_from_iter;
use sentinel_domain::tables::export::{column_type, quoted};
use sentinel_domain::tables::{Cell, Column, Kind, PARTITION};
use sentinel_domain::warehouse::sql::matched_sql;
use sentinel_domain::warehouse::{RowKey, TableId, WarehouseError};

use super::file::StoreFile;
use super::query;
use super::session::Session;
use super::shape;
use super::staged::{DuckSql, STAGED, stage};
use super::value::to_value;

/// So many keys are handed over as parameters; more are staged.
const LISTED_MAX: usize = 32;

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
    let mut parameters = Vec::new();
    let asked = if rows.len() <= LISTED_MAX {
        parameters.extend(rows.iter().flatten().map(to_value));
        listed(&columns, rows.len())
    } else {
        stage(&session.connection, store, &columns, rows.iter())?;
        STAGED.to_owned()
    };
    let days = || keys.iter().map(|key| key.ds);
    parameters.extend(days().min().into_iter().chain(days().max()).map(|day| to_value(&Cell::Date(day))));

    let mut statement = session.connection.prepare(&existing_sql(table, &asked)).map_err(query::failed)?;
    let found = statement.query_map(params_from_iter(parameters), |row| row.get::<_, usize>(0));
    let mut there = vec![false; keys.len()];
    for number in found.map_err(query::failed)? {
        there[number.map_err(query::failed)?] = true;
    }
    Ok(there)
}

fn cells(number: i64, key: &RowKey) -> Vec<Cell> {
    [Cell::Integer(number), Cell::Date(key.ds)].into_iter().chain(key.values.iter().cloned()).collect()
}

/// Returns keys as a list of parameters: for a few it takes half of what a temporary table takes.
fn listed(columns: &[&Column], rows: usize) -> String {
    let parameter = |column: &&Column| format!("CAST(? AS {})", column_type(column.kind));
    let row = format!("({})", columns.iter().map(parameter).collect::<Vec<_>>().join(", "));
    let names: Vec<_> = columns.iter().map(|column| quoted(column.name)).collect();
    format!("(SELECT * FROM (VALUES {}) AS v({}))", vec![row; rows].join(", "), names.join(", "))
}

fn existing_sql(table: &TableId, asked: &str) -> String {
    format!(
        "SELECT s.{number} FROM {asked} AS s SEMI JOIN (SELECT * FROM {target} \
         WHERE {PARTITION} >= ? AND {PARTITION} <= ?) AS t ON {equal}",
        number = NUMBER.name,
        target = quoted(&table.physical_name),
        equal = matched_sql(&DuckSql, table.schema),
    )
}
