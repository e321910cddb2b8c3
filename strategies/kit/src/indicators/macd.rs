//! Moving average convergence/divergence.

use super::ema::Ema;

/// The distance between a fast and a slow exponential average, and its own average: TA-Lib `MACD`.
///
/// `line = ema(fast) - ema(slow)`, `signal = ema(line)`, `histogram = line - signal` (G. Appel).
///
/// The averages are begun as TA-Lib does: the fast one on the last `fast` of the first `slow` bars, so that both give
/// their first value on the same bar; the signal on the first `signal` values of the line. Nothing is answered before
/// the signal stands.
///
/// ```
/// # use sentinel_kit::indicators::Macd;
/// let mut macd = Macd::new(12, 26, 9);
/// assert_eq!(macd.warm_up_bars(), 34);
/// let value = (0..40).filter_map(|bar| macd.update(100.0 + f64::from(bar))).last().unwrap();
/// assert!((value.line - 7.0).abs() < 1e-9); // on a straight line the averages lag by (period - 1) / 2 bars
/// ```
#[derive(Debug, Clone)]
pub struct Macd {
    fast: Ema,
    slow: Ema,
    signal: Ema,
    bars_before_fast: usize,
    latest: Option<MacdValue>,
}

/// The three numbers of one bar, in the unit of the price.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MacdValue {
    /// Fast average minus slow average.
    pub line: f64,
    /// Average of the line.
    pub signal: f64,
    /// Line minus signal: above 0 while the line pulls away upwards.
    pub histogram: f64,
}

impl Macd {
    /// Returns the indicator for three periods in bars. Usual: 12, 26, 9.
    ///
    /// Fast and slow the wrong way round are exchanged, as TA-Lib does.
    ///
    /// # Panics
    /// If a period is 0.
    pub fn new(fast: usize, slow: usize, signal: usize) -> Self {
        let (fast, slow) = (fast.min(slow), fast.max(slow));
        Self {
            fast: Ema::new(fast),
            slow: Ema::new(slow),
            signal: Ema::new(signal),
            bars_before_fast: slow - fast,
            latest: None,
        }
    }

    /// Takes in the next close and returns the numbers, `None` while fewer than `slow + signal - 1` closes were seen.
    #[inline]
    pub fn update(&mut self, close: f64) -> Option<MacdValue> {
        let slow = self.slow.update(close);
        if self.bars_before_fast > 0 {
            self.bars_before_fast -= 1;
            return None;
        }
        let line = self.fast.update(close)? - slow?;
        let signal = self.signal.update(line)?;
        self.latest = Some(MacdValue { line, signal, histogram: line - signal });
        self.latest
    }

    /// Returns the latest numbers.
    #[inline]
    pub fn value(&self) -> Option<MacdValue> {
        self.latest
    }

    /// Returns the number of bars until the first numbers: `slow + signal - 1`.
    pub fn warm_up_bars(&self) -> usize {
        self.slow.warm_up_bars() + self.signal.warm_up_bars() - 1
    }

    /// Returns the number of bars until the closes it began with weigh less than `tolerance` in each average:
    /// first in the slow one, then in the signal made of it.
    ///
    /// For 12, 26, 9 and 1e-6 some 280 bars.
    ///
    /// # Panics
    /// If `tolerance` is not above 0.
    pub fn settled_bars(&self, tolerance: f64) -> usize {
        self.slow.settled_bars(tolerance) + self.signal.settled_bars(tolerance) - 1
    }
}

#[cfg(test)]
mod tests {
    use super::Macd;

    #[test]
    fn periods_the_wrong_way_round_are_exchanged() {
        let closes = [3.0, 5.0, 4.0, 8.0, 7.0, 6.0, 9.0, 2.0];
        let run = |mut macd: Macd| closes.map(|close| macd.update(close));
        assert_eq!(run(Macd::new(5, 2, 3)), run(Macd::new(2, 5, 3)));
    }

    #[test]
    fn nothing_is_answered_before_the_signal_stands() {
        let mut macd = Macd::new(2, 5, 3);
        let first = (1..).find(|&bar| macd.update(f64::from(bar)).is_some());
        assert_eq!(first, Some(7));
        assert_eq!(macd.warm_up_bars(), 7);
    }

    #[test]
    fn a_flat_market_has_no_momentum() {
        let mut macd = Macd::new(2, 5, 3);
        let value = (0..20).filter_map(|_| macd.update(64.0)).last().unwrap();
        assert_eq!((value.line, value.signal, value.histogram), (0.0, 0.0, 0.0));
    }

    #[test]
    fn once_settled_the_first_closes_no_longer_matter() {
        let bars = Macd::new(12, 26, 9).settled_bars(1e-6);
        let last = |first_close: f64| {
            let mut macd = Macd::new(12, 26, 9);
            (0..bars).map(|bar| macd.update(if bar < 26 { first_close } else { 5.0 })).last().flatten().unwrap()
        };
        let (one, other) = (last(5.0), last(6.0));
        assert!((one.line - other.line).abs() < 1e-6 && (one.signal - other.signal).abs() < 1e-6);
    }
}
