//! The metrics equal those of `empyrical-reloaded` (and, over trades, of numpy) on committed vectors.
//!
//! `tests/golden/metrics/generate.py` wrote the vectors and holds their definitions.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::sync::Arc;

use rust_decimal::Decimal;
use sentinel_backtest::metrics::{Benchmark, DEFINITIONS, Inputs, Metrics};
use sentinel_domain::instrument::Instrument;
use sentinel_domain::timeframe::Timeframe;
use sentinel_domain::trade::{ExitReason, Trade};
use serde::Deserialize;

const TOLERANCE: f64 = 1e-9;

/// What the oracle has no word for: they are tested beside their computation and in `metrics_of_result`.
const NOT_IN_THE_ORACLE: [&str; 9] = [
    "max_drawdown_intraday_pct",
    "max_drawdown_days",
    "recovery_days",
    "longest_drawdown_days",
    "exposure_pct",
    "turnover_per_year",
    "fees_usd",
    "fees_of_wins_pct",
    "slippage_mean_pct",
];

#[derive(Deserialize)]
struct Document {
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    name: String,
    first_day: i64,
    equity: Vec<f64>,
    benchmark: Option<Vec<f64>>,
    trades: Vec<VectorTrade>,
    expected: BTreeMap<String, Option<f64>>,
}

#[derive(Deserialize)]
struct VectorTrade {
    pnl_usd: Decimal,
    pnl_pct: f64,
    max_favorable_excursion: f64,
    max_adverse_excursion: f64,
    bars_held: u32,
}

impl VectorTrade {
    fn trade(&self, instrument: &Arc<Instrument>) -> Trade {
        Trade {
            strategy: 0,
            instrument: Arc::clone(instrument),
            timeframe: Timeframe::D1,
            signal_time: 0,
            confidence: 50.0,
            pattern: 0,
            entry_time: 0,
            entry_fill_price: Decimal::ONE,
            exit_time: 1,
            exit_fill_price: Decimal::ONE,
            exit_reason: ExitReason::Signal,
            quantity: Decimal::ONE,
            fees_usd: Decimal::ZERO,
            pnl_usd: self.pnl_usd,
            pnl_pct: self.pnl_pct,
            slippage_pct: 0.0,
            max_favorable_excursion: self.max_favorable_excursion,
            max_adverse_excursion: self.max_adverse_excursion,
            bars_held: self.bars_held,
        }
    }
}

impl Vector {
    fn metrics(&self) -> Metrics {
        let instrument = Arc::new(Instrument { exchange: "test".parse().unwrap(), symbol: "BTC/USD".parse().unwrap() });
        let days = |values: &[f64]| -> Vec<(i64, f64)> { (self.first_day..).zip(values[1..].to_vec()).collect() };
        let benchmark = self.benchmark.as_ref().map(|closes| Benchmark {
            name: "test:BTC/USD".into(),
            initial: closes[0],
            daily: days(closes),
        });
        Metrics::compute(&Inputs {
            cash_initial: self.equity[0],
            daily: &days(&self.equity),
            max_drawdown_intraday_pct: None,
            trades: &self.trades.iter().map(|trade| trade.trade(&instrument)).collect::<Vec<_>>(),
            open_since: &[],
            span: 0..1,
            fees_usd: Decimal::ZERO,
            turnover_usd: Decimal::ZERO,
            benchmark: benchmark.as_ref(),
        })
    }
}

fn vectors() -> Vec<Vector> {
    let text = include_str!("../../../tests/golden/metrics/vectors.json");
    serde_json::from_str::<Document>(text).unwrap().vectors
}

#[test]
fn metrics_equal_the_oracle() {
    for vector in vectors() {
        for (definition, metric) in vector.metrics().iter() {
            let Some(expected) = vector.expected.get(definition.name) else {
                assert!(NOT_IN_THE_ORACLE.contains(&definition.name), "{} has no oracle", definition.name);
                continue;
            };
            let label = format!("{} of {}: {metric:?}, expected {expected:?}", definition.name, vector.name);
            match (metric.value, expected) {
                (Some(value), Some(expected)) => {
                    assert!((value - expected).abs() <= TOLERANCE * expected.abs().max(1.0), "{label}");
                    assert!(metric.undefined_because.is_none(), "{label}");
                }
                // What is nan or infinite there is absent here, and says why.
                (None, None) => assert!(metric.undefined_because.is_some_and(|reason| !reason.is_empty()), "{label}"),
                _ => panic!("{label}"),
            }
        }
    }
}

#[test]
fn oracle_has_no_metric_that_is_missing_here() {
    for vector in vectors() {
        for name in vector.expected.keys() {
            assert!(DEFINITIONS.iter().any(|definition| definition.name == name), "{name}");
        }
    }
}

#[test]
fn reasons_say_what_is_missing() {
    let reasons: BTreeMap<(String, &str), &str> = vectors()
        .iter()
        .flat_map(|vector| {
            let name = vector.name.clone();
            let metrics: Vec<_> = vector.metrics().iter().collect();
            metrics.into_iter().filter_map(move |(definition, metric)| {
                Some(((name.clone(), definition.name), metric.undefined_because?))
            })
        })
        .collect();
    let check = |vector: &str, metric, expected| {
        assert_eq!(reasons.get(&(vector.to_owned(), metric)).copied(), Some(expected), "{metric} of {vector}");
    };
    check("no_trades", "sharpe_ratio", "daily returns do not vary");
    check("no_trades", "win_rate_pct", "no trade was closed");
    check("all_wins", "profit_factor", "no trade lost");
    check("all_wins", "sortino_ratio", "no day lost money");
    check("all_wins", "calmar_ratio", "daily equity never fell below an earlier high");
    check("all_losses", "average_win_usd", "no trade won");
    check("all_losses", "recovery_days", "the deepest drawdown had not recovered by the end");
    check("flat_curve", "beta", "the coin's price does not vary");
    check("total_loss", "alpha_pct", "there is nothing to compare with");
    check("one_day", "volatility_pct", "there are fewer than two daily returns");
    check("no_day", "total_return_pct", "there is no daily return");
}
