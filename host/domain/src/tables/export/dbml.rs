//! The diagram: DBML, as dbdiagram.io and its kin read it.

use std::fmt::Write;

use super::{bigquery_type, meaning};
use crate::tables::{Column, Kind, PARTITION, TableSchema, ViewSchema};

/// Returns tables, views and references as DBML.
#[must_use]
pub fn dbml(tables: &[&TableSchema], views: &[&ViewSchema]) -> String {
    let mut text = String::from(
        "// The warehouse's tables, written by `sentinel schema export --format dbml`; do not edit by hand.\n\
         Project crypto_sentinel {\n  database_type: 'BigQuery'\n  Note: 'Every table is partitioned by ds, the logical date.'\n}\n",
    );
    for table in tables {
        let columns = table.columns.iter().map(|column| field(table, column)).collect();
        let key = format!("{PARTITION}, {}", table.key.join(", "));
        let indexes = format!("\n  indexes {{\n    ({key}) [unique, name: 'business key']\n  }}\n");
        block(&mut text, table.name, columns, &indexes, &note(&table.description(), table.grain));
    }
    for view in views {
        let columns = view.columns.iter().map(view_field).collect();
        let description = format!("View. {}", view.description);
        block(&mut text, view.name, columns, "", &note(&description, view.grain));
    }
    text.push('\n');
    for table in tables {
        for reference in table.references {
            let (from, to) = (columns_of(reference.columns), columns_of(reference.to));
            // Writing to a String cannot fail.
            let _ = writeln!(text, "Ref: {}.{from} > {}.{to}", table.name, reference.table);
        }
    }
    text
}

fn block(text: &mut String, name: &str, columns: Vec<String>, indexes: &str, note: &str) {
    let _ = write!(text, "\nTable {name} {{\n{}\n{indexes}\n  Note: {}\n}}\n", columns.join("\n"), quoted(note));
}

fn note(description: &str, grain: &str) -> String {
    format!("{description} One row is {grain}.")
}

fn field(table: &TableSchema, column: &Column) -> String {
    let mut settings = Vec::new();
    if table.key == [column.name] {
        settings.push("pk".to_owned());
    }
    settings.push(if column.nullable { "null" } else { "not null" }.to_owned());
    settings.push(format!("note: {}", quoted(&meaning(column))));
    format!("  {} {} [{}]", column.name, kind(column.kind), settings.join(", "))
}

fn view_field(column: &Column) -> String {
    format!("  {} {} [note: {}]", column.name, kind(column.kind), quoted(&meaning(column)))
}

fn kind(kind: Kind) -> String {
    match kind {
        Kind::Texts => "\"ARRAY<STRING>\"".to_owned(),
        other => bigquery_type(other).to_owned(),
    }
}

fn columns_of(columns: &[&str]) -> String {
    match columns {
        [column] => (*column).to_owned(),
        several => format!("({})", several.join(", ")),
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}
