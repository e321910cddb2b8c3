//! The decision of any bar made the live way equals the backtest's: on every bar of four years of hours, for an average
//! that never forgets, a running sum, and a strategy that remembers what it said.

use std::collections::BTreeMap;

use rayon::prelude::*;
use sentinel_domain::candles::gaps::{GapPolicy, apply};
use sentinel_domain::hash::ContentHash;
use sentinel_domain::instrument::InstrumentRules;
use sentinel_domain::signal::Signal;
use sentinel_domain::timeframe::Timeframe;
use sentinel_runtime::Replay;
use sentinel_tests::{data, reference, shipped};

#[test]
fn ema_50_200() {
    check("ema-cross", 100);
}

#[test]
fn on_balance_volume() {
    check("obv-trend", 1_000);
}

#[test]
fn a_strategy_that_remembers_its_own_signals() {
    check("own-memory", 500);
}

fn check(guest: &str, signals_at_least: usize) {
    let Some(folder) = data::folder(guest) else { return };
    let hours = data::candles(&folder, "btcusdt-1h.csv.gz", Timeframe::H1);
    let (hours, _) = apply(hours, GapPolicy::Flat).unwrap();
    let runtime = shipped::runtime();
    let strategy = shipped::load(&runtime, guest);
    let parameters = strategy.manifest().resolve_parameters(&BTreeMap::new()).unwrap();
    let backtest = reference::backtest(strategy.clone(), hours.clone(), &[]);
    let signals = backtest.evaluate().unwrap();
    assert!(signals.count() >= signals_at_least, "{} signals are too few to prove anything", signals.count());

    let by_bar: BTreeMap<usize, Signal> = signals.lane(0).iter().map(|signal| (signal.bar, *signal)).collect();
    let (config, rules) = (ContentHash::of(b"any"), InstrumentRules::default());
    let replay = Replay::new(&strategy, &hours, &rules, &parameters).unwrap();
    let different = (0..hours.len()).into_par_iter().find_first(|row| {
        let live = replay.decide(*row, config).unwrap();
        live.signal.as_ref() != by_bar.get(row)
    });
    assert_eq!(different, None, "the first bar on which live and backtest differ");
}
