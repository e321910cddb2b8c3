//! Prices and fees that the broker tells later than the fill.

use std::sync::Arc;

use rust_decimal::Decimal;
use sentinel_domain::environment::Environment;
use sentinel_domain::tables::{FactTrade, Table};
use sentinel_domain::timeframe::UnixMillis;
use sentinel_domain::warehouse::{EVERY_DAY, TableId, Warehouse, WarehouseExt};
use sentinel_embedded::warehouse::DuckWarehouse;
use sentinel_function_runtime::RunRequest;
use sentinel_laptop::Simulation;
use sentinel_simulated_broker::faults::{Fault, FaultRule, OrderFault};
use sentinel_tests::ending::{books_of, ending_of};
use sentinel_tests::parity::Scenario;

use crate::support::{DAY, assert_adds_up, block_on, go_on, open, scenario, scenario_with, undisturbed};

const HOUR: i64 = 3_600_000;

#[test]
fn a_price_told_late_is_healed_to_the_same_trades() {
    let Some(scenario) = scenario_with("a_price_told_late_is_healed_to_the_same_trades", 60, |_| ()) else { return };
    block_on(async {
        let expected = undisturbed(&scenario).await;
        let (simulation, healed, _folder) = prices_late(&scenario, 12 * HOUR).await;
        println!("{healed} positions were healed");
        assert!(healed > 10, "{healed}");
        assert_adds_up(&scenario, &simulation).await;
        assert_eq!(ending_of(&simulation).await, expected);
    });
}

#[test]
fn prices_told_days_late_leave_no_position_without_one() {
    let Some(scenario) = scenario("prices_told_days_late_leave_no_position_without_one", 60) else { return };
    block_on(async {
        let (simulation, healed, _folder) = prices_late(&scenario, 2 * DAY + HOUR).await;
        assert!(healed > 10, "{healed}");
        assert_adds_up(&scenario, &simulation).await;
        let books = books_of(&simulation).await;
        assert!(books.account.troubles.is_empty(), "{:?}", books.account.troubles);
    });
}

/// Runs a scenario whose every fill shows its price only so much later, with the price patch each day.
async fn prices_late(scenario: &Scenario, millis: i64) -> (Simulation, u64, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let mut simulation = open(scenario, folder.path()).await;
    let warehouse: Arc<dyn Warehouse> = Arc::new(DuckWarehouse::new(folder.path().join("cold.duckdb"), "a test"));
    simulation.add_archive(&warehouse, None);
    arm(&simulation, OrderFault::NullPrice { millis });
    let mut healed = 0;
    let candles = scenario.series[0].candles();
    for row in 0..candles.len() + 4 {
        let day = candles.columns().open_time[0] + i64::try_from(row).unwrap() * DAY;
        go_on(&mut simulation, day + 1).await;
        // Past the end of the candles, so that the last prices are told.
        let now = sentinel_simulated_broker::Moment::at_open(day);
        if simulation.broker().look(|exchange| exchange.now() < now) {
            simulation.broker().advance(now).unwrap();
        }
        let patched = simulation.desktop().run("patch-prices", RunRequest::scheduled_at(day)).await.unwrap();
        healed += patched.job_run().rows_out;
    }
    (simulation, healed, folder)
}

#[test]
fn fees_a_day_late_come_to_the_same_trades() {
    let Some(mut scenario) = scenario("fees_a_day_late_come_to_the_same_trades", 24) else { return };
    scenario.account.fees = sentinel_domain::fees::FeeSchedule::default();
    block_on(async {
        let calm = archived(&scenario, |_| ()).await;
        let late = archived(&scenario, |simulation| arm(simulation, OrderFault::LateFees { days: 1 })).await;
        assert!(calm.len() > 4 && calm.iter().all(|trade| trade.fee_finalized), "{calm:?}");
        let off: Vec<Decimal> =
            calm.iter().map(|trade| trade.actual_fee_usd.unwrap_or_default() - trade.estimated_fee_usd).collect();
        println!("{} trades, actual fees less estimated: {off:?}", calm.len());
        assert_eq!(late, calm);
    });
}

/// Archives each night and two more, and returns the trades.
async fn archived(scenario: &Scenario, disturb: impl FnOnce(&Simulation)) -> Vec<FactTrade> {
    let folder = tempfile::tempdir().unwrap();
    let mut simulation = open(scenario, folder.path()).await;
    let warehouse: Arc<dyn Warehouse> = Arc::new(DuckWarehouse::new(folder.path().join("cold.duckdb"), "a test"));
    simulation.archive_into(&warehouse, None).unwrap();
    disturb(&simulation);
    go_on(&mut simulation, UnixMillis::MAX).await;
    let candles = scenario.series[0].candles();
    for days in 0..3 {
        let night = candles.close_time(candles.len() - 1) + days * DAY;
        simulation.broker().advance(sentinel_simulated_broker::Moment::at_open(night)).unwrap();
        simulation.night(night).await.unwrap();
    }
    let table = TableId::of::<FactTrade>(Environment::Test.table(FactTrade::schema().name));
    let mut trades = warehouse.select::<FactTrade>(&table, EVERY_DAY, &[]).await.unwrap();
    trades.sort_by(|a, b| (a.entry_time, &a.trade_id).cmp(&(b.entry_time, &b.trade_id)));
    trades
}

fn arm(simulation: &Simulation, fault: OrderFault) {
    let rule = FaultRule { count: None, ..FaultRule::next(Fault::Order(fault)) };
    simulation.broker().arm(rule).unwrap();
}
