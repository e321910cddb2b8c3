//! A backtest and the functions make the same trades on hourly candles too: over the sessions of months, through real
//! outages of an exchange, with several symbols in one account, and for strategies on coarser candles.

use rust_decimal::{Decimal, dec};
use sentinel_backtest::market::StrategySetup;
use sentinel_domain::candles::Candles;
use sentinel_domain::candles::gaps::{Gap, GapPolicy, apply, find_gaps};
use sentinel_domain::fees::FeeSchedule;
use sentinel_domain::risk::Sizing;
use sentinel_domain::timeframe::{Timeframe, UnixMillis};
use sentinel_tests::data;
use sentinel_tests::parity::{Scenario, TradeFacts, same_trades};

const DAY: i64 = Timeframe::D1.millis();
const MONTH: i64 = 30 * DAY;
/// 2024-02-20T00:00:00Z: the sessions of March and April begin in the days after it.
const FEBRUARY: UnixMillis = 1_708_387_200_000;

#[test]
fn averages_of_50_and_200_hours_over_the_turn_of_months() {
    let test = "averages_of_50_and_200_hours_over_the_turn_of_months";
    let edit = |setup: &mut StrategySetup| setup.risk.stop_loss_pct = Some(dec!(2));
    let Some(scenario) = hourly(test, &["btcusdt", "ethusdt"], FEBRUARY, 65 * DAY, &["ema-cross"], edit) else {
        return;
    };
    let _ = same_trades(&scenario);
}

#[test]
fn a_strategy_that_remembers_begins_anew_with_each_month() {
    let test = "a_strategy_that_remembers_begins_anew_with_each_month";
    let Some(scenario) = hourly(test, &["btcusdt"], FEBRUARY, 2 * MONTH, &["own-memory"], |_| ()) else { return };
    let trades = same_trades(&scenario);
    let march = FEBRUARY + 10 * DAY..FEBRUARY + 41 * DAY;
    let (within, beyond): (Vec<_>, Vec<_>) = trades.iter().partition(|trade| march.contains(&trade.entry_time));
    assert!(within.len() > 2 && beyond.len() > 2, "{trades:?}");
}

#[test]
fn outages_left_open_and_filled_flat() {
    for policy in [GapPolicy::Skip, GapPolicy::Flat] {
        let Some(scenario) = outage("outages_left_open_and_filled_flat", policy) else { return };
        let trades = same_trades(&scenario);
        println!("{policy}: {} trades", trades.len());
    }
}

#[test]
fn an_entry_decided_just_before_an_outage_is_given_up() {
    let test = "an_entry_decided_just_before_an_outage_is_given_up";
    let Some(folder) = data::folder(test) else { return };
    let candles = data::candles(&folder, "btcusdt-1h-2017-2024.csv.gz", Timeframe::H1);
    let around = |gap: &Gap| candles.between(gap.after - 4 * DAY, gap.after + 4 * DAY).unwrap();
    // Averages so short that they cross all the time, around each outage that there was.
    let scenarios = find_gaps(&candles).into_iter().map(|gap| {
        let mut scenario = Scenario::on(around(&gap), &[("sma-cross", &[("fast", "2"), ("slow", "3")])], |_| ());
        GapPolicy::Skip.as_str().clone_into(&mut scenario.series[0].gaps);
        scenario
    });
    let mut met: Vec<_> = scenarios.filter(|scenario| scenario.backtest().0.signals.abandoned > 0).collect();
    println!("before {} outages an entry was decided", met.len());
    assert!(met.len() > 2);
    met.truncate(3);
    for scenario in met {
        let _ = same_trades(&scenario);
    }
}

#[test]
fn three_symbols_share_two_slots_and_one_equity() {
    let symbols = ["btcusdt", "ethusdt", "solusdt"];
    let edit = |setup: &mut StrategySetup| {
        setup.risk.sizing = Sizing::EquityPct(dec!(40));
        setup.risk.stop_loss_pct = Some(dec!(2));
        setup.risk.take_profit_pct = Some(dec!(4));
    };
    let strategies = ["own-memory", "sma-cross"];
    let test = "three_symbols_share_two_slots_and_one_equity";
    let Some(mut scenario) = hourly(test, &symbols, FEBRUARY, 15 * DAY, &strategies, edit) else { return };
    scenario.account.limits.positions_max = Some(2);
    scenario.account.fees = FeeSchedule::default();
    let (result, _) = scenario.backtest();
    assert!(result.signals.rejected.contains_key("max_positions"), "{:?}", result.signals);
    let trades = same_trades(&scenario);
    let traded = |symbol: &str| trades.iter().any(|trade| trade.symbol.starts_with(symbol));
    assert!(traded("BTC") && traded("ETH") && traded("SOL"), "{trades:?}");
}

#[test]
fn exits_of_a_coarser_strategy_are_decided_on_the_finest_candles() {
    for timeframe in [Timeframe::H4, Timeframe::D1] {
        let edit = |setup: &mut StrategySetup| {
            setup.timeframe = timeframe;
            setup.risk.bars_held_max = Some(2);
            setup.risk.trailing_stop_pct = Some(dec!(2.5));
            setup.risk.stop_loss_pct = Some(dec!(4));
        };
        let test = "exits_of_a_coarser_strategy_are_decided_on_the_finest_candles";
        let Some(scenario) = hourly(test, &["btcusdt"], FEBRUARY - MONTH, 2 * MONTH, &["own-memory"], edit) else {
            return;
        };
        let trades = same_trades(&scenario);
        assert!(reasons(&trades, "time") > 0 && reasons(&trades, "trailing") > 0, "{timeframe}: {trades:?}");
    }
}

fn reasons(trades: &[TradeFacts], reason: &str) -> usize {
    trades.iter().filter(|trade| trade.exit_reason == reason).count()
}

/// Returns strategies on hourly candles of `symbols` for so long from `from`.
fn hourly(
    test: &str,
    symbols: &[&str],
    from: UnixMillis,
    lasts: i64,
    strategies: &[&str],
    edit: impl Fn(&mut StrategySetup),
) -> Option<Scenario> {
    let folder = data::folder(test)?;
    let read = |name: &&str| {
        let symbol = format!("{}/USDT", name[..3].to_uppercase());
        let file = format!("{name}-1h.csv.gz");
        let (candles, _) = apply(data::candles_of(&folder, &file, &symbol, Timeframe::H1), GapPolicy::Flat).unwrap();
        candles.between(from, from + lasts).unwrap()
    };
    Some(on(symbols.iter().map(read).collect(), strategies, edit))
}

/// Returns the February of 2018, whose outage lasted 34 hours, with stops that it is gapped over.
fn outage(test: &str, policy: GapPolicy) -> Option<Scenario> {
    /// 2018-02-01T00:00:00Z.
    const FEBRUARY_2018: UnixMillis = 1_517_443_200_000;
    let folder = data::folder(test)?;
    let candles = data::candles(&folder, "btcusdt-1h-2017-2024.csv.gz", Timeframe::H1);
    assert!(apply(candles.clone(), GapPolicy::Refuse).is_err(), "these candles have gaps");
    let (candles, _) = apply(candles, policy).unwrap();
    let candles: Candles = candles.between(FEBRUARY_2018, FEBRUARY_2018 + 20 * DAY).unwrap();
    let mut scenario = on(vec![candles], &["own-memory", "sma-cross"], |setup| {
        setup.risk.stop_loss_pct = Some(dec!(5));
        setup.risk.trailing_stop_pct = Some(dec!(8));
        setup.risk.bars_held_max = Some(30);
    });
    for series in &mut scenario.series {
        policy.as_str().clone_into(&mut series.gaps);
    }
    Some(scenario)
}

fn on(candles: Vec<Candles>, strategies: &[&str], edit: impl Fn(&mut StrategySetup)) -> Scenario {
    let quick: &[(&str, &str)] = &[("fast", "5"), ("slow", "20")];
    let named: Vec<_> = strategies.iter().map(|name| (*name, if *name == "sma-cross" { quick } else { &[] })).collect();
    let mut scenario = Scenario::on_all(candles, &named, edit);
    scenario.account.cash = Decimal::from(1_000_000);
    scenario
}
