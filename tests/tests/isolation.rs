//! A rehearsal names nothing of production, and production nothing of a rehearsal: seen at the ports, through the whole
//! thread with its nights.

use std::collections::BTreeSet;
use std::sync::Arc;

use rust_decimal::dec;
use sentinel_domain::candles::gaps::{GapPolicy, apply};
use sentinel_domain::documents::{Collection, DocumentStore};
use sentinel_domain::environment::Environment;
use sentinel_domain::tables;
use sentinel_domain::timeframe::{Timeframe, UnixMillis};
use sentinel_domain::warehouse::{Warehouse, WarehouseExt};
use sentinel_embedded::documents::{Durability, SqliteDocuments};
use sentinel_embedded::warehouse::DuckWarehouse;
use sentinel_tests::data;
use sentinel_tests::parity::Scenario;
use sentinel_tests::recording::{Names, RecordingStore, RecordingWarehouse};

#[test]
fn a_rehearsal_touches_nothing_of_production() {
    check("a_rehearsal_touches_nothing_of_production", "TEST", "PROD");
    check("a_rehearsal_touches_nothing_of_production", "DEV", "PROD");
}

#[test]
fn production_touches_nothing_of_a_rehearsal() {
    check("production_touches_nothing_of_a_rehearsal", "PROD", "TEST");
}

#[test]
fn a_store_refuses_the_names_of_another_environment() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteDocuments::open(&folder.path().join("hot.sqlite"), Environment::Test, Durability::ProcessEnd);
    let asked = runtime
        .block_on(async { store.unwrap().get(Environment::Prod.collection(Collection::LivePositions), "any").await });
    let said = asked.unwrap_err().to_string();
    assert!(said.contains("live_positions") && said.contains("TEST"), "{said}");
}

/// Runs three weeks with their nights in the environment that ENVIRONMENT calls `ours`; looks for the names of `theirs`.
fn check(test: &str, ours: &str, theirs: &str) {
    let Some(scenario) = scenario(test) else { return };
    let (ours, theirs): (Environment, Environment) = (ours.parse().unwrap(), theirs.parse().unwrap());
    let (hot, cold) = seen(&scenario, ours);
    println!("{ours}: {hot:?} {cold:?}");
    let collections = |it: Environment| Collection::ALL.map(|name| it.collection(name).as_str().to_owned());
    let tables = |it: Environment| -> BTreeSet<String> {
        let all = tables::all().into_iter().map(|table| table.name);
        all.chain(tables::views().into_iter().map(|view| view.name)).map(|name| it.table(name)).collect()
    };
    let (our_collections, our_tables) = (BTreeSet::from(collections(ours)), tables(ours));
    assert!(hot.is_subset(&our_collections), "{:?}", hot.difference(&our_collections));
    assert!(cold.is_subset(&our_tables), "{:?}", cold.difference(&our_tables));
    assert!(hot.is_disjoint(&BTreeSet::from(collections(theirs))) && cold.is_disjoint(&tables(theirs)));
    // Not by touching nothing.
    assert!(hot.len() >= 10, "{hot:?}");
    assert!(cold.len() >= 10, "{cold:?}");
}

fn seen(scenario: &Scenario, environment: Environment) -> (BTreeSet<String>, BTreeSet<String>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (hot, cold) = (Names::default(), Names::default());
    runtime.block_on(async {
        let mut simulation = scenario.simulation_in(folder.path(), environment).await;
        simulation.restart(|mut wiring| {
            wiring.store = Arc::new(RecordingStore { store: wiring.store, names: hot.clone() });
            wiring
        });
        let duck: Arc<dyn Warehouse> = Arc::new(DuckWarehouse::new(folder.path().join("cold.duckdb"), "a test"));
        let warehouse = Arc::new(RecordingWarehouse { warehouse: duck, names: cold.clone() });
        warehouse.ensure_all(|name| environment.table(name)).await.unwrap();
        let warehouse: Arc<dyn Warehouse> = warehouse;
        simulation.add_archive(&warehouse, Some(scenario.series[0].instrument().as_ref().clone()));
        let candles = scenario.series[0].candles();
        for row in [candles.len() / 2, candles.len() - 1] {
            let end = candles.close_time(row);
            simulation.run_until(end + 1).await.unwrap();
            simulation.night(end).await.unwrap();
        }
        simulation.run_until(UnixMillis::MAX).await.unwrap();
    });
    (hot.all(), cold.all())
}

fn scenario(test: &str) -> Option<Scenario> {
    let folder = data::folder(test)?;
    let (candles, _) = apply(data::candles(&folder, "btcusdt-1d.csv", Timeframe::D1), GapPolicy::Flat).unwrap();
    let times = &candles.columns().open_time;
    let candles = candles.between(times[0], times[40] + 1).unwrap();
    let strategies = [("sma-cross", [("fast", "2"), ("slow", "5")].as_slice()), ("own-memory", &[])];
    let mut scenario = Scenario::on(candles, &strategies, |setup| setup.risk.stop_loss_pct = Some(dec!(3)));
    scenario.account.limits.positions_max = Some(1);
    Some(scenario)
}
