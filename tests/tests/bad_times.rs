//! What the world does to running functions besides the broker: a clock that jumps back, and a disk that fills up during
//! a night. Nothing is done twice, nothing is lost, and what cannot be done is named.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use rust_decimal::dec;
use sentinel_domain::candles::gaps::{GapPolicy, apply};
use sentinel_domain::environment::Environment;
use sentinel_domain::tables::{FactTrade, Table};
use sentinel_domain::timeframe::{Timeframe, UnixMillis};
use sentinel_domain::warehouse::{EVERY_DAY, TableId, Warehouse, WarehouseExt};
use sentinel_embedded::warehouse::DuckWarehouse;
use sentinel_function_runtime::RunRequest;
use sentinel_laptop::{Simulation, SimulationError};
use sentinel_tests::data;
use sentinel_tests::ending::{Ending, ending_of, what_does_not_add_up};
use sentinel_tests::parity::Scenario;

const DAY: i64 = Timeframe::D1.millis();

#[test]
fn a_clock_that_jumps_back_changes_nothing() {
    let Some(scenario) = scenario("a_clock_that_jumps_back_changes_nothing", 40) else { return };
    block_on(async {
        let expected = undisturbed(&scenario).await;
        let folder = tempfile::tempdir().unwrap();
        let mut simulation = scenario.simulation(folder.path()).await;
        let candles = scenario.series[0].candles();
        for row in (8..candles.len()).step_by(4) {
            let now = candles.columns().open_time[row];
            simulation.run_until(now + 1).await.unwrap();
            let before = ending_of(&simulation).await;
            // Minutes, and days: by the clock of the machine and by the moment that the run is about.
            for back in [60_000, DAY / 2, 5 * DAY] {
                simulation.clock().set(now - back);
                for job in ["ingest-candles", "execute-signals", "sync-positions", "expire-signals"] {
                    simulation.desktop().run(job, RunRequest::scheduled_at(now - back)).await.unwrap();
                }
                simulation.desktop().deliver().await.unwrap();
            }
            assert_eq!(ending_of(&simulation).await, before, "at {now}");
            simulation.clock().set(now);
        }
        simulation.run_until(UnixMillis::MAX).await.unwrap();
        assert_eq!(ending_of(&simulation).await, expected);
    });
}

#[test]
fn a_clock_that_stays_behind_for_days_changes_nothing_either() {
    let Some(scenario) = scenario("a_clock_that_stays_behind_for_days_changes_nothing_either", 40) else { return };
    block_on(async {
        let expected = undisturbed(&scenario).await;
        let folder = tempfile::tempdir().unwrap();
        let mut simulation = scenario.simulation(folder.path()).await;
        let candles = scenario.series[0].candles();
        simulation.run_until(candles.columns().open_time[12] + 1).await.unwrap();
        // The machine's clock is set back and goes on from there: moments are the schedule's, leases are the clock's.
        for row in 13..candles.len() {
            simulation.clock().set(candles.columns().open_time[row - 10]);
            while !simulation.run_next().await.unwrap_or_else(|error| panic!("{error}")) {}
            simulation.clock().set(candles.columns().open_time[row - 10] + 1);
        }
        simulation.run_until(UnixMillis::MAX).await.unwrap();
        assert_eq!(what_does_not_add_up(&simulation, scenario.account.cash).await, [] as [String; 0]);
        assert_eq!(ending_of(&simulation).await, expected);
    });
}

#[test]
fn a_night_run_again_with_the_clock_of_an_earlier_one_changes_nothing() {
    let test = "a_night_run_again_with_the_clock_of_an_earlier_one_changes_nothing";
    let Some(scenario) = scenario(test, 30) else { return };
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let (mut simulation, warehouse) = archiving(&scenario, folder.path(), folder.path()).await;
        let end = scenario.series[0].candles().close_time(scenario.series[0].candles().len() - 1);
        simulation.run_until(UnixMillis::MAX).await.unwrap();
        simulation.night(end).await.unwrap();
        let before = trades(&warehouse).await;
        assert!(before.len() > 3, "{before:?}");
        for days in [1, 7] {
            simulation.clock().set(end - days * DAY);
            simulation.night(end - days * DAY).await.unwrap();
            assert_eq!(trades(&warehouse).await, before);
        }
    });
}

#[test]
fn a_disk_that_fills_up_during_a_night_loses_nothing() {
    let test = "a_disk_that_fills_up_during_a_night_loses_nothing";
    let Some(scenario) = scenario(test, 30) else { return };
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(folder.path().join("disk")) else {
        eprintln!("SKIPPED {test}: only root may mount a small file system");
        return;
    };
    block_on(async {
        let calm = tempfile::tempdir().unwrap();
        let expected = night_on(&scenario, calm.path(), calm.path()).await;
        let end = scenario.series[0].candles().close_time(scenario.series[0].candles().len() - 1);
        // Only the warehouse's disk, then both stores'.
        for hot in [calm.path().join("hot"), disk.path.join("hot")] {
            std::fs::create_dir_all(&hot).unwrap();
            let cold = disk.path.join("cold");
            std::fs::create_dir_all(&cold).unwrap();
            let (mut simulation, warehouse) = archiving(&scenario, &hot, &cold).await;
            simulation.run_until(UnixMillis::MAX).await.unwrap();
            disk.fill();
            let error = simulation.night(end).await.unwrap_err();
            let said = whole(&error);
            println!("a full disk: {said}");
            assert!(said.contains("space") || said.contains("full"), "{said}");
            disk.empty();
            simulation.night(end).await.unwrap();
            assert_eq!(trades(&warehouse).await, expected);
            drop((simulation, warehouse));
            std::fs::remove_dir_all(&hot).unwrap();
            std::fs::remove_dir_all(&cold).unwrap();
        }
    });
}

#[test]
fn a_table_with_a_column_of_a_newer_version_stops_the_night_by_name() {
    let test = "a_table_with_a_column_of_a_newer_version_stops_the_night_by_name";
    let Some(scenario) = scenario(test, 30) else { return };
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let (mut simulation, warehouse) = archiving(&scenario, folder.path(), folder.path()).await;
        let candles = scenario.series[0].candles();
        simulation.run_until(candles.close_time(14) + 1).await.unwrap();
        simulation.night(candles.close_time(14)).await.unwrap();
        let before = trades(&warehouse).await;
        alter(folder.path(), "ADD COLUMN mood VARCHAR").await;

        simulation.run_until(UnixMillis::MAX).await.unwrap();
        let end = candles.close_time(candles.len() - 1);
        let said = whole(&simulation.night(end).await.unwrap_err());
        assert!(said.contains("fact_trades_test") && said.contains("mood is unknown"), "{said}");
        alter(folder.path(), "DROP COLUMN mood").await;
        assert_eq!(trades(&warehouse).await, before, "nothing was written");
        simulation.night(end).await.unwrap();
        assert!(trades(&warehouse).await.len() > before.len());
    });
}

/// Changes the table of trades as another program would, while the functions are not at it.
async fn alter(folder: &Path, change: &str) {
    // A session outlives its call by a second.
    tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
    let connection = duckdb::Connection::open(folder.join("cold.duckdb")).unwrap();
    connection.execute_batch(&format!("ALTER TABLE fact_trades_test {change}")).unwrap();
}

/// An error with what caused it.
fn whole(error: &SimulationError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// A file system of 24 MB, gone when dropped.
struct SmallDisk {
    path: PathBuf,
}

impl SmallDisk {
    /// Returns `None` where only an administrator may mount.
    fn mount(path: PathBuf) -> Option<Self> {
        std::fs::create_dir_all(&path).unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=24m", "tmpfs"]).arg(&path).output();
        mounted.is_ok_and(|output| output.status.success()).then_some(Self { path })
    }

    /// Takes all the room that is left.
    fn fill(&self) {
        let mut ballast = std::fs::File::create(self.path.join("ballast")).unwrap();
        let block = vec![0; 4_096];
        while std::io::Write::write_all(&mut ballast, &block).is_ok() {}
    }

    fn empty(&self) {
        std::fs::remove_file(self.path.join("ballast")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Files may still be open where a test has failed.
        drop(Command::new("umount").arg("--lazy").arg(&self.path).status());
    }
}

async fn night_on(scenario: &Scenario, hot: &Path, cold: &Path) -> Vec<FactTrade> {
    let (mut simulation, warehouse) = archiving(scenario, hot, cold).await;
    simulation.run_until(UnixMillis::MAX).await.unwrap();
    let candles = scenario.series[0].candles();
    simulation.night(candles.close_time(candles.len() - 1)).await.unwrap();
    trades(&warehouse).await
}

async fn archiving(scenario: &Scenario, hot: &Path, cold: &Path) -> (Simulation, Arc<dyn Warehouse>) {
    let mut simulation = scenario.simulation(hot).await;
    let warehouse: Arc<dyn Warehouse> = Arc::new(DuckWarehouse::new(cold.join("cold.duckdb"), "a test"));
    simulation.add_archive(&warehouse, None);
    (simulation, warehouse)
}

async fn trades(warehouse: &Arc<dyn Warehouse>) -> Vec<FactTrade> {
    let table = TableId::of::<FactTrade>(Environment::Test.table(FactTrade::schema().name));
    warehouse.select::<FactTrade>(&table, EVERY_DAY, &[]).await.unwrap()
}

async fn undisturbed(scenario: &Scenario) -> Ending {
    let folder = tempfile::tempdir().unwrap();
    let mut simulation = scenario.simulation(folder.path()).await;
    simulation.run_until(UnixMillis::MAX).await.unwrap();
    let ending = ending_of(&simulation).await;
    assert!(ending.trades.len() > 3, "{} trades are too few to prove anything", ending.trades.len());
    ending
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(work)
}

fn scenario(test: &str, days: usize) -> Option<Scenario> {
    let folder = data::folder(test)?;
    let (candles, _) = apply(data::candles(&folder, "btcusdt-1d.csv", Timeframe::D1), GapPolicy::Flat).unwrap();
    let times = &candles.columns().open_time;
    let candles = candles.between(times[0], times[days] + 1).unwrap();
    let strategies = [("sma-cross", [("fast", "2"), ("slow", "5")].as_slice()), ("own-memory", &[])];
    Some(Scenario::on(candles, &strategies, |setup| {
        setup.risk.stop_loss_pct = Some(dec!(3));
        setup.risk.take_profit_pct = Some(dec!(8));
    }))
}
