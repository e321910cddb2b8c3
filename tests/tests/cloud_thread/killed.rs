//! Killed at writes and orders of the thread on Firestore, and at writes of a night with BigQuery behind it.

use std::path::Path;
use std::sync::Arc;

use sentinel_domain::timeframe::UnixMillis;
use sentinel_domain::warehouse::{Warehouse, WarehouseExt};
use sentinel_embedded::warehouse::DuckWarehouse;
use sentinel_laptop::Simulation;
use sentinel_tests::ending::{Ending, ending_of};
use sentinel_tests::interruptions::{Fuse, start_again};
use sentinel_tests::parity::Scenario;

use crate::counterparts::Counterparts;
use crate::rows::{Tables, rows_of};
use crate::{ENVIRONMENT, benchmark, scenario};

const DAYS: usize = 12;
/// A night is killed at one in so many of its writes: each try asks the counterpart of BigQuery for seconds.
const NIGHT_STEP: usize = 16;

#[test]
fn killed_at_every_write_and_order_on_firestore() {
    let Some(scenario) = scenario("killed_at_every_write_and_order_on_firestore", DAYS) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let Some(counterparts) = Counterparts::fresh("killed").await else { return };
        let expected = undisturbed(&scenario).await;
        assert!(expected.trades.len() > 1, "{} trades prove nothing", expected.trades.len());
        let folder = tempfile::tempdir().unwrap();
        let mut simulation = counterparts.simulation(&scenario, folder.path()).await;
        let kills = killed_everywhere(&mut simulation).await;
        println!("killed {kills} times over {} trades", expected.trades.len());
        assert!(kills > 100, "{kills}");
        assert_eq!(ending_of(&simulation).await, expected);
    });
}

async fn undisturbed(scenario: &Scenario) -> Ending {
    let folder = tempfile::tempdir().unwrap();
    let mut simulation = scenario.simulation_in(folder.path(), ENVIRONMENT).await;
    simulation.run_until(UnixMillis::MAX).await.unwrap();
    ending_of(&simulation).await
}

/// At each moment: killed at its first write, then at its second, and so on, until the moment passes.
async fn killed_everywhere(simulation: &mut Simulation) -> usize {
    let fuse = Arc::new(Fuse::default());
    let mut kills = 0;
    loop {
        for calls in 0.. {
            start_again(simulation, &fuse, kills);
            fuse.light(calls);
            match simulation.run_next().await {
                Ok(true) => break,
                Ok(false) => return kills,
                Err(error) => assert!(fuse.is_out(), "failed alive: {error}"),
            }
            kills += 1;
        }
    }
}

#[test]
fn loops_killed_at_night_end_with_the_same_rows() {
    let Some(scenario) = scenario("loops_killed_at_night_end_with_the_same_rows", DAYS) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let Some(counterparts) = Counterparts::fresh("night").await else { return };
        let (calm, disturbed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let expected = archived_undisturbed(&scenario, calm.path()).await;
        assert!(!expected["fact_trades_test"].is_empty(), "nothing was archived");

        let mut simulation = counterparts.simulation(&scenario, disturbed.path()).await;
        let end = last_close(&scenario);
        simulation.run_until(end + 1).await.unwrap();
        let warehouse = counterparts.warehouse().await;
        warehouse.ensure_all(|name| ENVIRONMENT.table(name)).await.unwrap();
        let fuse = Arc::new(Fuse::default());
        let mut kills = 0;
        for calls in (0..).step_by(NIGHT_STEP) {
            start_again(&mut simulation, &fuse, kills);
            simulation.add_archive(&warehouse, Some(benchmark(&scenario)));
            fuse.light(calls);
            match simulation.night(end).await {
                Ok(_) => break,
                Err(error) => assert!(fuse.is_out(), "failed alive: {error}"),
            }
            kills += 1;
        }
        println!("killed {kills} times in one night");
        assert!(kills > 2, "{kills}");
        let found = rows_of(&warehouse).await;
        for (name, rows) in &expected {
            assert_eq!(&found[name], rows, "{name}");
        }
    });
}

async fn archived_undisturbed(scenario: &Scenario, folder: &Path) -> Tables {
    let mut simulation = scenario.simulation_in(folder, ENVIRONMENT).await;
    let duck = DuckWarehouse::new(folder.join("warehouse.duckdb"), "a test").with_tables_of(ENVIRONMENT);
    let warehouse: Arc<dyn Warehouse> = Arc::new(duck);
    let end = last_close(scenario);
    simulation.run_until(end + 1).await.unwrap();
    simulation.add_archive(&warehouse, Some(benchmark(scenario)));
    simulation.night(end).await.unwrap();
    rows_of(&warehouse).await
}

fn last_close(scenario: &Scenario) -> UnixMillis {
    let candles = scenario.series[0].candles();
    candles.close_time(candles.len() - 1)
}
