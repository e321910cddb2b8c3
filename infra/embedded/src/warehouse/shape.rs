//! Whether a table is what its schema says.

use std::collections::BTreeMap;

use duckdb::params;
use sentinel_domain::tables::export::{column_type, create_table};
use sentinel_domain::warehouse::{ColumnDrift, TableId, WarehouseError};

use super::file::StoreFile;
use super::query;
use super::session::Session;

/// Makes the table where there is none, then checks it.
pub(super) fn ensure(store: &StoreFile, table: &TableId) -> Result<(), WarehouseError> {
    match check(&Session::read(store)?, table) {
        Err(WarehouseError::NoTable { .. }) => {}
        checked => return checked,
    }
    let session = Session::write(store)?;
    let sql = create_table(table.schema, &table.physical_name);
    session.connection.execute_batch(&sql).map_err(|error| store.failed("make a table in", error, false))?;
    // Another process may have made it meanwhile, from another schema.
    check(&session, table)
}

/// Compares a table with its schema.
pub(super) fn check(session: &Session, table: &TableId) -> Result<(), WarehouseError> {
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
    if drift.is_empty() { Ok(()) } else { Err(WarehouseError::Drift { table: table.to_string(), columns: drift }) }
}

/// Returns each column of the table with its type.
fn columns(session: &Session, table: &TableId) -> Result<BTreeMap<String, String>, WarehouseError> {
    let sql = "SELECT column_name, data_type, is_nullable FROM duckdb_columns() \
               WHERE table_name = ? AND schema_name = 'main' AND database_name = current_database()";
    let mut statement = session.connection.prepare(sql).map_err(query::failed)?;
    let described = |row: &duckdb::Row<'_>| Ok((row.get(0)?, described(&row.get::<_, String>(1)?, row.get(2)?)));
    let rows = statement.query_map(params![table.physical_name], described).map_err(query::failed)?;
    rows.collect::<Result<_, _>>().map_err(query::failed)
}

fn described(kind: &str, nullable: bool) -> String {
    format!("{kind}{}", if nullable { "" } else { " NOT NULL" })
}
