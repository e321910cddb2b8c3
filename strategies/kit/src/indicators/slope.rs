//! Slope of the straight line that fits a window best.

use super::ring::Ring;

/// Below this part of what went into it the running numerator is mostly rounding error, and is taken afresh.
const CANCELLATION: f64 = 1e-4;

/// The rise per bar of the least-squares line through the last `period` values: TA-Lib `LINEARREG_SLOPE`.
///
/// `slope = Σ (x - x̄)·v / Σ (x - x̄)²` with x = 0 for the oldest value to `period - 1` for the newest.
///
/// Values enter as distances from an anchor, one of themselves, so that a price of 40,000 that moves by cents is as
/// precise as one near 0. The running numerator is taken afresh, and the anchor moved, at each seam of the ring and
/// whenever cancellation has eaten its digits. Values that do not move have a slope of exactly 0.
///
/// ```
/// # use sentinel_kit::indicators::LinearSlope;
/// let mut slope = LinearSlope::new(3);
/// let slopes: Vec<_> = [1.0, 3.0, 5.0, 4.0].map(|value| slope.update(value)).to_vec();
/// assert_eq!(slopes, [None, None, Some(2.0), Some(0.5)]);
/// ```
#[derive(Debug, Clone)]
pub struct LinearSlope {
    ring: Ring,
    anchor: f64,
    /// Σ (v - anchor).
    sum: f64,
    /// Σ (x - x̄)·(v - anchor), the numerator of the slope.
    numerator: f64,
    distance_peak: f64,
    middle: f64,
    /// 1 / Σ (x - x̄)².
    reciprocal: f64,
    full: bool,
}

impl LinearSlope {
    /// Returns the slope over the last `period` values.
    ///
    /// # Panics
    /// If `period` is below 2: one value has no slope.
    pub fn new(period: usize) -> Self {
        assert!(period > 1, "the period of a slope must be at least 2");
        let count = period as f64;
        Self {
            ring: Ring::new(period),
            anchor: 0.0,
            sum: 0.0,
            numerator: 0.0,
            distance_peak: 0.0,
            middle: (count - 1.0) * 0.5,
            reciprocal: 12.0 / (count * (count * count - 1.0)),
            full: false,
        }
    }

    /// Takes in the next value and returns the slope, `None` while fewer than `period` values were seen.
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

    /// Every value moves one place to the left, so the numerator loses the sum of those that stay.
    #[inline]
    fn slide(&mut self, value: f64, displaced: f64) {
        let (entering, leaving) = (value - self.anchor, displaced - self.anchor);
        self.numerator += self.middle * (entering + leaving) - (self.sum - leaving);
        self.sum += value - displaced;
        if entering.abs() > self.distance_peak {
            self.distance_peak = entering.abs();
        }
        if self.numerator.abs() < self.distance_peak * self.middle * self.middle * CANCELLATION {
            self.measure_afresh(value);
        }
    }

    fn measure_afresh(&mut self, newest: f64) {
        self.anchor = newest;
        (self.sum, self.numerator, self.distance_peak) = (0.0, 0.0, 0.0);
        let mut place = -self.middle;
        for value in self.ring.oldest_first() {
            let distance = value - newest;
            self.sum += distance;
            self.numerator += place * distance;
            self.distance_peak = self.distance_peak.max(distance.abs());
            place += 1.0;
        }
        self.full = true;
    }

    /// Returns the latest slope, in units of the value per bar.
    #[inline]
    pub fn value(&self) -> Option<f64> {
        self.full.then_some(self.numerator * self.reciprocal)
    }

    /// Returns the number of bars until the first slope: `period`.
    pub fn warm_up_bars(&self) -> usize {
        self.ring.length()
    }
}

#[cfg(test)]
mod tests {
    use super::LinearSlope;

    #[test]
    fn a_straight_line_has_its_own_slope_on_every_bar() {
        for step in [-2.5, 0.01, 300.0] {
            let mut slope = LinearSlope::new(14);
            for value in (0..60).filter_map(|bar| slope.update(40_000.0 + step * f64::from(bar))) {
                assert!((value / step - 1.0).abs() < 1e-9, "{value} for {step}");
            }
        }
    }

    /// From the first bar on which the jump has left the window, not only after the next seam.
    #[test]
    fn values_that_do_not_move_have_no_slope_whatever_came_before() {
        for calm_bars in 7..20 {
            let mut slope = LinearSlope::new(7);
            let values = [3.3, 65_432.1, 7.7].into_iter().chain(vec![0.1; calm_bars]);
            let last = values.map(|value| slope.update(value)).last().flatten();
            assert_eq!(last, Some(0.0), "after {calm_bars} calm bars");
        }
    }

    #[test]
    fn not_a_number_is_forgotten_within_one_round() {
        let mut slope = LinearSlope::new(3);
        let values = [1.0, 1.0, 1.0, f64::NAN, 4.0, 6.0, 8.0, 10.0, 12.0];
        assert_eq!(values.map(|value| slope.update(value)).last(), Some(&Some(2.0)));
    }

    #[test]
    #[should_panic(expected = "at least 2")]
    fn one_value_has_no_slope() {
        let _ = LinearSlope::new(1);
    }
}
