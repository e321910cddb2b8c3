//! A backtest finds out a strategy that looks ahead or depends on how its bars are cut, even one that `check` did not.

use sentinel_backtest::lookahead::NoVerdicts;
use sentinel_domain::timeframe::Timeframe;
use sentinel_runtime::{Limits, VerifyError, synthetic_candles};
use sentinel_tests::{hostile, reference, shipped};

#[test]
fn a_guest_that_peeks_is_named_with_its_bar() {
    check("peeks");
}

#[test]
fn a_guest_that_depends_on_cuts_is_named_with_its_bar() {
    check("depends-on-cuts");
}

#[test]
fn an_honest_guest_is_verified() {
    let backtest = backtest(&shipped::component("sma-cross"));
    let signals = backtest.evaluate().unwrap();
    assert!(signals.count() > 10);
    assert_eq!(backtest.verify_lookahead(&signals, &NoVerdicts, |_| ()).unwrap(), backtest.bars());
}

fn check(guest: &str) {
    let backtest = backtest(&hostile::component(guest));
    let signals = backtest.evaluate().unwrap();
    match backtest.verify_lookahead(&signals, &NoVerdicts, |_| ()) {
        Err(VerifyError::Diverged(divergence)) => {
            let text = divergence.to_string();
            assert!(text.contains(guest) && text.contains("bar 20"), "{text}");
        }
        other => panic!("{guest} was not found out: {other:?}"),
    }
}

fn backtest(component: &[u8]) -> sentinel_backtest::run::Backtest {
    let candles = synthetic_candles(Timeframe::M1, 3 * 1_440, 7).unwrap();
    let strategy = shipped::runtime().load(component, Limits::compiled()).unwrap();
    reference::backtest(strategy, candles, &[])
}
