//! A backtest and the functions at the local broker make the same trades, to the cent and the second.

use rust_decimal::dec;
use sentinel_backtest::market::StrategySetup;
use sentinel_domain::candles::gaps::{GapPolicy, apply};
use sentinel_domain::risk::Sizing;
use sentinel_domain::timeframe::Timeframe;
use sentinel_tests::parity::{Scenario, same_trades};
use sentinel_tests::{data, reference};

#[test]
fn reference_trades() {
    let Some(scenario) = scenario("reference_trades", 3_178, &[("sma-cross", &reference::PARAMETERS)], |_| ()) else {
        return;
    };
    assert_eq!(same_trades(&scenario).len(), 60);
}

#[test]
fn stops_and_targets() {
    let scenario = scenario("stops_and_targets", 1_500, &[("sma-cross", &reference::PARAMETERS)], |setup| {
        setup.risk.stop_loss_pct = Some(dec!(4));
        setup.risk.take_profit_pct = Some(dec!(9));
    });
    let Some(mut scenario) = scenario else { return };
    scenario.account.fill_model.slippage_bps = dec!(5);
    let trades = same_trades(&scenario);
    assert!(
        ["stop", "target"].iter().all(|reason| trades.iter().any(|trade| trade.exit_reason == *reason)),
        "{trades:?}"
    );
}

#[test]
fn trailing_and_time_exits() {
    let scenario = scenario("trailing_and_time_exits", 1_500, &[("sma-cross", &reference::PARAMETERS)], |setup| {
        setup.risk.trailing_stop_pct = Some(dec!(6));
        setup.risk.bars_held_max = Some(12);
    });
    let Some(scenario) = scenario else { return };
    let trades = same_trades(&scenario);
    let reasons = ["trailing", "time"];
    assert!(reasons.iter().all(|reason| trades.iter().any(|trade| trade.exit_reason == *reason)), "{trades:?}");
}

#[test]
fn two_strategies_compete_for_the_last_slot() {
    let strategies: [(&str, &[(&str, &str)]); 2] = [("sma-cross", &reference::PARAMETERS), ("ema-cross", &[])];
    let Some(mut scenario) = scenario("two_strategies_compete_for_the_last_slot", 1_600, &strategies, |_| ()) else {
        return;
    };
    scenario.account.limits.positions_max = Some(1);
    let (result, _) = scenario.backtest();
    assert!(result.signals.rejected.contains_key("max_positions"), "{:?}", result.signals);
    let _ = same_trades(&scenario);
}

#[test]
fn equity_sizing_under_loss_limits_with_the_brokers_fee_tiers() {
    let scenario = scenario(
        "equity_sizing_under_loss_limits_with_the_brokers_fee_tiers",
        2_000,
        &[("own-memory", &[])],
        |setup| setup.risk.sizing = Sizing::EquityPct(dec!(80)),
    );
    let Some(mut scenario) = scenario else { return };
    scenario.account.fees = sentinel_domain::fees::FeeSchedule::default();
    scenario.account.limits.drawdown_max_pct = Some(dec!(15));
    scenario.account.limits.daily_loss_max_pct = Some(dec!(3));
    let _ = same_trades(&scenario);
}

/// Returns strategies on the first `bars` days of the daily file.
fn scenario(
    test: &str,
    bars: usize,
    strategies: &[(&str, &[(&str, &str)])],
    edit: impl Fn(&mut StrategySetup),
) -> Option<Scenario> {
    let folder = data::folder(test)?;
    let (candles, _) = apply(data::candles(&folder, "btcusdt-1d.csv", Timeframe::D1), GapPolicy::Flat).unwrap();
    let times = &candles.columns().open_time;
    let end = times[bars.min(times.len()) - 1] + 1;
    Some(Scenario::on(candles.between(times[0], end).unwrap(), strategies, edit))
}
