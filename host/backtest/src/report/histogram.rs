//! The distribution of trade returns, as bars of a drawing 560 wide.

use sentinel_domain::trade::Trade;
use serde::Serialize;

use super::words;

const WIDTH: f64 = 560.0;
const HEIGHT: f64 = 210.0;
const BARS: f64 = 28.0;

/// How far the bars reach beyond the quartiles, in interquartile ranges. What lies beyond is counted in the outermost
/// bars, so that one extreme trade does not squeeze all others into one bar.
const REACH: f64 = 4.0;

#[derive(Debug, Serialize)]
pub(super) struct Histogram {
    bars: Vec<Bar>,
    ticks: Vec<Tick>,
    /// Where a return of zero lies, if within the drawing.
    zero: Option<f64>,
    mean: Tick,
    median: Tick,
}

#[derive(Debug, Serialize)]
struct Bar {
    x: f64,
    y: f64,
    width: f64,
    height: f64,
    class: &'static str,
    /// What it counts, for people.
    title: String,
}

#[derive(Debug, Serialize)]
struct Tick {
    x: f64,
    label: String,
}

impl Histogram {
    /// Returns the distribution, or `None` for fewer than two trades.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "bars and trades are few, and values are clamped to the bars"
    )]
    pub(super) fn of(trades: &[Trade]) -> Option<Self> {
        if trades.len() < 2 {
            return None;
        }
        let mut returns: Vec<f64> = trades.iter().map(|trade| trade.pnl_pct).collect();
        returns.sort_unstable_by(f64::total_cmp);
        let at = |part: f64| returns[((returns.len() - 1) as f64 * part).round() as usize];
        let reach = (at(0.75) - at(0.25)) * REACH;
        let (low, high) = (at(0.0).max(at(0.25) - reach), at(1.0).min(at(0.75) + reach));
        let step = nice_step((high - low).max(0.01) / BARS);
        let first = (low / step).floor();
        let bars = ((high / step).floor() - first) as usize + 1;
        let mut counts = vec![0_usize; bars];
        for value in &returns {
            counts[((value / step).floor() - first).clamp(0.0, bars as f64 - 1.0) as usize] += 1;
        }
        let most = counts.iter().copied().max().unwrap_or(1) as f64;
        let width = WIDTH / bars as f64;
        let x_of = |value: f64| ((value / step - first) * width).clamp(0.0, WIDTH);
        let decimals = if step < 0.1 { 2 } else { 1 };
        let percent = |value: f64| format!("{} %", words::signed(value, decimals));
        let bar = |(index, count): (usize, &usize)| {
            let from = (first + index as f64) * step;
            let height = *count as f64 / most * HEIGHT;
            let range = match index {
                0 => format!("below {}", percent(from + step)),
                index if index + 1 == bars => format!("from {}", percent(from)),
                _ => format!("{} to {}", percent(from), percent(from + step)),
            };
            Bar {
                x: tenth(index as f64 * width + width * 0.06),
                y: tenth(HEIGHT - height),
                width: tenth(width * 0.88),
                height: tenth(height),
                // A bar that begins at zero holds gains.
                class: if from + step * 0.5 < 0.0 { "loss" } else { "gain" },
                title: format!("{range}: {} trades", words::count(*count)),
            }
        };
        let every = bars.div_ceil(7);
        let tick = |index: usize| {
            let value = (first + index as f64) * step;
            Tick { x: tenth(index as f64 * width), label: percent(value) }
        };
        let mark = |value: f64| Tick { x: tenth(x_of(value)), label: format!("{} %", words::signed(value, 2)) };
        let offset = (-first).rem_euclid(every as f64) as usize;
        Some(Self {
            bars: counts.iter().enumerate().map(bar).collect(),
            ticks: (offset..=bars).step_by(every).map(tick).collect(),
            zero: (0.0 >= first * step && -first <= bars as f64).then(|| tenth(x_of(0.0))),
            mean: mark(returns.iter().sum::<f64>() / returns.len() as f64),
            median: mark(at(0.5)),
        })
    }
}

/// Returns the next larger of 1, 2, 2.5 and 5 times a power of ten.
fn nice_step(step: f64) -> f64 {
    let magnitude = 10_f64.powf(step.log10().floor());
    [1.0, 2.0, 2.5, 5.0, 10.0].map(|factor| factor * magnitude).into_iter().find(|nice| *nice >= step).unwrap_or(step)
}

fn tenth(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round() {
        for (step, expected) in [(0.013, 0.02), (0.2, 0.2), (0.21, 0.25), (3.0, 5.0)] {
            assert!((nice_step(step) - expected).abs() < 1e-12, "{step}: {}", nice_step(step));
        }
    }
}
