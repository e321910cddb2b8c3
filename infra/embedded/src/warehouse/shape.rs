//! Whether a table is what its schema says.

use std::collections::BTreeMap;

use duckdb::params;
use sentinel_domain::environment::Environment;
use sentinel_domain::tables;
use sentinel_domain::tables::export::{column_type, create_table, create_view, quoted};
use sentinel_domain::warehouse::{ColumnDrift, TableId, ViewId, WarehouseError};

use super::file::StoreFile;
use super::query;
use super::session::{Session, is_absent};

/// Returns the statements that make every table and view of an environment that is not there yet.
pub(super) fn create_all(environment: Environment) -> String {
    let named = |name: &str| environment.table(name);
    let tables = tables::all().into_iter().map(|schema| create_table(schema, &named(schema.name)));
    let views = tables::views().into_iter().map(|schema| {
        let view = ViewId::new(schema, named);
        create_view(&view.physical_name, &view.query)
    });
    tables.chain(views).map(|sql| format!("{};\n", sql.trim_end().trim_end_matches(';'))).collect()
}

/// Checks a table, and makes it where there is none.
pub(super) fn ensure(session: &Session, store: &StoreFile, table: &TableId) -> Result<(), WarehouseError> {
    match check(session, table) {
        Err(WarehouseError::NoTable { .. }) => {}
        checked => return checked,
    }
    let sql = create_table(table.schema, &table.physical_name);
    session.connection.execute_batch(&sql).map_err(|error| store.failed("make a table in", error, false))?;
    check(session, table)
}

/// Compares a table with its schema.
pub(super) fn check(session: &Session, table: &TableId) -> Result<(), WarehouseError> {
    if session.is_checked(table) {
        return Ok(());
    }
    let mut found = columns(session, table)?;
    if found.is_empty() {
        return Err(WarehouseError::NoTable { table: table.to_string() });
    }
    let mut drift = Vec::new();
    for column in table.schema.columns {
        let expected = described(column_type(column.kind), column.nullable);
        match found.remove(column.name) {
            None => drift.push(ColumnDrift::Missing(column.name.to_owned())),
            Some(found) if found != expected => {
                drift.push(ColumnDrift::Different { column: column.name.to_owned(), expected, found });
            }
            Some(_) => {}
        }
    }
    drift.extend(found.into_keys().map(ColumnDrift::Unknown));
    if !drift.is_empty() {
        return Err(WarehouseError::Drift { table: table.to_string(), columns: drift });
    }
    session.note_checked(table);
    Ok(())
}

/// Returns each column of the table with its type; none when there is no table. The pragma looks at this one table,
/// where the catalog's views would look at all of them.
fn columns(session: &Session, table: &TableId) -> Result<BTreeMap<String, String>, WarehouseError> {
    let sql = "SELECT name, type, \"notnull\" FROM pragma_table_info(?)";
    let described = |row: &duckdb::Row<'_>| Ok((row.get(0)?, described(&row.get::<_, String>(1)?, !row.get(2)?)));
    let columns = session.connection.prepare(sql).and_then(|mut statement| {
        statement.query_map(params![quoted(&table.physical_name)], described)?.collect::<duckdb::Result<_>>()
    });
    match columns {
        Err(error) if is_absent(&error) => Ok(BTreeMap::new()),
        columns => columns.map_err(query::failed),
    }
}

fn described(kind: &str, nullable: bool) -> String {
    format!("{kind}{}", if nullable { "" } else { " NOT NULL" })
}
