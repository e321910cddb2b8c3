//! The reference strategy as one plain loop over two arrays: no sandbox, no decimals, no orders. The limit that
//! speed is measured against, and a second opinion on the result.

/// What the loop comes to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NativeResult {
    /// Filled entries.
    pub entries: u32,
    /// Cash and the open position marked at the last close.
    pub equity: f64,
}

/// Parameters of the reference run.
#[derive(Debug, Clone, Copy)]
pub struct Reference {
    /// Bars of the fast average.
    pub fast: usize,
    /// Bars of the slow average.
    pub slow: usize,
    /// How far the fast average must lie above the slow one.
    pub threshold: f64,
    /// Coins for each entry.
    pub quantity: f64,
    /// Fee of each fill, as a fraction of its value.
    pub fee: f64,
    /// Cash to begin with.
    pub cash: f64,
}

impl Default for Reference {
    fn default() -> Self {
        Self { fast: 10, slow: 30, threshold: 1e-5, quantity: 0.1, fee: 0.001, cash: 100_000.0 }
    }
}

/// Long while the fast average exceeds the slow one by the threshold; orders fill at the next open.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "periods are small")]
pub fn sma_cross(open: &[f64], close: &[f64], reference: &Reference) -> NativeResult {
    let Reference { fast, slow, threshold, quantity, fee, mut cash } = *reference;
    let (mut sum_fast, mut sum_slow) = (0.0, 0.0);
    let (per_fast, per_slow) = (1.0 / fast as f64, 1.0 / slow as f64);
    let mut entries = 0;
    let mut coins = 0.0;
    for bar in 0..close.len() {
        sum_fast += close[bar];
        sum_slow += close[bar];
        if bar >= fast {
            sum_fast -= close[bar - fast];
        }
        if bar >= slow {
            sum_slow -= close[bar - slow];
        }
        if bar + 1 < slow || bar + 1 == close.len() {
            continue;
        }
        let long = sum_fast * per_fast - sum_slow * per_slow > threshold;
        if long != (coins > 0.0) {
            let value = quantity * open[bar + 1];
            if long {
                cash -= value * (1.0 + fee);
                coins = quantity;
                entries += 1;
            } else {
                cash += value * (1.0 - fee);
                coins = 0.0;
            }
        }
    }
    let last = close.last().copied().unwrap_or_default();
    NativeResult { entries, equity: cash + coins * last }
}

/// The same with what a backtest owes its user besides: equity at every close and its largest drawdown.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "periods are small")]
pub fn sma_cross_with_equity(
    open: &[f64],
    close: &[f64],
    reference: &Reference,
    equity: &mut Vec<f64>,
) -> (NativeResult, f64) {
    let Reference { fast, slow, threshold, quantity, fee, mut cash } = *reference;
    let (mut sum_fast, mut sum_slow) = (0.0, 0.0);
    let (per_fast, per_slow) = (1.0 / fast as f64, 1.0 / slow as f64);
    let (mut entries, mut coins) = (0, 0.0);
    let (mut peak, mut drawdown) = (cash, 0.0_f64);
    equity.clear();
    for bar in 0..close.len() {
        sum_fast += close[bar];
        sum_slow += close[bar];
        if bar >= fast {
            sum_fast -= close[bar - fast];
        }
        if bar >= slow {
            sum_slow -= close[bar - slow];
        }
        let now = cash + coins * close[bar];
        equity.push(now);
        peak = peak.max(now);
        drawdown = drawdown.min(now / peak - 1.0);
        if bar + 1 < slow || bar + 1 == close.len() {
            continue;
        }
        let long = sum_fast * per_fast - sum_slow * per_slow > threshold;
        if long != (coins > 0.0) {
            let value = quantity * open[bar + 1];
            if long {
                cash -= value * (1.0 + fee);
                coins = quantity;
                entries += 1;
            } else {
                cash += value * (1.0 - fee);
                coins = 0.0;
            }
        }
    }
    let last = equity.last().copied().unwrap_or(cash);
    (NativeResult { entries, equity: last }, drawdown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_loops_agree() {
        let close: Vec<f64> = (0..500).map(|i| 100.0 + 10.0 * (f64::from(i) / 8.0).sin()).collect();
        let reference = Reference { cash: 1_000.0, ..Reference::default() };
        let plain = sma_cross(&close, &close, &reference);
        let (with_equity, drawdown) = sma_cross_with_equity(&close, &close, &reference, &mut Vec::new());
        assert!(plain.entries > 5 && drawdown < 0.0);
        assert_eq!(plain.entries, with_equity.entries);
        assert!((plain.equity - with_equity.equity).abs() < 1e-9);
    }
}
