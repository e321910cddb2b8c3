//! `sentinel query`

use std::io;

use anyhow::{Context, Result};
use sentinel_domain::tables::{Cell, Kind};
use sentinel_domain::warehouse::ResultSet;

use crate::args::{QueryArgs, QueryFormat};
use crate::format::{count, counted};
use crate::output::{Output, dim, number};
use crate::place::Place;

pub(super) async fn run(args: &QueryArgs, place: &Place, output: &Output) -> Result<()> {
    let result = {
        let _spinner = output.spinner("asking the warehouse");
        place.warehouse.query(&args.sql, &[]).await?
    };
    if let Some(bytes) = place.bytes_billed() {
        output.note(format!("{} bytes billed", count(bytes)));
    }
    match args.format {
        QueryFormat::Json => output.json(&result.to_json()),
        _ if output.is_json() => output.json(&result.to_json()),
        QueryFormat::Csv => csv(&result, output),
        QueryFormat::Table => table(&result, output),
    }
}

fn table(result: &ResultSet, output: &Output) -> Result<()> {
    let mut table = output.new_table(&result.columns);
    for row in &result.rows {
        let cells = row.iter().map(|cell| match cell.kind() {
            None => dim("NULL"),
            Some(Kind::Integer | Kind::Real | Kind::Decimal) => number(cell),
            Some(_) => comfy_table::Cell::new(cell),
        });
        table.add_row(cells.collect::<Vec<_>>());
    }
    output.table(&table)?;
    output.line(output.dim(&counted(result.rows.len(), "row")))
}

/// Nothing stands for NULL, as spreadsheets read it.
fn csv(result: &ResultSet, output: &Output) -> Result<()> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(&result.columns)?;
    for row in &result.rows {
        writer.write_record(row.iter().map(|cell| match cell {
            Cell::Null => String::new(),
            cell => cell.to_string(),
        }))?;
    }
    let bytes = writer.into_inner().map_err(|error| io::Error::other(error.to_string()))?;
    let text = String::from_utf8(bytes).context("the answer is not text")?;
    output.line(text.trim_end_matches('\n'))
}
