//! Average directional index.

use super::directional::{DirectionalIndicators, DirectionalValue};
use super::ema::{SeededAverage, wilder_average};

/// How strongly the market trends, in whichever direction, 0..100: TA-Lib `ADX`.
///
/// `dx = 100 · |+DI - -DI| / (+DI + -DI)`; ADX is Wilder's average of it, begun with the mean of the first `period`
/// values. A bar on which nothing has moved for so long that `dx` is undefined leaves the average as it is.
///
/// ```
/// # use sentinel_kit::indicators::Adx;
/// let mut adx = Adx::new(14);
/// assert_eq!(adx.warm_up_bars(), 28);
/// let value = (0..40).map(f64::from).filter_map(|bar| adx.update(bar + 2.0, bar, bar + 2.0)).last().unwrap();
/// assert!((value.adx - 100.0).abs() < 1e-9); // one direction only
/// ```
#[derive(Debug, Clone)]
pub struct Adx {
    indicators: DirectionalIndicators,
    average: SeededAverage,
}

/// The trend's strength and the two pressures it is made of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdxValue {
    /// Strength of the trend; above 25 is commonly called a trend.
    pub adx: f64,
    /// +DI: pressure upwards.
    pub plus: f64,
    /// -DI: pressure downwards.
    pub minus: f64,
}

impl Adx {
    /// Returns the index over `period` bars. Usual: 14.
    ///
    /// # Panics
    /// If `period` is 0.
    pub fn new(period: usize) -> Self {
        Self { indicators: DirectionalIndicators::new(period), average: wilder_average(period) }
    }

    /// Takes in the next bar and returns the index, `None` while fewer than `2 · period` bars were seen.
    #[inline]
    pub fn update(&mut self, high: f64, low: f64, close: f64) -> Option<AdxValue> {
        let DirectionalValue { plus, minus } = self.indicators.update(high, low, close)?;
        let movement = plus + minus;
        if movement > 0.0 {
            self.average.update(100.0 * (plus - minus).abs() / movement);
        } else if self.average.value().is_none() {
            self.average.update(0.0);
        }
        self.average.value().map(|adx| AdxValue { adx, plus, minus })
    }

    /// Returns the latest index.
    #[inline]
    pub fn value(&self) -> Option<AdxValue> {
        let DirectionalValue { plus, minus } = self.indicators.value()?;
        self.average.value().map(|adx| AdxValue { adx, plus, minus })
    }

    /// Returns the number of bars until the first index: `2 · period`.
    pub fn warm_up_bars(&self) -> usize {
        2 * self.average.period()
    }

    /// Returns the number of bars until the bars it began with weigh less than `tolerance`, first in the sums, then
    /// in the average made of them.
    ///
    /// About `2 · period · ln(1 / tolerance)`: for 1e-6 some 28 periods.
    ///
    /// # Panics
    /// If `tolerance` is not above 0.
    pub fn settled_bars(&self, tolerance: f64) -> usize {
        2 * self.average.settled_bars(tolerance)
    }
}

#[cfg(test)]
mod tests {
    use super::Adx;

    #[test]
    fn a_market_that_never_moved_has_no_trend() {
        let mut adx = Adx::new(3);
        let value = (0..9).filter_map(|_| adx.update(5.0, 5.0, 5.0)).last().unwrap();
        assert_eq!((value.adx, value.plus, value.minus), (0.0, 0.0, 0.0));
    }

    #[test]
    fn a_fall_is_as_strong_a_trend_as_a_rise() {
        let strength = |step: f64| {
            let mut adx = Adx::new(5);
            let prices = (0..30).map(|bar| 500.0 + step * f64::from(bar));
            prices.filter_map(|price| adx.update(price + 1.0, price, price + 0.5)).last().unwrap()
        };
        let (rise, fall) = (strength(2.0), strength(-2.0));
        assert!((rise.adx - fall.adx).abs() < 1e-12);
        assert!(rise.plus > rise.minus && fall.minus > fall.plus);
    }

    #[test]
    fn the_first_index_comes_with_twice_the_period() {
        let mut adx = Adx::new(5);
        let first = (1..).find(|&bar| adx.update(f64::from(bar), f64::from(bar), f64::from(bar)).is_some());
        assert_eq!(first, Some(10));
        assert_eq!(adx.warm_up_bars(), 10);
    }
}
