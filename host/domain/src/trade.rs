//! What a closed position leaves behind: one row of `fact_trades`.

use std::fmt;
use std::sync::Arc;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::instrument::Instrument;
use crate::timeframe::{Timeframe, UnixMillis};

/// Why a position was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExitReason {
    /// The resting stop was hit.
    Stop,
    /// The target was reached at a close.
    Target,
    /// The price fell back from its best close by the trailing distance.
    Trailing,
    /// The position was held for as long as allowed.
    Time,
    /// The strategy said sell.
    Signal,
    /// A person closed it.
    Manual,
}

impl ExitReason {
    /// Returns the name as tables hold it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Target => "target",
            Self::Trailing => "trailing",
            Self::Time => "time",
            Self::Signal => "signal",
            Self::Manual => "manual",
        }
    }
}

impl fmt::Display for ExitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A closed long position. Prices and sums in quote currency, quantities in base units, times in Unix milliseconds.
#[derive(Debug, Clone, PartialEq)]
pub struct Trade {
    /// Index of the strategy run that owned it.
    pub strategy: usize,
    /// What was traded.
    pub instrument: Arc<Instrument>,
    /// The candles it was decided on.
    pub timeframe: Timeframe,
    /// Close of the bar whose signal opened it.
    pub signal_time: UnixMillis,
    /// Confidence of that signal, 0..=100.
    pub confidence: f64,
    /// Pattern of that signal, by index into the manifest.
    pub pattern: u32,
    /// When the entry was filled.
    pub entry_time: UnixMillis,
    /// The price the entry was filled at.
    pub entry_fill_price: Decimal,
    /// When the exit was filled.
    pub exit_time: UnixMillis,
    /// The price the exit was filled at.
    pub exit_fill_price: Decimal,
    /// Why it was closed.
    pub exit_reason: ExitReason,
    /// The quantity sold.
    pub quantity: Decimal,
    /// Fees of both sides, valued in quote currency.
    pub fees_usd: Decimal,
    /// Profit after fees.
    pub pnl_usd: Decimal,
    /// Profit after fees per cent of what the entry cost.
    pub pnl_pct: f64,
    /// Fill against reference price, both sides together, per cent; above 0 is against the trader.
    pub slippage_pct: f64,
    /// Best price seen while held, per cent above the entry fill; 0 or more.
    pub max_favorable_excursion: f64,
    /// Worst price seen while held, per cent below the entry fill; 0 or less.
    pub max_adverse_excursion: f64,
    /// Bars of the strategy's timeframe from entry to exit.
    pub bars_held: u32,
}
