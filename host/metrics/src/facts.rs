//! What several metrics are computed from, gathered once.

use super::drawdown::{Drawdown, drawdowns};
use super::trades::TradeSums;
use super::{Benchmark, Inputs};

/// The longest run whose days are looked at one by one: longer ones come from broken times.
const DAYS_MAX: i64 = 100_000;

/// Below this the deviation of daily returns is rounding, not risk: an `f64` near 1 steps by 2e-16.
const DEVIATION_MIN: f64 = 1e-14;

pub(super) const NO_DAY: &str = "there is no daily return";
pub(super) const ONE_DAY: &str = "there are fewer than two daily returns";
const TOO_LONG: &str = "the run spans more than 270 years, so its times cannot be right";
const RUINED: &str = "equity was below zero on a day, so the returns after it have no base";
const NO_BENCHMARK: &str = "there is nothing to compare with";
const BENCHMARK_LATE: &str = "the benchmark's candles begin after the run does";

#[derive(Debug)]
pub(super) struct Facts<'a> {
    pub(super) inputs: &'a Inputs<'a>,
    /// Equity before the first day and at the end of each, days without a bar included.
    pub(super) path: Result<DailyPath, &'static str>,
    pub(super) returns: Result<Moments, &'static str>,
    /// Every fall below an earlier high, oldest first.
    pub(super) drawdowns: Vec<Drawdown>,
    pub(super) trades: TradeSums,
    pub(super) benchmark: Result<DailyPath, &'static str>,
    pub(super) benchmark_returns: Result<Moments, &'static str>,
}

impl<'a> Facts<'a> {
    pub(super) fn gather(inputs: &'a Inputs<'a>) -> Self {
        let path = DailyPath::new(inputs.cash_initial, inputs.daily);
        let benchmark = path.as_ref().map_err(|reason| *reason).and_then(|path| {
            let benchmark = inputs.benchmark.ok_or(NO_BENCHMARK)?;
            path.alongside(benchmark)
        });
        Self {
            inputs,
            returns: Moments::of(&path),
            drawdowns: path.as_ref().map_or_else(|_| Vec::new(), drawdowns),
            path,
            trades: TradeSums::of(inputs.trades),
            benchmark_returns: Moments::of(&benchmark),
            benchmark,
        }
    }

    pub(super) fn path(&self) -> Result<&DailyPath, &'static str> {
        self.path.as_ref().map_err(|reason| *reason)
    }

    pub(super) fn returns(&self) -> Result<&Moments, &'static str> {
        self.returns.as_ref().map_err(|reason| *reason)
    }

    pub(super) fn benchmark(&self) -> Result<&DailyPath, &'static str> {
        self.benchmark.as_ref().map_err(|reason| *reason)
    }

    pub(super) fn benchmark_returns(&self) -> Result<&Moments, &'static str> {
        self.benchmark_returns.as_ref().map_err(|reason| *reason)
    }
}

/// A value before the first day and at the end of each; never shorter than two.
#[derive(Debug, Clone, PartialEq)]
pub struct DailyPath {
    /// The first day, as its number since 1970-01-01.
    pub first_day: i64,
    /// `values[0]` stands before the first day, `values[1]` at its end.
    pub values: Vec<f64>,
}

impl DailyPath {
    /// Fills days without a bar with the value before them: nothing was traded, so nothing changed.
    ///
    /// # Errors
    /// Says why there is no path.
    pub fn new(initial: f64, daily: &[(i64, f64)]) -> Result<Self, &'static str> {
        let (first, last) = daily.first().zip(daily.last()).ok_or(NO_DAY)?;
        if last.0 - first.0 >= DAYS_MAX {
            return Err(TOO_LONG);
        }
        let mut values = vec![initial];
        let mut next_day = first.0;
        for (day, value) in daily {
            let before = values[values.len() - 1];
            values.extend((next_day..*day).map(|_| before));
            values.push(*value);
            next_day = day + 1;
        }
        Ok(Self { first_day: first.0, values })
    }

    /// Returns the number of days.
    #[must_use]
    pub fn days(&self) -> usize {
        self.values.len() - 1
    }

    /// Returns the last value.
    #[must_use]
    pub fn last(&self) -> f64 {
        self.values[self.values.len() - 1]
    }

    /// Returns the benchmark on the days of this path: its last close on or before each day.
    fn alongside(&self, benchmark: &Benchmark) -> Result<Self, &'static str> {
        if benchmark.daily.first().is_none_or(|(day, _)| *day > self.first_day) {
            return Err(BENCHMARK_LATE);
        }
        let mut closes = benchmark.daily.iter().peekable();
        let mut latest = benchmark.initial;
        let mut values = vec![benchmark.initial];
        for day in (self.first_day..).take(self.days()) {
            while let Some((_, close)) = closes.next_if(|(close_day, _)| *close_day <= day) {
                latest = *close;
            }
            values.push(latest);
        }
        Ok(Self { first_day: self.first_day, values })
    }

    /// Returns one return for each day. Once everything is lost, nothing changes any more.
    fn returns(&self) -> Result<Vec<f64>, &'static str> {
        self.values
            .array_windows()
            .map(|[before, after]| match before {
                before if *before > 0.0 => Ok(after / before - 1.0),
                before if *before == 0.0 && *after == 0.0 => Ok(0.0),
                _ => Err(RUINED),
            })
            .collect()
    }
}

/// Daily returns as fractions, with their mean and deviation; never empty.
#[derive(Debug)]
pub(super) struct Moments {
    pub(super) returns: Vec<f64>,
    pub(super) mean: f64,
    /// Over n - 1; absent for a single return.
    deviation: Option<f64>,
}

impl Moments {
    fn of(path: &Result<DailyPath, &'static str>) -> Result<Self, &'static str> {
        let returns = path.as_ref().map_err(|reason| *reason)?.returns()?;
        let mean = mean(&returns);
        let squares: f64 = returns.iter().map(|r| (r - mean).powi(2)).sum();
        let deviation = (returns.len() > 1).then(|| (squares / (count(returns.len()) - 1.0)).sqrt());
        Ok(Self { returns, mean, deviation })
    }

    /// Returns the standard deviation over n - 1.
    pub(super) fn deviation(&self) -> Result<f64, &'static str> {
        self.deviation.ok_or(ONE_DAY)
    }

    /// Returns the deviation where something can be divided by it.
    pub(super) fn deviation_above_zero(&self, reason: &'static str) -> Result<f64, &'static str> {
        let deviation = self.deviation()?;
        if deviation > DEVIATION_MIN { Ok(deviation) } else { Err(reason) }
    }
}

/// Returns the mean; `values` are not empty.
pub(super) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / count(values.len())
}

/// Returns a count as a number to divide by.
#[expect(clippy::cast_precision_loss, reason = "nothing counted here comes near 2^53")]
pub(super) const fn count(count: usize) -> f64 {
    count as f64
}
