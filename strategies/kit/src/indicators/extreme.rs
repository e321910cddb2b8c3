//! The highest and the lowest value of a window.

use super::window_fold::WindowFold;

/// The highest of the last `period` values, the newest included: TA-Lib `MAX`.
///
/// At most three comparisons a value over time, in rising, falling and flat markets alike; a search through the
/// window, as is common, costs `period` comparisons on every bar of a steady fall.
///
/// ```
/// # use sentinel_kit::indicators::Highest;
/// let mut highest = Highest::new(2);
/// let values: Vec<_> = [3.0, 1.0, 2.0].map(|high| highest.update(high)).to_vec();
/// assert_eq!(values, [None, Some(3.0), Some(2.0)]);
/// ```
#[derive(Debug, Clone)]
pub struct Highest {
    window: WindowFold,
}

impl Highest {
    /// Returns the highest of the last `period` values.
    ///
    /// # Panics
    /// If `period` is 0.
    pub fn new(period: usize) -> Self {
        Self { window: WindowFold::new(period, f64::NEG_INFINITY) }
    }

    /// Takes in the next value and returns the highest, `None` while fewer than `period` values were seen.
    #[inline]
    pub fn update(&mut self, value: f64) -> Option<f64> {
        self.window.update(value, |a, b| if b > a { b } else { a })
    }

    /// Returns the latest highest value.
    #[inline]
    pub fn value(&self) -> Option<f64> {
        self.window.value()
    }

    /// Returns the number of bars until the first answer: `period`.
    pub fn warm_up_bars(&self) -> usize {
        self.window.period()
    }
}

/// The lowest of the last `period` values, the newest included: TA-Lib `MIN`. Otherwise as [`Highest`].
///
/// ```
/// # use sentinel_kit::indicators::Lowest;
/// let mut lowest = Lowest::new(2);
/// let values: Vec<_> = [3.0, 1.0, 2.0].map(|low| lowest.update(low)).to_vec();
/// assert_eq!(values, [None, Some(1.0), Some(1.0)]);
/// ```
#[derive(Debug, Clone)]
pub struct Lowest {
    window: WindowFold,
}

impl Lowest {
    /// Returns the lowest of the last `period` values.
    ///
    /// # Panics
    /// If `period` is 0.
    pub fn new(period: usize) -> Self {
        Self { window: WindowFold::new(period, f64::INFINITY) }
    }

    /// Takes in the next value and returns the lowest, `None` while fewer than `period` values were seen.
    #[inline]
    pub fn update(&mut self, value: f64) -> Option<f64> {
        self.window.update(value, |a, b| if b < a { b } else { a })
    }

    /// Returns the latest lowest value.
    #[inline]
    pub fn value(&self) -> Option<f64> {
        self.window.value()
    }

    /// Returns the number of bars until the first answer: `period`.
    pub fn warm_up_bars(&self) -> usize {
        self.window.period()
    }
}

#[cfg(test)]
mod tests {
    use super::{Highest, Lowest};

    fn check(values: &[f64], highest_expected: &[f64], lowest_expected: &[f64]) {
        let (mut highest, mut lowest) = (Highest::new(3), Lowest::new(3));
        let highs: Vec<f64> = values.iter().filter_map(|&value| highest.update(value)).collect();
        let lows: Vec<f64> = values.iter().filter_map(|&value| lowest.update(value)).collect();
        assert_eq!(highs, highest_expected);
        assert_eq!(lows, lowest_expected);
    }

    #[test]
    fn the_extremes_leave_with_their_bars() {
        check(&[9.0, 1.0, 5.0, 4.0, 3.0, 8.0], &[9.0, 5.0, 5.0, 8.0], &[1.0, 1.0, 3.0, 3.0]);
    }

    #[test]
    fn rises_and_falls_are_followed() {
        check(&[1.0, 2.0, 3.0, 4.0, 5.0], &[3.0, 4.0, 5.0], &[1.0, 2.0, 3.0]);
        check(&[5.0, 4.0, 3.0, 2.0, 1.0], &[5.0, 4.0, 3.0], &[3.0, 2.0, 1.0]);
    }
}
