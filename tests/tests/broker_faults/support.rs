//! One scenario, run once undisturbed and once under faults.

use std::path::Path;

use rust_decimal::dec;
use sentinel_backtest::market::StrategySetup;
use sentinel_domain::candles::gaps::{GapPolicy, apply};
use sentinel_domain::timeframe::{Timeframe, UnixMillis};
use sentinel_laptop::{Simulation, SimulationError};
use sentinel_tests::data;
use sentinel_tests::ending::{Ending, ending_of, what_does_not_add_up};
use sentinel_tests::parity::Scenario;

pub(crate) const DAY: i64 = Timeframe::D1.millis();

/// Returns two strategies on the first `days` days of the daily file, with stops, targets and trailing stops.
pub(crate) fn scenario(test: &str, days: usize) -> Option<Scenario> {
    scenario_with(test, days, |setup| {
        setup.risk.stop_loss_pct = Some(dec!(3));
        setup.risk.take_profit_pct = Some(dec!(8));
        setup.risk.trailing_stop_pct = Some(dec!(5));
    })
}

/// The same with an exit plan of one's own.
pub(crate) fn scenario_with(test: &str, days: usize, edit: impl Fn(&mut StrategySetup)) -> Option<Scenario> {
    let folder = data::folder(test)?;
    let (candles, _) = apply(data::candles(&folder, "btcusdt-1d.csv", Timeframe::D1), GapPolicy::Flat).unwrap();
    let times = &candles.columns().open_time;
    let candles = candles.between(times[0], times[days] + 1).unwrap();
    let strategies = [("sma-cross", [("fast", "3"), ("slow", "8")].as_slice()), ("own-memory", &[])];
    Some(Scenario::on(candles, &strategies, edit))
}

pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(work)
}

/// A run that was disturbed.
pub(crate) struct Disturbed {
    pub(crate) simulation: Simulation,
    /// What functions said that failed on the way; each was run again.
    pub(crate) failures: Vec<SimulationError>,
    _folder: tempfile::TempDir,
}

/// Runs a scenario to its end under what `arm` does first, over and over where a function fails.
pub(crate) async fn run(scenario: &Scenario, arm: impl FnOnce(&mut Simulation)) -> Disturbed {
    let folder = tempfile::tempdir().unwrap();
    let mut simulation = scenario.simulation(folder.path()).await;
    arm(&mut simulation);
    let failures = go_on(&mut simulation, UnixMillis::MAX).await;
    Disturbed { simulation, failures, _folder: folder }
}

/// Goes on to `until`, over and over where a function fails. Returns what the failures said.
pub(crate) async fn go_on(simulation: &mut Simulation, until: UnixMillis) -> Vec<SimulationError> {
    let mut failures = Vec::new();
    while let Err(error) = simulation.run_until(until).await {
        failures.push(error);
        assert!(failures.len() < 100, "it does not come to an end: {failures:?}");
    }
    failures
}

/// Returns where a scenario ends when nothing goes wrong.
pub(crate) async fn undisturbed(scenario: &Scenario) -> Ending {
    let calm = run(scenario, |_| ()).await;
    assert!(calm.failures.is_empty(), "{:?}", calm.failures);
    assert_adds_up(scenario, &calm.simulation).await;
    let ending = ending_of(&calm.simulation).await;
    assert!(ending.trades.len() > 5, "{} trades are too few to prove anything", ending.trades.len());
    ending
}

pub(crate) async fn assert_adds_up(scenario: &Scenario, simulation: &Simulation) {
    let wrong = what_does_not_add_up(simulation, scenario.account.cash).await;
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Opens the simulation of a scenario, for tests that go through it step by step.
pub(crate) async fn open(scenario: &Scenario, folder: &Path) -> Simulation {
    scenario.simulation(folder).await
}
