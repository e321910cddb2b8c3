//! Sessions: the fixed stretches of time in which a strategy may remember.
//!
//! A strategy is stateful only within a session. Sessions begin at boundaries that depend on the timeframe alone,
//! so a backtest, a laptop and the cloud cut the same candles in the same places and see the same decisions.
//! Before a session's own bars the strategy is shown its warm-up, the bars before the boundary.

use std::ops::Range;

use chrono::{DateTime, Datelike, Months, NaiveDate, NaiveTime, Utc};

use crate::timeframe::{Timeframe, UnixMillis};

/// The stretch of time after which a strategy starts afresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionLength {
    /// A UTC day.
    Day,
    /// A calendar month in UTC.
    Month,
    /// A calendar year in UTC.
    Year,
}

impl SessionLength {
    /// Returns the session length for candles of `timeframe`: at most 1,440 bars, so that deciding one bar from
    /// its session's beginning stays cheap.
    #[must_use]
    pub const fn of(timeframe: Timeframe) -> Self {
        match timeframe {
            Timeframe::M1 | Timeframe::M5 | Timeframe::M15 => Self::Day,
            Timeframe::H1 | Timeframe::H4 => Self::Month,
            Timeframe::D1 => Self::Year,
        }
    }

    /// Returns the beginning of the session that holds `time` and the beginning of the next.
    #[must_use]
    pub fn around(self, time: UnixMillis) -> Range<UnixMillis> {
        let date = DateTime::<Utc>::from_timestamp_millis(time).unwrap_or(DateTime::UNIX_EPOCH).date_naive();
        let (first, months) = match self {
            Self::Day => return day_around(time),
            Self::Month => (date.with_day(1), Months::new(1)),
            Self::Year => (NaiveDate::from_ymd_opt(date.year(), 1, 1), Months::new(12)),
        };
        let first = first.unwrap_or(date);
        midnight(first)..midnight(first.checked_add_months(months).unwrap_or(NaiveDate::MAX))
    }
}

fn day_around(time: UnixMillis) -> Range<UnixMillis> {
    let first = Timeframe::D1.candle_open(time);
    first..Timeframe::D1.close_time(first)
}

fn midnight(date: NaiveDate) -> UnixMillis {
    date.and_time(NaiveTime::MIN).and_utc().timestamp_millis()
}

/// The rows of one session within a series of candles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// When the session begins, in Unix milliseconds UTC.
    pub start: UnixMillis,
    /// Its own bars, as rows of the series.
    pub bars: Range<usize>,
}

impl Session {
    /// Returns the rows of the warm-up: the `wanted` bars before the session, or as many as the series has.
    #[must_use]
    pub const fn warm_up(&self, wanted: usize) -> Range<usize> {
        self.bars.start.saturating_sub(wanted)..self.bars.start
    }
}

/// Cuts a series into its sessions. Every bar belongs to the session in which it opens.
#[must_use]
pub fn sessions(open_time: &[UnixMillis], timeframe: Timeframe) -> Vec<Session> {
    let length = SessionLength::of(timeframe);
    let mut sessions = Vec::new();
    let mut row = 0;
    while let Some(time) = open_time.get(row) {
        let span = length.around(*time);
        let end = row + open_time[row..].partition_point(|time| *time < span.end);
        sessions.push(Session { start: span.start, bars: row..end });
        row = end;
    }
    sessions
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(text: &str) -> UnixMillis {
        text.parse::<DateTime<Utc>>().unwrap().timestamp_millis()
    }

    fn check(timeframe: Timeframe, time: &str, start: &str, end: &str) {
        assert_eq!(SessionLength::of(timeframe).around(millis(time)), millis(start)..millis(end), "{timeframe} {time}");
    }

    #[test]
    fn boundaries_are_fixed_in_utc() {
        check(Timeframe::M15, "2019-06-26T23:45:00Z", "2019-06-26T00:00:00Z", "2019-06-27T00:00:00Z");
        check(Timeframe::H1, "2024-02-29T23:00:00Z", "2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z");
        check(Timeframe::H4, "2023-12-31T20:00:00Z", "2023-12-01T00:00:00Z", "2024-01-01T00:00:00Z");
        check(Timeframe::D1, "2024-12-31T00:00:00Z", "2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z");
    }

    #[test]
    fn every_bar_is_in_exactly_one_session() {
        let hour = Timeframe::H1.millis();
        let start = millis("2022-01-30T22:00:00Z");
        let times: Vec<_> = (0..2_000).filter(|i| i % 7 != 0).map(|i| start + i * hour).collect();
        let sessions = sessions(&times, Timeframe::H1);
        assert_eq!(sessions.first().map(|s| s.bars.start), Some(0));
        assert_eq!(sessions.last().map(|s| s.bars.end), Some(times.len()));
        assert!(sessions.windows(2).all(|pair| pair[0].bars.end == pair[1].bars.start));
        assert!(sessions.iter().all(|s| !s.bars.is_empty() && times[s.bars.start] >= s.start));
    }

    #[test]
    fn warm_up_stops_at_the_first_bar() {
        let session = Session { start: 0, bars: 20..40 };
        assert_eq!(session.warm_up(30), 0..20);
        assert_eq!(session.warm_up(5), 15..20);
    }
}
