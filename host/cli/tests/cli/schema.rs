//! `sentinel schema` from end to end.

use std::fs;
use std::path::Path;

use crate::harness::Bench;

/// Returns the folder of the repository.
fn repository() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

#[test]
fn export_to_docs_gives_what_is_committed() {
    let bench = Bench::new();
    bench.run("schema export --format dbml --out docs").good();
    bench.run("schema export --format markdown --out docs").good();
    for file in ["docs/current_schema.dbml", "docs/data/00_data_catalog.md"] {
        let written = fs::read_to_string(bench.work().join(file)).unwrap();
        assert_eq!(written, fs::read_to_string(repository().join(file)).unwrap(), "{file}");
    }
}

#[test]
fn bigquery_gets_a_file_for_each_table() {
    let bench = Bench::new();
    let listed = bench.run("schema export --format bigquery --out schemas --json").good().json();
    let files = listed["files"].as_array().unwrap();
    assert_eq!(files.len(), 14);
    let trades = fs::read_to_string(bench.work().join("schemas/fact_trades.json")).unwrap();
    let trades: serde_json::Value = serde_json::from_str(&trades).unwrap();
    let names: Vec<_> = trades.as_array().unwrap().iter().map(|field| field["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"fee_finalized") && names.contains(&"ds"), "{names:?}");
    let printed = bench.run("schema export --format bigquery").good().json();
    assert_eq!(printed["fact_trades.json"], trades);
}

#[test]
fn sql_is_printed_and_formats_are_named() {
    let bench = Bench::new();
    let sql = bench.run("schema export --format sql").good().stdout;
    assert!(sql.contains("CREATE TABLE IF NOT EXISTS \"candles\"") && sql.contains("\"interval\" VARCHAR NOT NULL"));
    bench.run("schema export --format yaml").refused(2, &["yaml", "bigquery, sql, dbml, markdown"]);
}
