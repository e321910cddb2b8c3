//! Swing points: highs and lows that stand out from the bars around them.

use super::delay::Delay;
use super::extreme::Lowest;

/// Finds the bars whose high is above, or whose low is below, those of all their neighbours: TA-Lib `FRACTAL`.
///
/// A swing low has `left` bars before it and `right` bars after it, all with a higher low; equal lows are none. It is
/// known only `right` bars later, and answered then: nothing here looks ahead.
///
/// ```
/// # use sentinel_kit::indicators::SwingPoints;
/// let mut swings = SwingPoints::new(1, 1);
/// let lows: Vec<_> = [5.0, 3.0, 4.0, 6.0].map(|low| swings.update(low + 1.0, low).low).to_vec();
/// assert_eq!(lows, [None, None, Some(3.0), None]); // the low of the bar before
/// ```
#[derive(Debug, Clone)]
pub struct SwingPoints {
    low: SwingLow,
    /// The same on prices with their sign turned.
    high: SwingLow,
}

/// The swing points that have just become certain: those made `right` bars ago.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Swings {
    /// Price of the swing high.
    pub high: Option<f64>,
    /// Price of the swing low.
    pub low: Option<f64>,
}

impl SwingPoints {
    /// Returns a finder that compares with `left` bars before and `right` bars after. Williams' fractals: 2 and 2.
    ///
    /// # Panics
    /// If `left` or `right` is 0.
    pub fn new(left: usize, right: usize) -> Self {
        Self { low: SwingLow::new(left, right), high: SwingLow::new(left, right) }
    }

    /// Takes in the next bar and returns the swing points made `right` bars ago.
    #[inline]
    pub fn update(&mut self, high: f64, low: f64) -> Swings {
        Swings { high: self.high.update(-high).map(|negated| -negated), low: self.low.update(low) }
    }

    /// Returns the number of bars until a swing point can be certain: `left + 1 + right`.
    pub fn warm_up_bars(&self) -> usize {
        self.low.before.warm_up_bars() + 1 + self.low.after.warm_up_bars()
    }
}

#[derive(Debug, Clone)]
struct SwingLow {
    /// Lowest of the `left` bars before the candidate.
    before: Lowest,
    /// Brings the candidate: the bar of `right` bars ago.
    candidate: Delay,
    /// Lowest of the `right` bars after the candidate.
    after: Lowest,
}

impl SwingLow {
    fn new(left: usize, right: usize) -> Self {
        Self { before: Lowest::new(left), candidate: Delay::new(right), after: Lowest::new(right) }
    }

    #[inline]
    fn update(&mut self, low: f64) -> Option<f64> {
        let after = self.after.update(low);
        let candidate = self.candidate.update(low)?;
        let before = self.before.value();
        self.before.update(candidate);
        (candidate < before? && candidate < after?).then_some(candidate)
    }
}

#[cfg(test)]
mod tests {
    use super::SwingPoints;

    /// Swing lows of `lows` as (bar on which they were answered, price).
    fn check(left: usize, right: usize, lows: &[f64], expected: &[(usize, f64)]) {
        let mut swings = SwingPoints::new(left, right);
        let found: Vec<(usize, f64)> = lows
            .iter()
            .enumerate()
            .filter_map(|(bar, &low)| swings.update(low + 1.0, low).low.map(|price| (bar, price)))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_low_is_answered_once_the_bars_to_its_right_are_in() {
        check(2, 1, &[5.0, 4.0, 3.0, 4.0, 5.0], &[(3, 3.0)]);
        check(2, 2, &[5.0, 4.0, 3.0, 4.0, 5.0], &[(4, 3.0)]);
        check(2, 3, &[5.0, 4.0, 3.0, 4.0, 5.0], &[]);
    }

    #[test]
    fn a_low_needs_all_the_bars_to_its_left() {
        check(2, 1, &[4.0, 3.0, 4.0, 5.0, 6.0], &[]);
        check(1, 1, &[4.0, 3.0, 4.0, 5.0, 6.0], &[(2, 3.0)]);
    }

    #[test]
    fn equal_lows_are_none() {
        check(2, 2, &[5.0, 4.0, 3.0, 3.0, 4.0, 5.0], &[]);
    }

    #[test]
    fn a_lone_bar_that_sticks_out_both_ways_is_high_and_low() {
        let mut swings = SwingPoints::new(1, 1);
        swings.update(6.0, 5.0);
        swings.update(9.0, 1.0);
        let found = swings.update(6.0, 5.0);
        assert_eq!((found.high, found.low), (Some(9.0), Some(1.0)));
        assert_eq!(swings.warm_up_bars(), 3);
    }
}
