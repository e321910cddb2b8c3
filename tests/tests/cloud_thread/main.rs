//! The golden thread on the counterparts of the cloud: documents in Firestore, events over Pub/Sub, components in Cloud
//! Storage, the archive in BigQuery. What stands there in the end is what stands on the embedded stores.

mod counterparts;
mod killed;
mod rows;

use std::sync::Arc;

use rust_decimal::dec;
use sentinel_domain::candles::gaps::{GapPolicy, apply};
use sentinel_domain::documents::{Precondition, Records};
use sentinel_domain::environment::Environment;
use sentinel_domain::live::{LiveSignal, signal_id};
use sentinel_domain::signal::{SignalState, SignalType};
use sentinel_domain::timeframe::{Timeframe, UnixMillis};
use sentinel_domain::warehouse::{Warehouse, WarehouseExt};
use sentinel_embedded::warehouse::DuckWarehouse;
use sentinel_laptop::Simulation;
use sentinel_tests::data;
use sentinel_tests::parity::Scenario;

use crate::counterparts::Counterparts;
use crate::rows::{Collections, Tables};

const ENVIRONMENT: Environment = Environment::Test;
/// A night takes the counterpart of BigQuery some fifteen seconds.
const DAYS: usize = 60;

#[test]
fn thread_ends_with_the_same_rows_as_on_embedded_stores() {
    let test = "thread_ends_with_the_same_rows_as_on_embedded_stores";
    let Some(scenario) = scenario(test, DAYS) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let Some(counterparts) = Counterparts::fresh("thread").await else { return };
        let (hot, cold) = on_embedded(&scenario).await;
        assert_none_is_empty(&cold);
        let (hot_there, cold_there) = on_counterparts(&scenario, &counterparts).await;
        for (name, rows) in &cold {
            println!("{name}: {} rows", rows.len());
            assert_eq!(&cold_there[name], rows, "{name}");
        }
        assert_eq!(cold_there.len(), cold.len());
        for (name, documents) in &hot {
            println!("{name}: {} documents", documents.len());
            assert_eq!(&hot_there[name], documents, "{name}");
        }
        println!("{} events went over Pub/Sub, each given to its functions twice", counterparts.carried());
    });
}

/// That two stores hold the same rows says something of the tables that have any.
#[test]
fn scenario_leaves_rows_in_every_table_on_embedded_stores() {
    let Some(scenario) = scenario("scenario_leaves_rows_in_every_table_on_embedded_stores", DAYS) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (_, cold) = runtime.block_on(on_embedded(&scenario));
    assert_none_is_empty(&cold);
}

/// Backtests are written by no function.
fn assert_none_is_empty(tables: &Tables) {
    let empty: Vec<_> = tables.iter().filter(|(name, rows)| rows.is_empty() && !name.starts_with("backtest")).collect();
    assert!(empty.is_empty(), "the scenario leaves nothing in {empty:?}");
    for (name, rows_min) in [
        ("fact_trades_test", 3),
        ("fact_rejected_signals_test", 1),
        ("fact_signals_expired_test", 1),
        ("snapshot_accounts_test", 2),
        ("summary_strategy_performance_test", 2),
    ] {
        assert!(tables[name].len() >= rows_min, "{} rows in {name} prove little", tables[name].len());
    }
}

async fn on_embedded(scenario: &Scenario) -> (Collections, Tables) {
    let folder = tempfile::tempdir().unwrap();
    let mut simulation = scenario.simulation_in(folder.path(), ENVIRONMENT).await;
    let duck = DuckWarehouse::new(folder.path().join("warehouse.duckdb"), "a test").with_tables_of(ENVIRONMENT);
    let warehouse: Arc<dyn Warehouse> = Arc::new(duck);
    trade(scenario, &mut simulation, &warehouse).await;
    let store = &simulation.desktop().runtime().store;
    (rows::documents_of(store.as_ref()).await, rows::rows_of(&warehouse).await)
}

async fn on_counterparts(scenario: &Scenario, counterparts: &Counterparts) -> (Collections, Tables) {
    let folder = tempfile::tempdir().unwrap();
    let mut simulation = counterparts.simulation(scenario, folder.path()).await;
    let warehouse = counterparts.warehouse().await;
    warehouse.ensure_all(|name| ENVIRONMENT.table(name)).await.unwrap();
    simulation.add_archive(&warehouse, Some(benchmark(scenario)));
    counterparts.carry(simulation.desktop_mut()).await;
    nights(scenario, &mut simulation).await;
    let store = &simulation.desktop().runtime().store;
    (rows::documents_of(store.as_ref()).await, rows::rows_of(&warehouse).await)
}

async fn trade(scenario: &Scenario, simulation: &mut Simulation, warehouse: &Arc<dyn Warehouse>) {
    simulation.add_archive(warehouse, Some(benchmark(scenario)));
    nights(scenario, simulation).await;
}

/// Goes through all candles, with a night in the middle and one at the end.
async fn nights(scenario: &Scenario, simulation: &mut Simulation) {
    let candles = scenario.series[0].candles();
    for row in [candles.len() / 2, candles.len() - 1] {
        let end = candles.close_time(row);
        simulation.run_until(end + 1).await.unwrap();
        come_too_late(simulation, end).await;
        simulation.night(end).await.unwrap();
    }
    simulation.run_until(UnixMillis::MAX).await.unwrap();
}

/// Puts a signal whose close the gate has decided already: nobody acts on it, and it expires at `end`. In simulated time
/// no evaluation is ever late by itself.
async fn come_too_late(simulation: &Simulation, end: UnixMillis) {
    let store = &simulation.desktop().runtime().store;
    let signals = Records::<LiveSignal>::of(store.as_ref(), ENVIRONMENT);
    let mut known = signals.all(signals.select()).await.unwrap();
    known.sort_by(|a, b| a.record.signal_id.cmp(&b.record.signal_id));
    let like = known.swap_remove(0).record;
    let close_time = end - Timeframe::D1.millis() / 2;
    let id = signal_id("TEST|late", &like.strategy_id, &like.instrument, like.timeframe, close_time);
    let (status, signal_type) = (SignalState::New, SignalType::Buy);
    let late =
        LiveSignal { signal_id: id, status, signal_type, close_time, expiration_at: end, rejection: None, ..like };
    store.commit(vec![signals.put(&late, Precondition::Absent).unwrap()]).await.unwrap();
}

fn benchmark(scenario: &Scenario) -> sentinel_domain::instrument::Instrument {
    scenario.series[0].instrument().as_ref().clone()
}

/// Two strategies that want the same slot, with stops, targets and trailing stops.
fn scenario(test: &str, days: usize) -> Option<Scenario> {
    let folder = data::folder(test)?;
    let (candles, _) = apply(data::candles(&folder, "btcusdt-1d.csv", Timeframe::D1), GapPolicy::Flat).unwrap();
    let times = &candles.columns().open_time;
    let candles = candles.between(times[0], times[days] + 1).unwrap();
    let strategies = [("sma-cross", [("fast", "2"), ("slow", "5")].as_slice()), ("own-memory", &[])];
    let mut scenario = Scenario::on(candles, &strategies, |setup| {
        setup.risk.stop_loss_pct = Some(dec!(3));
        setup.risk.take_profit_pct = Some(dec!(8));
        setup.risk.trailing_stop_pct = Some(dec!(5));
    });
    scenario.account.limits.positions_max = Some(1);
    Some(scenario)
}
