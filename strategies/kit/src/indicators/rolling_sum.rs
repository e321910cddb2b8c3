//! The sum of the last `period` values.

use super::ring::Ring;

/// The sum of the last `period` values: TA-Lib `SUM`.
///
/// The running sum takes in `newest - displaced`. Left alone it would keep a little of each step's rounding for ever;
/// here a second sum is begun at each seam of the ring, and when the ring comes round that sum *is* the window, added
/// up afresh, and replaces the first. So the error is that of at most `period` additions and as many corrections,
/// whatever the number of bars, and a value that was absurdly large, or not a number, is forgotten within one round
/// after it left. It costs one addition a bar and no branch of its own.
///
/// Where a window may fall to exactly zero after large values (traded volume, say) the indicators here use a window
/// that never subtracts; for prices, which stay within a few powers of ten, this one is as good and faster.
///
/// ```
/// # use sentinel_kit::indicators::RollingSum;
/// let mut sum = RollingSum::new(2);
/// assert_eq!(sum.update(1.0), None);
/// assert_eq!(sum.update(2.0), Some(3.0));
/// assert_eq!(sum.update(4.0), Some(6.0));
/// ```
#[derive(Debug, Clone)]
pub struct RollingSum {
    ring: Ring,
    sum: f64,
    since_seam: f64,
    full: bool,
}

impl RollingSum {
    /// Returns an empty window.
    ///
    /// # Panics
    /// If `period` is 0.
    pub fn new(period: usize) -> Self {
        Self { ring: Ring::new(period), sum: 0.0, since_seam: 0.0, full: false }
    }

    /// Takes in the next value and returns the sum, `None` while fewer than `period` values were seen.
    #[inline]
    pub fn update(&mut self, value: f64) -> Option<f64> {
        let pushed = self.ring.push(value);
        // The difference first: it is small and nearly exact, and it keeps one addition between bars instead of two.
        self.sum += value - pushed.displaced;
        self.since_seam += value;
        if pushed.at_seam {
            self.sum = self.since_seam;
            self.since_seam = 0.0;
            self.full = true;
        }
        self.value()
    }

    /// Returns the latest sum.
    #[inline]
    pub fn value(&self) -> Option<f64> {
        self.full.then_some(self.sum)
    }

    /// Returns the number of values until the first sum: `period`.
    pub fn warm_up_bars(&self) -> usize {
        self.ring.length()
    }
}

#[cfg(test)]
mod tests {
    use super::RollingSum;

    #[test]
    fn a_huge_value_is_forgotten_within_one_round() {
        let mut sum = RollingSum::new(3);
        for value in [1.0, 1e20, 1.0, 1.0, 1.0] {
            sum.update(value);
        }
        // The window is 1, 1, 1, yet 1e20 swallowed its neighbours on the way in.
        assert_ne!(sum.value(), Some(3.0));
        assert_eq!(sum.update(1.0), Some(3.0));
    }

    #[test]
    fn not_a_number_is_forgotten_within_one_round() {
        let mut sum = RollingSum::new(2);
        for value in [f64::NAN, 1.0, 1.0, 1.0] {
            sum.update(value);
        }
        assert_eq!(sum.value(), Some(2.0));
    }

    /// 0.1 has no exact form, so every addition rounds; a million of them leave no trend.
    #[test]
    fn a_million_bars_do_not_drift() {
        let mut sum = RollingSum::new(7);
        let worst = (0..1_000_000)
            .filter_map(|bar| sum.update(if bar % 3 == 0 { 0.1 } else { 30_000.1 }).map(|sum| (bar, sum)))
            .map(|(bar, sum)| {
                let cheap = (bar - 6..=bar).filter(|bar| bar % 3 == 0).count();
                let exact = 0.1 * cheap as f64 + 30_000.1 * (7 - cheap) as f64;
                (sum / exact - 1.0).abs()
            })
            .fold(0.0, f64::max);
        assert!(worst < 1e-14, "worst relative error {worst:e}");
    }
}
