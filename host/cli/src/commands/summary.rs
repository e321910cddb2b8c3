//! A finished backtest on one screen.

use std::path::Path;

use anyhow::Result;
use comfy_table::{Attribute, Cell};
use sentinel_backtest::json::RunFile;
use sentinel_backtest::market::MarketSeries;
use sentinel_backtest::metrics::{DEFINITIONS, Definition, Metric, Unit};
use sentinel_backtest::result::{BacktestResult, SignalCounts};
use sentinel_domain::fees::{FeeCurrency, FeeRate};
use sentinel_domain::money::to_f64;

use crate::format;
use crate::output::{self, Output, number};

/// What is shown.
pub(crate) struct Summary<'a> {
    pub(crate) result: &'a BacktestResult,
    pub(crate) run: &'a RunFile,
    /// The candles that were run on.
    pub(crate) series: &'a [MarketSeries],
    /// What the reader must know first.
    pub(crate) notes: &'a [String],
    /// Where the report is.
    pub(crate) report: Option<&'a Path>,
}

/// The figures on the screen, in groups; the report has all of them.
const BLOCKS: [(&str, &[&str]); 4] = [
    (
        "Return and risk",
        &[
            "cagr_pct",
            "volatility_pct",
            "sharpe_ratio",
            "sortino_ratio",
            "calmar_ratio",
            "max_drawdown_pct",
            "longest_drawdown_days",
        ],
    ),
    (
        "Trades",
        &[
            "trade_count",
            "win_rate_pct",
            "profit_factor",
            "expectancy_usd",
            "best_trade_pct",
            "worst_trade_pct",
            "bars_held_mean",
        ],
    ),
    ("Activity", &["exposure_pct", "turnover_per_year", "fees_usd", "slippage_mean_pct"]),
    ("Against buy and hold", &["benchmark_return_pct", "benchmark_max_drawdown_pct", "alpha_pct", "beta"]),
];

/// Columns that two blocks of figures side by side need.
const TWO_BLOCKS_COLUMNS: usize = 78;

/// Prints the summary of a run.
pub(crate) fn print(summary: &Summary<'_>, output: &Output) -> Result<()> {
    heading(summary, output)?;
    equity(summary.result, output)?;
    figures(summary.result, output)?;
    facts(summary, output)
}

fn heading(summary: &Summary<'_>, output: &Output) -> Result<()> {
    for strategy in &summary.result.strategies {
        let parameters: Vec<_> = strategy.parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let name = format!("{} on {} candles  ", output.bold(&strategy.title()), strategy.timeframe);
        output.paragraph(&name, &parameters.join(" "))?;
    }
    series(summary.series, output)?;
    summary.notes.iter().try_for_each(|note| output.paragraph("Note: ", note))
}

/// Says which candles were run on.
pub(crate) fn series(all: &[MarketSeries], output: &Output) -> Result<()> {
    for series in all {
        let candles = series.candles();
        let missing = match (series.bars_missing, series.gaps.as_str()) {
            (0, _) => String::new(),
            (missing, "flat") => format!(", {} of them missing and filled flat", format::count(missing as u64)),
            (missing, _) => format!(", {} more missing and skipped", format::count(missing as u64)),
        };
        let text = format!(
            "{} to {}, {} of {}{missing}",
            format::moment(candles.columns().open_time[0]),
            format::moment(candles.close_time(candles.len() - 1)),
            format::counted(candles.len(), "candle"),
            candles.timeframe()
        );
        output.paragraph(&format!("{}  ", series.instrument()), &text)?;
    }
    Ok(())
}

/// Shows where the account began, where it ended and how it went there.
fn equity(result: &BacktestResult, output: &Output) -> Result<()> {
    let (first, last) = (to_f64(result.cash_initial), to_f64(result.equity_final));
    let change = (last / first - 1.0) * 100.0;
    let from_to = format!("{} → {}", format::money(result.cash_initial), format::money(result.equity_final));
    let percent = format::percent(change);
    let daily: Vec<f64> =
        std::iter::once(first).chain(result.equity.daily().into_iter().map(|(_, value)| value)).collect();
    let room = output.columns().saturating_sub(from_to.chars().count() + percent.chars().count() + 5).min(60);
    output.line(format!(
        "\n{}  {}  {}\n",
        output.bold(&from_to),
        output.gain(&percent, change),
        output.gain(&format::sparkline(&daily, room), change)
    ))
}

/// Shows the figures, two blocks side by side where there is room.
fn figures(result: &BacktestResult, output: &Output) -> Result<()> {
    let blocks: Vec<Block> = BLOCKS.iter().map(|(title, names)| Block::new(title, names, result)).collect();
    let side_by_side = if output.columns() < TWO_BLOCKS_COLUMNS { 1 } else { 2 };
    let mut table = output.bare_table();
    for (index, blocks) in blocks.chunks(side_by_side).enumerate() {
        if index > 0 {
            table.add_row([""]);
        }
        table.add_row(
            blocks.iter().flat_map(|block| [Cell::new(&block.title).add_attribute(Attribute::Bold), Cell::new("")]),
        );
        for row in 0..blocks.iter().map(|block| block.rows.len()).max().unwrap_or(0) {
            table.add_row(blocks.iter().flat_map(|block| match block.rows.get(row) {
                Some((definition, metric)) => [Cell::new(definition.title), figure(definition, *metric)],
                None => [Cell::new(""), Cell::new("")],
            }));
        }
    }
    output.table(&table)?;
    output.line("")
}

struct Block {
    title: String,
    rows: Vec<(&'static Definition, Metric)>,
}

impl Block {
    fn new(title: &str, names: &[&str], result: &BacktestResult) -> Self {
        let definitions =
            names.iter().filter_map(|name| DEFINITIONS.iter().find(|definition| definition.name == *name));
        Self {
            title: title.to_owned(),
            rows: definitions.map(|definition| (*definition, result.metrics.get(definition))).collect(),
        }
    }
}

/// Returns a metric with its unit.
fn figure(definition: &Definition, metric: Metric) -> Cell {
    let Some(value) = metric.value else {
        return output::dim("–").set_alignment(comfy_table::CellAlignment::Right);
    };
    let text = with_unit(definition.unit, value);
    let is_signed = ["cagr_pct", "alpha_pct", "benchmark_return_pct"].contains(&definition.name);
    if is_signed || definition.unit == Unit::Usd && definition.name != "fees_usd" {
        output::gain(text, value)
    } else {
        number(text)
    }
}

/// Returns a value as people read it: `12.30 %`, `1,234.50`, `45 days`.
pub(crate) fn with_unit(unit: Unit, value: f64) -> String {
    let text = format::thousands(&unit.format(value));
    match unit {
        Unit::Percent => format!("{text} %"),
        Unit::Days => format!("{text} days"),
        Unit::Bars => format!("{text} bars"),
        Unit::PerYear => format!("{text} / year"),
        Unit::Ratio | Unit::Usd | Unit::Count => text,
    }
}

fn facts(summary: &Summary<'_>, output: &Output) -> Result<()> {
    let Summary { result, run, report, .. } = summary;
    let fact = |name: &str, text: String| output.paragraph(&output.dim(&format!("{name:<11}")), &text);
    fact("Signals", signals(&result.signals))?;
    if !result.signals.rejected.is_empty() {
        let reasons: Vec<_> =
            result.signals.rejected.iter().map(|(reason, n)| format!("{} {reason}", format::count(*n))).collect();
        fact("Rejected", reasons.join(", "))?;
    }
    if !result.open_positions.is_empty() {
        fact(
            "Open",
            format!("{}, marked at the last close", format::counted(result.open_positions.len(), "position")),
        )?;
    }
    fact("Assumed", assumptions(result))?;
    let lookahead = if run.lookahead_verified {
        "verified: every decision came out the same with later candles out of reach"
    } else {
        "not verified"
    };
    fact("Lookahead", lookahead.to_owned())?;
    let seconds = run.run_seconds.map_or_else(String::new, |seconds| format!(", took {}", duration(seconds)));
    fact("Run", format!("{}{seconds}", run.run_id.short()))?;
    match report {
        Some(path) => fact("Report", path.display().to_string()),
        None => Ok(()),
    }
}

fn signals(counts: &SignalCounts) -> String {
    let rejected: u64 = counts.rejected.values().sum();
    let fates = [
        (counts.filled, "filled"),
        (counts.consumed, "consumed"),
        (counts.no_action, "no action"),
        (rejected, "rejected"),
        (counts.expired, "expired"),
        (counts.abandoned, "abandoned"),
        (counts.ordered, "still waiting"),
    ];
    let fates: Vec<_> =
        fates.into_iter().filter(|(n, _)| *n > 0).map(|(n, fate)| format!("{} {fate}", format::count(n))).collect();
    if fates.is_empty() { "none".to_owned() } else { format!("{}: {}", format::count(counts.total), fates.join(", ")) }
}

fn assumptions(result: &BacktestResult) -> String {
    let assumed = &result.assumptions;
    let rate = match &assumed.fees.rate {
        FeeRate::Fixed { bps } => format!("{} bps", bps.normalize()),
        FeeRate::Tiers { .. } => "the broker's tiers".to_owned(),
    };
    let currency = match assumed.fees.currency {
        FeeCurrency::Received => "from what is received",
        FeeCurrency::Quote => "in quote currency",
    };
    format!("fees {rate} {currency}, slippage {} bps", assumed.fill_model.slippage_bps.normalize())
}

/// Returns a time as people say it: `12 ms`, `3.2 s`.
fn duration(seconds: f64) -> String {
    if seconds < 1.0 { format!("{:.1} ms", seconds * 1_000.0) } else { format!("{seconds:.1} s") }
}
