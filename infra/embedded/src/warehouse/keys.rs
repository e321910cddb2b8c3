//! Which rows are there.

use std::collections::BTreeSet;

use duckdb::{Row as FoundRow, params_from_iter};
use sentinel_domain::tables::export::{column_type, quoted};
use sentinel_domain::tables::{Cell, Column, Kind};
use sentinel_domain::warehouse::sql::matched_sql;
use sentinel_domain::warehouse::{RowKey, TableId, WarehouseError};

use super::days::Days;
use super::file::StoreFile;
use super::query;
use super::session::Session;
use super::shape;
use super::staged::{DuckSql, STAGED, stage};
use super::value::{to_cell, to_value};

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
    let mut known = session.known.borrow_mut();
    let mut there: Vec<bool> = keys.iter().map(|key| known.has_found(table, key)).collect();
    let asked: Vec<&RowKey> = keys.iter().zip(&there).filter(|(_, found)| !**found).map(|(key, _)| key).collect();
    let Some(days) = Days::of_keys(&asked) else { return Ok(there) };
    let found = if asked.len() <= LISTED_MAX {
        listed(session, table, &asked, &days)?
    } else {
        staged(session, store, table, &asked, &days)?
    };
    let unasked = there.iter_mut().filter(|found| !**found);
    for ((place, key), found) in unasked.zip(&asked).zip(found) {
        *place = found;
        if found {
            known.note_found(table, key);
        }
    }
    Ok(there)
}

/// Asks for the rows that have one of the keys' values in each column of the key, and looks which of the keys they have: a
/// few values are planned in a fifth of the time that a join takes.
fn listed(session: &Session, table: &TableId, keys: &[&RowKey], days: &Days) -> Result<Vec<bool>, WarehouseError> {
    let columns: Vec<&Column> = table.schema.matched().collect();
    let mut conditions = vec![days.to_string()];
    let mut parameters = Vec::new();
    for (place, column) in columns.iter().skip(1).enumerate() {
        let mut seen = BTreeSet::new();
        let values = keys.iter().map(|key| &key.values[place]).filter(|value| seen.insert(value.to_string()));
        parameters.extend(values.map(to_value));
        let parameter = format!("CAST(? AS {})", column_type(column.kind));
        conditions.push(format!("t.{} IN ({})", quoted(column.name), vec![parameter; seen.len()].join(", ")));
    }
    let names: Vec<String> = columns.iter().map(|column| format!("t.{}", quoted(column.name))).collect();
    let target = quoted(&table.physical_name);
    let sql = format!("SELECT {} FROM {target} AS t WHERE {}", names.join(", "), conditions.join(" AND "));
    let mut statement = session.connection.prepare(&sql).map_err(query::failed)?;
    let cells = |row: &FoundRow<'_>| (0..columns.len()).map(|place| Ok(to_cell(row.get(place)?, false))).collect();
    let found = statement.query_map(params_from_iter(parameters), cells).map_err(query::failed)?;
    let found: Vec<Vec<Cell>> = found.collect::<duckdb::Result<_>>().map_err(query::failed)?;
    Ok(keys.iter().map(|key| found.iter().any(|cells| is_key(key, cells))).collect())
}

/// Returns whether what was found, logical date first, is a key, as the table would hold it.
fn is_key(key: &RowKey, found: &[Cell]) -> bool {
    let held = key.values.iter().map(|value| to_cell(to_value(value), false));
    std::iter::once(Cell::Date(key.ds)).chain(held).eq(found.iter().cloned())
}

fn staged(
    session: &Session,
    store: &StoreFile,
    table: &TableId,
    keys: &[&RowKey],
    days: &Days,
) -> Result<Vec<bool>, WarehouseError> {
    let columns: Vec<&Column> = std::iter::once(&NUMBER).chain(table.schema.matched()).collect();
    let rows: Vec<Vec<Cell>> = (0_i64..).zip(keys).map(|(number, key)| cells(number, key)).collect();
    stage(&session.connection, store, &columns, rows.iter())?;
    let sql = format!(
        "SELECT s.{number} FROM {STAGED} AS s SEMI JOIN {target} AS t ON {days} AND {equal}",
        number = NUMBER.name,
        target = quoted(&table.physical_name),
        equal = matched_sql(&DuckSql, table.schema),
    );
    let mut statement = session.connection.prepare(&sql).map_err(query::failed)?;
    let found = statement.query_map([], |row| row.get::<_, usize>(0));
    let mut there = vec![false; keys.len()];
    for number in found.map_err(query::failed)? {
        there[number.map_err(query::failed)?] = true;
    }
    Ok(there)
}

fn cells(number: i64, key: &RowKey) -> Vec<Cell> {
    [Cell::Integer(number), Cell::Date(key.ds)].into_iter().chain(key.values.iter().cloned()).collect()
}
