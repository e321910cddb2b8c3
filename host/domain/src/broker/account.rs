//! The account and what it holds.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::instrument::{InstrumentRules, Symbol};
use crate::timeframe::{Timeframe, UnixMillis};

/// The account at one moment. Sums in its currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountState {
    /// The broker's id of it.
    pub id: String,
    /// The currency of all sums, such as `USD`.
    pub currency: String,
    /// Cash, what open orders reserve included.
    pub cash: Decimal,
    /// Cash and positions at their last price.
    pub equity: Decimal,
    /// Equity at the end of the day before.
    pub last_equity: Decimal,
    /// What may be spent on new orders.
    pub buying_power: Decimal,
    /// Positions at their last price.
    pub long_market_value: Decimal,
    /// Margin that positions bind.
    pub initial_margin: Decimal,
    /// Margin below which positions are closed.
    pub maintenance_margin: Decimal,
    /// Fees charged that are not posted yet.
    pub accrued_fees: Decimal,
    /// Whether the broker takes no orders.
    pub trading_blocked: bool,
    /// When it was opened, in Unix milliseconds.
    pub created_at: UnixMillis,
}

/// A position at the broker. Prices and sums in quote currency, quantities in base units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrokerPosition {
    /// What is held.
    pub symbol: Symbol,
    /// How much; above 0 is long.
    pub quantity: Decimal,
    /// Of this, what no open order is about to sell.
    pub quantity_available: Decimal,
    /// Average price of the fills that opened it.
    pub entry_price_avg: Decimal,
    /// What it cost.
    pub cost_basis: Decimal,
    /// What it is worth; `None` without a price.
    pub market_value: Option<Decimal>,
    /// The last price; `None` without one.
    pub current_price: Option<Decimal>,
    /// Market value less cost.
    pub unrealized_pnl: Option<Decimal>,
}

/// What the broker says of a symbol.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrokerAsset {
    /// The broker's id of it.
    pub id: String,
    /// The symbol.
    pub symbol: Symbol,
    /// What people call it.
    pub name: String,
    /// How orders are rounded and whether any are taken. The smallest value of an order is the broker's default where
    /// it does not publish one.
    pub rules: InstrumentRules,
}

/// Which equity over time to ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HistoryQuery {
    /// The length of a point: one of 1m, 5m, 15m, 1h, 1d.
    pub timeframe: Timeframe,
    /// The first moment; the broker's default without it.
    pub from: Option<UnixMillis>,
    /// The last moment; now without it.
    pub to: Option<UnixMillis>,
}

/// Equity over time; columns of equal length, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PortfolioHistory {
    /// When each window opened, in Unix milliseconds.
    pub open_time: Vec<UnixMillis>,
    /// Equity at the end of each window; `None` where the broker knows none.
    pub equity: Vec<Option<Decimal>>,
    /// Profit or loss of each window against the base.
    pub profit_loss: Vec<Option<Decimal>>,
    /// What profit and loss are reckoned from.
    pub base_value: Option<Decimal>,
}
