//! Which stretches of time a series was asked for and answered.
//!
//! An exchange publishes no candle for a minute without trades, so a missing row does not tell whether anybody asked.
//! This does; it is why an interrupted download goes on where it stopped, and why holes of the exchange are not asked
//! for again and again. Losing it costs only a download.

use std::ops::Range;

use chrono::{DateTime, Utc};
use sentinel_domain::timeframe::UnixMillis;
use serde::{Deserialize, Serialize};

/// Stretches of time, in order and apart from each other.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "CoverageFile", into = "CoverageFile")]
pub(super) struct Coverage {
    ranges: Vec<Range<UnixMillis>>,
}

/// How it is written: pairs of times that a person can read.
#[derive(Serialize, Deserialize)]
struct CoverageFile {
    covered: Vec<(DateTime<Utc>, DateTime<Utc>)>,
}

impl From<CoverageFile> for Coverage {
    fn from(file: CoverageFile) -> Self {
        let mut coverage = Self::default();
        for (from, to) in file.covered {
            coverage.insert(from.timestamp_millis()..to.timestamp_millis());
        }
        coverage
    }
}

impl From<Coverage> for CoverageFile {
    fn from(coverage: Coverage) -> Self {
        let time = |millis| DateTime::from_timestamp_millis(millis).unwrap_or_default();
        Self { covered: coverage.ranges.into_iter().map(|range| (time(range.start), time(range.end))).collect() }
    }
}

impl Coverage {
    /// Adds a stretch.
    pub(super) fn insert(&mut self, new: Range<UnixMillis>) {
        if new.is_empty() {
            return;
        }
        let touching = self.ranges.partition_point(|range| range.end < new.start)
            ..self.ranges.partition_point(|range| range.start <= new.end);
        let joined = self.ranges[touching.clone()]
            .iter()
            .fold(new, |joined, range| joined.start.min(range.start)..joined.end.max(range.end));
        self.ranges.splice(touching, [joined]);
    }

    /// Returns the parts of `asked` that are not covered, in order.
    pub(super) fn missing(&self, asked: Range<UnixMillis>) -> Vec<Range<UnixMillis>> {
        let mut missing = Vec::new();
        let mut start = asked.start;
        for range in &self.ranges {
            if range.start >= asked.end {
                break;
            }
            if range.start > start {
                missing.push(start..range.start);
            }
            start = start.max(range.end);
        }
        if start < asked.end {
            missing.push(start..asked.end);
        }
        missing
    }
}

#[cfg(test)]
#[expect(clippy::single_range_in_vec_init, reason = "one stretch is meant, not its moments")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn coverage(ranges: &[Range<i64>]) -> Coverage {
        let mut coverage = Coverage::default();
        ranges.iter().for_each(|range| coverage.insert(range.clone()));
        coverage
    }

    #[test]
    fn touching_stretches_become_one() {
        assert_eq!(coverage(&[0..10, 20..30, 10..20]).ranges, [0..30]);
        assert_eq!(coverage(&[20..30, 0..10]).ranges, [0..10, 20..30]);
    }

    #[test]
    fn what_is_missing_is_what_nobody_asked_for() {
        let coverage = coverage(&[10..20, 30..40]);
        assert_eq!(coverage.missing(0..50), [0..10, 20..30, 40..50]);
        assert_eq!(coverage.missing(12..35), [20..30]);
        assert_eq!(coverage.missing(31..40), []);
    }

    #[test]
    fn file_is_readable_and_comes_back() {
        let coverage = coverage(&[0..60_000]);
        let json = serde_json::to_string(&coverage).unwrap();
        assert_eq!(json, r#"{"covered":[["1970-01-01T00:00:00Z","1970-01-01T00:01:00Z"]]}"#);
        assert_eq!(serde_json::from_str::<Coverage>(&json).unwrap(), coverage);
    }

    proptest! {
        #[test]
        fn covered_and_missing_share_no_moment_and_leave_none_out(
            ranges in prop::collection::vec((0_i64..50, 0_i64..12), 0..12), asked in (0_i64..50, 1_i64..30),
        ) {
            let ranges: Vec<_> = ranges.into_iter().map(|(start, length)| start..start + length).collect();
            let asked = asked.0..asked.0 + asked.1;
            let missing = coverage(&ranges).missing(asked.clone());
            for moment in asked {
                let is_covered = ranges.iter().any(|range| range.contains(&moment));
                prop_assert_eq!(missing.iter().any(|range| range.contains(&moment)), !is_covered);
            }
        }
    }
}
