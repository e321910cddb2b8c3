//! Bollinger bands.

use super::standard_deviation::StandardDeviation;

/// Bands around a moving average, as far from it as prices lately strayed: TA-Lib `BBANDS` with a simple average.
///
/// `middle = sma(close)`, `upper = middle + up·σ`, `lower = middle - down·σ`, with the population deviation σ (divided
/// by `period`, as Bollinger has it). In a market that does not move the three are the same number.
///
/// ```
/// # use sentinel_kit::indicators::Bollinger;
/// let mut bollinger = Bollinger::new(2, 2.0);
/// assert!(bollinger.update(10.0).is_none());
/// let bands = bollinger.update(14.0).unwrap();
/// assert_eq!((bands.upper, bands.middle, bands.lower), (16.0, 12.0, 8.0));
/// ```
#[derive(Debug, Clone)]
pub struct Bollinger {
    deviation: StandardDeviation,
    deviations_up: f64,
    deviations_down: f64,
}

/// The three bands of one bar, in the unit of the price.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bands {
    /// Mean plus so many deviations.
    pub upper: f64,
    /// Mean of the window.
    pub middle: f64,
    /// Mean minus so many deviations.
    pub lower: f64,
}

impl Bands {
    /// Returns the distance of the outer bands as a part of the middle one: small means quiet.
    #[inline]
    pub fn bandwidth(&self) -> f64 {
        (self.upper - self.lower) / self.middle
    }

    /// Returns where `price` lies between the bands: 0 on the lower, 1 on the upper, beyond them outside 0..1.
    /// `None` where the bands have met.
    #[inline]
    pub fn percent_b(&self, price: f64) -> Option<f64> {
        let distance = self.upper - self.lower;
        (distance > 0.0).then(|| (price - self.lower) / distance)
    }
}

impl Bollinger {
    /// Returns bands `deviations` standard deviations away on either side. Usual: 20 bars, 2 deviations.
    ///
    /// # Panics
    /// If `period` is 0.
    pub fn new(period: usize, deviations: f64) -> Self {
        Self::with_deviations(period, deviations, deviations)
    }

    /// Returns bands with a distance of its own for each side.
    ///
    /// # Panics
    /// If `period` is 0.
    pub fn with_deviations(period: usize, up: f64, down: f64) -> Self {
        Self { deviation: StandardDeviation::new(period), deviations_up: up, deviations_down: down }
    }

    /// Takes in the next price and returns the bands, `None` while fewer than `period` prices were seen.
    #[inline]
    pub fn update(&mut self, price: f64) -> Option<Bands> {
        self.deviation.update(price);
        self.value()
    }

    /// Returns the latest bands.
    #[inline]
    pub fn value(&self) -> Option<Bands> {
        let deviation = self.deviation.value()?;
        let middle = self.deviation.mean()?;
        Some(Bands {
            upper: middle + self.deviations_up * deviation,
            middle,
            lower: middle - self.deviations_down * deviation,
        })
    }

    /// Returns the number of bars until the first bands: `period`.
    pub fn warm_up_bars(&self) -> usize {
        self.deviation.warm_up_bars()
    }
}

#[cfg(test)]
mod tests {
    use super::{Bands, Bollinger};

    #[test]
    fn the_bands_meet_in_a_market_that_does_not_move() {
        let mut bollinger = Bollinger::new(5, 2.0);
        let bands = (0..12).filter_map(|_| bollinger.update(0.1)).last().unwrap();
        assert_eq!(bands, Bands { upper: 0.1, middle: 0.1, lower: 0.1 });
        assert_eq!(bands.percent_b(0.1), None);
    }

    #[test]
    fn percent_b_is_zero_on_the_lower_band_and_one_on_the_upper() {
        let bands = Bands { upper: 16.0, middle: 12.0, lower: 8.0 };
        let places = [8.0, 12.0, 16.0, 18.0].map(|price| bands.percent_b(price));
        assert_eq!(places, [Some(0.0), Some(0.5), Some(1.0), Some(1.25)]);
        assert!((bands.bandwidth() - 8.0 / 12.0).abs() < 1e-15);
    }
}
