//! Linearly weighted moving average.

use super::ring::Ring;

/// The mean of the last `period` values, the newest weighing `period`, the oldest 1: TA-Lib `WMA`.
///
/// `wma = (period·v[t] + (period-1)·v[t-1] + … + 1·v[t-period+1]) / (period·(period+1)/2)`
///
/// When the window slides, every weight falls by one, so the weighted sum loses the plain sum and gains
/// `period·newest`. An error in the plain sum would thus be added again on each bar; both sums are therefore taken
/// afresh from the window at each seam of the ring, which costs one pass over `period` values in `period` bars.
///
/// ```
/// # use sentinel_kit::indicators::Wma;
/// let mut wma = Wma::new(2);
/// assert_eq!(wma.update(3.0), None);
/// assert_eq!(wma.update(6.0), Some(5.0)); // (2·6 + 1·3) / 3
/// ```
#[derive(Debug, Clone)]
pub struct Wma {
    ring: Ring,
    sum: f64,
    weighted_sum: f64,
    newest_weight: f64,
    /// 1 / (1 + 2 + … + period).
    reciprocal: f64,
    full: bool,
}

impl Wma {
    /// Returns an average over the last `period` values.
    ///
    /// # Panics
    /// If `period` is 0.
    pub fn new(period: usize) -> Self {
        let weight = period as f64;
        Self {
            ring: Ring::new(period),
            sum: 0.0,
            weighted_sum: 0.0,
            newest_weight: weight,
            reciprocal: 2.0 / (weight * (weight + 1.0)),
            full: false,
        }
    }

    /// Takes in the next value and returns the average, `None` while fewer than `period` values were seen.
    #[inline]
    pub fn update(&mut self, value: f64) -> Option<f64> {
        let pushed = self.ring.push(value);
        if pushed.at_seam {
            self.sum_afresh();
        } else {
            self.weighted_sum += self.newest_weight * value - self.sum;
            self.sum += value - pushed.displaced;
        }
        self.value()
    }

    fn sum_afresh(&mut self) {
        let mut weight = 0.0;
        self.sum = 0.0;
        self.weighted_sum = 0.0;
        for value in self.ring.oldest_first() {
            weight += 1.0;
            self.sum += value;
            self.weighted_sum += weight * value;
        }
        self.full = true;
    }

    /// Returns the latest average.
    #[inline]
    pub fn value(&self) -> Option<f64> {
        self.full.then_some(self.weighted_sum * self.reciprocal)
    }

    /// Returns the number of bars until the first average: `period`.
    pub fn warm_up_bars(&self) -> usize {
        self.ring.length()
    }
}

#[cfg(test)]
mod tests {
    use super::Wma;

    #[test]
    fn the_newest_value_weighs_most() {
        let mut wma = Wma::new(3);
        let averages: Vec<_> = [6.0, 0.0, 0.0, 6.0].map(|value| wma.update(value)).to_vec();
        assert_eq!(averages, [None, None, Some(1.0), Some(3.0)]);
    }

    #[test]
    fn a_huge_value_is_forgotten_within_one_round() {
        let mut wma = Wma::new(3);
        for value in [1e20, 1.0, 1.0, 1.0, 1.0, 1.0] {
            wma.update(value);
        }
        assert_eq!(wma.value(), Some(1.0));
    }
}
