//! Relative strength index.

use super::ema::{SeededAverage, wilder_average};

/// Which part of the recent movement went up, 0..100: TA-Lib `RSI`.
///
/// `rsi = 100 · gain / (gain + loss)`, where `gain` and `loss` are Wilder's averages of the rises and of the falls
/// from bar to bar, begun with the plain mean of the first `period` of them (J. W. Wilder, "New Concepts in Technical
/// Trading Systems", 1978).
///
/// A market that has not moved at all since the first bar reads 0, as in TA-Lib: check for that where an oversold
/// reading alone would buy. One that stops moving keeps the reading it had.
///
/// ```
/// # use sentinel_kit::indicators::Rsi;
/// let mut rsi = Rsi::new(2);
/// assert_eq!(rsi.update(10.0), None);
/// assert_eq!(rsi.update(13.0), None);
/// assert_eq!(rsi.update(12.0), Some(75.0)); // rises 3, falls 1
/// ```
#[derive(Debug, Clone)]
pub struct Rsi {
    gain: SeededAverage,
    loss: SeededAverage,
    previous: Option<f64>,
}

impl Rsi {
    /// Returns the index over `period` changes. Usual: 14.
    ///
    /// # Panics
    /// If `period` is 0.
    pub fn new(period: usize) -> Self {
        Self { gain: wilder_average(period), loss: wilder_average(period), previous: None }
    }

    /// Takes in the next close and returns the index, `None` while fewer than `period` changes were seen.
    #[inline]
    pub fn update(&mut self, close: f64) -> Option<f64> {
        let change = close - self.previous.replace(close)?;
        let (gain, loss) = if change < 0.0 { (0.0, -change) } else { (change, 0.0) };
        self.gain.update(gain);
        self.loss.update(loss);
        self.value()
    }

    /// Returns the latest index.
    #[inline]
    pub fn value(&self) -> Option<f64> {
        let gain = self.gain.value()?;
        let movement = gain + self.loss.value()?;
        // Not a tolerance: a coin worth 1e-9 moves by less than any fixed one.
        Some(if movement > 0.0 { 100.0 * gain / movement } else { 0.0 })
    }

    /// Returns the number of bars until the first index: `period + 1`, since a change needs two closes.
    pub fn warm_up_bars(&self) -> usize {
        self.gain.period() + 1
    }

    /// Returns the number of bars until the changes it began with weigh less than `tolerance` in the averages.
    ///
    /// About `period · ln(1 / tolerance)`: for 1e-6 some fourteen periods.
    ///
    /// # Panics
    /// If `tolerance` is not above 0.
    pub fn settled_bars(&self, tolerance: f64) -> usize {
        self.gain.settled_bars(tolerance) + 1
    }
}

#[cfg(test)]
mod tests {
    use super::Rsi;

    fn check(period: usize, closes: &[f64], expected: f64) {
        let mut rsi = Rsi::new(period);
        let last = closes.iter().map(|&close| rsi.update(close)).last().flatten().unwrap();
        assert!((last - expected).abs() < 1e-12, "{last} instead of {expected}");
    }

    #[test]
    fn only_rises_read_a_hundred_and_only_falls_nothing() {
        check(3, &[1.0, 2.0, 3.0, 4.0, 5.0], 100.0);
        check(3, &[5.0, 4.0, 3.0, 2.0, 1.0], 0.0);
    }

    #[test]
    fn a_market_that_never_moved_reads_zero() {
        check(3, &[40_000.13; 9], 0.0);
    }

    #[test]
    fn the_reading_does_not_depend_on_the_unit_of_the_price() {
        check(2, &[10e-18, 13e-18, 12e-18], 75.0);
    }

    #[test]
    fn the_first_index_needs_one_bar_more_than_the_period() {
        let mut rsi = Rsi::new(14);
        let first = (1..).find(|&bar| rsi.update(f64::from(bar)).is_some());
        assert_eq!(first, Some(15));
        assert_eq!(rsi.warm_up_bars(), 15);
    }
}
