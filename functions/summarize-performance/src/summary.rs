//! One version's row.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use sentinel_archive::Versions;
use sentinel_archive::time::{date_of, day_number, end_of, midnight, utc};
use sentinel_domain::instrument::Instrument;
use sentinel_domain::money::{round_money, to_f64};
use sentinel_domain::tables::{FactTrade, StrategyPerformance};
use sentinel_domain::timeframe::{Timeframe, UnixMillis};
use sentinel_domain::trade::{ExitReason, Trade};
use sentinel_metrics::{Benchmark, Definition, Inputs, Metrics, benchmark, drawdown, risk, trades};
use serde_json::{Map, Value};

use crate::facts::{Facts, VersionKey};

/// A version of a strategy, over all stretches of time in which it was active.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) strategy_id: String,
    pub(crate) version: String,
    /// When it first decided.
    pub(crate) valid_from: UnixMillis,
    pub(crate) from_date: NaiveDate,
    /// The last day on which it could decide; `None` while it can.
    until_date: Option<NaiveDate>,
}

impl Version {
    /// Returns every version that had begun by the end of `day`, each once.
    pub(crate) fn begun_by(versions: &Versions, day: NaiveDate) -> Vec<Self> {
        let mut found: BTreeMap<VersionKey, Self> = BTreeMap::new();
        for row in versions.iter().filter(|row| row.valid_from < end_of(day)) {
            let until_date = row.valid_to.map(date_of);
            let version = Self {
                strategy_id: row.strategy_id.clone(),
                version: row.version.to_string(),
                valid_from: row.valid_from,
                from_date: date_of(row.valid_from),
                until_date,
            };
            found
                .entry((version.strategy_id.clone(), version.version.clone()))
                .and_modify(|known| known.until_date = until_date)
                .or_insert(version);
        }
        found.into_values().collect()
    }

    /// Returns the last day that counts by `day`: of a version that was replaced, when the last of its trades ended.
    fn last_day(&self, day: NaiveDate, trades: &[FactTrade]) -> NaiveDate {
        let last_exit = trades.iter().map(|trade| trade.exit_date).max();
        self.until_date.map_or(day, |until| last_exit.map_or(until, |exit| exit.max(until)).min(day))
    }
}

/// Returns the row of a version at the end of `day`.
pub(crate) fn row(
    version: &Version,
    account_id: &str,
    day: NaiveDate,
    facts: &Facts,
    against: Option<&Benchmark>,
) -> StrategyPerformance {
    let key = (version.strategy_id.clone(), version.version.clone());
    let trades = facts.trades.get(&key).map_or(&[][..], Vec::as_slice);
    let counts = facts.signals.get(&key).copied().unwrap_or_default();
    let capital = facts.equity_before(version.from_date);
    let metrics = compute(version, trades, capital, version.last_day(day, trades), against);
    let mut reasons = Map::new();
    let mut ratio = |column: &str, definition: &Definition| {
        let metric = metrics.get(definition);
        if let Some(reason) = metric.undefined_because {
            reasons.insert(column.to_owned(), Value::from(reason));
        }
        metric.value
    };
    let pnl_usd: Decimal = trades.iter().map(|trade| trade.pnl_usd).sum();
    let slippages: Vec<f64> = trades.iter().filter_map(|trade| trade.slippage_pct).collect();
    StrategyPerformance {
        account_id: account_id.to_owned(),
        strategy_id: version.strategy_id.clone(),
        strategy_version: version.version.clone(),
        from_date: version.from_date,
        trade_count: count(trades.len()),
        win_count: count(trades.iter().filter(|trade| trade.pnl_usd > Decimal::ZERO).count()),
        pnl_usd,
        fees_usd: trades.iter().map(FactTrade::fee_usd).sum(),
        capital_usd: capital,
        win_rate: ratio("win_rate", &trades::WIN_RATE),
        sharpe_ratio: ratio("sharpe_ratio", &risk::SHARPE),
        sortino_ratio: ratio("sortino_ratio", &risk::SORTINO),
        profit_factor: ratio("profit_factor", &trades::PROFIT_FACTOR),
        max_drawdown_pct: ratio("max_drawdown_pct", &drawdown::MAX_DRAWDOWN),
        alpha: ratio("alpha", &benchmark::ALPHA).map(|percent| percent / 100.0),
        beta: ratio("beta", &benchmark::BETA),
        expectancy_usd: (!trades.is_empty()).then(|| round_money(pnl_usd / Decimal::from(trades.len()))),
        slippage_pct: mean(&slippages),
        signal_count: counts.given,
        rejected_count: counts.rejected,
        expired_count: counts.expired,
        undefined_reasons: Value::Object(reasons),
        timestamp: utc(end_of(day)),
        ds: day,
    }
}

fn compute(
    version: &Version,
    trades: &[FactTrade],
    capital: Decimal,
    last: NaiveDate,
    against: Option<&Benchmark>,
) -> Metrics {
    let benchmark = against.map(|benchmark| crate::benchmark::from(benchmark, version.from_date));
    let rows: Vec<Trade> = trades.iter().filter_map(trade).collect();
    Metrics::compute(&Inputs {
        cash_initial: to_f64(capital),
        daily: &daily(version.from_date, last, capital, trades),
        max_drawdown_intraday_pct: None,
        trades: &rows,
        open_since: &[],
        span: midnight(version.from_date)..end_of(last),
        fees_usd: trades.iter().map(FactTrade::fee_usd).sum(),
        turnover_usd: trades.iter().map(|trade| trade.entry_notional_usd + trade.exit_notional_usd).sum(),
        benchmark: benchmark.as_ref(),
    })
}

/// Returns the capital and what the trades brought, at the end of each day on which that changes, and of the last.
fn daily(first: NaiveDate, last: NaiveDate, capital: Decimal, trades: &[FactTrade]) -> Vec<(i64, f64)> {
    let mut changes: BTreeMap<NaiveDate, Decimal> =
        BTreeMap::from([(first, Decimal::ZERO), (last.max(first), Decimal::ZERO)]);
    for trade in trades {
        *changes.entry(trade.exit_date.max(first)).or_default() += trade.pnl_usd;
    }
    let mut equity = capital;
    let path = changes.into_iter().map(|(day, change)| {
        equity += change;
        (day_number(day), to_f64(equity))
    });
    path.collect()
}

/// Returns a trade as the metrics take it.
fn trade(row: &FactTrade) -> Option<Trade> {
    let instrument = Instrument { exchange: row.exchange.parse().ok()?, symbol: row.symbol.parse().ok()? };
    let timeframe: Timeframe = row.timeframe.parse().ok()?;
    Some(Trade {
        strategy: 0,
        instrument: Arc::new(instrument),
        timeframe,
        signal_time: row.signal_time.timestamp_millis(),
        confidence: row.confidence_score,
        pattern: 0,
        entry_time: row.entry_time.timestamp_millis(),
        entry_fill_price: row.entry_fill_price,
        exit_time: row.exit_time.timestamp_millis(),
        exit_fill_price: row.exit_fill_price,
        // No metric asks for it.
        exit_reason: ExitReason::Signal,
        quantity: row.quantity,
        fees_usd: row.fee_usd(),
        pnl_usd: row.pnl_usd,
        pnl_pct: row.pnl_pct,
        slippage_pct: row.slippage_pct.unwrap_or_default(),
        max_favorable_excursion: row.max_favorable_excursion,
        max_adverse_excursion: row.max_adverse_excursion,
        bars_held: u32::try_from(row.bars_held).unwrap_or(u32::MAX),
    })
}

fn count(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "no version makes 2^53 trades")]
fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}
