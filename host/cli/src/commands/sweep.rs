//! `sentinel sweep`

use std::cmp::Ordering;
use std::collections::BTreeMap;

use anyhow::{Result, anyhow};
use comfy_table::Cell;
use rust_decimal::Decimal;
use sentinel_backtest::market::MarketSeries;
use sentinel_backtest::metrics::{Better, DEFINITIONS, Definition};
use sentinel_backtest::run::Backtest;
use sentinel_backtest::sweep::{Grid, SweepOutcome, SweepPoint, sweep};
use sentinel_domain::hash::ContentHash;
use sentinel_domain::instrument::{Exchange, Symbol};
use sentinel_domain::money::to_f64;
use sentinel_domain::timeframe::Timeframe;
use serde::Serialize;

use super::{start_threads, summary};
use crate::args::{ENTRIES, FINAL_EQUITY, SweepArgs};
use crate::assembly::{assemble, notes};
use crate::format;
use crate::home::Home;
use crate::output::{Output, dim, gain, number};
use crate::plan::Plan;
use crate::stopwatch::timed;
use crate::strategies::Loader;

/// Figures beside the one that the table is sorted by.
const SHOWN: [&str; 5] = ["total_return_pct", "sharpe_ratio", "max_drawdown_pct", "trade_count", "win_rate_pct"];

pub(super) fn run(args: &SweepArgs, home: &Home, output: &Output) -> Result<()> {
    let grid = Grid::parse(args.grid.iter().map(String::as_str))?;
    let plan = Plan::new(&args.run)?;
    let loader = Loader::new(start_threads(args.run.threads)?, output)?;
    let backtest = assemble(&plan, home, &loader, output)?;

    let first = backtest.strategies().first().ok_or_else(|| anyhow!("a sweep needs a strategy"))?;
    let points = grid.points(first.component.manifest(), &plan.strategies[0].parameters)?;
    let count = points.len();
    let progress = output.progress("sweeping", count as u64);
    let (points, elapsed) = timed(|| sweep(&backtest, points, || progress.step()));
    let mut points = points?;
    drop(progress);
    points.sort_by(|a, b| compare(a, b, &args.sort));

    let seconds = elapsed.as_secs_f64();
    if output.is_json() {
        return output.json(&SweepFile::new(&backtest, &points, &args.sort, seconds));
    }
    print(&backtest, &points, args, output)?;
    #[expect(clippy::cast_precision_loss, reason = "two digits are shown")]
    let rate = count as f64 * backtest.bars() as f64 / seconds / 1e6;
    output.line(output.dim(&format!(
        "{} of {} bars in {seconds:.2} s: {rate:.1} million bars a second",
        format::counted(count, "point"),
        format::count(backtest.bars() as u64)
    )))
}

/// Puts the better point first; one without the figure, or refused, comes last.
fn compare(a: &SweepPoint, b: &SweepPoint, sort: &str) -> Ordering {
    let sign = match definition(sort).map(|definition| definition.better) {
        Some(Better::Lower) => -1.0,
        _ => 1.0,
    };
    let key = |point: &SweepPoint| {
        point.outcome.as_ref().ok().and_then(|outcome| figure(outcome, sort)).map(|value| value * sign)
    };
    match (key(a), key(b)) {
        (Some(a), Some(b)) => b.total_cmp(&a),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => a.outcome.is_err().cmp(&b.outcome.is_err()),
    }
}

fn definition(name: &str) -> Option<&'static Definition> {
    DEFINITIONS.iter().copied().find(|definition| definition.name == name)
}

#[expect(clippy::cast_precision_loss, reason = "entries are far fewer than a float can count")]
fn figure(outcome: &SweepOutcome, name: &str) -> Option<f64> {
    match name {
        FINAL_EQUITY => Some(to_f64(outcome.equity_final)),
        ENTRIES => Some(outcome.entries as f64),
        _ => outcome.metrics.get(definition(name)?).value,
    }
}

fn print(backtest: &Backtest, points: &[SweepPoint], args: &SweepArgs, output: &Output) -> Result<()> {
    let setup = &backtest.strategies()[0];
    output.line(format!("{} on {} candles", output.bold(&setup.strategy_id), setup.timeframe))?;
    summary::series(backtest.series(), output)?;
    notes(backtest).iter().try_for_each(|note| output.paragraph("Note: ", note))?;

    let manifest = setup.component.manifest();
    let swept: Vec<_> = args.grid.iter().filter_map(|axis| Some(axis.split_once('=')?.0.trim())).collect();
    let shown: Vec<&Definition> = std::iter::once(args.sort.as_str())
        .chain(SHOWN.into_iter().filter(|name| *name != args.sort))
        .filter_map(definition)
        .collect();
    let titles = shown.iter().map(|definition| definition.title);
    let mut table = output.new_table(swept.iter().copied().chain(["Final equity"]).chain(titles));
    for point in points.iter().take(args.top) {
        let values = manifest.describe_parameters(&point.parameters);
        let parameters = swept.iter().map(|name| number(values.get(*name).map_or("", String::as_str)));
        let cells: Vec<Cell> = match &point.outcome {
            Ok(outcome) => parameters.chain(outcome_cells(backtest, outcome, &shown)).collect(),
            Err(refusal) => parameters.chain([dim(format!("refused: {refusal}"))]).collect(),
        };
        table.add_row(cells);
    }
    output.line("")?;
    output.table(&table)?;
    if points.len() > args.top {
        output.line(
            output.dim(&format!("and {} more; --top shows them", format::count((points.len() - args.top) as u64))),
        )?;
    }
    output.line("")
}

fn outcome_cells(backtest: &Backtest, outcome: &SweepOutcome, shown: &[&Definition]) -> Vec<Cell> {
    let change = to_f64(outcome.equity_final - backtest.account().cash);
    let metrics = shown.iter().map(|definition| {
        let value = outcome.metrics.get(definition).value;
        value.map_or_else(|| number("–"), |value| number(summary::with_unit(definition.unit, value)))
    });
    std::iter::once(gain(format::money(outcome.equity_final), change)).chain(metrics).collect()
}

/// What `--json` prints.
#[derive(Serialize)]
struct SweepFile<'a> {
    strategy_id: &'a str,
    component_hash: ContentHash,
    timeframe: Timeframe,
    series: Vec<SeriesLine<'a>>,
    /// Bars that strategies are shown at each point.
    bars: usize,
    initial_cash: Decimal,
    sorted_by: &'a str,
    points: Vec<PointLine<'a>>,
    /// Seconds the sweep took, candles already in memory: the only measured figure.
    run_seconds: f64,
}

#[derive(Serialize)]
struct SeriesLine<'a> {
    exchange: &'a Exchange,
    symbol: &'a Symbol,
    timeframe: Timeframe,
    bars: usize,
    bars_missing: usize,
    gaps: &'a str,
    data_hash: ContentHash,
}

#[derive(Serialize)]
struct PointLine<'a> {
    parameters: BTreeMap<String, String>,
    #[serde(flatten)]
    outcome: OutcomeLine<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum OutcomeLine<'a> {
    Refused {
        refused_because: &'a str,
    },
    Run {
        entries: usize,
        trades: usize,
        final_equity: Decimal,
        fees_usd: Decimal,
        metrics: BTreeMap<&'static str, Option<f64>>,
    },
}

impl<'a> SweepFile<'a> {
    fn new(backtest: &'a Backtest, points: &'a [SweepPoint], sorted_by: &'a str, run_seconds: f64) -> Self {
        let setup = &backtest.strategies()[0];
        let point = |point: &'a SweepPoint| PointLine {
            parameters: setup.component.manifest().describe_parameters(&point.parameters),
            outcome: OutcomeLine::new(point),
        };
        Self {
            strategy_id: &setup.strategy_id,
            component_hash: setup.component.component_hash(),
            timeframe: setup.timeframe,
            series: backtest.series().iter().map(SeriesLine::new).collect(),
            bars: backtest.bars(),
            initial_cash: backtest.account().cash,
            sorted_by,
            points: points.iter().map(point).collect(),
            run_seconds,
        }
    }
}

impl<'a> SeriesLine<'a> {
    fn new(series: &'a MarketSeries) -> Self {
        Self {
            exchange: &series.instrument().exchange,
            symbol: &series.instrument().symbol,
            timeframe: series.candles().timeframe(),
            bars: series.candles().len(),
            bars_missing: series.bars_missing,
            gaps: &series.gaps,
            data_hash: series.data_hash,
        }
    }
}

impl<'a> OutcomeLine<'a> {
    fn new(point: &'a SweepPoint) -> Self {
        match &point.outcome {
            Err(refused_because) => Self::Refused { refused_because },
            Ok(outcome) => Self::Run {
                entries: outcome.entries,
                trades: outcome.trades,
                final_equity: outcome.equity_final,
                fees_usd: outcome.fees_usd,
                metrics: outcome.metrics.iter().map(|(definition, metric)| (definition.name, metric.value)).collect(),
            },
        }
    }
}
