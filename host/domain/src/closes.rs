//! The events around the close of candles, as functions tell them to each other.

use serde::{Deserialize, Serialize};

use crate::events::CloudEvent;
use crate::timeframe::UnixMillis;

/// Candles have closed and stand in the hot store; one event for each shard of the evaluations.
pub const CANDLE_CLOSED: &str = "sentinel.candle.closed.v1";
/// All shards of a close have been evaluated.
pub const CLOSE_EVALUATED: &str = "sentinel.close.evaluated.v1";

/// Positions are to be brought up to a moment.
pub const POSITIONS_DUE: &str = "sentinel.positions.due.v1";

/// What a [`CANDLE_CLOSED`] event says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CandleClosed {
    /// When the candles closed, in Unix milliseconds.
    pub close_time: UnixMillis,
    /// Which part of the evaluations, from 0.
    pub shard: u32,
    /// Of how many.
    pub shards: u32,
}

/// What a [`CLOSE_EVALUATED`] event says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CloseEvaluated {
    /// When the candles closed, in Unix milliseconds.
    pub close_time: UnixMillis,
}

/// What a [`POSITIONS_DUE`] event says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PositionsDue {
    /// The moment, in Unix milliseconds.
    pub at: UnixMillis,
}

impl PositionsDue {
    /// Returns the event. `phase` tells several of one moment apart.
    #[must_use]
    pub fn event(&self, phase: &str) -> CloudEvent {
        let data = serde_json::json!({ "at": self.at });
        CloudEvent::new("/scheduler", format!("{}|{phase}", self.at), POSITIONS_DUE).at(self.at).with_data(data)
    }
}

impl CandleClosed {
    /// Returns the event; the same close and shard give the same event.
    #[must_use]
    pub fn event(&self, namespace: &str) -> CloudEvent {
        let id = format!("{namespace}|{}|{}|{}", self.close_time, self.shard, self.shards);
        let data = serde_json::json!({
            "close_time": self.close_time, "shard": self.shard, "shards": self.shards,
        });
        CloudEvent::new("/functions/ingest-candles", id, CANDLE_CLOSED).at(self.close_time).with_data(data)
    }
}

impl CloseEvaluated {
    /// Returns the event; the same close gives the same event.
    #[must_use]
    pub fn event(&self, namespace: &str) -> CloudEvent {
        let id = format!("{namespace}|{}", self.close_time);
        let data = serde_json::json!({ "close_time": self.close_time });
        CloudEvent::new("/functions/evaluate-strategies", id, CLOSE_EVALUATED).at(self.close_time).with_data(data)
    }
}
