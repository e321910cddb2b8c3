//! A run as JSON: what it must hold, that it reads back, and runs side by side.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use rust_decimal::{Decimal, dec};
use sentinel_backtest::compare::{Comparison, Row};
use sentinel_backtest::json::{RunFile, RunFileError, run_id};
use sentinel_backtest::result::BacktestResult;
use sentinel_domain::hash::ContentHash;
use sentinel_domain::timeframe::Timeframe;
use serde_json::Value;

#[path = "report_sample/sample.rs"]
mod sample;

use sample::{result_on, wavy_candles};

fn result() -> BacktestResult {
    result_on(&wavy_candles(Timeframe::H4, 900))
}

fn json(result: &BacktestResult) -> Value {
    serde_json::from_str(&RunFile::new(result, true).to_json()).unwrap()
}

#[test]
fn same_result_gives_the_same_bytes() {
    assert_eq!(RunFile::new(&result(), true).to_json(), RunFile::new(&result(), true).to_json());
}

#[test]
fn promised_fields_are_there() {
    let result = result();
    let json = json(&result);
    assert_eq!(json["entries"], result.entries);
    assert_eq!(json["bars"], 900);
    assert_eq!(json["final_equity"].as_str().unwrap().parse::<Decimal>().unwrap(), result.equity_final);
    assert_eq!(json["strategy_version"], result.strategies[0].version.to_string());
    assert_eq!(json["lookahead_verified"], true);
    assert_eq!(json["run_id"].as_str().unwrap().len(), 64);
    assert_eq!(json["from"], "2024-01-01T00:00:00Z");
    assert_eq!(json["trades"].as_array().unwrap().len(), result.trades.len());
    assert_eq!(json["trades"][0]["pattern"], "cross-up");
    assert_eq!(json["trades"][0]["exit_reason"], "signal");
    assert_eq!(json["signals"]["rejected"], 15);
    assert_eq!(json["signals"]["rejected_by_reason"]["low_confidence"], 12);
    assert_eq!(json["daily_equity"][0]["date"], "2024-01-01");
    assert!(json["daily_equity"][0]["equity"].is_string(), "money is a decimal string");
    assert!(json.get("run_seconds").is_none(), "nothing in it was measured on a clock");
}

#[test]
fn undefined_metric_is_null_with_its_reason() {
    let mut result = result();
    result.trades.clear();
    result.metrics = sentinel_backtest::metrics::of_result(&result, None, None);
    let json = json(&result);
    assert_eq!(json["metrics"]["profit_factor"]["value"], Value::Null);
    assert_eq!(json["metrics"]["profit_factor"]["undefined_because"], "no trade was closed");
    assert!(json["metrics"]["cagr_pct"]["value"].is_number());
    assert!(json["metrics"]["cagr_pct"].get("undefined_because").is_none());
}

#[test]
fn run_reads_back() {
    let run = RunFile::new(&result(), true);
    let mut read = RunFile::from_json(&run.to_json()).unwrap();
    assert_eq!(read.trades, run.trades);
    assert_eq!(read.final_equity, run.final_equity);
    read.run_seconds = Some(0.25);
    assert!(read.to_json().contains("\"run_seconds\": 0.25"));
}

#[test]
fn what_is_no_run_is_named() {
    let error = |text: &str| RunFile::from_json(text).unwrap_err().to_string();
    assert!(error("{").contains("line 1"), "{}", error("{"));
    assert!(error("{}").contains("missing field `format`"));
    assert!(matches!(RunFile::from_json("{\"format\": 99}"), Err(RunFileError::Newer { found: 99, .. })));
}

#[test]
fn run_id_follows_version_candles_and_settings() {
    let original = run_id(&result());
    let changed = |edit: fn(&mut BacktestResult)| {
        let mut result = result();
        edit(&mut result);
        run_id(&result)
    };
    assert_eq!(changed(|result| result.trades.clear()), original, "what came out is no part of it");
    assert_ne!(changed(|result| result.strategies[0].version = ContentHash::of(b"other")), original);
    assert_ne!(changed(|result| result.series[0].data_hash = ContentHash::of(b"other")), original);
    assert_ne!(changed(|result| result.assumptions.fill_model.slippage_bps = dec!(5)), original);
    assert_ne!(changed(|result| result.cash_initial = dec!(1)), original);
    assert_eq!(changed(|result| result.cash_initial = dec!(100000.00)), original, "the same cash, written longer");
}

fn row<'a>(comparison: &'a Comparison, name: &str) -> &'a Row {
    comparison.rows.iter().find(|row| row.name == name).unwrap()
}

#[test]
fn comparison_marks_the_better_run() {
    let good = RunFile::new(&result(), true);
    let mut poor = good.clone();
    poor.metrics.get_mut("sharpe_ratio").unwrap().value = Some(-3.0);
    poor.metrics.get_mut("fees_usd").unwrap().value = Some(1e9);
    poor.metrics.remove("beta");
    let comparison = Comparison::new(&[poor, good]);
    assert_eq!(comparison.columns, ["sma-cross #1", "sma-cross #2"]);
    assert_eq!(row(&comparison, "sharpe_ratio").best, [1]);
    assert_eq!(row(&comparison, "fees_usd").best, [1], "lower fees are better");
    assert!(row(&comparison, "cagr_pct").best.is_empty(), "equal values have no best");
    assert!(row(&comparison, "trade_count").best.is_empty());
    let absent = &row(&comparison, "beta").cells[0];
    assert_eq!((absent.text.as_str(), absent.value), ("–", None));
    assert_eq!(absent.undefined_because.as_deref(), Some("the run was saved without it"));
    assert_eq!(row(&comparison, "parameters").cells[0].text, "fast=10 slow=30 threshold=0.00001");
    assert!(comparison.notes.is_empty(), "{:?}", comparison.notes);
}

#[test]
fn comparison_says_what_cannot_be_compared() {
    let one = RunFile::new(&result(), true);
    let other = RunFile::new(&result_on(&wavy_candles(Timeframe::H4, 800)), false);
    let notes = Comparison::new(&[one, other]).notes;
    assert_eq!(notes, ["the runs are on different candles", "not every run was verified to be free of lookahead"]);
}
