//! The same backtest gives the same result, whatever the number of threads and however time is cut among them.

use std::sync::Arc;

use rust_decimal::dec;
use sentinel_backtest::market::MarketSeries;
use sentinel_backtest::run::Backtest;
use sentinel_domain::candles::Candles;
use sentinel_domain::candles::gaps::{GapPolicy, apply};
use sentinel_domain::instrument::InstrumentRules;
use sentinel_domain::timeframe::Timeframe;
use sentinel_tests::{data, reference, shipped};

#[test]
fn threads_change_nothing() {
    let Some(minutes) = minutes("threads_change_nothing") else { return };
    let strategy = shipped::load(&shipped::runtime(), "sma-cross");
    check(&reference::backtest(strategy, minutes, &reference::PARAMETERS));
}

/// Minutes in sessions of a day and hours in sessions of a month, one account, exits within a candle.
#[test]
fn threads_change_nothing_for_lanes_of_different_sessions() {
    let Some(minutes) = minutes("threads_change_nothing_for_lanes_of_different_sessions") else { return };
    let runtime = shipped::runtime();
    let mut fast = reference::setup(shipped::load(&runtime, "sma-cross"), &minutes, &reference::PARAMETERS);
    fast.risk.stop_loss_pct = Some(dec!(0.5));
    fast.risk.trailing_stop_pct = Some(dec!(0.4));
    let mut slow = reference::setup(shipped::load(&runtime, "rsi-reversion"), &minutes, &[]);
    slow.timeframe = Timeframe::H1;
    slow.risk.stop_loss_pct = Some(dec!(2));
    let series = MarketSeries::new(Arc::new(minutes), InstrumentRules::default(), "skip", 0);
    check(&Backtest::new(vec![series], vec![fast, slow], reference::account()).unwrap());
}

fn minutes(test: &str) -> Option<Candles> {
    let folder = data::folder(test)?;
    let minutes = data::candles(&folder, "btcusd-1m-2019.csv.gz", Timeframe::M1);
    Some(apply(minutes, GapPolicy::Skip).unwrap().0)
}

fn check(backtest: &Backtest) {
    let signals = backtest.evaluate().unwrap();
    let result = backtest.settle(&signals);
    assert!(result.entries > 1_000);
    let expected = (result, signals);
    for threads in [1, 2, 7] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        assert!(pool.install(|| backtest.run().unwrap()) == expected, "{threads} threads give another result");
    }
}
