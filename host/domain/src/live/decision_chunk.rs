//! The decisions of one bar close, recorded so that each can be taken again.

use serde::{Deserialize, Serialize};

use crate::documents::{Collection, Record};
use crate::hash::{ContentHash, ContentHasher};
use crate::instrument::Instrument;
use crate::timeframe::{Timeframe, UnixMillis};

/// The decisions of one shard at one bar close. One document for all of them: ten thousand a close would be too many.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DecisionChunk {
    /// Environment, account and, in simulated time, run.
    pub namespace: String,
    /// When the bars closed.
    pub close_time: UnixMillis,
    /// Which part of the evaluations, from 0.
    pub shard: u32,
    /// Of how many.
    pub shards: u32,
    /// When they were taken; 0 in chunks that do not say it.
    #[serde(default)]
    pub decided_at: UnixMillis,
    /// The engine that ran them; fuel can be compared only within one.
    pub engine_version: String,
    /// The decisions, by strategy and instrument.
    pub decided: Vec<Decided>,
    /// Whether they stand in the warehouse.
    pub archived: bool,
}

/// One decision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decided {
    /// The strategy.
    pub strategy_id: String,
    /// Its version at the close.
    pub version: ContentHash,
    /// Hash of the component's bytes.
    pub component_hash: ContentHash,
    /// Hash of its config.
    pub config_hash: ContentHash,
    /// Where the candles come from, and of what they are.
    #[serde(flatten)]
    pub instrument: Instrument,
    /// Length of the candles.
    pub timeframe: Timeframe,
    /// Revision of the session's candles that it was shown.
    pub revision: u32,
    /// Bars it was shown before the session, whose signals were dropped.
    #[serde(default)]
    pub warm_up_bars: u32,
    /// Bars of the session it was shown, the decided one included; 0 when it could not be shown any.
    #[serde(default)]
    pub session_bars: u32,
    /// Hash of all that it was shown.
    pub input_hash: ContentHash,
    /// Fuel it used.
    pub fuel: u64,
    /// Hash of what it said.
    pub output_hash: ContentHash,
    /// The signal it gave, if any.
    pub signal_id: Option<String>,
    /// Why it could not decide, if so: a limit, a crash, a missing candle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

impl Decided {
    /// Returns the identity of the decision on the bar that closed at `close_time`. As with a signal, the version is left
    /// out.
    #[must_use]
    pub fn id(&self, namespace: &str, close_time: UnixMillis) -> String {
        let hasher = ContentHasher::new("decision").text(namespace).text(&self.strategy_id);
        let hasher = hasher.text(self.instrument.exchange.as_str()).text(&self.instrument.symbol.to_string());
        hasher.text(self.timeframe.as_str()).integers(&[close_time]).finish().to_string()
    }
}

impl DecisionChunk {
    /// Returns the name of a shard's chunk.
    #[must_use]
    pub fn id_of(namespace: &str, close_time: UnixMillis, shard: u32) -> String {
        format!("{namespace}|{close_time}|{shard:04}")
    }
}

impl Record for DecisionChunk {
    const COLLECTION: Collection = Collection::Decisions;

    fn id(&self) -> String {
        Self::id_of(&self.namespace, self.close_time, self.shard)
    }
}
