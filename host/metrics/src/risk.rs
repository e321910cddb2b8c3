//! How rough the way was.

use super::facts::{Facts, Moments, count, mean};
use super::{Better, DAYS_PER_YEAR, Definition, Group, Outcome, Unit};

pub(super) const STEADY: &str = "daily returns do not vary";

/// The share of days that counts as the bad tail.
const TAIL: f64 = 0.05;

/// Sharpe ratio.
pub static SHARPE: Definition = Definition {
    name: "sharpe_ratio",
    title: "Sharpe ratio",
    unit: Unit::Ratio,
    group: Group::Risk,
    better: Better::Higher,
    meaning: "Return for each unit of fluctuation, a year's worth, without a risk-free rate. Above 1 is good, \
              above 3 deserves suspicion.",
    formula: "mean(r) / std(r, n - 1) × √365, r = daily returns of UTC equity",
    compute: |facts| sharpe(facts.returns()?),
};

/// Sortino ratio.
pub static SORTINO: Definition = Definition {
    name: "sortino_ratio",
    title: "Sortino ratio",
    unit: Unit::Ratio,
    group: Group::Risk,
    better: Better::Higher,
    meaning: "Like Sharpe, but only days that lost money count as risk.",
    formula: "mean(r) × 365 / (√mean(min(r, 0)²) × √365), r = daily returns of UTC equity",
    compute: sortino,
};

/// Annual volatility.
pub static VOLATILITY: Definition = Definition {
    name: "volatility_pct",
    title: "Volatility",
    unit: Unit::Percent,
    group: Group::Risk,
    better: Better::Lower,
    meaning: "How far a year's return typically strays from its mean.",
    formula: "std(r, n - 1) × √365 × 100, r = daily returns of UTC equity",
    compute: |facts| Ok(facts.returns()?.deviation()? * DAYS_PER_YEAR.sqrt() * 100.0),
};

/// Value at risk.
pub static VALUE_AT_RISK: Definition = Definition {
    name: "value_at_risk_95_pct",
    title: "Value at risk, 95 %",
    unit: Unit::Percent,
    group: Group::Risk,
    better: Better::Higher,
    meaning: "One day in twenty was worse than this.",
    formula: "5th percentile of r × 100, linear between ranks, r = daily returns of UTC equity",
    compute: |facts| Ok(percentile(&facts.returns()?.returns, TAIL) * 100.0),
};

/// Conditional value at risk.
pub static CONDITIONAL_VALUE_AT_RISK: Definition = Definition {
    name: "conditional_value_at_risk_95_pct",
    title: "Expected shortfall, 95 %",
    unit: Unit::Percent,
    group: Group::Risk,
    better: Better::Higher,
    meaning: "The mean of the worst twentieth of all days.",
    formula: "mean of the ⌊(n - 1) × 0.05⌋ + 1 lowest r × 100, r = daily returns of UTC equity",
    compute: |facts| {
        let sorted = sorted(&facts.returns()?.returns);
        let (cutoff, _) = rank(sorted.len(), TAIL);
        Ok(mean(&sorted[..=cutoff]) * 100.0)
    },
};

/// Returns the Sharpe ratio of daily returns.
pub(super) fn sharpe(returns: &Moments) -> Outcome {
    Ok(returns.mean / returns.deviation_above_zero(STEADY)? * DAYS_PER_YEAR.sqrt())
}

fn sortino(facts: &Facts<'_>) -> Outcome {
    let moments = facts.returns()?;
    moments.deviation()?;
    let squares: f64 = moments.returns.iter().map(|r| r.min(0.0).powi(2)).sum();
    if squares == 0.0 {
        return Err("no day lost money");
    }
    let downside = (squares / count(moments.returns.len())).sqrt();
    Ok(moments.mean * DAYS_PER_YEAR / (downside * DAYS_PER_YEAR.sqrt()))
}

/// Returns the value below which the fraction `part` of `values` lies, linear between ranks.
fn percentile(values: &[f64], part: f64) -> f64 {
    let sorted = sorted(values);
    let (below, weight) = rank(sorted.len(), part);
    let above = sorted[(below + 1).min(sorted.len() - 1)];
    sorted[below] + (above - sorted[below]) * weight
}

/// Returns the rank of the fraction `part` among `len` sorted values, and how far it lies towards the next rank.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and len")]
fn rank(len: usize, part: f64) -> (usize, f64) {
    let rank = count(len - 1) * part;
    (rank as usize, rank.fract())
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted
}
