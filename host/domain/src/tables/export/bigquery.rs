//! The schema JSON that BigQuery and Terraform read.

use serde_json::{Value, json};

use super::meaning;
use crate::tables::{Column, Kind, TableSchema};

/// Returns the fields of a table as BigQuery's JSON: an array of name, type, mode and description.
#[must_use]
pub fn bigquery_schema(table: &TableSchema) -> Value {
    table.columns.iter().map(field).collect()
}

/// Returns BigQuery's name of what a column holds.
#[must_use]
pub const fn bigquery_type(kind: Kind) -> &'static str {
    match kind {
        Kind::Text | Kind::Texts => "STRING",
        Kind::Integer => "INTEGER",
        Kind::Real => "FLOAT",
        Kind::Decimal => "NUMERIC",
        Kind::Boolean => "BOOLEAN",
        Kind::Date => "DATE",
        Kind::Timestamp => "TIMESTAMP",
        Kind::Json => "JSON",
    }
}

fn field(column: &Column) -> Value {
    /// What BigQuery takes as a description.
    const DESCRIPTION_MAX: usize = 1_024;
    let mode = match (column.kind, column.nullable) {
        (Kind::Texts, _) => "REPEATED",
        (_, true) => "NULLABLE",
        (_, false) => "REQUIRED",
    };
    let description: String = meaning(column).chars().take(DESCRIPTION_MAX).collect();
    json!({ "name": column.name, "type": bigquery_type(column.kind), "mode": mode, "description": description })
}
