//! One backtest for each point of a parameter grid, on all cores.
//!
//! What does not depend on the parameters is done once: candles, coarser candles, sessions, the timeline. A point
//! costs its guest calls and its simulation; the memory of the simulation is reused from point to point.

use std::collections::BTreeMap;

use rayon::prelude::*;
use rust_decimal::Decimal;
use sentinel_domain::strategy::{Manifest, ParameterError, ParameterValue};
use sentinel_runtime::RuntimeError;
use thiserror::Error;

use crate::metrics::{Inputs, Metrics, drawdown};
use crate::run::{Backtest, BacktestError, Sandbox, Signals};
use crate::simulate::Outcome;

/// The most points a grid may have: a slip of the pen should not run for days.
pub const POINTS_MAX: usize = 1_000_000;

/// Values to try for some parameters of a strategy; the others keep the values of the backtest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grid {
    axes: Vec<Axis>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Axis {
    name: String,
    values: Vec<String>,
}

/// A grid that cannot be swept.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum GridError {
    /// Not of the form `name=values`.
    #[error("\"{0}\" is not a list of values: write name=1,2,3 or name=10..50:5 (from, to and step, both ends tried)")]
    Axis(String),
    /// A parameter named twice.
    #[error("parameter {0} is named twice; list all its values in one place")]
    Twice(String),
    /// Too many points.
    #[error("the grid has {points} points, at most {POINTS_MAX} are allowed; try fewer values")]
    TooLarge {
        /// How many.
        points: usize,
    },
    /// A value the strategy does not take.
    #[error(transparent)]
    Parameter(#[from] ParameterError),
}

impl Grid {
    /// Reads axes as a person writes them: `fast=5,10,20` or `fast=5..50:5`.
    ///
    /// # Errors
    /// Names the axis that cannot be read.
    pub fn parse<'a>(axes: impl IntoIterator<Item = &'a str>) -> Result<Self, GridError> {
        let mut grid = Self::default();
        for text in axes {
            let axis = parse_axis(text).ok_or_else(|| GridError::Axis(text.to_owned()))?;
            if grid.axes.iter().any(|known| known.name == axis.name) {
                return Err(GridError::Twice(axis.name));
            }
            grid.axes.push(axis);
        }
        let points = grid.axes.iter().try_fold(1_usize, |points, axis| points.checked_mul(axis.values.len()));
        match points {
            Some(points) if points <= POINTS_MAX => Ok(grid),
            points => Err(GridError::TooLarge { points: points.unwrap_or(usize::MAX) }),
        }
    }

    /// Returns every point, the last axis turning fastest, with `fixed` for parameters that have no axis.
    ///
    /// # Errors
    /// Names the first value that the strategy does not take.
    pub fn points(
        &self,
        manifest: &Manifest,
        fixed: &BTreeMap<String, String>,
    ) -> Result<Vec<Vec<ParameterValue>>, GridError> {
        let mut points = vec![fixed.clone()];
        for axis in &self.axes {
            points = points
                .iter()
                .flat_map(|point| {
                    axis.values.iter().map(move |value| {
                        let mut point = point.clone();
                        point.insert(axis.name.clone(), value.clone());
                        point
                    })
                })
                .collect();
        }
        Ok(points.iter().map(|point| manifest.resolve_parameters(point)).collect::<Result<_, _>>()?)
    }
}

fn parse_axis(text: &str) -> Option<Axis> {
    let (name, values) = text.split_once('=')?;
    let values = match values.split_once("..") {
        Some((from, rest)) => {
            let (to, step) = rest.split_once(':').unwrap_or((rest, "1"));
            parse_range(from, to, step)?
        }
        None => values.split(',').map(|value| value.trim().to_owned()).collect(),
    };
    let named = !name.trim().is_empty() && values.iter().all(|value| !value.is_empty());
    named.then(|| Axis { name: name.trim().to_owned(), values })
}

/// Steps are added as decimals, so that 0.1..0.3:0.1 has three values.
fn parse_range(from: &str, to: &str, step: &str) -> Option<Vec<String>> {
    let [from, to, step]: [Decimal; 3] =
        [from.trim().parse().ok()?, to.trim().parse().ok()?, step.trim().parse().ok()?];
    if step <= Decimal::ZERO || from > to {
        return None;
    }
    let mut values = Vec::new();
    let mut value = from;
    while value <= to && values.len() <= POINTS_MAX {
        values.push(value.normalize().to_string());
        value += step;
    }
    Some(values)
}

/// What one point of the grid came to.
#[derive(Debug, Clone, PartialEq)]
pub struct SweepPoint {
    /// The parameters, in the manifest's order.
    pub parameters: Vec<ParameterValue>,
    /// The outcome, or why the strategy refused the parameters.
    pub outcome: Result<SweepOutcome, String>,
}

/// The figures by which points are compared.
#[derive(Debug, Clone, PartialEq)]
pub struct SweepOutcome {
    /// Filled entries.
    pub entries: usize,
    /// Closed positions.
    pub trades: usize,
    /// Equity at the end, open positions marked at the last close.
    pub equity_final: Decimal,
    /// Sum of fees.
    pub fees_usd: Decimal,
    /// The statistics of the point.
    pub metrics: Metrics,
}

/// Runs `backtest` once for each point, in place of its first strategy's parameters, on all threads of the current
/// pool. `done` is called after each point. The answer keeps the order of `points`.
///
/// # Errors
/// When the sandbox stops the strategy. Parameters that it refuses are no error: they are an outcome.
pub fn sweep(
    backtest: &Backtest,
    points: Vec<Vec<ParameterValue>>,
    done: impl Fn() + Sync,
) -> Result<Vec<SweepPoint>, BacktestError> {
    points
        .into_par_iter()
        .map_init(Outcome::default, |scratch, parameters| {
            let outcome = match evaluate(backtest, &parameters) {
                Ok(signals) => Ok(simulate(backtest, &signals, scratch)),
                Err(RuntimeError::InvalidParameter { parameter, message, .. }) => Err(format!("{parameter} {message}")),
                Err(error) => return Err(error.into()),
            };
            done();
            Ok(SweepPoint { parameters, outcome })
        })
        .collect()
}

/// Points run side by side, so the sessions of one run one after the other.
fn evaluate(backtest: &Backtest, parameters: &[ParameterValue]) -> Result<Signals, RuntimeError> {
    let mut by_lane = Vec::with_capacity(backtest.lanes().len());
    for lane in backtest.lanes() {
        let setup = &backtest.strategies()[lane.strategy];
        let parameters = if lane.strategy == 0 { parameters } else { &setup.parameters };
        let sandbox = Sandbox::new(setup, parameters, &backtest.series()[lane.series], lane)?;
        let mut signals = Vec::new();
        for session in &lane.sessions {
            sandbox.evaluate_into(session, &mut signals)?;
        }
        by_lane.push(signals);
    }
    Ok(Signals { by_lane })
}

fn simulate(backtest: &Backtest, signals: &Signals, outcome: &mut Outcome) -> SweepOutcome {
    backtest.simulate(signals, outcome);
    let cash_initial = sentinel_domain::money::to_f64(backtest.account().cash);
    let open_since: Vec<_> = outcome.open_positions.iter().map(|position| position.entry_time).collect();
    let metrics = Metrics::compute(&Inputs {
        cash_initial,
        daily: &backtest.daily(&outcome.equity),
        max_drawdown_intraday_pct: drawdown::max_drawdown_pct(cash_initial, &outcome.equity),
        trades: &outcome.trades,
        open_since: &open_since,
        span: backtest.span(),
        fees_usd: outcome.fees,
        turnover_usd: outcome.turnover,
        benchmark: None,
    });
    SweepOutcome {
        entries: outcome.entries,
        trades: outcome.trades.len(),
        equity_final: outcome.equity_final,
        fees_usd: outcome.fees,
        metrics,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(axis: &str) -> Vec<String> {
        Grid::parse([axis]).unwrap().axes.remove(0).values
    }

    #[test]
    fn lists_and_ranges_are_read() {
        assert_eq!(values("fast=5, 10,20"), ["5", "10", "20"]);
        assert_eq!(values("fast=10..30:10"), ["10", "20", "30"]);
        assert_eq!(values("threshold=0.1..0.3:0.1"), ["0.1", "0.2", "0.3"]);
        assert_eq!(values("fast=3..5"), ["3", "4", "5"]);
    }

    #[test]
    fn what_is_no_list_is_refused_by_its_text() {
        for bad in ["fast", "=1,2", "fast=", "fast=9..5:1", "fast=1..5:0", "fast=a..b"] {
            assert!(Grid::parse([bad]).unwrap_err().to_string().contains(bad), "{bad}");
        }
        assert_eq!(Grid::parse(["a=1", "a=2"]), Err(GridError::Twice("a".into())));
        assert!(matches!(Grid::parse(["a=1..10000", "b=1..10000"]), Err(GridError::TooLarge { .. })));
    }
}
