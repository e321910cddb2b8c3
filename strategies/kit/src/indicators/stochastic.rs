//! Stochastic oscillator.

use super::extreme::{Highest, Lowest};
use super::sma::Sma;

/// Where the close lies in the range of the last bars, 0..100, smoothed twice: TA-Lib `STOCH` with simple averages.
///
/// `fast k = 100 · (close - lowest low) / (highest high - lowest low)` over `fast_k` bars; `k = sma(fast k, slow_k)`;
/// `d = sma(k, slow_d)` (G. Lane). Where the range is zero the fast k is 0, as in TA-Lib: a market that stands still
/// reads oversold, so ask for more than that before buying.
///
/// ```
/// # use sentinel_kit::indicators::Stochastic;
/// let mut stochastic = Stochastic::new(5, 3, 3);
/// assert_eq!(stochastic.warm_up_bars(), 9);
/// let value = (0..20).map(f64::from).filter_map(|bar| stochastic.update(bar + 1.0, bar, bar + 1.0)).last().unwrap();
/// assert!((value.k - 100.0).abs() < 1e-9 && (value.d - 100.0).abs() < 1e-9);
/// ```
#[derive(Debug, Clone)]
pub struct Stochastic {
    highest: Highest,
    lowest: Lowest,
    k: Sma,
    d: Sma,
}

/// The two lines of one bar, 0..100 each.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StochasticValue {
    /// Slow %K.
    pub k: f64,
    /// Slow %D, the average of %K.
    pub d: f64,
}

impl Stochastic {
    /// Returns the oscillator for three periods in bars. Usual: 14, 3, 3 (TA-Lib's default is 5, 3, 3).
    ///
    /// # Panics
    /// If a period is 0.
    pub fn new(fast_k: usize, slow_k: usize, slow_d: usize) -> Self {
        Self { highest: Highest::new(fast_k), lowest: Lowest::new(fast_k), k: Sma::new(slow_k), d: Sma::new(slow_d) }
    }

    /// Takes in the next bar and returns the lines, `None` until both stand.
    #[inline]
    pub fn update(&mut self, high: f64, low: f64, close: f64) -> Option<StochasticValue> {
        // Both before the `?`, so that neither window misses a bar.
        let (highest, lowest) = (self.highest.update(high), self.lowest.update(low));
        let (highest, lowest) = (highest?, lowest?);
        let range = highest - lowest;
        let fast_k = if range > 0.0 { 100.0 * (close - lowest) / range } else { 0.0 };
        let k = self.k.update(fast_k)?;
        let d = self.d.update(k)?;
        Some(StochasticValue { k, d })
    }

    /// Returns the latest lines.
    #[inline]
    pub fn value(&self) -> Option<StochasticValue> {
        Some(StochasticValue { d: self.d.value()?, k: self.k.value()? })
    }

    /// Returns the number of bars until the first lines: `fast_k + slow_k + slow_d - 2`.
    pub fn warm_up_bars(&self) -> usize {
        self.highest.warm_up_bars() + self.k.warm_up_bars() + self.d.warm_up_bars() - 2
    }
}

#[cfg(test)]
mod tests {
    use super::{Stochastic, StochasticValue};

    fn last(bars: &[(f64, f64, f64)]) -> Option<StochasticValue> {
        let mut stochastic = Stochastic::new(3, 1, 1);
        bars.iter().map(|&(high, low, close)| stochastic.update(high, low, close)).last().flatten()
    }

    #[test]
    fn the_close_is_placed_in_the_range_of_the_window() {
        let bars = [(99.0, 1.0, 50.0), (12.0, 8.0, 9.0), (11.0, 7.0, 8.0), (15.0, 9.0, 13.0)];
        assert_eq!(last(&bars), Some(StochasticValue { k: 75.0, d: 75.0 }));
    }

    #[test]
    fn a_market_that_stands_still_reads_zero() {
        assert_eq!(last(&[(5.0, 5.0, 5.0); 4]), Some(StochasticValue { k: 0.0, d: 0.0 }));
    }

    #[test]
    fn the_first_lines_come_on_their_bar() {
        let mut stochastic = Stochastic::new(5, 3, 4);
        let first = (1..).find(|&bar| stochastic.update(f64::from(bar), 0.0, f64::from(bar)).is_some());
        assert_eq!(first, Some(10));
        assert_eq!(stochastic.warm_up_bars(), 10);
    }
}
