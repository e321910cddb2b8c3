//! Donchian channel.

use super::extreme::{Highest, Lowest};

/// The highest high and the lowest low of the last `period` bars: TA-Lib `DONCHIAN`.
///
/// [`update`](Self::update) and [`value`](Self::value) answer the channel **with** the current bar, whose close can
/// touch but never leave it. A breakout is a close beyond [`previous`](Self::previous), the channel of the `period`
/// bars **before** the current one; that is the channel of the turtle rules.
///
/// ```
/// # use sentinel_kit::indicators::Donchian;
/// let mut donchian = Donchian::new(2);
/// for (high, low, close) in [(12.0, 10.0, 11.0), (13.0, 9.0, 12.0), (16.0, 12.0, 15.0)] {
///     donchian.update(high, low);
///     let breakout = donchian.previous().is_some_and(|channel| close > channel.upper);
///     assert_eq!(breakout, close > 14.0); // 15 is above the 13 that the two bars before reached
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Donchian {
    highest: Highest,
    lowest: Lowest,
    previous: Option<Channel>,
}

/// The bounds of a channel, in the unit of the price.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Channel {
    /// Highest high.
    pub upper: f64,
    /// Lowest low.
    pub lower: f64,
}

impl Channel {
    /// Returns the price half-way between the bounds.
    #[inline]
    pub fn middle(&self) -> f64 {
        (self.upper + self.lower) * 0.5
    }
}

impl Donchian {
    /// Returns the channel of `period` bars. The turtles entered on 20 or 55 and left on 10 or 20.
    ///
    /// # Panics
    /// If `period` is 0.
    pub fn new(period: usize) -> Self {
        Self { highest: Highest::new(period), lowest: Lowest::new(period), previous: None }
    }

    /// Takes in the next bar and returns the channel with it, `None` while fewer than `period` bars were seen.
    #[inline]
    pub fn update(&mut self, high: f64, low: f64) -> Option<Channel> {
        self.previous = self.value();
        self.highest.update(high);
        self.lowest.update(low);
        self.value()
    }

    /// Returns the channel of the last `period` bars, the current one included.
    #[inline]
    pub fn value(&self) -> Option<Channel> {
        Some(Channel { upper: self.highest.value()?, lower: self.lowest.value()? })
    }

    /// Returns the channel of the `period` bars before the current one, `None` while fewer than `period + 1` were seen.
    #[inline]
    pub fn previous(&self) -> Option<Channel> {
        self.previous
    }

    /// Returns the number of bars until the first channel: `period`; one more for [`previous`](Self::previous).
    pub fn warm_up_bars(&self) -> usize {
        self.highest.warm_up_bars()
    }
}

#[cfg(test)]
mod tests {
    use super::{Channel, Donchian};

    #[test]
    fn the_previous_channel_does_not_know_the_current_bar() {
        let mut donchian = Donchian::new(2);
        assert_eq!(donchian.update(5.0, 4.0), None);
        assert_eq!(donchian.update(7.0, 3.0), Some(Channel { upper: 7.0, lower: 3.0 }));
        assert_eq!(donchian.previous(), None);
        assert_eq!(donchian.update(9.0, 8.0), Some(Channel { upper: 9.0, lower: 3.0 }));
        assert_eq!(donchian.previous(), Some(Channel { upper: 7.0, lower: 3.0 }));
        assert_eq!(donchian.value(), Some(Channel { upper: 9.0, lower: 3.0 }));
    }

    #[test]
    fn a_close_never_leaves_the_channel_of_its_own_bar() {
        let mut donchian = Donchian::new(3);
        for bar in 0..20 {
            let close = f64::from(bar * bar);
            let channel = donchian.update(close + 1.0, close - 1.0);
            assert!(channel.is_none_or(|channel| channel.lower < close && close < channel.upper));
        }
    }
}
