//! Directional movement: +DI and -DI.

use super::atr::TrueRange;

/// How much of the recent range was new ground above (+DI) and below (-DI), 0..100: TA-Lib `PLUS_DI`, `MINUS_DI`.
///
/// Of a bar's outreach `up = high - previous high` and `down = previous low - low` only the larger counts, and only if
/// above 0. These, and the true range, are summed in Wilder's way, `sum[t] = sum[t-1] - sum[t-1] / period + v[t]`,
/// begun with the plain sum of the first `period - 1` values; `di = 100 · outreach / true range`
/// (J. W. Wilder, "New Concepts in Technical Trading Systems", 1978). Where nothing moved both are 0.
///
/// ```
/// # use sentinel_kit::indicators::DirectionalIndicators;
/// let mut indicators = DirectionalIndicators::new(14);
/// let value = (0..20).map(f64::from).filter_map(|bar| indicators.update(bar + 2.0, bar, bar + 2.0)).last().unwrap();
/// assert_eq!((value.plus, value.minus), (50.0, 0.0)); // each bar gains 1 of its range of 2
/// ```
#[derive(Debug, Clone)]
pub struct DirectionalIndicators {
    period: usize,
    reciprocal: f64,
    true_range: TrueRange,
    previous: Option<(f64, f64)>,
    ranges_missing: usize,
    plus_sum: f64,
    minus_sum: f64,
    range_sum: f64,
}

/// The two directional indicators of one bar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DirectionalValue {
    /// +DI: pressure upwards.
    pub plus: f64,
    /// -DI: pressure downwards.
    pub minus: f64,
}

impl DirectionalIndicators {
    /// Returns the indicators over `period` bars. Usual: 14.
    ///
    /// # Panics
    /// If `period` is 0.
    pub fn new(period: usize) -> Self {
        assert!(period > 0, "an indicator's period must be at least 1");
        Self {
            period,
            reciprocal: 1.0 / period as f64,
            true_range: TrueRange::new(),
            previous: None,
            ranges_missing: period,
            plus_sum: 0.0,
            minus_sum: 0.0,
            range_sum: 0.0,
        }
    }

    /// Takes in the next bar and returns the indicators, `None` while fewer than `period + 1` bars were seen.
    #[inline]
    pub fn update(&mut self, high: f64, low: f64, close: f64) -> Option<DirectionalValue> {
        let range = self.true_range.update(high, low, close);
        let (previous_high, previous_low) = self.previous.replace((high, low))?;
        let (up, down) = (high - previous_high, previous_low - low);
        // The last range of the first period already fades the sums: TA-Lib's way, kept for equality.
        if self.ranges_missing <= 1 {
            self.ranges_missing = 0;
            self.fade();
        } else {
            self.ranges_missing -= 1;
        }
        if down > 0.0 && down > up {
            self.minus_sum += down;
        } else if up > 0.0 && up > down {
            self.plus_sum += up;
        }
        self.range_sum += range?;
        self.value()
    }

    #[inline]
    fn fade(&mut self) {
        self.plus_sum -= self.plus_sum * self.reciprocal;
        self.minus_sum -= self.minus_sum * self.reciprocal;
        self.range_sum -= self.range_sum * self.reciprocal;
    }

    /// Returns the latest indicators.
    #[inline]
    pub fn value(&self) -> Option<DirectionalValue> {
        if self.ranges_missing > 0 {
            return None;
        }
        let scale = if self.range_sum > 0.0 { 100.0 / self.range_sum } else { 0.0 };
        Some(DirectionalValue { plus: self.plus_sum * scale, minus: self.minus_sum * scale })
    }

    /// Returns the number of bars until the first indicators: `period + 1`.
    pub fn warm_up_bars(&self) -> usize {
        self.period + 1
    }
}

#[cfg(test)]
mod tests {
    use super::DirectionalIndicators;

    /// Moves from a bar of 10..12 to the given one; says which of the two pressures it counts for.
    fn check(high: f64, low: f64, expected: (bool, bool)) {
        let mut indicators = DirectionalIndicators::new(1);
        indicators.update(12.0, 10.0, 11.0);
        let value = indicators.update(high, low, 11.0).unwrap();
        assert_eq!((value.plus > 0.0, value.minus > 0.0), expected, "{low}..{high}");
    }

    #[test]
    fn the_larger_outreach_counts_and_equal_ones_cancel() {
        check(13.0, 10.0, (true, false));
        check(14.0, 9.0, (true, false));
        check(13.0, 8.0, (false, true));
        check(13.0, 9.0, (false, false));
        check(11.5, 10.5, (false, false));
    }

    #[test]
    fn a_market_that_never_moved_has_no_direction() {
        let mut indicators = DirectionalIndicators::new(3);
        let value = (0..9).filter_map(|_| indicators.update(5.0, 5.0, 5.0)).last().unwrap();
        assert_eq!((value.plus, value.minus), (0.0, 0.0));
    }

    #[test]
    fn the_first_values_come_one_bar_after_the_period() {
        let mut indicators = DirectionalIndicators::new(5);
        let first = (1..).map(f64::from).position(|bar| indicators.update(bar, bar, bar).is_some());
        assert_eq!(first, Some(5));
        assert_eq!(indicators.warm_up_bars(), 6);
    }
}
