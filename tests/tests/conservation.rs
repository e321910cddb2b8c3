//! On random markets, under random faults of the broker, everything adds up in the end: cash and positions, equity and
//! its history, profits, the state of each signal, each order of the books and the broker's.
//!
//! `PROPTEST_CASES` sets how many cases are tried. What fails is printed with the seed of its market, and is tried again
//! by the next run, from `conservation.proptest-regressions`.

use std::sync::{Arc, LazyLock};

use proptest::prelude::*;
use rust_decimal::{Decimal, dec};
use sentinel_backtest::market::MarketSeries;
use sentinel_domain::candles::{Candles, Columns};
use sentinel_domain::fees::{FeeRate, FeeSchedule};
use sentinel_domain::instrument::InstrumentRules;
use sentinel_domain::risk::Sizing;
use sentinel_domain::timeframe::{Timeframe, UnixMillis};
use sentinel_function_runtime::RunRequest;
use sentinel_laptop::Simulation;
use sentinel_patch_prices::PatchPrices;
use sentinel_simulated_broker::faults::{Fault, FaultRule, OrderFault, WireFault};
use sentinel_simulated_broker::{Moment, Phase};
use sentinel_tests::data;
use sentinel_tests::ending::what_does_not_add_up;
use sentinel_tests::parity::Scenario;

const HOUR: i64 = Timeframe::H1.millis();
const DAY: i64 = Timeframe::D1.millis();
/// 2024-01-01T00:00:00Z.
const START: UnixMillis = 1_704_067_200_000;
/// How many cases fit into a quarter of a minute.
const CASES: u32 = 16;

/// A market, an account and what goes wrong.
#[derive(Debug, Clone)]
struct World {
    /// Of the market's prices.
    seed: u64,
    days: usize,
    /// The usual move of a day, per cent.
    volatility: u32,
    fees_in_coins: bool,
    slippage_bps: u32,
    stop_loss_pct: u32,
    positions_max: u32,
    valid_bars: u32,
    /// What goes wrong on which day.
    faults: Vec<(usize, Trouble)>,
}

/// Something that goes wrong.
#[derive(Debug, Clone)]
enum Trouble {
    LoseAnswer,
    LieAboutFailure,
    ServerErrors(u32),
    Outage(u32),
    TooManyRequests(u32),
    PartialFills {
        percent: u32,
        orders: u32,
    },
    Reject {
        after: u32,
    },
    NullPrice {
        hours: i64,
    },
    /// A person sells so many hours into the day.
    ByHand {
        hours: i64,
    },
}

fn trouble() -> impl Strategy<Value = Trouble> {
    prop_oneof![
        Just(Trouble::LoseAnswer),
        Just(Trouble::LieAboutFailure),
        (1..8_u32).prop_map(Trouble::ServerErrors),
        (1..15_u32).prop_map(Trouble::Outage),
        (1..6_u32).prop_map(Trouble::TooManyRequests),
        (5..95_u32, 1..8_u32).prop_map(|(percent, orders)| Trouble::PartialFills { percent, orders }),
        (0..3_u32).prop_map(|after| Trouble::Reject { after }),
        (1..60_i64).prop_map(|hours| Trouble::NullPrice { hours }),
        (0..24_i64).prop_map(|hours| Trouble::ByHand { hours }),
    ]
}

fn world() -> impl Strategy<Value = World> {
    let market = (any::<u64>().no_shrink(), 15..40_usize, 1..12_u32);
    let account = (any::<bool>(), 0..30_u32, 1..10_u32, 1..4_u32, 1..6_u32);
    let faults = prop::collection::vec((1..38_usize, trouble()), 0..10);
    (market, account, faults).prop_map(|((seed, days, volatility), account, faults)| {
        let (fees_in_coins, slippage_bps, stop_loss_pct, positions_max, valid_bars) = account;
        World { seed, days, volatility, fees_in_coins, slippage_bps, stop_loss_pct, positions_max, valid_bars, faults }
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if std::env::var_os("PROPTEST_CASES").is_some() { ProptestConfig::default().cases } else { CASES },
        max_shrink_iters: 40,
        failure_persistence: Some(Box::new(proptest::test_runner::FileFailurePersistence::Direct(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/conservation.proptest-regressions"
        )))),
        ..ProptestConfig::default()
    })]

    #[test]
    fn everything_adds_up_whatever_goes_wrong(world in world()) {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let wrong = runtime.block_on(live(&world));
        prop_assert!(wrong.is_empty(), "seed {}: {wrong:#?}", world.seed);
    }
}

/// Lives through a world and returns what does not add up in its end.
async fn live(world: &World) -> Vec<String> {
    let scenario = scenario(world);
    let folder = tempfile::tempdir().unwrap();
    let mut simulation = scenario.simulation(folder.path()).await;
    let wiring = simulation.wiring().clone();
    simulation.desktop_mut().add(Arc::new(PatchPrices::new(wiring.broker, wiring.terms)));
    for day in 0..world.days {
        for (_, trouble) in world.faults.iter().filter(|(of, _)| *of == day) {
            arm(&simulation, trouble, START + day_millis(day));
        }
        let failures = go_on(&mut simulation, START + day_millis(day) + 1).await;
        if failures > 50 {
            return vec![format!("it does not come to an end on day {day}")];
        }
        patch_prices(&simulation, START + day_millis(day)).await;
    }
    // Prices that are told last, and what is left undecided.
    simulation.broker().disarm().unwrap();
    go_on(&mut simulation, UnixMillis::MAX).await;
    let end = START + day_millis(world.days + 4);
    simulation.broker().advance(Moment::at_open(end)).unwrap();
    simulation.clock().set(end);
    for job in ["sync-positions", "patch-prices", "expire-signals"] {
        simulation.desktop().run(job, RunRequest::scheduled_at(end)).await.unwrap();
    }
    what_does_not_add_up(&simulation, scenario.account.cash).await
}

fn day_millis(day: usize) -> i64 {
    i64::try_from(day).unwrap() * DAY
}

/// Goes on to `until`, again and again where a function fails; returns how often one did.
async fn go_on(simulation: &mut Simulation, until: UnixMillis) -> usize {
    let mut failures = 0;
    while simulation.run_until(until).await.is_err() && failures <= 50 {
        failures += 1;
    }
    failures
}

async fn patch_prices(simulation: &Simulation, at: UnixMillis) {
    // The broker may be down for it, too: there is another hour.
    drop(simulation.desktop().run("patch-prices", RunRequest::scheduled_at(at)).await);
}

fn arm(simulation: &Simulation, trouble: &Trouble, day: UnixMillis) {
    let broker = simulation.broker();
    let wire = |fault: WireFault, times: u32| FaultRule::next(Fault::Wire(fault)).times(times);
    let order = |fault: OrderFault, times: u32| FaultRule::next(Fault::Order(fault)).times(times);
    let rule = match trouble {
        Trouble::LoseAnswer => wire(WireFault::LoseAnswer, 3).on("POST", "/v2/orders"),
        Trouble::LieAboutFailure => wire(WireFault::LieAboutFailure { status: 502 }, 3).on("POST", "/v2/orders"),
        Trouble::ServerErrors(times) => wire(WireFault::ServerError { status: 500 }, *times),
        Trouble::Outage(times) => wire(WireFault::CutConnection, *times),
        Trouble::TooManyRequests(times) => wire(WireFault::TooManyRequests { retry_after_seconds: 0 }, *times),
        Trouble::PartialFills { percent, orders } => {
            order(OrderFault::PartialFills { fraction: Decimal::from(*percent) / dec!(100) }, *orders)
        }
        Trouble::Reject { after } => order(OrderFault::RejectOrder, 1).after(*after),
        Trouble::NullPrice { hours } => order(OrderFault::NullPrice { millis: hours * HOUR }, 2),
        Trouble::ByHand { hours } => {
            // The day before has opened; a person comes by in the course of it.
            let now = Moment { time: day - DAY + hours * HOUR, phase: Phase::Open };
            if broker.look(|exchange| exchange.now() < now) {
                broker.advance(now).unwrap();
            }
            drop(broker.close_by_hand(&data::instrument().symbol));
            return;
        }
    };
    broker.arm(rule).unwrap();
}

/// Strategies that trade often, built once.
static STRATEGIES: LazyLock<Scenario> = LazyLock::new(|| {
    let strategies = [("sma-cross", [("fast", "2"), ("slow", "5")].as_slice()), ("own-memory", &[])];
    Scenario::on(market(0, 10, 3), &strategies, |_| ())
});

fn scenario(world: &World) -> Scenario {
    let mut scenario = STRATEGIES.clone();
    let candles = market(world.seed, world.days, world.volatility);
    scenario.series = vec![MarketSeries::new(Arc::new(candles), InstrumentRules::default(), "flat", 0)];
    scenario.account.fill_model.slippage_bps = world.slippage_bps.into();
    let by_hand = world.faults.iter().any(|(_, trouble)| matches!(trouble, Trouble::ByHand { .. }));
    // Of two positions in one symbol nobody can tell which one a person has sold while another sale is under way: that is
    // named and left to people.
    scenario.account.limits.positions_max = Some(if by_hand { 1 } else { world.positions_max });
    if world.fees_in_coins {
        scenario.account.fees = FeeSchedule::default();
    }
    let is_estimated = |trouble: &Trouble| matches!(trouble, Trouble::NullPrice { .. } | Trouble::PartialFills { .. });
    if world.faults.iter().any(|(_, trouble)| is_estimated(trouble)) {
        // Until the broker posts them fees are estimates: the tier of a fill depends on what was traded before, unknown as
        // long as its price is, and what is left of a stop that sold in part rests, for the lower fee of a maker.
        scenario.account.fees.rate = FeeRate::Fixed { bps: dec!(20) };
    }
    for strategy in &mut scenario.strategies {
        strategy.risk.sizing = Sizing::EquityPct(dec!(45));
        strategy.risk.stop_loss_pct = Some(world.stop_loss_pct.into());
        strategy.risk.take_profit_pct = Some((world.stop_loss_pct * 2).into());
        strategy.risk.trailing_stop_pct = Some((world.stop_loss_pct + 1).into());
        strategy.risk.signal_valid_bars = world.valid_bars;
    }
    scenario
}

/// Returns daily candles that wander, gap and spike.
fn market(seed: u64, days: usize, volatility: u32) -> Candles {
    let mut state = seed;
    let mut unit = move || {
        // SplitMix64, from Vigna's public-domain reference.
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        #[expect(clippy::cast_precision_loss, reason = "the upper 53 bits fit")]
        let unit = ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64;
        unit
    };
    let cents = |price: f64| (price * 100.0).round().max(100.0) / 100.0;
    let move_max = f64::from(volatility) / 100.0;
    let mut columns = Columns::default();
    let mut price = 1_000.0 + 20_000.0 * unit();
    for day in 0..days {
        let gap = if unit() < 0.2 { move_max * (unit() - 0.5) } else { 0.0 };
        let open = cents(price * (1.0 + gap));
        let close = cents(open * (1.0 + move_max * (2.0 * unit() - 1.0)));
        columns.open_time.push(START + day_millis(day));
        columns.open.push(open);
        columns.high.push(cents(open.max(close) * (1.0 + move_max * unit() / 2.0)));
        columns.low.push(cents(open.min(close) * (1.0 - move_max * unit() / 2.0)));
        columns.close.push(close);
        columns.volume.push(1.0 + 100.0 * unit());
        price = close;
    }
    Candles::new(data::instrument(), Timeframe::D1, columns).unwrap()
}
