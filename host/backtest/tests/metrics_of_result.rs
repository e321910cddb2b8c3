//! Metrics that no oracle has a word for, on results small enough to reckon by hand.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use rust_decimal::dec;
use sentinel_backtest::metrics::{Benchmark, Definition, activity, benchmark, drawdown, returns};
use sentinel_backtest::moments::Moments;
use sentinel_backtest::result::{BacktestResult, EquityCurve, OpenPosition};
use sentinel_domain::timeframe::Timeframe;

#[path = "report_sample/sample.rs"]
mod sample;

use sample::{result_on, wavy_candles};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

/// Ten days of hours, without a trade.
fn quiet() -> BacktestResult {
    let mut result = result_on(&wavy_candles(Timeframe::H1, 240));
    result.trades.clear();
    result.open_positions.clear();
    result
}

fn check(result: &BacktestResult, definition: &Definition, expected: f64) {
    let metric = sentinel_backtest::metrics::of_result(result, None, None).get(definition);
    let value = metric.value.unwrap_or_else(|| panic!("{}: {:?}", definition.name, metric.undefined_because));
    assert!((value - expected).abs() < 1e-9, "{}: {value}, expected {expected}", definition.name);
}

#[test]
fn exposure_counts_overlapping_positions_once() {
    let start = quiet().series[0].from;
    let mut result = quiet();
    let template = result_on(&wavy_candles(Timeframe::H4, 900)).trades[0].clone();
    let trade = |from, to| {
        let mut trade = template.clone();
        (trade.entry_time, trade.exit_time) = (start + from * DAY, start + to * DAY);
        trade
    };
    result.trades = vec![trade(1, 3), trade(2, 4), trade(6, 7)];
    check(&result, &activity::EXPOSURE, 40.0);
}

#[test]
fn open_position_counts_as_held_to_the_end() {
    let mut result = quiet();
    let position = OpenPosition {
        strategy: 0,
        instrument: result.series[0].instrument.clone(),
        entry_time: result.series[0].to - 3 * DAY,
        entry_fill_price: dec!(20_000),
        quantity: dec!(0.1),
        mark_price: dec!(21_000),
        pnl_usd: dec!(98),
    };
    result.open_positions = vec![position];
    check(&result, &activity::EXPOSURE, 30.0);
}

#[test]
fn turnover_is_a_year_s_worth_of_mean_equity() {
    let mut result = quiet();
    result.equity.equity.fill(50_000.0);
    result.turnover_usd = dec!(100_000);
    check(&result, &activity::TURNOVER, 2.0 * 365.0 / 10.0);
}

#[test]
fn drawdown_at_every_bar_sees_what_days_hide() {
    let mut result = quiet();
    result.equity.equity.fill(100_000.0);
    // Within the second day only.
    result.equity.equity[30] = 80_000.0;
    check(&result, &drawdown::MAX_DRAWDOWN, 0.0);
    check(&result, &drawdown::MAX_DRAWDOWN_INTRADAY, -20.0);
}

#[test]
fn engine_may_bring_its_own_drawdown() {
    let metrics = sentinel_backtest::metrics::of_result(&quiet(), None, Some(-12.5));
    assert_eq!(metrics.get(&drawdown::MAX_DRAWDOWN_INTRADAY).value, Some(-12.5));
}

#[test]
fn days_without_a_bar_change_nothing() {
    let mut result = quiet();
    // Two days, then seven without a bar, then one.
    result.equity = EquityCurve {
        time: Moments::Listed(vec![DAY, 2 * DAY, 10 * DAY]),
        equity: vec![100_000.0, 110_000.0, 99_000.0],
    };
    check(&result, &returns::WORST_DAY, -10.0);
    // The high was held until the day before.
    check(&result, &drawdown::MAX_DRAWDOWN_DAYS, 1.0);
    check(&result, &returns::CAGR, (0.99_f64.powf(36.5) - 1.0) * 100.0);
}

#[test]
fn benchmark_is_bought_at_the_first_open_and_named() {
    let candles = wavy_candles(Timeframe::H1, 240);
    let benchmark_held = Benchmark::buy_and_hold([&candles]).unwrap();
    let metrics = sentinel_backtest::metrics::of_result(&quiet(), Some(&benchmark_held), None);
    let columns = candles.columns();
    let expected = (columns.close[239] / columns.open[0] - 1.0) * 100.0;
    let value = metrics.get(&benchmark::BENCHMARK_RETURN).value.unwrap();
    assert!((value - expected).abs() < 1e-9);
    assert_eq!(metrics.benchmark.as_deref(), Some("binance:BTC/USDT"));
}

#[test]
fn times_beyond_reason_are_refused_before_they_cost_memory() {
    let mut result = quiet();
    result.equity = EquityCurve { time: Moments::Listed(vec![DAY, 400_000 * DAY]), equity: vec![1.0, 1.0] };
    let reason =
        sentinel_backtest::metrics::of_result(&result, None, None).get(&returns::CAGR).undefined_because.unwrap();
    assert!(reason.contains("270 years"), "{reason}");
}
