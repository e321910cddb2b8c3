//! The broker's clock: a time, and which side of the opens of that time it is on.

use std::fmt;

use sentinel_domain::candles::format_time;
use sentinel_domain::timeframe::UnixMillis;
use serde::{Deserialize, Serialize};

/// What has happened at a time: candles close before others open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Candles that end at the time have closed; those that begin at it have not opened yet. Orders that come now fill
    /// at those opens.
    #[default]
    Close,
    /// Candles that begin at the time have opened. A stop that comes now rests from the first tick of its candle on.
    Open,
}

/// A reading of the broker's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Moment {
    /// Unix milliseconds.
    pub time: UnixMillis,
    /// Before or after the opens of this time.
    pub phase: Phase,
}

impl Moment {
    /// Returns the moment at which the candles that end at `time` have closed.
    #[must_use]
    pub const fn at_close(time: UnixMillis) -> Self {
        Self { time, phase: Phase::Close }
    }

    /// Returns the moment at which the candles that begin at `time` have opened.
    #[must_use]
    pub const fn at_open(time: UnixMillis) -> Self {
        Self { time, phase: Phase::Open }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let phase = match self.phase {
            Phase::Close => "close",
            Phase::Open => "open",
        };
        write!(f, "{} ({phase})", format_time(self.time))
    }
}
