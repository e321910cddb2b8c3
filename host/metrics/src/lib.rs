//! Statistics of an account over time, each with its definition beside its computation: for backtests and for what was
//! really traded.
//!
//! One rule for all of them: returns are of daily UTC equity, a year has 365 days, deviations divide by n - 1, and
//! what cannot be computed is absent with a reason, never 0, infinite or a magic number. They equal
//! `empyrical-reloaded` to 1e-9 (`tests/metrics_oracle.rs`); where that gives `nan` or `inf`, the value is absent here.
//!
//! Start with [`Inputs`] (what the engine hands over) and [`DEFINITIONS`] (what comes out, in this order).

use std::ops::Range;

use rust_decimal::Decimal;
use sentinel_domain::candles::Candles;
use sentinel_domain::timeframe::{Timeframe, UnixMillis};
use sentinel_domain::trade::Trade;

use crate::moments::Moments;

pub mod activity;
pub mod benchmark;
pub mod drawdown;
mod facts;
pub mod moments;
pub mod returns;
pub mod risk;
pub mod trades;

pub use facts::DailyPath;
use facts::Facts;

/// Days of a year: crypto trades on all of them.
pub const DAYS_PER_YEAR: f64 = 365.0;

/// Why a value is absent, or the value.
type Outcome = Result<f64, &'static str>;

/// What a metric is: how it is called, what it says and how it is computed.
#[derive(Debug)]
pub struct Definition {
    /// The name in JSON: lower-case words and the unit.
    pub name: &'static str,
    /// The name for people.
    pub title: &'static str,
    /// What a value of 1 means.
    pub unit: Unit,
    /// Where it is shown.
    pub group: Group,
    /// Which of two values a trader would rather have.
    pub better: Better,
    /// What it tells, in a sentence or two.
    pub meaning: &'static str,
    /// How it is computed.
    pub formula: &'static str,
    compute: fn(&Facts<'_>) -> Outcome,
}

/// The unit of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Per cent.
    Percent,
    /// A plain number.
    Ratio,
    /// Quote currency.
    Usd,
    /// Days.
    Days,
    /// Bars of the strategy's timeframe.
    Bars,
    /// How many.
    Count,
    /// Times a year.
    PerYear,
}

impl Unit {
    /// Returns the unit as tables hold it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Percent => "percent",
            Self::Ratio => "ratio",
            Self::Usd => "usd",
            Self::Days => "days",
            Self::Bars => "bars",
            Self::Count => "count",
            Self::PerYear => "per_year",
        }
    }

    /// Returns `value` for people, without the unit's sign.
    #[must_use]
    pub fn format(self, value: f64) -> String {
        let decimals = match self {
            Self::Count | Self::Days => 0,
            Self::Bars | Self::PerYear => 1,
            Self::Percent | Self::Ratio | Self::Usd => 2,
        };
        let rounded = format!("{value:.decimals$}");
        // What rounds to nothing is nothing, not minus nothing.
        if rounded.trim_matches(['-', '0', '.']).is_empty() { rounded.replace('-', "") } else { rounded }
    }
}

/// What a metric is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// What was earned.
    Return,
    /// How rough the way was.
    Risk,
    /// How deep and how long the account was under water.
    Drawdown,
    /// What single trades looked like.
    Trades,
    /// How much was done.
    Activity,
    /// How it compares with holding a coin.
    Benchmark,
}

impl Group {
    /// Every group, in the order shown.
    pub const ALL: [Self; 6] =
        [Self::Return, Self::Risk, Self::Drawdown, Self::Trades, Self::Activity, Self::Benchmark];

    /// Returns the heading for people.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Return => "Return",
            Self::Risk => "Risk",
            Self::Drawdown => "Drawdown",
            Self::Trades => "Trades",
            Self::Activity => "Activity",
            Self::Benchmark => "Against buy and hold",
        }
    }
}

/// Which of two values a trader would rather have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// The higher one.
    Higher,
    /// The lower one.
    Lower,
    /// It depends.
    Neither,
}

/// Every metric, in the order shown.
pub const DEFINITIONS: &[&Definition] = &[
    &returns::TOTAL_RETURN,
    &returns::CAGR,
    &returns::BEST_DAY,
    &returns::WORST_DAY,
    &risk::SHARPE,
    &risk::SORTINO,
    &risk::VOLATILITY,
    &risk::VALUE_AT_RISK,
    &risk::CONDITIONAL_VALUE_AT_RISK,
    &drawdown::MAX_DRAWDOWN,
    &drawdown::MAX_DRAWDOWN_INTRADAY,
    &drawdown::MAX_DRAWDOWN_DAYS,
    &drawdown::RECOVERY_DAYS,
    &drawdown::LONGEST_DRAWDOWN,
    &drawdown::CALMAR,
    &trades::TRADE_COUNT,
    &trades::WIN_RATE,
    &trades::PROFIT_FACTOR,
    &trades::EXPECTANCY,
    &trades::EXPECTANCY_PCT,
    &trades::AVERAGE_WIN,
    &trades::AVERAGE_LOSS,
    &trades::PAYOFF,
    &trades::BEST_TRADE,
    &trades::WORST_TRADE,
    &trades::FAVORABLE_EXCURSION,
    &trades::ADVERSE_EXCURSION,
    &trades::BARS_HELD,
    &activity::EXPOSURE,
    &activity::TURNOVER,
    &activity::FEES,
    &activity::FEES_OF_PROFIT,
    &activity::SLIPPAGE,
    &benchmark::BENCHMARK_RETURN,
    &benchmark::BENCHMARK_DRAWDOWN,
    &benchmark::BENCHMARK_SHARPE,
    &benchmark::ALPHA,
    &benchmark::BETA,
    &benchmark::CORRELATION,
];

/// The value of a metric, or why it has none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Metric {
    /// The value, in the unit of its [`Definition`]; always finite.
    pub value: Option<f64>,
    /// Why there is none.
    pub undefined_because: Option<&'static str>,
}

impl From<Outcome> for Metric {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Ok(value) if value.is_finite() => Self { value: Some(value), undefined_because: None },
            Ok(_) => Self::undefined("it is larger than a number can be"),
            Err(reason) => Self::undefined(reason),
        }
    }
}

impl Metric {
    const fn undefined(reason: &'static str) -> Self {
        Self { value: None, undefined_because: Some(reason) }
    }
}

/// Buying a coin at the beginning and holding it.
#[derive(Debug, Clone, PartialEq)]
pub struct Benchmark {
    /// What is held, for people: `binance:BTC/USDT`.
    pub name: String,
    /// The price it is bought at.
    pub initial: f64,
    /// The last close of each UTC day, with the day's number since 1970-01-01; days rise.
    pub daily: Vec<(i64, f64)>,
}

impl Benchmark {
    /// Returns buy-and-hold of BTC when it is among `series`, else of the first series; bought at the first open.
    #[must_use]
    pub fn buy_and_hold<'a>(series: impl IntoIterator<Item = &'a Candles> + Clone) -> Option<Self> {
        let is_btc = |candles: &&Candles| candles.instrument().symbol.base() == "BTC";
        let candles = series.clone().into_iter().find(is_btc).or_else(|| series.into_iter().next())?;
        let columns = candles.columns();
        let day_of_close = |open_time: &UnixMillis| day_of(candles.timeframe().close_time(*open_time));
        Some(Self {
            name: candles.instrument().to_string(),
            initial: *columns.open.first()?,
            daily: last_of_each_day(&columns.open_time, &columns.close, day_of_close),
        })
    }
}

/// Returns the UTC day that ends at or after `close_time`: a close at midnight belongs to the day that just ended.
#[must_use]
pub const fn day_of(close_time: UnixMillis) -> i64 {
    (close_time - 1).div_euclid(Timeframe::D1.millis())
}

/// Returns the last value of each UTC day; `closes` are no further than a day apart where they are even.
#[must_use]
pub fn daily(closes: &Moments, values: &[f64]) -> Vec<(i64, f64)> {
    const DAY: i64 = Timeframe::D1.millis();
    match closes {
        Moments::Listed(times) => last_of_each_day(times, values, |time| day_of(*time)),
        Moments::Even { len: 0, .. } => Vec::new(),
        Moments::Even { first, len, .. } => (day_of(*first)..=day_of(closes.at(len - 1)))
            .map(|day| (day, values[closes.index_at((day + 1) * DAY + 1) - 1]))
            .collect(),
    }
}

/// Returns the last value of each day. The days of `times` never fall.
fn last_of_each_day(times: &[UnixMillis], values: &[f64], day: impl Fn(&UnixMillis) -> i64) -> Vec<(i64, f64)> {
    /// Bars of a day at the finest timeframe: how far the end of a day can be away.
    const BARS_PER_DAY_MAX: usize = 1_440;
    let mut days: Vec<(i64, f64)> = Vec::new();
    let mut row = 0;
    while let Some(time) = times.get(row) {
        let today = day(time);
        let window = &times[row..times.len().min(row + BARS_PER_DAY_MAX)];
        row += window.partition_point(|time| day(time) <= today);
        match days.last_mut() {
            Some(last) if last.0 == today => last.1 = values[row - 1],
            _ => days.push((today, values[row - 1])),
        }
    }
    days
}

/// What metrics are computed from.
#[derive(Debug, Clone)]
pub struct Inputs<'a> {
    /// Equity before the first bar, in quote currency.
    pub cash_initial: f64,
    /// Equity at the end of each UTC day, with the day's number since 1970-01-01; days rise.
    pub daily: &'a [(i64, f64)],
    /// The worst loss against the highest equity so far over all bars, per cent, 0 or less: what the engine kept
    /// while it ran, or [`drawdown::max_drawdown_pct`]. `None` when there are no bars.
    pub max_drawdown_intraday_pct: Option<f64>,
    /// Closed positions.
    pub trades: &'a [Trade],
    /// When the positions that are open at the end were entered.
    pub open_since: &'a [UnixMillis],
    /// From the open of the first bar to the close of the last, in Unix milliseconds UTC.
    pub span: Range<UnixMillis>,
    /// Sum of fees, valued in quote currency.
    pub fees_usd: Decimal,
    /// Sum of what was traded, both sides, in quote currency.
    pub turnover_usd: Decimal,
    /// What the run is compared with.
    pub benchmark: Option<&'a Benchmark>,
}

/// The statistics of a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Metrics {
    /// One for each of [`DEFINITIONS`]; empty until computed.
    values: Vec<Metric>,
    /// What the run was compared with: [`Benchmark::name`].
    pub benchmark: Option<String>,
}

impl Metrics {
    /// Computes every metric.
    #[must_use]
    pub fn compute(inputs: &Inputs<'_>) -> Self {
        let facts = Facts::gather(inputs);
        Self {
            values: DEFINITIONS.iter().map(|definition| (definition.compute)(&facts).into()).collect(),
            benchmark: inputs.benchmark.map(|benchmark| benchmark.name.clone()),
        }
    }

    /// Returns one metric.
    #[must_use]
    pub fn get(&self, definition: &Definition) -> Metric {
        self.iter()
            .find_map(|(other, metric)| (other.name == definition.name).then_some(metric))
            .unwrap_or(Metric::undefined("it was not computed"))
    }

    /// Returns every metric with its definition, in the order shown.
    pub fn iter(&self) -> impl Iterator<Item = (&'static Definition, Metric)> {
        DEFINITIONS.iter().copied().zip(self.values.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique_and_definitions_complete() {
        let names: BTreeSet<_> = DEFINITIONS.iter().map(|definition| definition.name).collect();
        assert_eq!(names.len(), DEFINITIONS.len());
        for definition in DEFINITIONS {
            assert!(definition.meaning.ends_with('.'), "{}", definition.name);
            assert!(!definition.formula.is_empty(), "{}", definition.name);
        }
    }

    #[test]
    fn groups_stand_together() {
        assert!(DEFINITIONS.is_sorted_by_key(|definition| definition.group));
    }

    #[test]
    fn infinite_value_is_absent_with_a_reason() {
        assert!(Metric::from(Ok(f64::INFINITY)).undefined_because.is_some());
        assert!(Metric::from(Ok(f64::NAN)).value.is_none());
        assert_eq!(Metric::from(Ok(1.5)).value, Some(1.5));
    }

    #[test]
    fn close_at_midnight_ends_the_day() {
        let day = Timeframe::D1.millis();
        assert_eq!((day_of(day), day_of(day + 1), day_of(1)), (0, 1, 0));
    }

    #[test]
    fn each_day_gives_its_last_value() {
        let minute = Timeframe::M1.millis();
        let times: Vec<_> = (1..=3_000).map(|i| i * minute).collect();
        let values: Vec<_> = (1..=3_000).map(f64::from).collect();
        let expected = [(0, 1_440.0), (1, 2_880.0), (2, 3_000.0)];
        assert_eq!(daily(&Moments::Listed(times), &values), expected);
        assert_eq!(daily(&Moments::Even { first: minute, millis: minute, len: 3_000 }, &values), expected);
    }
}
