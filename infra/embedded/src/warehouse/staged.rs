//! A batch on its way in: a temporary table that lives in memory and ends with the session.

use duckdb::{Connection, appender_params_from_iter};
use sentinel_domain::tables::export::{column_type, quoted};
use sentinel_domain::tables::{Cell, Column, Kind};
use sentinel_domain::warehouse::WarehouseError;
use sentinel_domain::warehouse::sql::Dialect;

use super::file::StoreFile;
use super::value::to_value;

/// The name of the temporary table.
pub(super) const STAGED: &str = "temp.main.staged";

/// Puts rows into the temporary table; `columns` says what each value is.
pub(super) fn stage<'a, R>(
    connection: &Connection,
    store: &StoreFile,
    columns: &[&Column],
    rows: impl Iterator<Item = R>,
) -> Result<(), WarehouseError>
where
    R: IntoIterator<Item = &'a Cell>,
{
    let failed = |error: duckdb::Error| store.failed("stage rows for", error, false);
    let definitions: Vec<_> = columns.iter().map(|column| definition(column)).collect();
    let sql = format!("CREATE OR REPLACE TEMP TABLE staged ({})", definitions.join(", "));
    connection.execute_batch(&sql).map_err(failed)?;
    let mut appender = connection.appender_to_catalog_and_db("staged", "temp", "main").map_err(failed)?;
    for row in rows {
        appender.append_row(appender_params_from_iter(row.into_iter().map(to_value))).map_err(failed)?;
    }
    appender.flush().map_err(failed)
}

/// Lists and documents are staged as text: an appender takes neither.
fn definition(column: &Column) -> String {
    let kind = match column.kind {
        Kind::Texts | Kind::Json => "VARCHAR",
        kind => column_type(kind),
    };
    format!("{} {kind}", quoted(column.name))
}

/// How DuckDB writes what every warehouse understands.
pub(super) struct DuckSql;

impl Dialect for DuckSql {
    fn quoted(&self, name: &str) -> String {
        quoted(name)
    }

    /// Gives a staged column its type back.
    fn taken(&self, column: &Column) -> String {
        let name = quoted(column.name);
        match column.kind {
            Kind::Texts => format!("CAST(CAST({name} AS JSON) AS VARCHAR[]) AS {name}"),
            Kind::Json => format!("CAST({name} AS JSON) AS {name}"),
            _ => name,
        }
    }
}
