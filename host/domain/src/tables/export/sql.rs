//! The laptop's SQL: what DuckDB is told.

use std::fmt::Write;

use super::meaning;
use crate::tables::{Column, Kind, PARTITION, TableSchema, ViewSchema};

/// Returns DuckDB's type of what a column holds. Timestamps are UTC without a zone of their own, so that no session
/// setting can shift them.
#[must_use]
pub const fn column_type(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "VARCHAR",
        Kind::Integer => "BIGINT",
        Kind::Real => "DOUBLE",
        Kind::Decimal => "DECIMAL(38,9)",
        Kind::Boolean => "BOOLEAN",
        Kind::Date => "DATE",
        Kind::Timestamp => "TIMESTAMP",
        Kind::Texts => "VARCHAR[]",
        Kind::Json => "JSON",
    }
}

/// Returns a name in quotes, so that words of SQL may be names.
#[must_use]
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Returns the statement that makes a table where there is none.
#[must_use]
pub fn create_table(table: &TableSchema, physical_name: &str) -> String {
    let columns: Vec<_> = table.columns.iter().map(|column| format!("  {}", definition(column))).collect();
    format!("CREATE TABLE IF NOT EXISTS {} (\n{}\n)", quoted(physical_name), columns.join(",\n"))
}

/// Returns the statement that makes or replaces a view.
#[must_use]
pub fn create_view(physical_name: &str, query: &str) -> String {
    format!("CREATE OR REPLACE VIEW {} AS\n{query}", quoted(physical_name))
}

/// Returns all tables and views as SQL, with a comment on each table and column.
#[must_use]
pub fn sql(tables: &[&TableSchema], views: &[&ViewSchema]) -> String {
    let mut text =
        String::from("-- The warehouse as DuckDB knows it, written by `sentinel schema export --format sql`.\n");
    for table in tables {
        let name = quoted(table.name);
        let key = table.key.join(", ");
        // Writing to a String cannot fail.
        let _ = write!(text, "\n-- One row is {}; rows are told apart by {PARTITION}, {key}.\n", table.grain);
        let _ = writeln!(text, "{};", create_table(table, table.name));
        let _ = writeln!(text, "COMMENT ON TABLE {name} IS {};", literal(&table.description()));
        for column in table.columns {
            let comment = literal(&meaning(column));
            let _ = writeln!(text, "COMMENT ON COLUMN {name}.{} IS {comment};", quoted(column.name));
        }
    }
    for view in views {
        let query = view.query(str::to_owned);
        let _ = write!(text, "\n-- {}\n{};\n", view.description, create_view(view.name, &query));
    }
    text
}

fn definition(column: &Column) -> String {
    let null = if column.nullable { "" } else { " NOT NULL" };
    format!("{} {}{null}", quoted(column.name), column_type(column.kind))
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
