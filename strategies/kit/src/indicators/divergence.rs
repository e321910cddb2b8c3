//! Divergence: the price goes one way while an indicator (usually CVD) goes the other.
//!
//! Two ways to see it. [`SwingDivergence`](super::SwingDivergence) compares the last two swing points, which is what a chart reader does: few
//! signals, each late by the bars it takes to confirm a swing. [`SlopeDivergence`] compares the trends of both over a
//! window: an answer on every bar, with no delay but the window's own.

use super::slope::LinearSlope;

/// Which way the price is likely to turn, going by the indicator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Divergence {
    /// The price fell to a lower low while the indicator made a higher one: sellers push and get nowhere.
    Bullish,
    /// The price rose to a higher high while the indicator made a lower one: buyers push and get nowhere.
    Bearish,
}

/// Compares the trends of the price and of the indicator over a window.
///
/// ```
/// # use sentinel_kit::indicators::{Divergence, SlopeDivergence};
/// let mut divergence = SlopeDivergence::new(3);
/// let slopes = (0..9).map(f64::from).filter_map(|bar| divergence.update(100.0 - bar, 2.0 * bar)).last().unwrap();
/// assert_eq!((slopes.price, slopes.indicator), (-1.0, 2.0));
/// assert_eq!(slopes.divergence(), Some(Divergence::Bullish));
/// ```
#[derive(Debug, Clone)]
pub struct SlopeDivergence {
    price: LinearSlope,
    indicator: LinearSlope,
}

/// The slopes of the two fitted lines, each in its own unit per bar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slopes {
    /// Rise of the price per bar.
    pub price: f64,
    /// Rise of the indicator per bar.
    pub indicator: f64,
}

impl Slopes {
    /// Returns the divergence where the two go opposite ways, however slowly.
    #[inline]
    pub fn divergence(&self) -> Option<Divergence> {
        self.divergence_beyond(0.0, 0.0)
    }

    /// Returns the divergence where the two go opposite ways, each faster than its minimum per bar.
    #[inline]
    pub fn divergence_beyond(&self, price_slope_min: f64, indicator_slope_min: f64) -> Option<Divergence> {
        if self.price < -price_slope_min && self.indicator > indicator_slope_min {
            Some(Divergence::Bullish)
        } else if self.price > price_slope_min && self.indicator < -indicator_slope_min {
            Some(Divergence::Bearish)
        } else {
            None
        }
    }
}

impl SlopeDivergence {
    /// Returns a comparison over the last `period` bars.
    ///
    /// # Panics
    /// If `period` is below 2.
    pub fn new(period: usize) -> Self {
        Self { price: LinearSlope::new(period), indicator: LinearSlope::new(period) }
    }

    /// Takes in the next bar and returns both slopes, `None` while fewer than `period` bars were seen.
    #[inline]
    pub fn update(&mut self, price: f64, indicator: f64) -> Option<Slopes> {
        self.price.update(price);
        self.indicator.update(indicator);
        self.value()
    }

    /// Returns the latest slopes.
    #[inline]
    pub fn value(&self) -> Option<Slopes> {
        Some(Slopes { price: self.price.value()?, indicator: self.indicator.value()? })
    }

    /// Returns the number of bars until the first slopes: `period`.
    pub fn warm_up_bars(&self) -> usize {
        self.price.warm_up_bars()
    }
}

#[cfg(test)]
mod tests {
    use super::{Divergence, SlopeDivergence};

    #[test]
    fn a_flat_price_diverges_from_nothing() {
        let mut divergence = SlopeDivergence::new(5);
        let slopes = (0..30).filter_map(|bar| divergence.update(0.1, f64::from(bar))).last().unwrap();
        assert_eq!(slopes.divergence(), None);
    }

    #[test]
    fn slopes_below_their_minimum_do_not_count() {
        let mut divergence = SlopeDivergence::new(3);
        let slopes = (0..5).map(f64::from).filter_map(|bar| divergence.update(bar, -3.0 * bar)).last().unwrap();
        assert_eq!(slopes.divergence_beyond(0.5, 2.0), Some(Divergence::Bearish));
        assert_eq!(slopes.divergence_beyond(1.5, 2.0), None);
        assert_eq!(slopes.divergence_beyond(0.5, 4.0), None);
    }
}
