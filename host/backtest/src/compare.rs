//! Several runs side by side: rows are facts and metrics, columns are runs.
//!
//! This is data; whoever prints it chooses the form.

use std::collections::BTreeSet;

use crate::json::{RunFile, RunMetric};
use crate::metrics::{Better, DEFINITIONS, Definition, Unit};

/// Runs side by side.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// One heading for each run: its strategies, and a number where two would read the same.
    pub columns: Vec<String>,
    /// What the runs were made of, then what came out.
    pub rows: Vec<Row>,
    /// What makes the runs hard to compare, in sentences.
    pub notes: Vec<String>,
}

/// One fact or metric of every run.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The name in JSON.
    pub name: String,
    /// The name for people.
    pub title: String,
    /// One for each run.
    pub cells: Vec<Cell>,
    /// The columns with the value a trader would rather have; empty where none is better.
    pub best: Vec<usize>,
}

/// A fact or metric of one run.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// As it is shown; a dash where it is undefined.
    pub text: String,
    /// The number, where it is one.
    pub value: Option<f64>,
    /// Why there is none.
    pub undefined_because: Option<String>,
}

impl Comparison {
    /// Puts `runs` side by side.
    #[must_use]
    pub fn new(runs: &[RunFile]) -> Self {
        Self {
            columns: columns(runs),
            rows: facts(runs).chain(DEFINITIONS.iter().map(|definition| metric_row(definition, runs))).collect(),
            notes: notes(runs),
        }
    }
}

fn columns(runs: &[RunFile]) -> Vec<String> {
    let headings: Vec<String> = runs.iter().map(|run| joined(&run.strategies, |s| s.strategy_id.clone())).collect();
    let is_shared = |heading: &String| headings.iter().filter(|other| *other == heading).count() > 1;
    let numbered = headings
        .iter()
        .enumerate()
        .map(|(index, heading)| if is_shared(heading) { format!("{heading} #{}", index + 1) } else { heading.clone() });
    numbered.collect()
}

/// Name, title and text of a fact.
type Fact = (&'static str, &'static str, fn(&RunFile) -> String);

/// Returns what runs are made of.
fn facts(runs: &[RunFile]) -> impl Iterator<Item = Row> {
    let facts: [Fact; 10] = [
        ("run_id", "Run", |run| run.run_id.short()),
        ("strategy_version", "Version", |run| joined(&run.strategies, |s| s.version.short())),
        ("parameters", "Parameters", |run| joined(&run.strategies, |s| pairs(&s.parameters))),
        ("symbol", "Symbol", |run| joined(&run.series, |s| format!("{}:{}", s.exchange, s.symbol))),
        ("timeframe", "Timeframe", |run| joined(&run.strategies, |s| s.timeframe.to_string())),
        ("from", "From", |run| run.from.clone()),
        ("to", "To", |run| run.to.clone()),
        ("bars", "Bars", |run| run.bars.to_string()),
        ("entries", "Entries", |run| run.entries.to_string()),
        ("final_equity", "Final equity", |run| format!("{:.2}", run.final_equity)),
    ];
    facts.into_iter().map(|(name, title, text)| Row {
        name: name.to_owned(),
        title: title.to_owned(),
        cells: runs.iter().map(|run| Cell { text: text(run), value: None, undefined_because: None }).collect(),
        best: Vec::new(),
    })
}

fn metric_row(definition: &Definition, runs: &[RunFile]) -> Row {
    let cells: Vec<Cell> =
        runs.iter().map(|run| metric_cell(definition.unit, run.metrics.get(definition.name))).collect();
    Row {
        name: definition.name.to_owned(),
        title: definition.title.to_owned(),
        best: best(definition.better, &cells),
        cells,
    }
}

fn metric_cell(unit: Unit, metric: Option<&RunMetric>) -> Cell {
    let value = metric.and_then(|metric| metric.value);
    Cell {
        text: value.map_or_else(|| "–".to_owned(), |value| unit.format(value)),
        value,
        undefined_because: match metric {
            Some(metric) => metric.undefined_because.clone(),
            None => Some("the run was saved without it".to_owned()),
        },
    }
}

/// Returns the columns that hold the best of at least two different values.
fn best(better: Better, cells: &[Cell]) -> Vec<usize> {
    let sign = match better {
        Better::Higher => 1.0,
        Better::Lower => -1.0,
        Better::Neither => return Vec::new(),
    };
    let scores: Vec<(usize, f64)> =
        cells.iter().enumerate().filter_map(|(column, cell)| Some((column, cell.value? * sign))).collect();
    let highest = scores.iter().map(|(_, score)| *score).fold(f64::NEG_INFINITY, f64::max);
    let holders: Vec<usize> = scores.iter().filter(|(_, score)| *score >= highest).map(|(column, _)| *column).collect();
    if holders.len() < scores.len() { holders } else { Vec::new() }
}

fn notes(runs: &[RunFile]) -> Vec<String> {
    let differ = |of: fn(&RunFile) -> String| runs.iter().map(of).collect::<BTreeSet<_>>().len() > 1;
    let checks = [
        (differ(|run| joined(&run.series, |s| s.data_hash.to_string())), "the runs are on different candles"),
        (differ(|run| format!("{:?}", run.assumptions.fees)), "the runs pay different fees"),
        (differ(|run| format!("{:?}", run.assumptions.fill_model)), "the runs assume different slippage"),
        (differ(|run| run.initial_cash.normalize().to_string()), "the runs begin with different cash"),
        (differ(|run| run.sentinel_version.clone()), "the runs are of different versions of sentinel"),
        (runs.iter().any(|run| !run.lookahead_verified), "not every run was verified to be free of lookahead"),
    ];
    checks.into_iter().filter(|(holds, _)| *holds).map(|(_, note)| note.to_owned()).collect()
}

/// Returns the texts of `items` with commas between, one that repeats only once.
fn joined<T>(items: &[T], text: impl Fn(&T) -> String) -> String {
    let mut texts: Vec<String> = items.iter().map(text).collect();
    texts.dedup();
    texts.join(", ")
}

fn pairs(parameters: &std::collections::BTreeMap<String, String>) -> String {
    let pairs: Vec<String> = parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join(" ")
}
