//! What was earned.

use super::facts::{Facts, NO_DAY, count};
use super::{Better, DAYS_PER_YEAR, Definition, Group, Outcome, Unit};

/// Total return.
pub static TOTAL_RETURN: Definition = Definition {
    name: "total_return_pct",
    title: "Total return",
    unit: Unit::Percent,
    group: Group::Return,
    better: Better::Higher,
    meaning: "What the account gained from beginning to end, open positions marked at the last close.",
    formula: "(equity at the end / cash at the beginning - 1) × 100",
    compute: |facts| {
        let path = facts.path()?;
        Ok((path.last() / facts.inputs.cash_initial - 1.0) * 100.0)
    },
};

/// Compound annual growth rate.
pub static CAGR: Definition = Definition {
    name: "cagr_pct",
    title: "Annual return (CAGR)",
    unit: Unit::Percent,
    group: Group::Return,
    better: Better::Higher,
    meaning: "The steady yearly rate that leads to the same end. On runs much shorter than a year it \
              extrapolates wildly.",
    formula: "((equity at the end / cash at the beginning)^(365 / days) - 1) × 100",
    compute: |facts| Ok(annual_growth(facts)? * 100.0),
};

/// Best day.
pub static BEST_DAY: Definition = Definition {
    name: "best_day_pct",
    title: "Best day",
    unit: Unit::Percent,
    group: Group::Return,
    better: Better::Higher,
    meaning: "The highest return of one UTC day.",
    formula: "max(r) × 100, r = equity at the end of a UTC day / equity at the end of the day before - 1",
    compute: |facts| extreme(facts, f64::max),
};

/// Worst day.
pub static WORST_DAY: Definition = Definition {
    name: "worst_day_pct",
    title: "Worst day",
    unit: Unit::Percent,
    group: Group::Return,
    better: Better::Higher,
    meaning: "The lowest return of one UTC day.",
    formula: "min(r) × 100, r = equity at the end of a UTC day / equity at the end of the day before - 1",
    compute: |facts| extreme(facts, f64::min),
};

/// Returns the compound annual growth as a fraction.
pub(super) fn annual_growth(facts: &Facts<'_>) -> Outcome {
    let path = facts.path()?;
    facts.returns()?;
    let growth = path.last() / facts.inputs.cash_initial;
    if growth < 0.0 {
        return Err("equity ended below zero, which no rate of growth leads to");
    }
    Ok(growth.powf(DAYS_PER_YEAR / count(path.days())) - 1.0)
}

fn extreme(facts: &Facts<'_>, pick: fn(f64, f64) -> f64) -> Outcome {
    let best = facts.returns()?.returns.iter().copied().reduce(pick).ok_or(NO_DAY)?;
    Ok(best * 100.0)
}
