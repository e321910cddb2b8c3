//! `sentinel compare`

use anyhow::Result;
use comfy_table::{Attribute, Cell as TableCell, Color};
use sentinel_backtest::compare::{Cell, Comparison, Row};
use sentinel_backtest::json::RunFile;
use sentinel_backtest::metrics::DEFINITIONS;
use serde_json::{Value, json};

use super::summary::with_unit;
use crate::args::CompareArgs;
use crate::failure::usage;
use crate::format;
use crate::home::Home;
use crate::output::{Output, number};
use crate::saved;

/// Rows that are shown without `--all`.
const KEY_ROWS: [&str; 22] = [
    "run_id",
    "parameters",
    "symbol",
    "timeframe",
    "from",
    "to",
    "entries",
    "final_equity",
    "total_return_pct",
    "cagr_pct",
    "sharpe_ratio",
    "sortino_ratio",
    "calmar_ratio",
    "max_drawdown_pct",
    "longest_drawdown_days",
    "win_rate_pct",
    "profit_factor",
    "expectancy_usd",
    "exposure_pct",
    "fees_usd",
    "benchmark_return_pct",
    "alpha_pct",
];

pub(super) fn run(args: &CompareArgs, home: &Home, output: &Output) -> Result<()> {
    let runs: Vec<RunFile> = match args.runs.as_slice() {
        [] => saved::last_two(home)?,
        [one] => {
            return Err(usage(format_args!(
                "{one} is one run; name at least two to compare, or none for the last two"
            )));
        }
        names => names.iter().map(|name| saved::find(home, name)).collect::<Result<_>>()?,
    };
    let comparison = Comparison::new(&runs);
    if output.is_json() { output.json(&as_json(&comparison)) } else { print(&comparison, args.all, output) }
}

fn print(comparison: &Comparison, all: bool, output: &Output) -> Result<()> {
    let header = std::iter::once("").chain(comparison.columns.iter().map(String::as_str));
    let mut table = output.new_table(header);
    for row in comparison.rows.iter().filter(|row| all || KEY_ROWS.contains(&row.name.as_str())) {
        let cells = row.cells.iter().enumerate().map(|(column, cell)| {
            let cell = number(text(&row.name, cell));
            if row.best.contains(&column) { cell.fg(Color::Green).add_attribute(Attribute::Bold) } else { cell }
        });
        table.add_row(std::iter::once(TableCell::new(&row.title)).chain(cells));
    }
    output.table(&table)?;
    comparison.notes.iter().try_for_each(|note| output.paragraph("Note: ", &format!("{note}.")))
}

/// Returns a cell with its unit where it is a metric.
fn text(row: &str, cell: &Cell) -> String {
    let definition = DEFINITIONS.iter().find(|definition| definition.name == row);
    match (definition, cell.value) {
        (Some(definition), Some(value)) => with_unit(definition.unit, value),
        _ if ["bars", "entries", "final_equity"].contains(&row) => format::thousands(&cell.text),
        _ => cell.text.clone(),
    }
}

fn as_json(comparison: &Comparison) -> Value {
    let row = |row: &Row| {
        let cells: Vec<_> = row
            .cells
            .iter()
            .map(|cell| json!({ "text": cell.text, "value": cell.value, "undefined_because": cell.undefined_because }))
            .collect();
        json!({ "name": row.name, "title": row.title, "cells": cells, "best": row.best })
    };
    json!({
        "columns": comparison.columns,
        "rows": comparison.rows.iter().map(row).collect::<Vec<_>>(),
        "notes": comparison.notes,
    })
}
