//! What a backtest found: everything that is printed, saved, compared and drawn.
//!
//! A result holds nothing that was measured on a clock, so the same backtest gives the same bytes.

use std::collections::BTreeMap;
use std::sync::Arc;

use rust_decimal::Decimal;
use sentinel_domain::candles::format_time;
use sentinel_domain::fees::FeeSchedule;
use sentinel_domain::fill::FillModel;
use sentinel_domain::hash::ContentHash;
use sentinel_domain::instrument::Instrument;
use sentinel_domain::registry::StrategyVersion;
use sentinel_domain::risk::{AccountLimits, RiskParams};
use sentinel_domain::strategy::Label;
use sentinel_domain::timeframe::{Timeframe, UnixMillis};
use sentinel_domain::trade::Trade;
use serde::{Deserialize, Serialize};

use crate::metrics::{Metrics, daily};
use crate::moments::Moments;

/// A finished backtest.
#[derive(Debug, Clone, PartialEq)]
pub struct BacktestResult {
    /// The strategies that shared the account, in the order given.
    pub strategies: Vec<StrategySummary>,
    /// The candles they ran on.
    pub series: Vec<SeriesSummary>,
    /// What fees, fills and limits were assumed.
    pub assumptions: Assumptions,
    /// Cash at the beginning, in quote currency.
    pub cash_initial: Decimal,
    /// Cash at the end.
    pub cash_final: Decimal,
    /// Cash and open positions at the end, marked at the last close.
    pub equity_final: Decimal,
    /// Filled entries.
    pub entries: usize,
    /// Sum of fees, valued in quote currency.
    pub fees_usd: Decimal,
    /// Sum of what was traded, both sides, in quote currency.
    pub turnover_usd: Decimal,
    /// What became of every signal.
    pub signals: SignalCounts,
    /// Closed positions, by time of exit.
    pub trades: Vec<Trade>,
    /// Positions open at the end.
    pub open_positions: Vec<OpenPosition>,
    /// Signals that were turned away, oldest first; at most [`REJECTED_MAX`] of them are kept, all are counted.
    pub rejected: Vec<RejectedSignal>,
    /// Equity at each close of the finest bars.
    pub equity: EquityCurve,
    /// Statistics over all of it.
    pub metrics: Metrics,
}

/// What a backtest assumes about the account and its broker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assumptions {
    /// What the broker charges.
    pub fees: FeeSchedule,
    /// How far fills are from the prices in the candles.
    pub fill_model: FillModel,
    /// What the account as a whole allows.
    pub limits: AccountLimits,
}

/// Rejected signals kept in a result.
pub const REJECTED_MAX: usize = 10_000;

/// One strategy of a backtest.
#[derive(Debug, Clone, PartialEq)]
pub struct StrategySummary {
    /// The strategy's name.
    pub strategy_id: String,
    /// Idea, when it works, when it fails: what its manifest says.
    pub description: String,
    /// The candles it was shown.
    pub timeframe: Timeframe,
    /// Hash over component and config.
    pub version: ContentHash,
    /// Hash of the component's bytes.
    pub component_hash: ContentHash,
    /// Hash of the config.
    pub config_hash: ContentHash,
    /// Parameters by name, as the user would write them.
    pub parameters: BTreeMap<String, String>,
    /// How it was allowed to trade.
    pub risk: RiskParams,
    /// What the pattern indices of trades mean.
    pub patterns: Vec<Label>,
    /// The row of the registry that it was, where the run was as recorded.
    pub recorded: Option<Arc<StrategyVersion>>,
}

impl StrategySummary {
    /// Returns the name, and of a row of the registry its time.
    #[must_use]
    pub fn title(&self) -> String {
        let Some(row) = &self.recorded else { return self.strategy_id.clone() };
        let until = row.valid_to.map_or_else(String::new, |end| format!(" to {}", format_time(end)));
        let paused = if row.active { "" } else { ", not active" };
        format!("{} version {} (from {}{until}{paused})", row.strategy_id, row.ordinal, format_time(row.valid_from))
    }
}

/// One series of candles of a backtest.
#[derive(Debug, Clone, PartialEq)]
pub struct SeriesSummary {
    /// What was quoted where.
    pub instrument: Instrument,
    /// Length of the candles.
    pub timeframe: Timeframe,
    /// Number of candles, fillers included.
    pub bars: usize,
    /// Candles that were missing in the data.
    pub bars_missing: usize,
    /// How they were handled: `refuse`, `flat` or `skip`.
    pub gaps: String,
    /// First opening time.
    pub from: UnixMillis,
    /// Last closing time.
    pub to: UnixMillis,
    /// Hash over the candles.
    pub data_hash: ContentHash,
}

/// How many signals ended in which state. The states are exclusive and add up to `total`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SignalCounts {
    /// All signals.
    pub total: u64,
    /// Opened a position.
    pub filled: u64,
    /// Closed a position.
    pub consumed: u64,
    /// Asked for what already was: a buy while long, a sell while flat, a neutral.
    pub no_action: u64,
    /// Came too late to be acted on.
    pub expired: u64,
    /// Became an order that died without a fill.
    pub abandoned: u64,
    /// Became an order that still waits at the end of the data.
    pub ordered: u64,
    /// Turned away by the risk gate, by reason.
    pub rejected: BTreeMap<&'static str, u64>,
}

/// A signal that the risk gate turned away.
#[derive(Debug, Clone, PartialEq)]
pub struct RejectedSignal {
    /// Index of the strategy.
    pub strategy: usize,
    /// What it was about.
    pub instrument: Instrument,
    /// Close of its bar.
    pub time: UnixMillis,
    /// Close price of its bar.
    pub price: f64,
    /// Confidence, 0..=100.
    pub confidence: f64,
    /// The name of the rule, as counted in [`SignalCounts::rejected`].
    pub reason: &'static str,
    /// The rule with its numbers.
    pub detail: String,
}

/// A position still open at the end.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenPosition {
    /// Index of the strategy.
    pub strategy: usize,
    /// What is held.
    pub instrument: Instrument,
    /// When the entry was filled.
    pub entry_time: UnixMillis,
    /// The price the entry was filled at.
    pub entry_fill_price: Decimal,
    /// Quantity held, in base units.
    pub quantity: Decimal,
    /// The last close.
    pub mark_price: Decimal,
    /// Profit after the fees paid so far, marked at the last close.
    pub pnl_usd: Decimal,
}

/// Equity over time. Columns of equal length.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EquityCurve {
    /// Close of each bar, in Unix milliseconds UTC.
    pub time: Moments,
    /// Cash and positions marked at that close, in quote currency.
    pub equity: Vec<f64>,
}

impl EquityCurve {
    /// Returns the last equity of each UTC day with the day's number since 1970-01-01. A close at midnight
    /// belongs to the day that just ended.
    #[must_use]
    pub fn daily(&self) -> Vec<(i64, f64)> {
        daily(&self.time, &self.equity)
    }

    /// Returns the loss against the highest equity so far, per cent, 0 or less, for each point; the highest
    /// counts `initial`.
    #[must_use]
    pub fn drawdown_pct(&self, initial: f64) -> Vec<f64> {
        self.equity
            .iter()
            .scan(initial, |peak, equity| {
                *peak = peak.max(*equity);
                Some((equity / *peak - 1.0) * 100.0)
            })
            .collect()
    }
}
