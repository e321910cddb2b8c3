//! Gaps: stretches in which candles should have opened and none did.
//!
//! An exchange that was down, or that publishes no candle for a minute without trades, leaves gaps. What to do about
//! them changes results, so nobody decides it silently: [`find_gaps`] names them, and [`apply`] does what its caller
//! chose.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use serde::{Deserialize, Serialize, Serializer};
use thiserror::Error;

use super::{Candles, Columns, format_time};
use crate::timeframe::UnixMillis;

/// A stretch without candles between two that are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// When the last candle before the gap opened.
    #[serde(serialize_with = "as_text")]
    pub after: UnixMillis,
    /// How many candles are missing; never 0.
    pub missing: usize,
}

fn as_text<S: Serializer>(time: &UnixMillis, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format_time(*time))
}

/// Returns every gap, oldest first.
#[must_use]
pub fn find_gaps(candles: &Candles) -> Vec<Gap> {
    let length = candles.timeframe.millis();
    let times = &candles.columns.open_time;
    times
        .windows(2)
        .filter(|pair| pair[1] - pair[0] != length)
        .map(|pair| Gap { after: pair[0], missing: missing_between(pair[0], pair[1], length) })
        .collect()
}

/// Counts the candles of `length` that should have opened after `before` and ahead of `next`.
fn missing_between(before: UnixMillis, next: UnixMillis, length: i64) -> usize {
    usize::try_from((next - before) / length - 1).unwrap_or(0)
}

/// What to do about gaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GapPolicy {
    /// Take no candles that have gaps.
    Refuse,
    /// Fill each missing candle with the close before it and with no volume, as if nobody had traded.
    Flat,
    /// Leave missing candles out; the candle after a gap follows the one before it.
    Skip,
}

impl GapPolicy {
    /// Every policy.
    pub const ALL: [Self; 3] = [Self::Refuse, Self::Flat, Self::Skip];

    /// Returns the name that people write: `refuse`, `flat`, `skip`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refuse => "refuse",
            Self::Flat => "flat",
            Self::Skip => "skip",
        }
    }
}

impl fmt::Display for GapPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A text that names no gap policy.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("unknown gap policy \"{0}\": use one of refuse, flat, skip")]
pub struct UnknownGapPolicy(String);

impl FromStr for GapPolicy {
    type Err = UnknownGapPolicy;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|policy| policy.as_str() == text).ok_or_else(|| UnknownGapPolicy(text.to_owned()))
    }
}

/// Candles that were refused because of their gaps.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "{} missing in {}: the first after {} ({missing_first}), the longest after {} ({missing_longest}); \
     choose --gaps flat to fill them with the close before and no volume, or --gaps skip to leave them out",
    candles_are(*missing), gaps_of(*gaps), format_time(first.after), format_time(longest.after),
    missing_first = candles_of(first.missing), missing_longest = candles_of(longest.missing),
)]
pub struct GapsRefused {
    /// How many candles are missing.
    pub missing: usize,
    /// How many gaps there are.
    pub gaps: usize,
    /// The oldest gap.
    pub first: Gap,
    /// The longest gap; the oldest of several.
    pub longest: Gap,
}

fn candles_of(count: usize) -> String {
    format!("{count} candle{}", if count == 1 { "" } else { "s" })
}

fn candles_are(count: usize) -> String {
    format!("{} {}", candles_of(count), if count == 1 { "is" } else { "are" })
}

fn gaps_of(count: usize) -> String {
    format!("{count} gap{}", if count == 1 { "" } else { "s" })
}

/// What was found and done about gaps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GapReport {
    /// What was chosen.
    pub policy: GapPolicy,
    /// The gaps of the candles as they came, oldest first.
    pub gaps: Vec<Gap>,
    /// The rows of the answer that are fillers, in order; empty unless the policy is [`GapPolicy::Flat`].
    #[serde(skip)]
    pub fillers: Vec<Range<usize>>,
}

impl GapReport {
    /// Returns how many candles were missing.
    #[must_use]
    pub fn missing(&self) -> usize {
        self.gaps.iter().map(|gap| gap.missing).sum()
    }

    /// Returns the longest gap, the oldest of several.
    #[must_use]
    pub fn longest(&self) -> Option<Gap> {
        longest(&self.gaps)
    }

    /// Returns whether a row of the answer is a filler that nobody traded.
    #[must_use]
    pub fn is_filler(&self, row: usize) -> bool {
        let index = self.fillers.partition_point(|rows| rows.end <= row);
        self.fillers.get(index).is_some_and(|rows| rows.contains(&row))
    }
}

fn longest(gaps: &[Gap]) -> Option<Gap> {
    gaps.iter().copied().reduce(|longest, gap| if gap.missing > longest.missing { gap } else { longest })
}

/// Does with the gaps of `candles` what `policy` says.
///
/// # Errors
/// Under [`GapPolicy::Refuse`], when there is a gap.
pub fn apply(candles: Candles, policy: GapPolicy) -> Result<(Candles, GapReport), GapsRefused> {
    let gaps = find_gaps(&candles);
    let (Some(first), Some(longest)) = (gaps.first().copied(), longest(&gaps)) else {
        return Ok((candles, GapReport { policy, gaps, fillers: Vec::new() }));
    };
    match policy {
        GapPolicy::Refuse => {
            let missing = gaps.iter().map(|gap| gap.missing).sum();
            Err(GapsRefused { missing, gaps: gaps.len(), first, longest })
        }
        GapPolicy::Flat => {
            let (candles, fillers) = fill_flat(&candles, &gaps);
            Ok((candles, GapReport { policy, gaps, fillers }))
        }
        GapPolicy::Skip => Ok((candles, GapReport { policy, gaps, fillers: Vec::new() })),
    }
}

/// Fills every gap. The answer is not checked again: fillers lie on the grid and repeat a price that was checked.
fn fill_flat(candles: &Candles, gaps: &[Gap]) -> (Candles, Vec<Range<usize>>) {
    let length = candles.timeframe.millis();
    let old = &candles.columns;
    let mut new =
        Columns::with_capacity_like(old, old.open_time.len() + gaps.iter().map(|gap| gap.missing).sum::<usize>());
    let mut fillers = Vec::with_capacity(gaps.len());
    let mut copied = 0;
    for gap in gaps {
        let end = copied + old.open_time[copied..].partition_point(|time| *time <= gap.after);
        new.extend_from(old, copied..end);
        copied = end;

        let first = new.open_time.len();
        new.extend_flat(gap, length);
        fillers.push(first..new.open_time.len());
    }
    new.extend_from(old, copied..old.open_time.len());
    let filled = Candles { instrument: candles.instrument.clone(), timeframe: candles.timeframe, columns: new };
    (filled, fillers)
}

impl Columns {
    /// Returns empty columns with the optional columns of `other` and room for `rows`.
    pub(super) fn with_capacity_like(other: &Self, rows: usize) -> Self {
        let column = || Vec::with_capacity(rows);
        Self {
            open_time: Vec::with_capacity(rows),
            open: column(),
            high: column(),
            low: column(),
            close: column(),
            volume: column(),
            volume_delta: other.volume_delta.as_ref().map(|_| column()),
            imbalance: other.imbalance.as_ref().map(|_| column()),
        }
    }

    /// Appends rows of `other`, which has the same optional columns.
    fn extend_from(&mut self, other: &Self, rows: Range<usize>) {
        self.open_time.extend_from_slice(&other.open_time[rows.clone()]);
        for (into, from) in [
            (&mut self.open, &other.open),
            (&mut self.high, &other.high),
            (&mut self.low, &other.low),
            (&mut self.close, &other.close),
            (&mut self.volume, &other.volume),
        ] {
            into.extend_from_slice(&from[rows.clone()]);
        }
        for (into, from) in [(&mut self.volume_delta, &other.volume_delta), (&mut self.imbalance, &other.imbalance)] {
            if let (Some(into), Some(from)) = (into, from) {
                into.extend_from_slice(&from[rows.clone()]);
            }
        }
    }

    /// Appends the fillers of a gap that begins after the last row.
    fn extend_flat(&mut self, gap: &Gap, length: i64) {
        let rows = self.open_time.len() + gap.missing;
        let close = self.close.last().copied().unwrap_or_default();
        self.open_time.extend((gap.after + length..).step_by(usize::try_from(length).unwrap_or(1)).take(gap.missing));
        for column in [&mut self.open, &mut self.high, &mut self.low, &mut self.close] {
            column.resize(rows, close);
        }
        self.volume.resize(rows, 0.0);
        // Nothing is known of the book in a gap, so its imbalance leans to neither side.
        for column in [&mut self.volume_delta, &mut self.imbalance].into_iter().flatten() {
            column.resize(rows, 0.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::instrument::Instrument;
    use crate::timeframe::Timeframe;

    const MINUTE: i64 = 60_000;

    /// Returns one-minute candles that open in the given minutes, each with its own prices.
    fn candles(minutes: &[i64]) -> Candles {
        let price = |up: f64| minutes.iter().map(|minute| 100.0 + *minute as f64 + up).collect::<Vec<_>>();
        let columns = Columns {
            open_time: minutes.iter().map(|minute| minute * MINUTE).collect(),
            open: price(0.0),
            high: price(2.0),
            low: price(-2.0),
            close: price(1.0),
            volume: vec![3.0; minutes.len()],
            volume_delta: Some(vec![-1.0; minutes.len()]),
            imbalance: Some(vec![0.5; minutes.len()]),
        };
        let instrument = Instrument { exchange: "test".parse().unwrap(), symbol: "BTC/USD".parse().unwrap() };
        Candles::new(instrument, Timeframe::M1, columns).unwrap()
    }

    #[test]
    fn each_gap_is_named_with_its_length() {
        let gaps = find_gaps(&candles(&[0, 1, 3, 4, 9]));
        assert_eq!(gaps, [Gap { after: MINUTE, missing: 1 }, Gap { after: 4 * MINUTE, missing: 4 }]);
        assert_eq!(find_gaps(&candles(&[0, 1, 2])), []);
        assert_eq!(find_gaps(&candles(&[7])), []);
    }

    #[test]
    fn refusal_counts_and_tells_the_choices() {
        let error = apply(candles(&[0, 1, 3, 4, 9]), GapPolicy::Refuse).unwrap_err();
        assert_eq!(
            error.to_string(),
            "5 candles are missing in 2 gaps: the first after 1970-01-01T00:01:00Z (1 candle), the longest after \
             1970-01-01T00:04:00Z (4 candles); choose --gaps flat to fill them with the close before and no volume, \
             or --gaps skip to leave them out"
        );
        let error = apply(candles(&[0, 2]), GapPolicy::Refuse).unwrap_err();
        assert!(error.to_string().starts_with("1 candle is missing in 1 gap: "), "{error}");
    }

    #[test]
    fn candles_without_gaps_pass_every_policy_unchanged() {
        for policy in GapPolicy::ALL {
            let (same, report) = apply(candles(&[0, 1, 2]), policy).unwrap();
            assert_eq!(same, candles(&[0, 1, 2]));
            assert_eq!((report.missing(), report.longest()), (0, None));
        }
    }

    #[test]
    fn filler_repeats_the_close_and_trades_nothing() {
        let (filled, report) = apply(candles(&[0, 1, 4]), GapPolicy::Flat).unwrap();
        let columns = filled.columns();
        assert_eq!(columns.open_time, [0, MINUTE, 2 * MINUTE, 3 * MINUTE, 4 * MINUTE]);
        for column in [&columns.open, &columns.high, &columns.low, &columns.close] {
            assert_eq!(column[2..4], [102.0, 102.0]);
        }
        assert_eq!(columns.volume, [3.0, 3.0, 0.0, 0.0, 3.0]);
        assert_eq!(columns.volume_delta.as_deref(), Some([-1.0, -1.0, 0.0, 0.0, -1.0].as_slice()));
        assert_eq!(columns.imbalance.as_deref(), Some([0.5, 0.5, 0.0, 0.0, 0.5].as_slice()));
        assert_eq!(report.missing(), 2);
        assert_eq!((0..5).map(|row| report.is_filler(row)).collect::<Vec<_>>(), [false, false, true, true, false]);
    }

    #[test]
    fn skip_keeps_the_candles_and_still_reports() {
        let (kept, report) = apply(candles(&[0, 1, 4]), GapPolicy::Skip).unwrap();
        assert_eq!(kept, candles(&[0, 1, 4]));
        assert_eq!((report.missing(), report.fillers.len()), (2, 0));
        assert!(!report.is_filler(2));
    }

    #[test]
    fn names_round_trip() {
        for policy in GapPolicy::ALL {
            assert_eq!(policy.to_string().parse(), Ok(policy));
            assert_eq!(serde_json::to_string(&policy).unwrap(), format!("\"{policy}\""));
        }
        let error = "ignore".parse::<GapPolicy>().unwrap_err().to_string();
        assert!(error.contains("\"ignore\"") && error.contains("refuse, flat, skip"), "{error}");
    }

    #[test]
    fn report_shows_times_with_their_zone() {
        let (_, report) = apply(candles(&[0, 1, 4]), GapPolicy::Skip).unwrap();
        let json = serde_json::to_string(&report).unwrap();
        assert_eq!(json, r#"{"policy":"skip","gaps":[{"after":"1970-01-01T00:01:00Z","missing":2}]}"#);
    }

    proptest! {
        #[test]
        fn filled_candles_are_candles_without_gaps(steps in prop::collection::vec(1_i64..6, 1..60)) {
            let minutes: Vec<i64> = steps.iter().scan(-30, |minute, step| { *minute += step; Some(*minute) }).collect();
            let (filled, report) = apply(candles(&minutes), GapPolicy::Flat).unwrap();
            let (instrument, timeframe) = (filled.instrument().clone(), filled.timeframe());
            prop_assert_eq!(find_gaps(&filled), []);
            prop_assert_eq!(filled.len(), minutes.len() + report.missing());
            let real: Vec<_> = (0..filled.len()).filter(|row| !report.is_filler(*row)).map(|row| filled.candle(row)).collect();
            let came = candles(&minutes);
            prop_assert_eq!(real, (0..came.len()).map(|row| came.candle(row)).collect::<Vec<_>>());
            prop_assert!(Candles::new(instrument, timeframe, filled.into_columns()).is_ok());
        }
    }
}
