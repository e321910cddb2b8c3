//! An exit plan in `f64`, to pass over candles quickly.
//!
//! A watch may wake too early by a rounding, never too late; whoever is woken looks again in `Decimal`.

use std::ops::Range;

use rust_decimal::Decimal;
use sentinel_domain::candles::Candles;
use sentinel_domain::extremes::highest;
use sentinel_domain::money::to_f64;
use sentinel_domain::risk::ExitPlan;
use sentinel_domain::timeframe::UnixMillis;

/// Wider than any rounding of a price, narrower than any tick.
const SLACK: f64 = 1e-12;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Watch {
    low_at_most: f64,
    close_at_least: f64,
    trailing_fraction: f64,
    open_time_from: UnixMillis,
    best_close: f64,
    /// Candles before this one are in `best_close`.
    row: usize,
}

impl Default for Watch {
    /// Returns a watch that never wakes.
    fn default() -> Self {
        Self {
            low_at_most: f64::NEG_INFINITY,
            close_at_least: f64::INFINITY,
            trailing_fraction: 0.0,
            open_time_from: UnixMillis::MAX,
            best_close: 0.0,
            row: 0,
        }
    }
}

impl Watch {
    /// Watches a position bought at the open of candle `row`.
    pub(crate) fn new(plan: &ExitPlan, fill_price: Decimal, row: usize, candle_millis: i64) -> Self {
        let never = Self::default();
        Self {
            low_at_most: plan.stop.map_or(never.low_at_most, |stop| to_f64(stop.stop_price) * (1.0 + SLACK)),
            close_at_least: plan.target.map_or(never.close_at_least, |target| to_f64(target) * (1.0 - SLACK)),
            trailing_fraction: plan.trailing_fraction.map_or(0.0, |fraction| to_f64(fraction) * (1.0 + SLACK)),
            open_time_from: plan.deadline.map_or(never.open_time_from, |deadline| deadline - candle_millis),
            best_close: to_f64(fill_price),
            row,
        }
    }

    /// Returns the highest of the entry fill and the closes passed so far.
    pub(crate) const fn best_close(&self) -> f64 {
        self.best_close
    }

    /// Returns the first of `rows` that may end the position.
    pub(crate) fn first_alarm(&self, candles: &Candles, rows: Range<usize>) -> Option<usize> {
        let columns = candles.columns();
        let start = rows.start;
        let lows = &columns.low[rows.clone()];
        let closes = &columns.close[rows.clone()];
        let opens = &columns.open_time[rows];
        let mut best = self.best_close;
        lows.iter()
            .zip(closes)
            .zip(opens)
            .position(|((low, close), open_time)| {
                best = if *close > best { *close } else { best };
                *low <= self.low_at_most
                    || *close >= self.close_at_least
                    || *close <= best * self.trailing_fraction
                    || *open_time >= self.open_time_from
            })
            .map(|offset| start + offset)
    }

    /// Takes the closes of candles before `row` into the best close.
    pub(crate) fn pass_to(&mut self, candles: &Candles, row: usize) {
        if row > self.row {
            self.best_close = self.best_close.max(highest(&candles.columns().close[self.row..row]));
            self.row = row;
        }
    }
}
