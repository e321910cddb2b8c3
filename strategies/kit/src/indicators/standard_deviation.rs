//! Standard deviation over a window, precise where prices hardly move.

use super::ring::Ring;

/// Below this part of its own peak the running sum of squares is mostly rounding error, and is taken afresh.
///
/// The error is about `period · 1e-16` of the peak, so at a thousandth of it some twelve digits are still right.
const CANCELLATION: f64 = 1e-3;

/// The population standard deviation of the last `period` values: TA-Lib `STDDEV`, numpy `std(ddof=0)`.
///
/// `σ = √( Σ (v - mean)² / period )`
///
/// The textbook `√(mean(v²) - mean(v)²)` is noise on a price of 40,000 that moves by cents, and keeps a residue of
/// every jump. Here the sum of squared deviations itself is kept up to date (Welford's recurrence for a window, see
/// Chan, Golub and LeVeque, "Algorithms for computing the sample variance", 1983) and is taken afresh from the window
/// at each seam of the ring and whenever it has shrunk so far that its digits are in doubt. Values that do not move
/// give exactly 0.
///
/// ```
/// # use sentinel_kit::indicators::StandardDeviation;
/// let mut deviation = StandardDeviation::new(2);
/// assert_eq!(deviation.update(1.0), None);
/// assert_eq!(deviation.update(5.0), Some(2.0));
/// assert_eq!(deviation.mean(), Some(3.0));
/// ```
#[derive(Debug, Clone)]
pub struct StandardDeviation {
    ring: Ring,
    mean: f64,
    squares: f64,
    squares_peak: f64,
    reciprocal: f64,
    full: bool,
}

impl StandardDeviation {
    /// Returns the deviation over the last `period` values.
    ///
    /// # Panics
    /// If `period` is 0.
    pub fn new(period: usize) -> Self {
        Self {
            ring: Ring::new(period),
            mean: 0.0,
            squares: 0.0,
            squares_peak: 0.0,
            reciprocal: 1.0 / period as f64,
            full: false,
        }
    }

    /// Takes in the next value and returns the deviation, `None` while fewer than `period` values were seen.
    #[inline]
    pub fn update(&mut self, value: f64) -> Option<f64> {
        let pushed = self.ring.push(value);
        if pushed.at_seam {
            self.measure_afresh(value);
        } else if self.full {
            self.slide(value, pushed.displaced);
        }
        self.value()
    }

    #[inline]
    fn slide(&mut self, value: f64, displaced: f64) {
        let change = value - displaced;
        let mean_before = self.mean;
        self.mean += change * self.reciprocal;
        self.squares += change * ((value - self.mean) + (displaced - mean_before));
        if self.squares > self.squares_peak {
            self.squares_peak = self.squares;
        } else if self.squares < self.squares_peak * CANCELLATION {
            self.measure_afresh(value);
        }
    }

    /// Measures the window from its values, as distances from the newest: equal values give zeros throughout.
    fn measure_afresh(&mut self, newest: f64) {
        let (mut distances, mut squares) = (0.0, 0.0);
        for value in self.ring.oldest_first() {
            let distance = value - newest;
            distances += distance;
            squares += distance * distance;
        }
        self.mean = newest + distances * self.reciprocal;
        self.squares = squares - distances * distances * self.reciprocal;
        self.squares_peak = self.squares;
        self.full = true;
    }

    /// Returns the latest deviation.
    #[inline]
    pub fn value(&self) -> Option<f64> {
        self.full.then(|| (self.squares * self.reciprocal).sqrt())
    }

    /// Returns the mean of the same window.
    #[inline]
    pub fn mean(&self) -> Option<f64> {
        self.full.then_some(self.mean)
    }

    /// Returns the number of bars until the first deviation: `period`.
    pub fn warm_up_bars(&self) -> usize {
        self.ring.length()
    }
}

#[cfg(test)]
mod tests {
    use super::StandardDeviation;

    /// Feeds `values` and returns what stands after the last one.
    fn last(period: usize, values: impl IntoIterator<Item = f64>) -> Option<f64> {
        let mut deviation = StandardDeviation::new(period);
        values.into_iter().map(|value| deviation.update(value)).last().flatten()
    }

    #[test]
    fn values_that_do_not_move_have_no_deviation() {
        assert_eq!(last(10, [40_000.13; 25]), Some(0.0));
    }

    /// From the first bar on which the jump has left the window, not only after the next seam.
    #[test]
    fn a_jump_leaves_nothing_behind() {
        for calm_bars in 10..30 {
            let values = [31_234.56, 65_432.1].into_iter().chain(vec![0.1; calm_bars]);
            assert_eq!(last(10, values), Some(0.0), "after {calm_bars} calm bars");
        }
    }

    #[test]
    fn one_tick_after_a_jump_is_measured_to_nine_digits() {
        let values = [31_234.56, 65_432.1].into_iter().chain([40_000.0; 13]).chain([40_000.01, 40_000.01]);
        let tick = 40_000.01_f64 - 40_000.0;
        let expected = tick * (2.0_f64 / 10.0 * 8.0 / 10.0).sqrt();
        assert!((last(10, values).unwrap() / expected - 1.0).abs() < 1e-9);
    }

    #[test]
    fn not_a_number_is_forgotten_within_one_round() {
        assert_eq!(last(4, [1.0, 1.0, 1.0, 1.0, f64::NAN, 1.0, 1.0, 5.0, 1.0, 1.0, 5.0, 5.0]), Some(2.0));
    }

    #[test]
    fn a_window_of_one_has_no_deviation() {
        assert_eq!(last(1, [3.0, 8.0]), Some(0.0));
    }
}
