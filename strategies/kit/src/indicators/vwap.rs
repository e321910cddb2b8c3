//! Volume-weighted average price: over the last bars, and since the start of the UTC day.

use super::window_fold::WindowFold;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// `(high + low + close) / 3`, the price that stands for the whole bar.
#[inline]
fn typical_price(high: f64, low: f64, close: f64) -> f64 {
    (high + low + close) * (1.0 / 3.0)
}

/// The average price paid over the last `period` bars: TA-Lib `VWMA` of its `TYPPRICE`.
///
/// `vwap = Σ typical price · volume / Σ volume`, with `typical price = (high + low + close) / 3`.
///
/// The two sums never subtract, so that a quiet hour after a burst of volume is weighed correctly and a window
/// without trades has a volume of exactly 0.
///
/// ```
/// # use sentinel_kit::indicators::RollingVwap;
/// let mut vwap = RollingVwap::new(2);
/// assert_eq!(vwap.update(12.0, 9.0, 9.0, 1.0), None);
/// assert_eq!(vwap.update(14.0, 14.0, 14.0, 3.0), Some(13.0)); // (10·1 + 14·3) / 4
/// ```
#[derive(Debug, Clone)]
pub struct RollingVwap {
    paid: WindowFold,
    volume: WindowFold,
}

impl RollingVwap {
    /// Returns the average over the last `period` bars.
    ///
    /// # Panics
    /// If `period` is 0.
    pub fn new(period: usize) -> Self {
        Self { paid: WindowFold::new(period, 0.0), volume: WindowFold::new(period, 0.0) }
    }

    /// Takes in the next bar and returns the average, `None` while fewer than `period` bars were seen, and where none
    /// of them traded.
    #[inline]
    pub fn update(&mut self, high: f64, low: f64, close: f64, volume: f64) -> Option<f64> {
        self.paid.update(typical_price(high, low, close) * volume, |a, b| a + b);
        self.volume.update(volume, |a, b| a + b);
        self.value()
    }

    /// Returns the latest average.
    #[inline]
    pub fn value(&self) -> Option<f64> {
        let volume = self.volume.value().filter(|&volume| volume > 0.0)?;
        Some(self.paid.value()? / volume)
    }

    /// Returns the number of bars until the first average: `period`.
    pub fn warm_up_bars(&self) -> usize {
        self.volume.period()
    }
}

/// The average price paid since 00:00 UTC: TA-Lib `VWAP` over the bars of one day.
///
/// Formula as for [`RollingVwap`]; both sums start over with the first bar whose open time lies in another UTC day.
/// On candles of a day or longer it is the typical price of each candle.
///
/// ```
/// # use sentinel_kit::indicators::SessionVwap;
/// const HOUR_MS: i64 = 3_600_000;
/// let mut vwap = SessionVwap::new();
/// assert_eq!(vwap.update(22 * HOUR_MS, 10.0, 10.0, 10.0, 1.0), Some(10.0));
/// assert_eq!(vwap.update(23 * HOUR_MS, 14.0, 14.0, 14.0, 3.0), Some(13.0));
/// assert_eq!(vwap.update(24 * HOUR_MS, 20.0, 20.0, 20.0, 1.0), Some(20.0)); // a new day
/// ```
#[derive(Debug, Clone)]
pub struct SessionVwap {
    day_start_ms: i64,
    paid: f64,
    volume: f64,
}

impl SessionVwap {
    /// Returns the average before its first bar.
    #[expect(clippy::new_without_default, reason = "all indicators are made by `new`; a default would be a second way")]
    pub fn new() -> Self {
        Self { day_start_ms: i64::MIN, paid: 0.0, volume: 0.0 }
    }

    /// Takes in the next bar and returns the average, `None` while the day has not traded.
    ///
    /// `open_time_ms` is the bar's open time in milliseconds since 1970-01-01T00:00:00Z.
    #[inline]
    pub fn update(&mut self, open_time_ms: i64, high: f64, low: f64, close: f64, volume: f64) -> Option<f64> {
        // A subtraction on most bars; the division, slow in WebAssembly, once a day.
        if open_time_ms.wrapping_sub(self.day_start_ms).cast_unsigned() >= DAY_MS.cast_unsigned() {
            self.day_start_ms = open_time_ms - open_time_ms.rem_euclid(DAY_MS);
            (self.paid, self.volume) = (0.0, 0.0);
        }
        self.paid += typical_price(high, low, close) * volume;
        self.volume += volume;
        self.value()
    }

    /// Returns the latest average.
    #[inline]
    pub fn value(&self) -> Option<f64> {
        (self.volume > 0.0).then(|| self.paid / self.volume)
    }

    /// Returns the number of bars until the first average: 1, if it traded. To begin with a whole day, warm up by the
    /// bars of one.
    pub fn warm_up_bars(&self) -> usize {
        1
    }
}

#[cfg(test)]
mod tests {
    use super::{DAY_MS, RollingVwap, SessionVwap};

    #[test]
    fn a_window_without_trades_has_no_average_price() {
        let mut vwap = RollingVwap::new(2);
        let averages = [1e9, 0.0, 0.0, 1e-9].map(|volume| vwap.update(7.0, 7.0, 7.0, volume).is_some());
        assert_eq!(averages, [false, true, false, true]);
    }

    #[test]
    fn a_burst_of_volume_leaves_nothing_behind() {
        let mut vwap = RollingVwap::new(2);
        vwap.update(90_000.0, 90_000.0, 90_000.0, 1e12);
        vwap.update(3.0, 3.0, 3.0, 1e-8);
        assert!((vwap.update(3.0, 3.0, 3.0, 1e-8).unwrap() - 3.0).abs() < 1e-12);
    }

    fn days(open_times_ms: &[i64]) -> Vec<bool> {
        let mut vwap = SessionVwap::new();
        let mut price = 1.0;
        let starts_over = |open_time_ms: &i64| {
            price += 1.0;
            vwap.update(*open_time_ms, price, price, price, 1.0).is_some_and(|average| (average - price).abs() < 1e-9)
        };
        open_times_ms.iter().map(starts_over).collect()
    }

    #[test]
    fn the_day_turns_at_midnight_utc_also_before_1970_and_after_a_gap() {
        assert_eq!(days(&[0, DAY_MS - 1, DAY_MS]), [true, false, true]);
        assert_eq!(days(&[-1, 0, 1]), [true, true, false]);
        assert_eq!(days(&[5, 3 * DAY_MS + 5, 3 * DAY_MS + 6]), [true, true, false]);
    }

    #[test]
    fn a_day_that_has_not_traded_has_no_average_price() {
        let mut vwap = SessionVwap::new();
        assert_eq!(vwap.update(0, 5.0, 5.0, 5.0, 0.0), None);
        assert!(vwap.update(1, 5.0, 5.0, 5.0, 2.0).is_some());
        assert_eq!(vwap.update(DAY_MS, 5.0, 5.0, 5.0, 0.0), None);
    }
}
