//! How much was done, and what it cost.

use rust_decimal::Decimal;
use sentinel_domain::money::to_f64;
use sentinel_domain::timeframe::UnixMillis;

use super::facts::{Facts, count, mean};
use super::{Better, DAYS_PER_YEAR, Definition, Group, Outcome, Unit};

/// Time in the market.
pub static EXPOSURE: Definition = Definition {
    name: "exposure_pct",
    title: "Time in market",
    unit: Unit::Percent,
    group: Group::Activity,
    better: Better::Neither,
    meaning: "The share of time in which at least one position was open.",
    formula: "length of the union of [entry, exit) of all positions / length of the run × 100",
    compute: exposure,
};

/// Turnover.
pub static TURNOVER: Definition = Definition {
    name: "turnover_per_year",
    title: "Turnover",
    unit: Unit::PerYear,
    group: Group::Activity,
    better: Better::Neither,
    meaning: "How many times a year the account was traded over, both sides counted.",
    formula: "Σ traded value of both sides / mean(daily equity) × 365 / days",
    compute: |facts| {
        let path = facts.path()?;
        let equity = mean(&path.values[1..]);
        if equity <= 0.0 {
            return Err("mean equity was not above zero");
        }
        Ok(to_f64(facts.inputs.turnover_usd) / equity * DAYS_PER_YEAR / count(path.days()))
    },
};

/// Fees.
pub static FEES: Definition = Definition {
    name: "fees_usd",
    title: "Fees",
    unit: Unit::Usd,
    group: Group::Activity,
    better: Better::Lower,
    meaning: "What the broker was paid, coins valued at the price of their fill.",
    formula: "Σ fees of both sides, open positions included",
    compute: |facts| Ok(to_f64(facts.inputs.fees_usd)),
};

/// Fees against what winning trades brought.
pub static FEES_OF_PROFIT: Definition = Definition {
    name: "fees_of_wins_pct",
    title: "Fees against wins",
    unit: Unit::Percent,
    group: Group::Activity,
    better: Better::Lower,
    meaning: "Fees against what the winning trades brought after fees. Above 100 the broker earned more than \
              all winning trades together.",
    formula: "Σ fees / Σ profit of wins × 100",
    compute: |facts| {
        let won = facts.trades.won_usd;
        if won > Decimal::ZERO { Ok(to_f64(facts.inputs.fees_usd / won) * 100.0) } else { Err("no trade won") }
    },
};

/// Mean slippage.
pub static SLIPPAGE: Definition = Definition {
    name: "slippage_mean_pct",
    title: "Slippage, mean",
    unit: Unit::Percent,
    group: Group::Activity,
    better: Better::Lower,
    meaning: "How far fills were from their reference prices on average, entry and exit together; above zero is \
              against the trader.",
    formula: "mean(side × (fill - reference) / reference × 100, both sides added)",
    compute: |facts| facts.trades.mean_of_all(facts.trades.slippage_pct),
};

fn exposure(facts: &Facts<'_>) -> Outcome {
    let span = &facts.inputs.span;
    if span.is_empty() {
        return Err("there are no bars");
    }
    let closed = facts.inputs.trades.iter().map(|trade| (trade.entry_time, trade.exit_time));
    let open = facts.inputs.open_since.iter().map(|entry_time| (*entry_time, span.end));
    let held = union_millis(closed.chain(open).collect());
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of a run are far below 2^53")]
    Ok(held as f64 / (span.end - span.start) as f64 * 100.0)
}

/// Returns the length of the union of intervals.
fn union_millis(mut intervals: Vec<(UnixMillis, UnixMillis)>) -> i64 {
    intervals.sort_unstable();
    let mut held = 0;
    let mut covered_to = UnixMillis::MIN;
    for (from, to) in intervals {
        held += (to - from.max(covered_to)).max(0);
        covered_to = covered_to.max(to);
    }
    held
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlap_counts_once() {
        assert_eq!(union_millis(vec![(5, 9), (0, 4), (3, 6), (20, 21)]), 10);
        assert_eq!(union_millis(vec![(0, 10), (2, 3)]), 10);
        assert_eq!(union_millis(vec![]), 0);
    }
}
