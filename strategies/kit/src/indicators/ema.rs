//! Exponential moving averages: the usual one, and Wilder's, which RSI, ATR and ADX are built on.

/// An average that gives the newest value the weight `2 / (period + 1)`: TA-Lib `EMA`.
///
/// `ema[t] = ema[t-1] + (v[t] - ema[t-1]) · 2 / (period + 1)`, begun with the mean of the first `period` values.
///
/// Its memory never quite ends: the weight of where it began shrinks by `(period - 1) / (period + 1)` a bar. Ask
/// [`settled_bars`](Self::settled_bars) how many bars make that weight negligible, and report that many as warm-up if
/// the strategy is to give the same signals from wherever its history begins.
///
/// ```
/// # use sentinel_kit::indicators::Ema;
/// let mut ema = Ema::new(3);
/// let averages: Vec<_> = [1.0, 2.0, 3.0, 6.0].map(|close| ema.update(close)).to_vec();
/// assert_eq!(averages, [None, None, Some(2.0), Some(4.0)]);
/// ```
#[derive(Debug, Clone)]
pub struct Ema {
    average: SeededAverage,
}

impl Ema {
    /// Returns an average with the weight `2 / (period + 1)`.
    ///
    /// # Panics
    /// If `period` is 0.
    pub fn new(period: usize) -> Self {
        Self { average: SeededAverage::new(period, 2.0 / (period as f64 + 1.0)) }
    }

    /// Takes in the next value and returns the average, `None` while fewer than `period` values were seen.
    #[inline]
    pub fn update(&mut self, value: f64) -> Option<f64> {
        self.average.update(value)
    }

    /// Returns the latest average.
    #[inline]
    pub fn value(&self) -> Option<f64> {
        self.average.value()
    }

    /// Returns the number of bars until the first average: `period`.
    pub fn warm_up_bars(&self) -> usize {
        self.average.period
    }

    /// Returns the number of bars until the values it began with weigh less than `tolerance` together.
    ///
    /// About `period · ln(1 / tolerance) / 2`: for 1e-6 some seven periods.
    ///
    /// # Panics
    /// If `tolerance` is not above 0.
    pub fn settled_bars(&self, tolerance: f64) -> usize {
        self.average.settled_bars(tolerance)
    }
}

/// Wilder's average: the newest value weighs `1 / period`. Begun with the mean of the first `period` values.
pub(super) fn wilder_average(period: usize) -> SeededAverage {
    SeededAverage::new(period, 1.0 / period as f64)
}

/// An exponential average begun with the mean of its first `period` values.
#[derive(Debug, Clone)]
pub(super) struct SeededAverage {
    period: usize,
    weight: f64,
    /// The average; until it is seeded, the sum of the values so far.
    average: f64,
    seed_values_missing: usize,
}

impl SeededAverage {
    fn new(period: usize, weight: f64) -> Self {
        assert!(period > 0, "an indicator's period must be at least 1");
        Self { period, weight, average: 0.0, seed_values_missing: period }
    }

    #[inline]
    pub(super) fn update(&mut self, value: f64) -> Option<f64> {
        if self.seed_values_missing > 0 {
            return self.seed(value);
        }
        self.average += (value - self.average) * self.weight;
        Some(self.average)
    }

    fn seed(&mut self, value: f64) -> Option<f64> {
        self.average += value;
        self.seed_values_missing -= 1;
        if self.seed_values_missing == 0 {
            self.average /= self.period as f64;
        }
        self.value()
    }

    #[inline]
    pub(super) fn value(&self) -> Option<f64> {
        (self.seed_values_missing == 0).then_some(self.average)
    }

    pub(super) fn period(&self) -> usize {
        self.period
    }

    pub(super) fn settled_bars(&self, tolerance: f64) -> usize {
        assert!(tolerance > 0.0, "the tolerance must be above 0: an exponential average never quite forgets");
        let mut bars = self.period;
        let mut seed_weight = 1.0;
        // A loop and not a logarithm: it runs once a session, and its answer is the same on every machine.
        while seed_weight >= tolerance {
            seed_weight *= 1.0 - self.weight;
            bars += 1;
        }
        bars
    }
}

#[cfg(test)]
mod tests {
    use super::Ema;

    #[test]
    fn after_the_settled_bars_the_seed_weighs_less_than_the_tolerance() {
        let bars = Ema::new(20).settled_bars(1e-6);
        let last = |seed: f64| {
            let mut ema = Ema::new(20);
            (0..bars).map(|bar| ema.update(if bar < 20 { seed } else { 5.0 })).last().flatten().unwrap()
        };
        let influence = last(6.0) - last(5.0);
        assert!(influence < 1e-6, "{influence:e} after {bars} bars");
        assert!(influence > 0.8e-6, "{influence:e}: {bars} bars are more than it takes");
    }

    #[test]
    fn a_period_of_one_is_the_value() {
        let mut ema = Ema::new(1);
        assert_eq!(ema.update(7.0), Some(7.0));
        assert_eq!(ema.update(3.0), Some(3.0));
        assert_eq!(ema.settled_bars(1e-6), 2);
    }

    #[test]
    #[should_panic(expected = "never quite forgets")]
    fn a_tolerance_of_zero_is_refused() {
        Ema::new(5).settled_bars(0.0);
    }
}
