//! Simple moving average.

use super::rolling_sum::RollingSum;

/// The mean of the last `period` values: TA-Lib `SMA`.
///
/// `sma = (v[t] + v[t-1] + … + v[t-period+1]) / period`
///
/// Its memory is exactly the window: after `period` bars nothing older has any say. Drift is bounded as described at
/// [`RollingSum`].
///
/// ```
/// # use sentinel_kit::indicators::Sma;
/// let mut sma = Sma::new(3);
/// let averages: Vec<_> = [3.0, 6.0, 9.0, 12.0].map(|close| sma.update(close)).to_vec();
/// assert_eq!(averages, [None, None, Some(6.0), Some(9.0)]);
/// ```
#[derive(Debug, Clone)]
pub struct Sma {
    sum: RollingSum,
    /// 1 / period. A multiplication is a third of the time of a division and differs from it by one rounding.
    reciprocal: f64,
}

impl Sma {
    /// Returns an average over the last `period` values.
    ///
    /// # Panics
    /// If `period` is 0.
    pub fn new(period: usize) -> Self {
        Self { sum: RollingSum::new(period), reciprocal: 1.0 / period as f64 }
    }

    /// Takes in the next value and returns the average, `None` while fewer than `period` values were seen.
    #[inline]
    pub fn update(&mut self, value: f64) -> Option<f64> {
        self.sum.update(value).map(|sum| sum * self.reciprocal)
    }

    /// Returns the latest average.
    #[inline]
    pub fn value(&self) -> Option<f64> {
        self.sum.value().map(|sum| sum * self.reciprocal)
    }

    /// Returns the number of bars until the first average: `period`.
    pub fn warm_up_bars(&self) -> usize {
        self.sum.warm_up_bars()
    }
}

#[cfg(test)]
mod tests {
    use super::Sma;

    #[test]
    fn the_first_average_comes_with_the_last_bar_of_the_first_window() {
        let mut sma = Sma::new(4);
        let first = (1..).find(|&bar| sma.update(f64::from(bar)).is_some());
        assert_eq!(first, Some(4));
        assert_eq!(sma.warm_up_bars(), 4);
        assert_eq!(sma.value(), Some(2.5));
    }

    #[test]
    #[should_panic(expected = "period must be at least 1")]
    fn period_zero_is_a_bug_of_the_caller() {
        let _ = Sma::new(0);
    }
}
