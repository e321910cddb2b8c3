//! A strategy's advice on one bar, and what became of it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The advice given on one bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SignalType {
    /// Open a long or keep it, with more conviction.
    StrongBuy,
    /// Open a long or keep it.
    Buy,
    /// No change.
    Neutral,
    /// Close the long.
    Sell,
    /// Close the long, with more conviction.
    StrongSell,
}

impl SignalType {
    /// Returns whether the advice is to be long.
    #[must_use]
    pub const fn is_buy(self) -> bool {
        matches!(self, Self::StrongBuy | Self::Buy)
    }

    /// Returns whether the advice is to be flat.
    #[must_use]
    pub const fn is_sell(self) -> bool {
        matches!(self, Self::Sell | Self::StrongSell)
    }

    /// Returns the name as tables hold it: `STRONG_BUY`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::StrongBuy => "STRONG_BUY",
            Self::Buy => "BUY",
            Self::Neutral => "NEUTRAL",
            Self::Sell => "SELL",
            Self::StrongSell => "STRONG_SELL",
        }
    }
}

impl fmt::Display for SignalType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The advice on one bar as the sandbox lets it out: checked against the manifest and the bar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Signal {
    /// The bar it is about, as a row of the series that was shown.
    pub bar: usize,
    /// The advice.
    pub signal_type: SignalType,
    /// What was recognised: an index into the manifest's patterns.
    pub pattern: u32,
    /// How sure the strategy is, 0..=100.
    pub confidence: f64,
    /// Why: bit i stands for entry i of the manifest's reasons.
    pub reasons: u64,
    /// What speaks against it: bit i stands for entry i of the manifest's warnings.
    pub warnings: u64,
    /// Price to sell at a loss, below the bar's close.
    pub stop_loss: Option<f64>,
    /// Price to sell at a profit, above the bar's close.
    pub take_profit: Option<f64>,
    /// Bars after its own close for which it may be acted on.
    pub valid_bars: Option<u32>,
}

/// Where a signal is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SignalState {
    /// Not looked at yet.
    New,
    /// Became an order.
    Ordered,
    /// Its order opened a position.
    Filled,
    /// Its order died.
    Abandoned,
    /// Turned away by the risk gate.
    Rejected,
    /// Came too late.
    Expired,
    /// Closed a position.
    Consumed,
    /// Asked for what already was.
    NoAction,
}

impl SignalState {
    /// Returns the name that documents and tables hold: `NO_ACTION`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "NEW",
            Self::Ordered => "ORDERED",
            Self::Filled => "FILLED",
            Self::Abandoned => "ABANDONED",
            Self::Rejected => "REJECTED",
            Self::Expired => "EXPIRED",
            Self::Consumed => "CONSUMED",
            Self::NoAction => "NO_ACTION",
        }
    }

    /// Returns whether a signal may go from this state to `next`.
    #[must_use]
    pub const fn may_become(self, next: Self) -> bool {
        match self {
            Self::New => {
                matches!(next, Self::Ordered | Self::Rejected | Self::Expired | Self::Consumed | Self::NoAction)
            }
            Self::Ordered => matches!(next, Self::Filled | Self::Abandoned),
            Self::Filled | Self::Abandoned | Self::Rejected | Self::Expired | Self::Consumed | Self::NoAction => false,
        }
    }
}
