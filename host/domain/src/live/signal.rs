//! A signal from the moment it was given until it is archived.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::documents::{Collection, Record};
use crate::hash::{ContentHash, ContentHasher};
use crate::instrument::{Instrument, InstrumentRules};
use crate::risk::RiskParams;
use crate::signal::{Signal, SignalState, SignalType};
use crate::timeframe::{Timeframe, UnixMillis};

/// A signal that a strategy gave on a closed bar.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LiveSignal {
    /// Derives from namespace, strategy, instrument, timeframe and bar close: see [`signal_id`].
    pub signal_id: String,
    /// What became of it.
    pub status: SignalState,
    /// The account it is meant for.
    pub account_id: String,
    /// The strategy that gave it.
    pub strategy_id: String,
    /// The version that was active at the close.
    pub strategy_version: ContentHash,
    /// Lower numbers go first at the gate.
    pub priority: u32,
    /// Where the candles come from, and what it is about.
    #[serde(flatten)]
    pub instrument: Instrument,
    /// Length of the candles.
    pub timeframe: Timeframe,
    /// When its bar closed.
    pub close_time: UnixMillis,
    /// The advice.
    pub signal_type: SignalType,
    /// What the strategy recognised.
    pub pattern_name: String,
    /// How sure it was, 0..=100.
    pub confidence: f64,
    /// Why.
    pub reasons: Vec<String>,
    /// What spoke against it.
    pub warnings: Vec<String>,
    /// Price to sell at a loss, in quote currency.
    pub stop_loss: Option<f64>,
    /// Price to sell at a profit, in quote currency.
    pub take_profit: Option<f64>,
    /// Bars for which it may be acted on, where the strategy said so.
    pub valid_bars: Option<u32>,
    /// Close of its bar, in quote currency.
    pub price: f64,
    /// Volume of its bar, in base units.
    pub volume: f64,
    /// Aggressive buys minus sells of its bar, in base units, where the source tells.
    pub volume_delta: Option<f64>,
    /// Order-book imbalance at its close, where the source tells.
    pub imbalance: Option<f64>,
    /// How its strategy may trade.
    pub risk_params: RiskParams,
    /// How orders on the instrument are rounded.
    pub rules: InstrumentRules,
    /// From when it may no longer be acted on.
    pub expiration_at: UnixMillis,
    /// The rule that turned it away, with its numbers, where one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejection: Option<RejectedBy>,
}

/// The rule of the gate that turned a signal away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectedBy {
    /// Its name, as tables hold it.
    pub reason: String,
    /// The rule with its numbers.
    pub detail: String,
}

impl LiveSignal {
    /// Returns the advice as the gate takes it; its bar is of no meaning outside a series.
    #[must_use]
    pub const fn advice(&self) -> Signal {
        Signal {
            bar: 0,
            signal_type: self.signal_type,
            pattern: 0,
            confidence: self.confidence,
            reasons: 0,
            warnings: 0,
            stop_loss: self.stop_loss,
            take_profit: self.take_profit,
            valid_bars: self.valid_bars,
        }
    }

    /// Returns the order in which the gate takes the signals of one close.
    #[must_use]
    pub fn rank(&self) -> (u32, &str, &Instrument) {
        (self.priority, &self.strategy_id, &self.instrument)
    }
}

impl Record for LiveSignal {
    const COLLECTION: Collection = Collection::LiveSignals;

    fn id(&self) -> String {
        self.signal_id.clone()
    }
}

/// A signal that the gate turned away, as it waits for its archive.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RejectedSignal {
    /// The signal.
    #[serde(flatten)]
    pub signal: LiveSignal,
    /// What would have been bought, had the gate let it through; `None` when that could not be reckoned.
    pub quantity: Option<Decimal>,
}

impl Record for RejectedSignal {
    const COLLECTION: Collection = Collection::RejectedSignals;

    fn id(&self) -> String {
        self.signal.signal_id.clone()
    }
}

/// Returns the identity of the signal of a strategy on one bar. The version is left out, so that neither a change of
/// config nor a late event trades one bar twice. `namespace` names environment, account and, in simulated time, run.
#[must_use]
pub fn signal_id(
    namespace: &str,
    strategy_id: &str,
    instrument: &Instrument,
    timeframe: Timeframe,
    close_time: UnixMillis,
) -> String {
    let hasher = ContentHasher::new("signal").text(namespace).text(strategy_id);
    let hasher = hasher.text(instrument.exchange.as_str()).text(&instrument.symbol.to_string());
    hasher.text(timeframe.as_str()).integers(&[close_time]).finish().to_string()
}
