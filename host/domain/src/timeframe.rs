//! The length of a candle and where candles begin.

use chrono::{DateTime, NaiveDate, Utc};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Milliseconds since 1970-01-01T00:00:00Z: how times are kept in columns.
pub type UnixMillis = i64;

/// Returns a moment as tables hold it.
#[must_use]
pub fn utc(time: UnixMillis) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(time).unwrap_or(DateTime::UNIX_EPOCH)
}

/// Returns the UTC date of a moment.
#[must_use]
pub fn date_of(time: UnixMillis) -> NaiveDate {
    utc(time).date_naive()
}

/// The length of a candle. All candles open at whole multiples of their length since midnight UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Timeframe {
    /// One minute.
    #[serde(rename = "1m")]
    M1,
    /// Five minutes.
    #[serde(rename = "5m")]
    M5,
    /// Fifteen minutes.
    #[serde(rename = "15m")]
    M15,
    /// One hour.
    #[serde(rename = "1h")]
    H1,
    /// Four hours, opening at 00:00, 04:00, … UTC.
    #[serde(rename = "4h")]
    H4,
    /// One day, opening at 00:00 UTC.
    #[serde(rename = "1d")]
    D1,
}

impl Timeframe {
    /// Every timeframe, finest first.
    pub const ALL: [Self; 6] = [Self::M1, Self::M5, Self::M15, Self::H1, Self::H4, Self::D1];

    /// Returns the length in milliseconds.
    #[must_use]
    pub const fn millis(self) -> i64 {
        const MINUTE: i64 = 60_000;
        match self {
            Self::M1 => MINUTE,
            Self::M5 => 5 * MINUTE,
            Self::M15 => 15 * MINUTE,
            Self::H1 => 60 * MINUTE,
            Self::H4 => 240 * MINUTE,
            Self::D1 => 1_440 * MINUTE,
        }
    }

    /// Returns the name that people write: `1m`, `5m`, `15m`, `1h`, `4h`, `1d`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::M1 => "1m",
            Self::M5 => "5m",
            Self::M15 => "15m",
            Self::H1 => "1h",
            Self::H4 => "4h",
            Self::D1 => "1d",
        }
    }

    /// Returns when a candle that opened at `open_time` closes.
    #[must_use]
    pub const fn close_time(self, open_time: UnixMillis) -> UnixMillis {
        open_time + self.millis()
    }

    /// Returns the opening time of the candle that holds `time`.
    #[must_use]
    pub const fn candle_open(self, time: UnixMillis) -> UnixMillis {
        time - time.rem_euclid(self.millis())
    }

    /// Returns whether a candle of this length may open at `open_time`.
    #[must_use]
    pub const fn is_aligned(self, open_time: UnixMillis) -> bool {
        open_time.rem_euclid(self.millis()) == 0
    }
}

impl fmt::Display for Timeframe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A text that names no timeframe.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("unknown timeframe \"{0}\": use one of 1m, 5m, 15m, 1h, 4h, 1d")]
pub struct UnknownTimeframe(String);

impl FromStr for Timeframe {
    type Err = UnknownTimeframe;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|timeframe| timeframe.as_str() == text)
            .ok_or_else(|| UnknownTimeframe(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for timeframe in Timeframe::ALL {
            assert_eq!(timeframe.as_str().parse(), Ok(timeframe));
        }
    }

    #[test]
    fn unknown_name_lists_what_is_allowed() {
        let error = "2h".parse::<Timeframe>().unwrap_err();
        assert!(error.to_string().contains("1m, 5m, 15m, 1h, 4h, 1d"), "{error}");
    }

    #[test]
    fn candle_open_rounds_down_also_before_1970() {
        assert_eq!(Timeframe::M5.candle_open(299_999), 0);
        assert_eq!(Timeframe::M5.candle_open(-1), -300_000);
    }
}
