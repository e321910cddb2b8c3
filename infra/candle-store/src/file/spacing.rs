//! Whether candles lie as far apart as their timeframe says.

use std::collections::BTreeMap;
use std::fmt;

use sentinel_domain::timeframe::{Timeframe, UnixMillis};

/// How far the candles of a file are apart, where that is not what was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spacing {
    millis: i64,
    asked: Timeframe,
}

impl Spacing {
    /// Returns the most common distance between two candles, in milliseconds.
    #[must_use]
    pub const fn millis(&self) -> i64 {
        self.millis
    }

    /// Returns the timeframe that the candles have, if it is one.
    #[must_use]
    pub fn timeframe(&self) -> Option<Timeframe> {
        Timeframe::ALL.into_iter().find(|timeframe| timeframe.millis() == self.millis)
    }
}

impl fmt::Display for Spacing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} apart, not {}; ", length(self.millis), length(self.asked.millis()))?;
        match self.timeframe() {
            Some(timeframe) => write!(f, "say --timeframe {timeframe}"),
            None => f.write_str("use a file with candles of 1m, 5m, 15m, 1h, 4h or 1d"),
        }
    }
}

fn length(millis: i64) -> String {
    const UNITS: [(i64, &str); 4] = [(86_400_000, "day"), (3_600_000, "hour"), (60_000, "minute"), (1_000, "second")];
    let (unit, name) =
        UNITS.into_iter().find(|(unit, _)| millis >= *unit && millis % unit == 0).unwrap_or((1, "millisecond"));
    let count = millis / unit;
    format!("{count} {name}{}", if count == 1 { "" } else { "s" })
}

/// Returns the spacing of `times` when it cannot be that of `timeframe`: no two candles are that far apart, or some
/// open off its grid and most are another distance apart. Times that do not rise are left to the check of candles.
pub(super) fn mismatch(times: &[UnixMillis], timeframe: Timeframe) -> Option<Spacing> {
    let asked = timeframe.millis();
    let steps = || times.windows(2).map(|pair| pair[1] - pair[0]);
    let rises = steps().all(|step| step > 0);
    let fits = steps().any(|step| step == asked) && times.iter().all(|time| timeframe.is_aligned(*time));
    if times.len() < 2 || !rises || fits {
        return None;
    }
    let mut counts = BTreeMap::<i64, usize>::new();
    for step in steps() {
        *counts.entry(step).or_default() += 1;
    }
    // Of two distances that are equally common the shorter is meant: the longer is made of gaps.
    let (millis, _) = counts.into_iter().max_by_key(|(step, count)| (*count, -step))?;
    (millis != asked).then_some(Spacing { millis, asked: timeframe })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    fn check(hours: &[i64], timeframe: Timeframe) -> Option<String> {
        let times: Vec<i64> = hours.iter().map(|hour| hour * HOUR).collect();
        mismatch(&times, timeframe).map(|spacing| spacing.to_string())
    }

    #[test]
    fn another_timeframe_is_named() {
        let says = |text: &str| Some(text.to_owned());
        assert_eq!(check(&[0, 24, 48], Timeframe::H1), says("1 day apart, not 1 hour; say --timeframe 1d"));
        assert_eq!(check(&[0, 1, 2, 26], Timeframe::D1), says("1 hour apart, not 1 day; say --timeframe 1h"));
        assert_eq!(
            check(&[0, 2, 4], Timeframe::M1),
            says("2 hours apart, not 1 minute; use a file with candles of 1m, 5m, 15m, 1h, 4h or 1d")
        );
    }

    #[test]
    fn finer_candles_with_a_gap_of_the_asked_length_are_still_named() {
        assert!(check(&[22, 23, 47, 48, 49], Timeframe::D1).is_some_and(|text| text.contains("--timeframe 1h")));
    }

    #[test]
    fn gaps_are_no_mismatch() {
        assert_eq!(check(&[0, 5, 6, 90], Timeframe::H1), None);
        assert_eq!(check(&[0, 24, 96], Timeframe::D1), None);
    }

    #[test]
    fn what_cannot_be_judged_passes() {
        assert_eq!(check(&[3], Timeframe::D1), None);
        assert_eq!(check(&[5, 4, 3], Timeframe::D1), None);
    }
}
