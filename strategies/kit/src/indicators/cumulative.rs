//! Running totals of volume: on-balance volume and cumulative volume delta.
//!
//! A total has a value from the first bar on, so these answer `f64` and not `Option<f64>`. It counts from wherever its
//! history begins (in a session: from the first warm-up bar), so its height means nothing; compare it with itself.

/// Volume added on rises and subtracted on falls: TA-Lib `OBV` (J. Granville).
///
/// `obv[t] = obv[t-1] + volume` if the close rose, `- volume` if it fell, unchanged if neither; it begins with the
/// volume of the first bar, as in TA-Lib.
///
/// ```
/// # use sentinel_kit::indicators::Obv;
/// let mut obv = Obv::new();
/// let totals = [(10.0, 5.0), (11.0, 2.0), (9.0, 4.0), (9.0, 8.0)].map(|(close, volume)| obv.update(close, volume));
/// assert_eq!(totals, [5.0, 7.0, 3.0, 3.0]);
/// ```
#[derive(Debug, Clone, Default)]
pub struct Obv {
    total: f64,
    previous_close: Option<f64>,
}

impl Obv {
    /// Returns the total before its first bar.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in the next bar and returns the total.
    #[inline]
    pub fn update(&mut self, close: f64, volume: f64) -> f64 {
        match self.previous_close.replace(close) {
            Some(previous) if close < previous => self.total -= volume,
            Some(previous) if close > previous => self.total += volume,
            Some(_) => {}
            None => self.total = volume,
        }
        self.total
    }

    /// Returns the latest total, 0 before the first bar.
    #[inline]
    pub fn value(&self) -> f64 {
        self.total
    }

    /// Returns the number of bars until the first total: 1.
    pub fn warm_up_bars(&self) -> usize {
        1
    }
}

/// Cumulative volume delta: the running total of aggressive buys minus aggressive sells.
///
/// `cvd[t] = cvd[t-1] + volume_delta[t]`; on candles with the takers' share, `volume_delta = 2 · taker_buy - volume`.
/// Like any running sum it carries the rounding of its additions, some 1e-16 of its own height a bar.
///
/// ```
/// # use sentinel_kit::indicators::Cvd;
/// let mut cvd = Cvd::new();
/// assert_eq!([3.0, -1.0, -4.0].map(|delta| cvd.update(delta)), [3.0, 2.0, -2.0]);
/// ```
#[derive(Debug, Clone, Default)]
pub struct Cvd {
    total: f64,
}

impl Cvd {
    /// Returns the total before its first bar.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in the volume delta of the next bar and returns the total.
    #[inline]
    pub fn update(&mut self, volume_delta: f64) -> f64 {
        self.total += volume_delta;
        self.total
    }

    /// Returns the latest total, 0 before the first bar.
    #[inline]
    pub fn value(&self) -> f64 {
        self.total
    }

    /// Returns the number of bars until the first total: 1.
    pub fn warm_up_bars(&self) -> usize {
        1
    }
}

#[cfg(test)]
mod tests {
    use super::{Cvd, Obv};

    #[test]
    fn an_unchanged_close_adds_nothing() {
        let mut obv = Obv::new();
        obv.update(10.0, 5.0);
        obv.update(10.0, 100.0);
        obv.update(11.0, 1.0);
        assert!((obv.value() - 6.0).abs() < 1e-12);
    }

    #[test]
    fn where_the_history_begins_moves_the_height_and_nothing_else() {
        let bars = [(10.0, 5.0), (11.0, 2.0), (9.0, 4.0), (12.0, 8.0)];
        let (mut whole, mut later) = (Obv::new(), Obv::new());
        let whole: Vec<f64> = bars.map(|(close, volume)| whole.update(close, volume)).to_vec();
        let later: Vec<f64> = bars[1..].iter().map(|&(close, volume)| later.update(close, volume)).collect();
        let heights: Vec<f64> = whole[1..].iter().zip(&later).map(|(whole, later)| whole - later).collect();
        assert_eq!(heights, [5.0; 3]);
    }

    #[test]
    fn a_total_before_its_first_bar_is_nothing() {
        assert_eq!((Obv::new().value(), Cvd::new().value()), (0.0, 0.0));
    }
}
