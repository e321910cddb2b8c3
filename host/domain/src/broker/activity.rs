//! What happened on the account: fills, fees and the rest.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::BrokerOrderId;
use crate::fill::Side;
use crate::timeframe::UnixMillis;

/// One entry of the account's journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "activity_type", rename_all = "snake_case")]
pub enum Activity {
    /// An order met another.
    Fill(FillActivity),
    /// A fee of trading crypto, posted at the end of the day.
    CryptoFee(CryptoFee),
    /// Anything else, such as a deposit.
    Other(OtherActivity),
}

/// A fill. The symbol is the broker's text: some name it with a slash and some without.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FillActivity {
    /// The broker's id of the entry; also the token of the page behind it.
    pub id: String,
    /// The order.
    pub order_id: BrokerOrderId,
    /// What was traded.
    pub symbol: String,
    /// Bought or sold.
    pub side: Side,
    /// Base units of this fill, before fees.
    pub quantity: Decimal,
    /// Price in quote currency; 0 where the broker does not tell yet.
    pub price: Decimal,
    /// Filled of the order up to this fill.
    pub quantity_cumulative: Decimal,
    /// Left of the order.
    pub quantity_left: Decimal,
    /// Whether something was left.
    pub is_partial: bool,
    /// When, in Unix milliseconds.
    pub time: UnixMillis,
}

/// A fee as it was charged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CryptoFee {
    /// The broker's id of the entry.
    pub id: String,
    /// Midnight of the day it is for, in Unix milliseconds.
    pub date: UnixMillis,
    /// The pair, in the broker's text.
    pub symbol: Option<String>,
    /// Change of the coins held: below 0 where the fee was taken in coins.
    pub quantity: Decimal,
    /// Change of the cash: below 0 where the fee was taken from it.
    pub net_amount: Decimal,
    /// The price at which coins are valued.
    pub price: Option<Decimal>,
    /// The order, where the broker tells.
    pub order_id: Option<BrokerOrderId>,
}

impl CryptoFee {
    /// Returns the fee in quote currency, above 0; `None` for coins without a price.
    #[must_use]
    pub fn value(&self) -> Option<Decimal> {
        let coins = if self.quantity.is_zero() { Decimal::ZERO } else { self.quantity * self.price? };
        Some(crate::money::round_money(-coins - self.net_amount))
    }
}

/// Any other entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherActivity {
    /// The broker's id of the entry.
    pub id: String,
    /// The broker's word for what it is.
    pub kind: String,
    /// Midnight of the day it is for, in Unix milliseconds.
    pub date: Option<UnixMillis>,
    /// Change of the cash.
    pub net_amount: Decimal,
}

impl Activity {
    /// Returns the broker's id of the entry.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Fill(fill) => &fill.id,
            Self::CryptoFee(fee) => &fee.id,
            Self::Other(other) => &other.id,
        }
    }
}

/// A kind of activity to ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ActivityKind {
    /// Fills.
    Fill,
    /// Fees of trading crypto.
    CryptoFee,
    /// Other fees.
    Fee,
}

impl ActivityKind {
    /// Returns the broker's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fill => "FILL",
            Self::CryptoFee => "CFEE",
            Self::Fee => "FEE",
        }
    }
}

/// The order of time in which a list comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// Oldest first.
    #[default]
    Ascending,
    /// Newest first.
    Descending,
}

/// Which activities to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ActivityQuery {
    /// Only these kinds; all when empty.
    pub kinds: Vec<ActivityKind>,
    /// Only those after this moment.
    pub after: Option<UnixMillis>,
    /// Only those before this moment.
    pub until: Option<UnixMillis>,
    /// In which order of time.
    pub direction: Direction,
    /// Entries in a page, up to 100; 100 without it.
    pub page_size: Option<usize>,
    /// Where the page before ended.
    pub page_token: Option<String>,
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// What to ask the next page with; `None` on the last.
    pub next: Option<String>,
}
