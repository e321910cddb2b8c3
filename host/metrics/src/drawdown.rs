//! How deep and how long the account was under water.

use super::facts::{DailyPath, Facts, NO_DAY};
use super::{Better, Definition, Group, Outcome, Unit, returns};

const NEVER_FELL: &str = "daily equity never fell below an earlier high";

/// Maximum drawdown at daily closes.
pub static MAX_DRAWDOWN: Definition = Definition {
    name: "max_drawdown_pct",
    title: "Max drawdown",
    unit: Unit::Percent,
    group: Group::Drawdown,
    better: Better::Higher,
    meaning: "The deepest fall from a high of daily equity; the cash at the beginning counts as a high.",
    formula: "min(equity / highest equity so far - 1) × 100 over the ends of UTC days",
    compute: |facts| Ok(max_drawdown(facts)? * 100.0),
};

/// Maximum drawdown at every bar.
pub static MAX_DRAWDOWN_INTRADAY: Definition = Definition {
    name: "max_drawdown_intraday_pct",
    title: "Max drawdown, every bar",
    unit: Unit::Percent,
    group: Group::Drawdown,
    better: Better::Higher,
    meaning: "The deepest fall from a high, looked at each close of the finest bars instead of once a day.",
    formula: "min(equity / highest equity so far - 1) × 100 over the closes of all bars",
    compute: |facts| facts.inputs.max_drawdown_intraday_pct.ok_or("there are no bars"),
};

/// Length of the deepest drawdown.
pub static MAX_DRAWDOWN_DAYS: Definition = Definition {
    name: "max_drawdown_days",
    title: "Max drawdown, length",
    unit: Unit::Days,
    group: Group::Drawdown,
    better: Better::Lower,
    meaning: "Days from the high before the deepest fall until that high was seen again, or until the end.",
    formula: "day of recovery (or last day) - day of the high",
    compute: |facts| Ok(days(deepest(facts)?.days(last_day(facts)?))),
};

/// Days from the trough to the recovery.
pub static RECOVERY_DAYS: Definition = Definition {
    name: "recovery_days",
    title: "Max drawdown, time to recover",
    unit: Unit::Days,
    group: Group::Drawdown,
    better: Better::Lower,
    meaning: "Days from the bottom of the deepest fall until the high before it was seen again.",
    formula: "day of recovery - day of the low",
    compute: |facts| {
        let deepest = deepest(facts)?;
        let recovered = deepest.recovered_day.ok_or("the deepest drawdown had not recovered by the end")?;
        Ok(days(recovered - deepest.trough_day))
    },
};

/// Length of the longest drawdown.
pub static LONGEST_DRAWDOWN: Definition = Definition {
    name: "longest_drawdown_days",
    title: "Longest drawdown",
    unit: Unit::Days,
    group: Group::Drawdown,
    better: Better::Lower,
    meaning: "The longest stretch of days below an earlier high of daily equity.",
    formula: "max(day of recovery, or last day, - day of the high)",
    compute: |facts| {
        let last_day = last_day(facts)?;
        let longest = facts.drawdowns.iter().map(|drawdown| drawdown.days(last_day)).max();
        longest.map(days).ok_or(NEVER_FELL)
    },
};

/// Calmar ratio.
pub static CALMAR: Definition = Definition {
    name: "calmar_ratio",
    title: "Calmar ratio",
    unit: Unit::Ratio,
    group: Group::Drawdown,
    better: Better::Higher,
    meaning: "Annual return for each unit of the deepest fall.",
    formula: "annual return (CAGR) / |max drawdown|",
    compute: |facts| {
        let depth = max_drawdown(facts)?;
        if depth < 0.0 { Ok(returns::annual_growth(facts)? / depth.abs()) } else { Err(NEVER_FELL) }
    },
};

/// A fall of daily equity below an earlier high.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Drawdown {
    /// The day of the high, as its number since 1970-01-01.
    pub peak_day: i64,
    /// The day of the lowest equity.
    pub trough_day: i64,
    /// The day on which the high was seen again.
    pub recovered_day: Option<i64>,
    /// Lowest equity against the high, as a fraction below 0.
    pub depth: f64,
}

impl Drawdown {
    /// Returns the days from the high to its recovery, or to `last_day`.
    #[must_use]
    pub fn days(&self, last_day: i64) -> i64 {
        self.recovered_day.unwrap_or(last_day) - self.peak_day
    }
}

/// Returns every fall below an earlier high, oldest first.
#[must_use]
pub fn drawdowns(path: &DailyPath) -> Vec<Drawdown> {
    let mut found = Vec::new();
    let mut current: Option<Drawdown> = None;
    let mut peak = (path.first_day - 1, path.values[0]);
    for (day, value) in (path.first_day..).zip(&path.values[1..]) {
        if *value >= peak.1 {
            found.extend(current.take().map(|drawdown| Drawdown { recovered_day: Some(day), ..drawdown }));
            peak = (day, *value);
            continue;
        }
        let depth = value / peak.1 - 1.0;
        let drawdown =
            current.get_or_insert(Drawdown { peak_day: peak.0, trough_day: day, recovered_day: None, depth });
        if depth < drawdown.depth {
            (drawdown.depth, drawdown.trough_day) = (depth, day);
        }
    }
    found.extend(current);
    found
}

/// Returns the deepest fall from a high over all bars, per cent, 0 or less; `initial` counts as a high.
///
/// Looks at chunks by their extremes, which the compiler finds several at a time; bar by bar only at those that hold
/// both a new high and a possible new low against it. Half a million bars take about a tenth of a millisecond.
#[must_use]
pub fn max_drawdown_pct(initial: f64, equity: &[f64]) -> Option<f64> {
    const CHUNK: usize = 64;
    equity.first()?;
    let mut peak = initial;
    let mut worst = 1.0_f64;
    for chunk in equity.chunks(CHUNK) {
        let (lowest, highest) = extremes(chunk);
        if highest <= peak {
            worst = worst.min(lowest / peak);
        } else if lowest < highest * worst {
            for value in chunk {
                peak = peak.max(*value);
                worst = worst.min(value / peak);
            }
        } else {
            peak = highest;
        }
    }
    Some((worst - 1.0) * 100.0)
}

/// Returns the lowest and the highest value.
fn extremes(values: &[f64]) -> (f64, f64) {
    const LANES: usize = 8;
    let mut lowest = [f64::INFINITY; LANES];
    let mut highest = [f64::NEG_INFINITY; LANES];
    let (whole, rest) = values.as_chunks::<LANES>();
    for lanes in whole {
        for lane in 0..LANES {
            lowest[lane] = if lanes[lane] < lowest[lane] { lanes[lane] } else { lowest[lane] };
            highest[lane] = if lanes[lane] > highest[lane] { lanes[lane] } else { highest[lane] };
        }
    }
    let all = |lanes: [f64; LANES], pick: fn(f64, f64) -> f64, end| {
        lanes.into_iter().chain(rest.iter().copied()).fold(end, pick)
    };
    (all(lowest, f64::min, f64::INFINITY), all(highest, f64::max, f64::NEG_INFINITY))
}

fn max_drawdown(facts: &Facts<'_>) -> Outcome {
    facts.path()?;
    facts.returns()?;
    Ok(deepest_of(&facts.drawdowns))
}

/// Returns the deepest of some drawdowns as a fraction, 0 when there are none.
pub(super) fn deepest_of(drawdowns: &[Drawdown]) -> f64 {
    drawdowns.iter().map(|drawdown| drawdown.depth).fold(0.0, f64::min)
}

fn deepest<'a>(facts: &'a Facts<'_>) -> Result<&'a Drawdown, &'static str> {
    facts.path()?;
    facts.drawdowns.iter().min_by(|a, b| a.depth.total_cmp(&b.depth)).ok_or(NEVER_FELL)
}

fn last_day(facts: &Facts<'_>) -> Result<i64, &'static str> {
    facts.inputs.daily.last().map(|(day, _)| *day).ok_or(NO_DAY)
}

#[expect(clippy::cast_precision_loss, reason = "a span of days is far below 2^53")]
const fn days(days: i64) -> f64 {
    days as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(values: &[f64]) -> Vec<Drawdown> {
        drawdowns(&DailyPath { first_day: 1, values: values.to_vec() })
    }

    #[test]
    fn drawdown_lasts_from_high_to_recovery() {
        let falls = found(&[100.0, 110.0, 99.0, 88.0, 100.0, 110.0, 120.0, 60.0]);
        assert_eq!(falls.len(), 2);
        let Drawdown { peak_day, trough_day, recovered_day, depth } = falls[0];
        assert_eq!((peak_day, trough_day, recovered_day), (1, 3, Some(5)));
        assert!((depth + 0.2).abs() < 1e-12);
        assert_eq!((falls[1].peak_day, falls[1].recovered_day), (6, None));
        assert_eq!((falls[0].days(7), falls[1].days(7)), (4, 1));
    }

    #[test]
    fn cash_at_the_beginning_is_a_high() {
        let falls = found(&[100.0, 90.0]);
        assert_eq!((falls[0].peak_day, falls[0].trough_day), (0, 1));
    }

    #[test]
    fn rising_equity_has_no_drawdown() {
        assert!(found(&[100.0, 100.0, 101.0]).is_empty());
        assert_eq!(max_drawdown_pct(100.0, &[100.0, 101.0]), Some(0.0));
        assert_eq!(max_drawdown_pct(100.0, &[]), None);
    }

    #[test]
    fn bar_drawdown_equals_the_definition() {
        let equity: Vec<f64> =
            (0..5_000).map(|i| 1_000.0 + 300.0 * (f64::from(i) / 90.0).sin() + f64::from(i) / 7.0).collect();
        let mut peak = 1_000.0_f64;
        let plain = equity.iter().fold(0.0_f64, |worst, value| {
            peak = peak.max(*value);
            worst.min((value / peak - 1.0) * 100.0)
        });
        let fast = max_drawdown_pct(1_000.0, &equity).unwrap();
        assert!(plain < -20.0 && (fast - plain).abs() < 1e-12, "{fast} {plain}");
    }
}

#[cfg(test)]
mod property_tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn chunks_change_nothing(steps in prop::collection::vec(-0.05_f64..0.05, 1..1_000)) {
            let equity: Vec<f64> = steps.iter().scan(100.0, |equity, step| { *equity *= 1.0 + step; Some(*equity) }).collect();
            let mut peak = 100.0_f64;
            let plain = equity.iter().fold(1.0_f64, |worst, value| {
                peak = peak.max(*value);
                worst.min(value / peak)
            });
            let fast = max_drawdown_pct(100.0, &equity).unwrap();
            prop_assert!((fast - (plain - 1.0) * 100.0).abs() < 1e-12, "{} {}", fast, plain);
        }
    }
}
