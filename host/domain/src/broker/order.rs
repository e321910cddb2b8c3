//! Orders: what is asked for, and what the broker made of it.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::Direction;
use crate::fill::{RestingStop, Side};
use crate::instrument::Symbol;
use crate::timeframe::UnixMillis;

/// The id of an order that we gave it: 1 to 128 visible ASCII characters, derived from the decision behind it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClientOrderId(String);

/// A text that the broker takes for no id.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("\"{0}\" is no client order id: use 1 to 128 visible ASCII characters")]
pub struct InvalidClientOrderId(String);

impl ClientOrderId {
    /// The most characters a broker takes.
    pub const LENGTH_MAX: usize = 128;

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ClientOrderId {
    type Err = InvalidClientOrderId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = (1..=Self::LENGTH_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidClientOrderId(text.to_owned())) }
    }
}

impl TryFrom<String> for ClientOrderId {
    type Error = InvalidClientOrderId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<ClientOrderId> for String {
    fn from(id: ClientOrderId) -> Self {
        id.0
    }
}

impl fmt::Display for ClientOrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// The id of an order that the broker gave it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BrokerOrderId(pub String);

impl fmt::Display for BrokerOrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// How much to trade.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderSize {
    /// Base units.
    Quantity(Decimal),
    /// A sum in quote currency.
    Notional(Decimal),
}

/// At what price to trade. Prices in quote currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum OrderKind {
    /// At whatever price there is.
    Market,
    /// At the limit price or better.
    Limit {
        /// The worst price.
        limit_price: Decimal,
    },
    /// Becomes a limit order once the stop price is reached.
    StopLimit {
        /// The price at which it wakes.
        stop_price: Decimal,
        /// The worst price once awake.
        limit_price: Decimal,
    },
}

impl OrderKind {
    /// Returns the broker's name of the kind.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Market => "market",
            Self::Limit { .. } => "limit",
            Self::StopLimit { .. } => "stop_limit",
        }
    }

    /// Returns the worst price, if there is one.
    #[must_use]
    pub const fn limit_price(&self) -> Option<Decimal> {
        match self {
            Self::Market => None,
            Self::Limit { limit_price } | Self::StopLimit { limit_price, .. } => Some(*limit_price),
        }
    }

    /// Returns the price at which it wakes, if it sleeps.
    #[must_use]
    pub const fn stop_price(&self) -> Option<Decimal> {
        match self {
            Self::Market | Self::Limit { .. } => None,
            Self::StopLimit { stop_price, .. } => Some(*stop_price),
        }
    }
}

impl From<RestingStop> for OrderKind {
    fn from(stop: RestingStop) -> Self {
        Self::StopLimit { stop_price: stop.stop_price, limit_price: stop.limit_price }
    }
}

/// How long an order lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeInForce {
    /// Until it is filled or taken back.
    #[default]
    Gtc,
    /// What cannot be filled at once is taken back.
    Ioc,
}

/// An order as it is asked for: the whole intent, kept before it is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderRequest {
    /// Our id of it.
    pub client_order_id: ClientOrderId,
    /// What to trade.
    pub symbol: Symbol,
    /// Buy or sell.
    pub side: Side,
    /// How much.
    pub size: OrderSize,
    /// At what price.
    pub kind: OrderKind,
    /// For how long.
    pub time_in_force: TimeInForce,
}

/// Where an order is in its life, in the broker's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the broker's own words, in the order of its documentation")]
pub enum BrokerOrderStatus {
    New,
    PartiallyFilled,
    Filled,
    DoneForDay,
    Canceled,
    Expired,
    Replaced,
    PendingCancel,
    PendingReplace,
    Accepted,
    PendingNew,
    AcceptedForBidding,
    Stopped,
    Rejected,
    Suspended,
    Calculated,
    Held,
}

/// What a status means for whoever waits for the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderState {
    /// More may be filled.
    Working,
    /// All of it was filled.
    Filled,
    /// Nothing more will be filled; some of it may have been.
    Dead,
}

/// A status that is not among those documented.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("\"{0}\" is no order status")]
pub struct UnknownStatus(pub String);

impl BrokerOrderStatus {
    /// Every status.
    pub const ALL: [Self; 17] = [
        Self::New,
        Self::PartiallyFilled,
        Self::Filled,
        Self::DoneForDay,
        Self::Canceled,
        Self::Expired,
        Self::Replaced,
        Self::PendingCancel,
        Self::PendingReplace,
        Self::Accepted,
        Self::PendingNew,
        Self::AcceptedForBidding,
        Self::Stopped,
        Self::Rejected,
        Self::Suspended,
        Self::Calculated,
        Self::Held,
    ];

    /// Returns the broker's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::PartiallyFilled => "partially_filled",
            Self::Filled => "filled",
            Self::DoneForDay => "done_for_day",
            Self::Canceled => "canceled",
            Self::Expired => "expired",
            Self::Replaced => "replaced",
            Self::PendingCancel => "pending_cancel",
            Self::PendingReplace => "pending_replace",
            Self::Accepted => "accepted",
            Self::PendingNew => "pending_new",
            Self::AcceptedForBidding => "accepted_for_bidding",
            Self::Stopped => "stopped",
            Self::Rejected => "rejected",
            Self::Suspended => "suspended",
            Self::Calculated => "calculated",
            Self::Held => "held",
        }
    }

    /// Returns what it means.
    #[must_use]
    pub const fn state(self) -> OrderState {
        match self {
            Self::Filled => OrderState::Filled,
            Self::Canceled | Self::Expired | Self::Replaced | Self::Rejected => OrderState::Dead,
            Self::New
            | Self::PartiallyFilled
            | Self::DoneForDay
            | Self::PendingCancel
            | Self::PendingReplace
            | Self::Accepted
            | Self::PendingNew
            | Self::AcceptedForBidding
            | Self::Stopped
            | Self::Suspended
            | Self::Calculated
            | Self::Held => OrderState::Working,
        }
    }
}

impl FromStr for BrokerOrderStatus {
    type Err = UnknownStatus;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|status| status.as_str() == text).ok_or_else(|| UnknownStatus(text.to_owned()))
    }
}

/// An order as the broker knows it. Times in Unix milliseconds, prices in quote currency, quantities in base units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrokerOrder {
    /// The broker's id.
    pub id: BrokerOrderId,
    /// What was asked for. The id is the broker's where an order was not made by us.
    pub request: OrderRequest,
    /// Where it is in its life.
    pub status: BrokerOrderStatus,
    /// Filled so far, before fees.
    pub filled_quantity: Decimal,
    /// Average price of what was filled; `None` also where the broker does not tell yet.
    pub filled_avg_price: Option<Decimal>,
    /// When the broker took it.
    pub submitted_at: UnixMillis,
    /// When it last changed.
    pub updated_at: UnixMillis,
    /// When it was last filled.
    pub filled_at: Option<UnixMillis>,
    /// When it was taken back.
    pub canceled_at: Option<UnixMillis>,
    /// When it ran out.
    pub expired_at: Option<UnixMillis>,
    /// When the broker turned it away.
    pub failed_at: Option<UnixMillis>,
}

impl BrokerOrder {
    /// Returns the names of the fields in which the order differs from `request`; none means that it is that order.
    #[must_use]
    pub fn differences(&self, request: &OrderRequest) -> Vec<&'static str> {
        let mine = &self.request;
        [
            ("client_order_id", mine.client_order_id == request.client_order_id),
            ("symbol", mine.symbol == request.symbol),
            ("side", mine.side == request.side),
            ("size", mine.size == request.size),
            ("type and prices", mine.kind == request.kind),
            ("time_in_force", mine.time_in_force == request.time_in_force),
        ]
        .into_iter()
        .filter_map(|(field, is_same)| (!is_same).then_some(field))
        .collect()
    }
}

/// Which orders to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrderQuery {
    /// Only those that work (`true`) or are over (`false`); all without it.
    pub working: Option<bool>,
    /// Only these symbols; all when empty.
    pub symbols: Vec<Symbol>,
    /// Only one side.
    pub side: Option<Side>,
    /// Only those submitted after this moment.
    pub after: Option<UnixMillis>,
    /// Only those submitted at or before this moment.
    pub until: Option<UnixMillis>,
    /// In which order of time.
    pub direction: Direction,
    /// At most so many; all without it.
    pub limit: Option<usize>,
}

#[cfg(test)]
mod tests {
    use rust_decimal::dec;

    use super::*;

    fn request() -> OrderRequest {
        OrderRequest {
            client_order_id: "one".parse().unwrap(),
            symbol: "BTC/USD".parse().unwrap(),
            side: Side::Buy,
            size: OrderSize::Quantity(dec!(1)),
            kind: OrderKind::Market,
            time_in_force: TimeInForce::Gtc,
        }
    }

    #[test]
    fn ids_are_what_a_broker_takes() {
        assert!("a".repeat(128).parse::<ClientOrderId>().is_ok());
        for bad in ["", "with space", "ümlaut", &"a".repeat(129)] {
            assert!(bad.parse::<ClientOrderId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn every_status_is_read_back() {
        for status in BrokerOrderStatus::ALL {
            assert_eq!(status.as_str().parse(), Ok(status));
            assert_eq!(serde_json::to_string(&status).unwrap(), format!("\"{}\"", status.as_str()));
        }
    }

    #[test]
    fn another_order_under_the_same_id_is_told_by_its_fields() {
        let order = BrokerOrder {
            id: BrokerOrderId("1".to_owned()),
            request: request(),
            status: BrokerOrderStatus::New,
            filled_quantity: dec!(0),
            filled_avg_price: None,
            submitted_at: 0,
            updated_at: 0,
            filled_at: None,
            canceled_at: None,
            expired_at: None,
            failed_at: None,
        };
        let same = OrderRequest { size: OrderSize::Quantity(dec!(1.000)), ..request() };
        assert!(order.differences(&same).is_empty());
        let other = OrderRequest { size: OrderSize::Notional(dec!(1)), side: Side::Sell, ..request() };
        assert_eq!(order.differences(&other), ["side", "size"]);
    }
}
