//! The value of some bars ago.

use super::ring::Ring;

/// Answers, on each bar, the value of `bars` bars before.
///
/// ```
/// # use sentinel_kit::indicators::Delay;
/// let mut delay = Delay::new(2);
/// let values: Vec<_> = [10.0, 11.0, 12.0, 13.0].map(|close| delay.update(close)).to_vec();
/// assert_eq!(values, [None, None, Some(10.0), Some(11.0)]);
/// ```
#[derive(Debug, Clone)]
pub struct Delay {
    ring: Ring,
    full: bool,
    latest: Option<f64>,
}

impl Delay {
    /// Returns a delay of `bars` bars.
    ///
    /// # Panics
    /// If `bars` is 0.
    pub fn new(bars: usize) -> Self {
        Self { ring: Ring::new(bars), full: false, latest: None }
    }

    /// Takes in the next value and returns the one of `bars` bars before, `None` where there was none.
    #[inline]
    pub fn update(&mut self, value: f64) -> Option<f64> {
        let pushed = self.ring.push(value);
        self.latest = self.full.then_some(pushed.displaced);
        self.full |= pushed.at_seam;
        self.latest
    }

    /// Returns what the last update returned.
    #[inline]
    pub fn value(&self) -> Option<f64> {
        self.latest
    }

    /// Returns the number of bars until the first answer: one more than the delay.
    pub fn warm_up_bars(&self) -> usize {
        self.ring.length() + 1
    }
}
