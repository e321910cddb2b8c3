//! Z-score.

use super::standard_deviation::StandardDeviation;

/// How many standard deviations the latest value lies above the mean of its window, which it is part of.
///
/// `z = (v[t] - mean) / σ`, with the population deviation σ (scipy `zscore(ddof=0)`), so that |z| = k exactly on the
/// Bollinger bands of k deviations. No z-score of a window of `n` values can exceed `√(n - 1)`.
///
/// ```
/// # use sentinel_kit::indicators::ZScore;
/// let mut z_score = ZScore::new(2);
/// assert_eq!(z_score.update(10.0), None);
/// assert_eq!(z_score.update(14.0), Some(1.0));
/// assert_eq!(z_score.update(14.0), None); // two equal values: nothing to measure by
/// ```
#[derive(Debug, Clone)]
pub struct ZScore {
    deviation: StandardDeviation,
    latest: f64,
}

impl ZScore {
    /// Returns the score within the last `period` values.
    ///
    /// # Panics
    /// If `period` is 0.
    pub fn new(period: usize) -> Self {
        Self { deviation: StandardDeviation::new(period), latest: 0.0 }
    }

    /// Takes in the next value and returns its score, `None` while fewer than `period` values were seen, and where
    /// all values of the window are equal: 0/0 is not a score.
    #[inline]
    pub fn update(&mut self, value: f64) -> Option<f64> {
        self.latest = value;
        self.deviation.update(value);
        self.value()
    }

    /// Returns the latest score.
    #[inline]
    pub fn value(&self) -> Option<f64> {
        let deviation = self.deviation.value().filter(|&deviation| deviation > 0.0)?;
        Some((self.latest - self.deviation.mean()?) / deviation)
    }

    /// Returns the number of bars until the first score: `period`.
    pub fn warm_up_bars(&self) -> usize {
        self.deviation.warm_up_bars()
    }
}

#[cfg(test)]
mod tests {
    use super::ZScore;

    #[test]
    fn a_lone_outlier_scores_the_most_a_window_allows() {
        let mut z_score = ZScore::new(10);
        for _ in 0..9 {
            assert_eq!(z_score.update(100.0), None);
        }
        assert!((z_score.update(500.0).unwrap() - 3.0).abs() < 1e-12);
    }

    #[test]
    fn a_flat_window_has_no_score() {
        let mut z_score = ZScore::new(3);
        let scores = [5.0, 9.0, 0.1, 0.1, 0.1, 0.1].map(|value| z_score.update(value).is_some());
        assert_eq!(scores, [false, false, true, true, false, false]);
    }
}
