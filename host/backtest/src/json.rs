//! A run as JSON: what `--json` prints, what is saved, and what `sentinel compare` reads back.
//!
//! Money is a decimal string, times are RFC 3339 in UTC, keys always come in the same order, and nothing in it was
//! measured on a clock unless the caller puts [`RunFile::run_seconds`] in: the same backtest gives the same bytes.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use sentinel_domain::candles::format_time;
use sentinel_domain::hash::{ContentHash, ContentHasher};
use sentinel_domain::instrument::{Exchange, Symbol};
use sentinel_domain::money::{MONEY_SCALE, decimal_from_text};
use sentinel_domain::registry::StrategyVersion;
use sentinel_domain::risk::RiskParams;
use sentinel_domain::timeframe::{Timeframe, UnixMillis};
use sentinel_domain::trade::{ExitReason, Trade};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::metrics::Metrics;
use crate::result::{
    Assumptions, BacktestResult, OpenPosition, RejectedSignal, SeriesSummary, SignalCounts, StrategySummary,
};

/// The form of run files that this code writes. A reader refuses a higher number; it is raised when a field
/// changes its meaning, not when one is added.
pub const FORMAT: u32 = 1;

/// A finished backtest as it is written and read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunFile {
    /// [`FORMAT`].
    pub format: u32,
    /// Hash over versions, candles and settings: what the result is a function of.
    pub run_id: ContentHash,
    /// The version of this software.
    pub sentinel_version: String,
    /// Version of the (first) strategy.
    pub strategy_version: ContentHash,
    /// Whether every decision was made again bar by bar, with later bars out of reach, and came out the same.
    pub lookahead_verified: bool,
    /// First opening time of all series.
    pub from: String,
    /// Last closing time of all series.
    pub to: String,
    /// Candles of all series.
    pub bars: usize,
    /// Filled entries.
    pub entries: usize,
    /// Cash at the beginning.
    pub initial_cash: Decimal,
    /// Cash at the end.
    pub final_cash: Decimal,
    /// Cash and open positions at the end, marked at the last close.
    pub final_equity: Decimal,
    /// Sum of fees, valued in quote currency.
    pub fees_usd: Decimal,
    /// Sum of what was traded, both sides.
    pub turnover_usd: Decimal,
    /// Seconds the run took, candles already in memory. Measured and set by the caller; absent in saved files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_seconds: Option<f64>,
    /// The strategies that shared the account.
    pub strategies: Vec<RunStrategy>,
    /// The candles they ran on.
    pub series: Vec<RunSeries>,
    /// Fees, fills and limits.
    pub assumptions: Assumptions,
    /// What became of every signal.
    pub signals: RunSignals,
    /// What the run was compared with.
    pub benchmark: Option<String>,
    /// Statistics by name.
    pub metrics: BTreeMap<String, RunMetric>,
    /// Equity at the end of each UTC day that had a bar.
    pub daily_equity: Vec<DayEquity>,
    /// Positions open at the end.
    pub open_positions: Vec<RunPosition>,
    /// Closed positions, by time of exit.
    pub trades: Vec<RunTrade>,
    /// Signals that were turned away, oldest first; a result keeps the first ten thousand.
    pub rejected_signals: Vec<RunRejection>,
}

/// One strategy of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunStrategy {
    /// Its name.
    pub strategy_id: String,
    /// Hash over component and config.
    pub version: ContentHash,
    /// Hash of the component's bytes.
    pub component_hash: ContentHash,
    /// Hash of the config.
    pub config_hash: ContentHash,
    /// The candles it was shown.
    pub timeframe: Timeframe,
    /// Parameters as the user would write them.
    pub parameters: BTreeMap<String, String>,
    /// How it was allowed to trade.
    pub risk_params: RiskParams,
    /// When it decided, where the run was as recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded: Option<RunStretch>,
}

/// When a version of the registry decided, and on what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunStretch {
    /// Its place in the strategy's history, from 1.
    pub ordinal: u32,
    /// From which close on.
    pub valid_from: String,
    /// Before which close; `None` where no other version came before the end of the candles.
    pub valid_to: Option<String>,
    /// Whether it might open positions.
    pub active: bool,
    /// What it traded.
    pub assets: Vec<String>,
}

impl RunStretch {
    /// Returns the stretch of a version in a run whose last candle closes at `end`: what the registry says of later
    /// times is no part of the run.
    fn until(end: UnixMillis, version: &StrategyVersion) -> Self {
        Self {
            ordinal: version.ordinal,
            valid_from: format_time(version.valid_from),
            valid_to: version.valid_to.filter(|valid_to| *valid_to <= end).map(format_time),
            active: version.active,
            assets: version.assets.iter().map(ToString::to_string).collect(),
        }
    }
}

/// One series of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunSeries {
    /// Where it is quoted.
    pub exchange: Exchange,
    /// What is quoted.
    pub symbol: Symbol,
    /// Length of a candle.
    pub timeframe: Timeframe,
    /// Number of candles, fillers included.
    pub bars: usize,
    /// Candles that were missing in the data.
    pub bars_missing: usize,
    /// How they were handled.
    pub gaps: String,
    /// First opening time.
    pub from: String,
    /// Last closing time.
    pub to: String,
    /// Hash over the candles.
    pub data_hash: ContentHash,
}

/// How many signals ended in which state; the states add up to `total`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunSignals {
    /// All signals.
    pub total: u64,
    /// Opened a position.
    pub filled: u64,
    /// Closed a position.
    pub consumed: u64,
    /// Asked for what already was.
    pub no_action: u64,
    /// Came too late.
    pub expired: u64,
    /// Became an order that died.
    pub abandoned: u64,
    /// Became an order that still waits.
    pub ordered: u64,
    /// Turned away.
    pub rejected: u64,
    /// Of these, by reason.
    pub rejected_by_reason: BTreeMap<String, u64>,
}

/// One metric of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunMetric {
    /// The value; `null` where it is undefined.
    pub value: Option<f64>,
    /// What a value of 1 means.
    pub unit: String,
    /// Why there is no value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undefined_because: Option<String>,
}

/// Equity at the end of a UTC day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayEquity {
    /// The day, `YYYY-MM-DD`.
    pub date: String,
    /// Cash and positions marked at the day's last close.
    pub equity: Decimal,
}

/// One closed position.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of `sentinel_domain::trade::Trade`")]
pub struct RunTrade {
    pub strategy_id: String,
    pub exchange: Exchange,
    pub symbol: Symbol,
    pub timeframe: Timeframe,
    /// Name of the pattern that the signal named.
    pub pattern: Option<String>,
    pub confidence: f64,
    pub signal_time: String,
    pub entry_time: String,
    pub entry_fill_price: Decimal,
    pub exit_time: String,
    pub exit_fill_price: Decimal,
    pub exit_reason: ExitReason,
    pub quantity: Decimal,
    pub fees_usd: Decimal,
    pub pnl_usd: Decimal,
    pub pnl_pct: f64,
    pub slippage_pct: f64,
    pub max_favorable_excursion: f64,
    pub max_adverse_excursion: f64,
    pub bars_held: u32,
}

/// A position open at the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of `crate::result::OpenPosition`")]
pub struct RunPosition {
    pub strategy_id: String,
    pub exchange: Exchange,
    pub symbol: Symbol,
    pub entry_time: String,
    pub entry_fill_price: Decimal,
    pub quantity: Decimal,
    pub mark_price: Decimal,
    pub pnl_usd: Decimal,
}

/// A signal that the risk gate turned away.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of `crate::result::RejectedSignal`")]
pub struct RunRejection {
    pub strategy_id: String,
    pub exchange: Exchange,
    pub symbol: Symbol,
    pub time: String,
    pub price: f64,
    pub confidence: f64,
    pub reason: String,
    pub detail: String,
}

/// Why a text is no run.
#[derive(Debug, Error)]
pub enum RunFileError {
    /// Not the JSON of a run.
    #[error("not the JSON of a backtest: {source}; save one with `sentinel backtest … --json`")]
    Malformed {
        /// Where it breaks.
        #[from]
        source: serde_json::Error,
    },
    /// Written by later software.
    #[error("the run is of format {found}, this version reads up to {known}: use a newer sentinel, or run it again")]
    Newer {
        /// The format of the file.
        found: u32,
        /// The highest format known.
        known: u32,
    },
}

impl RunFile {
    /// Returns `result` in the form in which it is written.
    #[must_use]
    pub fn new(result: &BacktestResult, lookahead_verified: bool) -> Self {
        let name = |strategy: usize| strategy_id(result, strategy);
        let (from, to) = span(&result.series);
        Self {
            format: FORMAT,
            run_id: run_id(result),
            sentinel_version: env!("CARGO_PKG_VERSION").to_owned(),
            strategy_version: result.strategies.first().map_or(ContentHash::of(b""), |strategy| strategy.version),
            lookahead_verified,
            from: format_time(from),
            to: format_time(to),
            bars: result.series.iter().map(|series| series.bars).sum(),
            entries: result.entries,
            initial_cash: result.cash_initial.normalize(),
            final_cash: result.cash_final.normalize(),
            final_equity: result.equity_final.normalize(),
            fees_usd: result.fees_usd.normalize(),
            turnover_usd: result.turnover_usd.normalize(),
            run_seconds: None,
            strategies: result.strategies.iter().map(|strategy| RunStrategy::new(strategy, to)).collect(),
            series: result.series.iter().map(RunSeries::from).collect(),
            assumptions: result.assumptions.clone(),
            signals: RunSignals::from(&result.signals),
            benchmark: result.metrics.benchmark.clone(),
            metrics: metrics_by_name(&result.metrics),
            daily_equity: result.equity.daily().into_iter().filter_map(DayEquity::new).collect(),
            open_positions: result.open_positions.iter().map(|p| RunPosition::new(p, name(p.strategy))).collect(),
            trades: result.trades.iter().map(|trade| RunTrade::new(trade, result)).collect(),
            rejected_signals: result.rejected.iter().map(|r| RunRejection::new(r, name(r.strategy))).collect(),
        }
    }

    /// Returns the run as JSON, indented.
    ///
    /// # Panics
    /// Never: keys are strings and numbers are finite.
    #[must_use]
    pub fn to_json(&self) -> String {
        #[expect(clippy::expect_used, reason = "every map has string keys and nothing refuses to serialise")]
        let mut text = serde_json::to_string_pretty(self).expect("a run serialises");
        text.push('\n');
        text
    }

    /// Reads a run.
    ///
    /// # Errors
    /// Says where the text breaks, or that it is of a later format.
    pub fn from_json(text: &str) -> Result<Self, RunFileError> {
        #[derive(Deserialize)]
        struct Head {
            format: u32,
        }
        let Head { format } = serde_json::from_str(text)?;
        if format > FORMAT {
            return Err(RunFileError::Newer { found: format, known: FORMAT });
        }
        Ok(serde_json::from_str(text)?)
    }
}

/// Returns the hash over all that a result is a function of: software, versions and, as recorded, when each decided on
/// what; candles, fees, limits and cash.
#[must_use]
pub fn run_id(result: &BacktestResult) -> ContentHash {
    let versions = result.strategies.iter().flat_map(|strategy| [&strategy.version]);
    let candles = result.series.iter().map(|series| &series.data_hash);
    let settings = serde_json::to_value((&result.assumptions, result.cash_initial.normalize()));
    let hasher = ContentHasher::new("backtest-run").text(env!("CARGO_PKG_VERSION"));
    let hasher = versions
        .chain(candles)
        .fold(hasher, |hasher, hash| hasher.bytes(hash.as_bytes()))
        .text(&settings.map_or_else(|error| error.to_string(), |settings| settings.to_string()));
    let (_, end) = span(&result.series);
    let rows = result.strategies.iter().filter_map(|strategy| strategy.recorded.as_deref());
    let stretches = rows.map(|version| format!("{:?}", RunStretch::until(end, version)));
    stretches.fold(hasher, |hasher, stretch| hasher.text(&stretch)).finish()
}

/// Returns the first opening and the last closing time of some series.
pub(crate) fn span(series: &[SeriesSummary]) -> (UnixMillis, UnixMillis) {
    let from = series.iter().map(|series| series.from).min().unwrap_or_default();
    let to = series.iter().map(|series| series.to).max().unwrap_or_default();
    (from, to)
}

/// Returns the UTC date of a day's number, `YYYY-MM-DD`.
pub(crate) fn date_of(day: i64) -> String {
    let midnight = format_time(day.saturating_mul(Timeframe::D1.millis()));
    midnight.split('T').next().unwrap_or_default().to_owned()
}

fn strategy_id(result: &BacktestResult, strategy: usize) -> String {
    result.strategies.get(strategy).map_or_else(String::new, |strategy| strategy.strategy_id.clone())
}

fn metrics_by_name(metrics: &Metrics) -> BTreeMap<String, RunMetric> {
    metrics
        .iter()
        .map(|(definition, metric)| {
            let undefined_because = metric.undefined_because.map(str::to_owned);
            let unit = definition.unit.as_str().to_owned();
            (definition.name.to_owned(), RunMetric { value: metric.value, unit, undefined_because })
        })
        .collect()
}

impl RunStrategy {
    fn new(strategy: &StrategySummary, end: UnixMillis) -> Self {
        Self {
            strategy_id: strategy.strategy_id.clone(),
            version: strategy.version,
            component_hash: strategy.component_hash,
            config_hash: strategy.config_hash,
            timeframe: strategy.timeframe,
            parameters: strategy.parameters.clone(),
            risk_params: strategy.risk.clone(),
            recorded: strategy.recorded.as_deref().map(|version| RunStretch::until(end, version)),
        }
    }
}

impl From<&SeriesSummary> for RunSeries {
    fn from(series: &SeriesSummary) -> Self {
        Self {
            exchange: series.instrument.exchange.clone(),
            symbol: series.instrument.symbol.clone(),
            timeframe: series.timeframe,
            bars: series.bars,
            bars_missing: series.bars_missing,
            gaps: series.gaps.clone(),
            from: format_time(series.from),
            to: format_time(series.to),
            data_hash: series.data_hash,
        }
    }
}

impl From<&SignalCounts> for RunSignals {
    fn from(counts: &SignalCounts) -> Self {
        Self {
            total: counts.total,
            filled: counts.filled,
            consumed: counts.consumed,
            no_action: counts.no_action,
            expired: counts.expired,
            abandoned: counts.abandoned,
            ordered: counts.ordered,
            rejected: counts.rejected.values().sum(),
            rejected_by_reason: counts.rejected.iter().map(|(reason, n)| ((*reason).to_owned(), *n)).collect(),
        }
    }
}

impl DayEquity {
    fn new((day, equity): (i64, f64)) -> Option<Self> {
        // The noise of adding floats lies below the places that money has.
        let equity = decimal_from_text(equity)?.round_dp(MONEY_SCALE).normalize();
        Some(Self { date: date_of(day), equity })
    }
}

impl RunTrade {
    fn new(trade: &Trade, result: &BacktestResult) -> Self {
        let patterns = result.strategies.get(trade.strategy).map(|strategy| &strategy.patterns);
        let pattern = patterns.and_then(|patterns| patterns.get(usize::try_from(trade.pattern).ok()?));
        Self {
            strategy_id: strategy_id(result, trade.strategy),
            exchange: trade.instrument.exchange.clone(),
            symbol: trade.instrument.symbol.clone(),
            timeframe: trade.timeframe,
            pattern: pattern.map(|label| label.name.clone()),
            confidence: trade.confidence,
            signal_time: format_time(trade.signal_time),
            entry_time: format_time(trade.entry_time),
            entry_fill_price: trade.entry_fill_price.normalize(),
            exit_time: format_time(trade.exit_time),
            exit_fill_price: trade.exit_fill_price.normalize(),
            exit_reason: trade.exit_reason,
            quantity: trade.quantity.normalize(),
            fees_usd: trade.fees_usd.normalize(),
            pnl_usd: trade.pnl_usd.normalize(),
            pnl_pct: trade.pnl_pct,
            slippage_pct: trade.slippage_pct,
            max_favorable_excursion: trade.max_favorable_excursion,
            max_adverse_excursion: trade.max_adverse_excursion,
            bars_held: trade.bars_held,
        }
    }
}

impl RunPosition {
    fn new(position: &OpenPosition, strategy_id: String) -> Self {
        Self {
            strategy_id,
            exchange: position.instrument.exchange.clone(),
            symbol: position.instrument.symbol.clone(),
            entry_time: format_time(position.entry_time),
            entry_fill_price: position.entry_fill_price.normalize(),
            quantity: position.quantity.normalize(),
            mark_price: position.mark_price.normalize(),
            pnl_usd: position.pnl_usd.normalize(),
        }
    }
}

impl RunRejection {
    fn new(rejected: &RejectedSignal, strategy_id: String) -> Self {
        Self {
            strategy_id,
            exchange: rejected.instrument.exchange.clone(),
            symbol: rejected.instrument.symbol.clone(),
            time: format_time(rejected.time),
            price: rejected.price,
            confidence: rejected.confidence,
            reason: rejected.reason.to_owned(),
            detail: rejected.detail.clone(),
        }
    }
}
