//! Divergence between swing points.

use super::delay::Delay;
use super::divergence::Divergence;
use super::swing::{SwingPoints, Swings};

/// Compares each new swing point of the price with the one before, and the indicator on the same two bars.
///
/// Bullish: lower swing low of the price, higher indicator. Bearish: higher swing high, lower indicator. What counts
/// is the indicator on the very bar of the swing point.
///
/// ```
/// # use sentinel_kit::indicators::{Divergence, SwingDivergence};
/// let mut divergence = SwingDivergence::new(1, 1, 50);
/// let bars = [(5.0, 0.0), (3.0, -9.0), (4.0, -8.0), (2.0, -5.0), (3.0, -4.0)]; // low of the price, CVD
/// let found: Vec<_> = bars.iter().filter_map(|&(low, cvd)| divergence.update(low + 1.0, low, cvd)).collect();
/// assert_eq!(found, [Divergence::Bullish]); // lows 3 and 2, CVD -9 and -5
/// ```
#[derive(Debug, Clone)]
pub struct SwingDivergence {
    swings: SwingPoints,
    indicator: Delay,
    bars_apart_max: usize,
    last_high: Option<SwingPoint>,
    last_low: Option<SwingPoint>,
    latest: Option<Divergence>,
}

#[derive(Debug, Clone, Copy)]
struct SwingPoint {
    price: f64,
    indicator: f64,
    bars_ago: usize,
}

impl SwingDivergence {
    /// Returns a detector over swing points with `left` bars before and `right` bars after them. Two that lie more
    /// than `bars_apart_max` bars apart are not compared.
    ///
    /// # Panics
    /// If `left` or `right` is 0.
    pub fn new(left: usize, right: usize, bars_apart_max: usize) -> Self {
        Self {
            swings: SwingPoints::new(left, right),
            indicator: Delay::new(right),
            bars_apart_max,
            last_high: None,
            last_low: None,
            latest: None,
        }
    }

    /// Takes in the next bar, with the indicator at its close, and returns the divergence that this bar confirms.
    #[inline]
    pub fn update(&mut self, high: f64, low: f64, indicator: f64) -> Option<Divergence> {
        let swings = self.swings.update(high, low);
        let indicator = self.indicator.update(indicator);
        for point in [&mut self.last_high, &mut self.last_low].into_iter().flatten() {
            point.bars_ago = point.bars_ago.saturating_add(1);
        }
        // Nothing is certain on most bars.
        self.latest = indicator.and_then(|indicator| self.compare(swings, indicator));
        self.latest
    }

    fn compare(&mut self, swings: Swings, indicator: f64) -> Option<Divergence> {
        let near = |point: &SwingPoint| point.bars_ago <= self.bars_apart_max;
        let bullish = swings.low.is_some_and(|price| {
            let before = self.last_low.replace(SwingPoint { price, indicator, bars_ago: 0 }).filter(near);
            before.is_some_and(|before| price < before.price && indicator > before.indicator)
        });
        let bearish = swings.high.is_some_and(|price| {
            let before = self.last_high.replace(SwingPoint { price, indicator, bars_ago: 0 }).filter(near);
            before.is_some_and(|before| price > before.price && indicator < before.indicator)
        });
        match (bullish, bearish) {
            (true, false) => Some(Divergence::Bullish),
            (false, true) => Some(Divergence::Bearish),
            // One bar that sticks out both ways says nothing.
            _ => None,
        }
    }

    /// Returns the divergence that the latest bar confirmed.
    #[inline]
    pub fn value(&self) -> Option<Divergence> {
        self.latest
    }

    /// Returns the number of bars until the first swing point can be certain; a divergence needs two of them.
    pub fn warm_up_bars(&self) -> usize {
        self.swings.warm_up_bars()
    }
}

#[cfg(test)]
mod tests {
    use super::{Divergence, SwingDivergence};

    /// Each bar is (low, indicator), one unit high; two swing lows at `3.0` and at the third value.
    fn check_lows(second_low: f64, second_indicator: f64, expected: &[Divergence]) {
        let mut divergence = SwingDivergence::new(1, 1, 9);
        let bars = [(5.0, 0.0), (3.0, -9.0), (6.0, -8.0), (second_low, second_indicator), (5.0, -4.0)];
        let found: Vec<_> = bars.iter().filter_map(|&(low, value)| divergence.update(low + 1.0, low, value)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn only_a_lower_low_with_a_higher_indicator_is_bullish() {
        check_lows(2.0, -5.0, &[Divergence::Bullish]);
        check_lows(2.0, -10.0, &[]);
        check_lows(4.0, -5.0, &[]);
        check_lows(3.0, -5.0, &[]);
    }

    #[test]
    fn a_higher_high_with_a_lower_indicator_is_bearish() {
        let mut divergence = SwingDivergence::new(1, 1, 9);
        let bars = [(5.0, 0.0), (7.0, 9.0), (6.0, 8.0), (8.0, 5.0), (6.5, 4.0)];
        let found: Vec<_> = bars.map(|(high, value)| divergence.update(high, high - 1.0, value)).to_vec();
        assert_eq!(found, [None, None, None, None, Some(Divergence::Bearish)]);
        assert_eq!(divergence.value(), Some(Divergence::Bearish));
    }

    #[test]
    fn swing_points_too_far_apart_are_not_compared() {
        let run = |bars_apart_max| {
            let mut divergence = SwingDivergence::new(1, 1, bars_apart_max);
            let lows = [5.0, 3.0, 4.0, 4.5, 2.0, 4.0];
            lows.iter().zip(0..).filter_map(|(&low, cvd)| divergence.update(9.0, low, f64::from(cvd))).count()
        };
        assert_eq!((run(3), run(2)), (1, 0));
    }
}
