//! The statements, in GoogleSQL.

use sentinel_domain::tables::{Column, Kind};
use sentinel_domain::warehouse::TableId;
use sentinel_domain::warehouse::sql::{Dialect, MergeParts, matched_sql, merge_sql};

use super::keys::NUMBER;
use super::span::Span;

/// The name of the parameter that carries rows or keys.
pub(super) const ROWS: &str = "rows";

/// How BigQuery writes what every warehouse understands.
pub(super) struct GoogleSql;

impl Dialect for GoogleSql {
    fn quoted(&self, name: &str) -> String {
        quoted(name)
    }

    /// Documents travel as text.
    fn taken(&self, column: &Column) -> String {
        let name = quoted(column.name);
        match column.kind {
            Kind::Json => format!("PARSE_JSON(r.{name}) AS {name}"),
            _ => format!("r.{name}"),
        }
    }

    /// Lists and documents are not compared as such, only their text; a document is written with its names in order.
    fn differs(&self, column: &Column) -> String {
        let name = quoted(column.name);
        match column.kind {
            Kind::Texts => format!("TO_JSON_STRING(t.{name}) IS DISTINCT FROM TO_JSON_STRING(s.{name})"),
            Kind::Json => {
                let text = |side: &str| format!("IF({side}.{name} IS NULL, NULL, TO_JSON_STRING({side}.{name}))");
                format!("{} IS DISTINCT FROM {}", text("t"), text("s"))
            }
            _ => format!("t.{name} IS DISTINCT FROM s.{name}"),
        }
    }
}

/// Returns a name in quotes, so that words of SQL may be names.
pub(super) fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', ""))
}

/// Returns the statement that writes rows of this span.
pub(crate) fn merge(table: &TableId, span: Span) -> String {
    let target = quoted(&table.physical_name);
    let source = format!("UNNEST(@{ROWS}) AS r");
    merge_sql(
        &GoogleSql,
        table.schema,
        MergeParts { target: &target, source: &source, days: &span.within(table.schema) },
    )
}

/// Returns the question which of the keys of this span have a row: their numbers.
pub(crate) fn existing(table: &TableId, span: Span) -> String {
    format!(
        "SELECT s.{number} FROM {target} AS t INNER JOIN UNNEST(@{ROWS}) AS s ON {equal} WHERE {within}",
        number = NUMBER.name,
        target = quoted(&table.physical_name),
        equal = matched_sql(&GoogleSql, table.schema),
        within = span.within(table.schema),
    )
}
