//! `sentinel schema …`

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use sentinel_domain::tables::export::{bigquery_schema, catalog, dbml, sql};
use sentinel_domain::tables::{all, views};
use serde_json::{Value, json};

use crate::args::{ExportArgs, SchemaCommand, SchemaFormat};
use crate::output::Output;
use crate::whole_file;

pub(super) fn run(command: &SchemaCommand, output: &Output) -> Result<()> {
    match command {
        SchemaCommand::Export(args) => export(args, output),
    }
}

fn export(args: &ExportArgs, output: &Output) -> Result<()> {
    let files = files(args.format)?;
    match &args.out {
        Some(folder) => write(&files, folder, output),
        None => print(args.format, &files, output),
    }
}

/// Returns what is written, by the names that the repository keeps it under.
fn files(format: SchemaFormat) -> Result<BTreeMap<String, String>> {
    let one = |name: &str, text: String| Ok(BTreeMap::from([(name.to_owned(), text)]));
    match format {
        SchemaFormat::Bigquery => bigquery(),
        SchemaFormat::Sql => one("current_schema.sql", sql(&all(), &views())),
        SchemaFormat::Dbml => one("current_schema.dbml", dbml(&all(), &views())),
        SchemaFormat::Markdown => one("data/00_data_catalog.md", catalog(&all(), &views())),
    }
}

/// Returns one schema for each table, and for each view its query with `{table}` where a table's name belongs.
fn bigquery() -> Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    for table in all() {
        let text = serde_json::to_string_pretty(&bigquery_schema(table)).context("cannot write a schema as JSON")?;
        files.insert(format!("{}.json", table.name), text + "\n");
    }
    files.extend(views().into_iter().map(|view| (format!("{}.sql", view.name), format!("{}\n", view.sql))));
    Ok(files)
}

fn write(files: &BTreeMap<String, String>, folder: &Path, output: &Output) -> Result<()> {
    let paths: Vec<_> = files.keys().map(|name| folder.join(name)).collect();
    for (path, text) in paths.iter().zip(files.values()) {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).with_context(|| format!("cannot create {}", parent.display()))?;
        }
        whole_file::write(path, text.as_bytes())?;
    }
    if output.is_json() {
        return output.json(&json!({ "files": paths }));
    }
    paths.iter().try_for_each(|path| output.line(path.display().to_string()))
}

/// Prints texts as they are; BigQuery's many files become one object, by name.
fn print(format: SchemaFormat, files: &BTreeMap<String, String>, output: &Output) -> Result<()> {
    if format != SchemaFormat::Bigquery && !output.is_json() {
        return files.values().try_for_each(|text| output.line(text.trim_end()));
    }
    let parsed = |text: &String| serde_json::from_str(text).unwrap_or_else(|_| Value::from(text.as_str()));
    output.json(&files.iter().map(|(name, text)| (name, parsed(text))).collect::<BTreeMap<_, _>>())
}
