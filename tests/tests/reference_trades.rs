//! The reference backtest, to the cent: backtesting.py, backtrader, vectorbt and a plain loop agree on it.

use rust_decimal::{Decimal, dec};
use sentinel_backtest::result::BacktestResult;
use sentinel_domain::candles::gaps::{GapPolicy, apply};
use sentinel_domain::timeframe::Timeframe;
use sentinel_tests::native::{Reference, sma_cross};
use sentinel_tests::{data, reference, shipped};

#[test]
fn daily_candles() {
    check("btcusdt-1d.csv", Timeframe::D1, 3_178, 61, dec!(104_236.90));
}

#[test]
fn a_year_of_minutes() {
    check("btcusd-1m-2019.csv.gz", Timeframe::M1, 525_600, 10_239, dec!(84_978.40));
}

fn check(file: &str, timeframe: Timeframe, bars: usize, entries: usize, equity: Decimal) {
    let Some(folder) = data::folder(file) else { return };
    let (candles, _) = apply(data::candles(&folder, file, timeframe), GapPolicy::Flat).unwrap();
    assert_eq!(candles.len(), bars);
    let native = sma_cross(&candles.columns().open, &candles.columns().close, &Reference::default());

    let strategy = shipped::load(&shipped::runtime(), "sma-cross");
    let (result, _) = reference::backtest(strategy, candles, &reference::PARAMETERS).run().unwrap();
    assert_eq!((result.entries, result.equity_final.round_dp(2)), (entries, equity));
    assert_eq!(native.entries as usize, entries);
    assert!((native.equity - sentinel_domain::money::to_f64(result.equity_final)).abs() < 0.01);
    conserved(&result);
}

/// Profits of closed and open positions explain the change of equity.
fn conserved(result: &BacktestResult) {
    let closed: Decimal = result.trades.iter().map(|trade| trade.pnl_usd).sum();
    let open: Decimal = result.open_positions.iter().map(|position| position.pnl_usd).sum();
    assert_eq!((closed + open).round_dp(6), (result.equity_final - result.cash_initial).round_dp(6));
}
