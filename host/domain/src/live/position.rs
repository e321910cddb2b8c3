//! A position from the order intent to the archive.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::broker::BrokerOrderId;
use crate::documents::{Collection, Record};
use crate::gate::{EntryIntent, Holding};
use crate::hash::{ContentHash, ContentHasher};
use crate::instrument::{Instrument, InstrumentRules};
use crate::live::Lane;
use crate::position::{Fill, Position, PositionState};
use crate::risk::{ExitPlan, RiskParams};
use crate::timeframe::{Timeframe, UnixMillis};
use crate::trade::ExitReason;

/// A position of one strategy in one instrument.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LivePosition {
    /// Derives from the signal that asked for it.
    pub position_id: String,
    /// That signal.
    pub signal_id: String,
    /// The account that holds it.
    pub account_id: String,
    /// The strategy that owns it.
    pub strategy_id: String,
    /// The version whose signal opened it.
    pub strategy_version: ContentHash,
    /// Where the candles come from, and what is held.
    #[serde(flatten)]
    pub instrument: Instrument,
    /// Length of the candles that its strategy is shown.
    pub timeframe: Timeframe,
    /// Where it is in its life, as queries ask for it.
    pub status: PositionStatus,
    /// Its fills, folded.
    pub position: Position,
    /// The entry as the gate decided it.
    pub intent: EntryIntent,
    /// The close the entry was decided on, in quote currency.
    pub signal_price: f64,
    /// When the signal's bar closed.
    pub signal_time: UnixMillis,
    /// How sure the strategy was, 0..=100.
    pub confidence: f64,
    /// What it recognised.
    pub pattern_name: String,
    /// How orders on the instrument are rounded.
    pub rules: InstrumentRules,
    /// How it may be got rid of without the strategy's say, as its version said at the entry.
    pub risk_params: RiskParams,
    /// The plan, made when the entry was filled.
    pub plan: Option<ExitPlan>,
    /// The highest of the entry fill and the closes since, for the trailing stop, in quote currency.
    pub best_close: Option<f64>,
    /// Candles that closed by then have been looked at.
    pub watched_until: UnixMillis,
    /// Every order it gave rise to, in the order in which they were decided.
    pub orders: Vec<LiveOrder>,
    /// Average price of the entry's fills, in quote currency.
    pub entry_fill_price: Option<Decimal>,
    /// Stop that rests at the broker, in quote currency.
    pub current_stop: Option<Decimal>,
    /// When the entry was filled.
    pub entry_time: Option<UnixMillis>,
    /// When the exit was filled.
    pub exit_time: Option<UnixMillis>,
    /// Why it was closed, or is being closed.
    pub exit_reason: Option<ExitReason>,
    /// Whether its trade stands in the warehouse.
    pub archived: bool,
}

/// Where a position is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PositionStatus {
    /// Its entry is not filled yet.
    Pending,
    /// Bought.
    Open,
    /// Being sold.
    Closing,
    /// Sold.
    Closed,
    /// Its entry died without a fill.
    Abandoned,
}

impl PositionStatus {
    /// Returns the name as documents hold it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Open => "OPEN",
            Self::Closing => "CLOSING",
            Self::Closed => "CLOSED",
            Self::Abandoned => "ABANDONED",
        }
    }

    /// The states in which there is something to look after.
    pub const ALIVE: [Self; 3] = [Self::Pending, Self::Open, Self::Closing];
}

impl From<PositionState> for PositionStatus {
    fn from(state: PositionState) -> Self {
        match state {
            PositionState::Pending => Self::Pending,
            PositionState::Open => Self::Open,
            PositionState::Closing(_) => Self::Closing,
            PositionState::Closed(_) => Self::Closed,
            PositionState::Abandoned => Self::Abandoned,
        }
    }
}

/// An order of a position: decided and kept before it is sent, so that a retry sends this very order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LiveOrder {
    /// The id that the broker knows it by, too.
    pub client_order_id: String,
    /// What it is for.
    pub purpose: OrderPurpose,
    /// Base units.
    pub quantity: Decimal,
    /// The price it was decided on, in quote currency: a close, or a stop.
    pub reference: Decimal,
    /// Since when.
    pub decided_at: UnixMillis,
    /// The broker's own id, once the broker is known to have it.
    pub broker_order_id: Option<BrokerOrderId>,
    /// Whether nothing more can come of it.
    pub done: bool,
    /// Its fills as they were folded, by the broker's ids.
    pub legs: Vec<Leg>,
    /// What the broker said when it would not have it, or what is odd about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

/// What an order is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderPurpose {
    /// Buys.
    Entry,
    /// Rests at the broker and sells at a loss.
    Stop {
        /// Price at which it wakes.
        stop_price: Decimal,
        /// Price below which it does not sell.
        limit_price: Decimal,
    },
    /// Sells at market.
    Exit,
}

/// One fill.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Leg {
    /// The broker's id of it.
    pub activity_id: String,
    /// The fill as it was folded.
    pub fill: Fill,
}

impl LivePosition {
    /// Returns the identity of the position that a signal asks for.
    #[must_use]
    pub fn id_of(signal_id: &str) -> String {
        ContentHasher::new("position").text(signal_id).finish().to_string()
    }

    /// Returns the id of its next order: `entry-…-1`, `stop-…-2`.
    #[must_use]
    pub fn next_client_order_id(&self, purpose: OrderPurpose) -> String {
        let word = match purpose {
            OrderPurpose::Entry => "entry",
            OrderPurpose::Stop { .. } => "stop",
            OrderPurpose::Exit => "exit",
        };
        format!("{word}-{}-{}", self.position_id, self.orders.len() + 1)
    }

    /// Returns its place among the positions of an account, that of its signals at the gate.
    #[must_use]
    pub fn rank(&self) -> (u32, &str, &Instrument) {
        (self.risk_params.priority, &self.strategy_id, &self.instrument)
    }

    /// Returns the lane it occupies.
    #[must_use]
    pub fn lane(&self) -> Lane<'_> {
        Lane { strategy_id: &self.strategy_id, instrument: &self.instrument, timeframe: self.timeframe }
    }

    /// Returns what the gate may know of it.
    #[must_use]
    pub const fn holding(&self) -> Holding {
        match self.status {
            PositionStatus::Pending => Holding::Pending,
            PositionStatus::Open => Holding::Open,
            PositionStatus::Closing => Holding::Closing,
            PositionStatus::Closed | PositionStatus::Abandoned => Holding::Flat,
        }
    }

    /// Returns the orders of which something may still come.
    pub fn orders_alive(&self) -> impl Iterator<Item = &LiveOrder> {
        self.orders.iter().filter(|order| !order.done)
    }

    /// Returns the stop that rests at the broker, or is on its way there.
    #[must_use]
    pub fn resting_stop(&self) -> Option<&LiveOrder> {
        self.orders_alive().find(|order| matches!(order.purpose, OrderPurpose::Stop { .. }))
    }

    /// Keeps the fields that queries and people ask for in step with the folded fills.
    pub fn refresh(&mut self) {
        let state = self.position.state();
        self.status = state.into();
        let bought = self.position.bought();
        if !bought.quantity.is_zero() {
            self.entry_fill_price = Some(bought.price);
            self.entry_time = Some(bought.time);
        }
        match state {
            PositionState::Closing(reason) => self.exit_reason = Some(reason),
            PositionState::Closed(reason) => {
                self.exit_reason = Some(reason);
                self.exit_time = Some(self.position.sold().time);
                self.current_stop = None;
            }
            PositionState::Pending | PositionState::Open | PositionState::Abandoned => {}
        }
    }
}

impl Record for LivePosition {
    const COLLECTION: Collection = Collection::LivePositions;

    fn id(&self) -> String {
        self.position_id.clone()
    }
}
