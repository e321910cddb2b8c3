//! Everything that is written from the tables' declarations: one module for each form.
//!
//! What is committed of it is held in step by a test; `sentinel schema export` renews it.

mod bigquery;
mod catalog;
mod dbml;
mod sql;

pub use bigquery::{bigquery_schema, bigquery_type};
pub use catalog::catalog;
pub use dbml::dbml;
pub use sql::{column_type, create_table, create_view, quoted, sql};

use super::schema::Column;

/// Returns a column's meaning with its unit and what its values obey, as one text.
fn meaning(column: &Column) -> String {
    let mut text = column.description();
    if let Some(unit) = column.unit {
        text.push_str(&format!(" Unit: {unit}."));
    }
    let rules: Vec<_> = column.rules.iter().map(super::Rule::allowed).collect();
    if !rules.is_empty() {
        text.push_str(&format!(" Allowed: {}.", rules.join("; ")));
    }
    text
}
