//! True range and average true range.

use super::ema::{SeededAverage, wilder_average};

/// How far the price travelled within a bar, the gap from the bar before included: TA-Lib `TRANGE`.
///
/// `tr = max(high, previous close) - min(low, previous close)`, which is Wilder's largest of high - low,
/// |high - previous close| and |low - previous close|.
///
/// ```
/// # use sentinel_kit::indicators::TrueRange;
/// let mut true_range = TrueRange::new();
/// assert_eq!(true_range.update(11.0, 9.0, 10.0), None); // no bar before
/// assert_eq!(true_range.update(15.0, 13.0, 14.0), Some(5.0)); // 10 to 15
/// ```
#[derive(Debug, Clone, Default)]
pub struct TrueRange {
    previous_close: Option<f64>,
    latest: Option<f64>,
}

impl TrueRange {
    /// Returns the indicator before its first bar.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in the next bar and returns its true range, `None` on the first bar.
    #[inline]
    pub fn update(&mut self, high: f64, low: f64, close: f64) -> Option<f64> {
        let previous_close = self.previous_close.replace(close)?;
        // Compared by hand: `f64::max` has rules for NaN that cost instructions, and a price is never NaN.
        let top = if previous_close > high { previous_close } else { high };
        let bottom = if previous_close < low { previous_close } else { low };
        self.latest = Some(top - bottom);
        self.latest
    }

    /// Returns the latest true range.
    #[inline]
    pub fn value(&self) -> Option<f64> {
        self.latest
    }

    /// Returns the number of bars until the first true range: 2.
    pub fn warm_up_bars(&self) -> usize {
        2
    }
}

/// Wilder's average of the true range, the usual yardstick for stops: TA-Lib `ATR`.
///
/// `atr[t] = atr[t-1] + (tr[t] - atr[t-1]) / period`, begun with the mean of the first `period` true ranges
/// (J. W. Wilder, "New Concepts in Technical Trading Systems", 1978). In the unit of the price.
///
/// ```
/// # use sentinel_kit::indicators::Atr;
/// let mut atr = Atr::new(2);
/// assert_eq!(atr.update(11.0, 9.0, 10.0), None);
/// assert_eq!(atr.update(12.0, 9.0, 11.0), None);
/// assert_eq!(atr.update(12.0, 11.0, 12.0), Some(2.0)); // true ranges 3 and 1
/// ```
#[derive(Debug, Clone)]
pub struct Atr {
    true_range: TrueRange,
    average: SeededAverage,
}

impl Atr {
    /// Returns the average over `period` true ranges. Usual: 14; the turtles used 20.
    ///
    /// # Panics
    /// If `period` is 0.
    pub fn new(period: usize) -> Self {
        Self { true_range: TrueRange::new(), average: wilder_average(period) }
    }

    /// Takes in the next bar and returns the average, `None` while fewer than `period + 1` bars were seen.
    #[inline]
    pub fn update(&mut self, high: f64, low: f64, close: f64) -> Option<f64> {
        self.average.update(self.true_range.update(high, low, close)?)
    }

    /// Returns the latest average.
    #[inline]
    pub fn value(&self) -> Option<f64> {
        self.average.value()
    }

    /// Returns the number of bars until the first average: `period + 1`, since the first bar has no true range.
    pub fn warm_up_bars(&self) -> usize {
        self.average.period() + 1
    }

    /// Returns the number of bars until the true ranges it began with weigh less than `tolerance` in the average.
    ///
    /// About `period · ln(1 / tolerance)`: for 1e-6 some fourteen periods.
    ///
    /// # Panics
    /// If `tolerance` is not above 0.
    pub fn settled_bars(&self, tolerance: f64) -> usize {
        self.average.settled_bars(tolerance) + 1
    }
}

#[cfg(test)]
mod tests {
    use super::{Atr, TrueRange};

    fn check(previous_close: f64, high: f64, low: f64, expected: f64) {
        let mut true_range = TrueRange::new();
        true_range.update(previous_close, previous_close, previous_close);
        assert_eq!(true_range.update(high, low, low), Some(expected));
        assert_eq!(true_range.value(), Some(expected));
    }

    #[test]
    fn a_gap_counts_in_either_direction() {
        check(10.0, 12.0, 9.0, 3.0);
        check(10.0, 15.0, 13.0, 5.0);
        check(10.0, 8.0, 7.0, 3.0);
    }

    #[test]
    fn bars_of_one_length_average_to_it() {
        let mut atr = Atr::new(5);
        let averages: Vec<_> = (0..9).map(|_| atr.update(12.0, 10.0, 11.0)).collect();
        assert_eq!(averages.iter().flatten().copied().collect::<Vec<_>>(), [2.0; 4]);
        assert_eq!(atr.warm_up_bars(), 6);
    }
}
