//! The data catalog: every column of every table, for people.

use std::fmt::Write;

use super::{bigquery_type, column_type};
use crate::tables::{Column, Kind, PARTITION, Rule, TableSchema, ViewSchema};

const OPENING: &str = "\
# Data catalog

Every column of every table of the warehouse. Written from the declarations in `host/domain/src/tables/` by
`sentinel schema export --format markdown`; a test fails when this file is not in step with them.

What holds for all tables:

* **`ds` is the logical date**, never the date of a run: the day that a row is about. Tables are partitioned by it, and
  a query that names it reads only those days. In BigQuery it is the partition column; DuckDB has no partitions, but keeps
  the smallest and largest `ds` of each block of rows and skips blocks that cannot match.
* Rows are written by `MERGE` on `ds` and the business key: writing a row again changes nothing.
* Times are UTC. `timestamp` is the moment a row is about, and says which of its other times that is.
* Money and quantities are exact decimals with up to 9 places. Percentages are per cent: `1.5` is 1.5 %.
* What cannot be computed is empty, never 0, and the reason stands beside it.
* In the environments DEV and TEST every name ends in `_test`.
* Every row passed the guardian: what stands under *allowed* is true of all of them.
";

/// Returns the catalog as Markdown.
#[must_use]
pub fn catalog(tables: &[&TableSchema], views: &[&ViewSchema]) -> String {
    let mut text = format!("{OPENING}\n| table | one row is | key, with `ds` |\n|---|---|---|\n");
    // Writing to a String cannot fail.
    for table in tables {
        let _ = writeln!(text, "| [`{0}`](#{0}) | {1} | {2} |", table.name, table.grain, code(table.key));
    }
    for view in views {
        let _ = writeln!(text, "| [`{0}`](#{0}) (view) | {1} | |", view.name, view.grain);
    }
    for table in tables {
        section(&mut text, table);
    }
    for view in views {
        let _ = write!(text, "\n## {}\n\n{}\n\n* **Grain**: {}\n", view.name, view.description, view.grain);
        let _ = writeln!(text, "* **Kind**: a view over {}", code(view.sources));
        columns(&mut text, view.columns);
    }
    text
}

fn section(text: &mut String, table: &TableSchema) {
    let _ = write!(text, "\n## {}\n\n{}\n\n* **Grain**: {}\n", table.name, table.description(), table.grain);
    let _ = writeln!(text, "* **Key**: {}, with `{PARTITION}`", code(table.key));
    let _ = writeln!(text, "* **Partition**: `{PARTITION}`, by day");
    if let Some(settled) = table.settled {
        let _ = writeln!(
            text,
            "* **Settled by**: `{settled}`; once true, a row is not replaced by one in which it is false"
        );
    }
    for reference in table.references {
        let (from, to) = (code(reference.columns), code(reference.to));
        let _ = writeln!(text, "* **Refers**: {from} to [`{0}`](#{0}) by {to}", reference.table);
    }
    columns(text, table.columns);
}

fn columns(text: &mut String, columns: &[Column]) {
    text.push_str(
        "\n| column | type | in DuckDB | empty? | unit | meaning | allowed |\n|---|---|---|---|---|---|---|\n",
    );
    for column in columns {
        let rules: Vec<_> = column.rules.iter().map(Rule::allowed).collect();
        let kind = match column.kind {
            Kind::Texts => "STRING, repeated",
            other => bigquery_type(other),
        };
        let _ = writeln!(
            text,
            "| `{}` | {kind} | {} | {} | {} | {} | {} |",
            column.name,
            column_type(column.kind),
            if column.nullable { "yes" } else { "no" },
            column.unit.unwrap_or_default(),
            cell(&column.description()),
            cell(&rules.join("; ")),
        );
    }
}

fn code(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
