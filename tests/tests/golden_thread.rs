//! From signals to the archive: what the warehouse holds in the end adds up to the account.

use std::sync::Arc;

use rust_decimal::{Decimal, dec};
use sentinel_domain::candles::gaps::{GapPolicy, apply};
use sentinel_domain::environment::Environment;
use sentinel_domain::tables::{
    AccountSnapshot, CandleRow, DecisionRow, DimAsset, DimStrategy, FactRejectedSignal, FactTrade, SignalRow,
    StrategyPerformance, Table,
};
use sentinel_domain::timeframe::{Timeframe, UnixMillis};
use sentinel_domain::warehouse::{EVERY_DAY, TableId, Warehouse, WarehouseExt};
use sentinel_embedded::warehouse::DuckWarehouse;
use sentinel_tests::data;
use sentinel_tests::parity::{Scenario, trades_of};

const DAY: i64 = Timeframe::D1.millis();
const DAYS: usize = 100;

#[test]
fn a_hundred_days_are_archived_and_add_up() {
    let Some(scenario) = scenario("a_hundred_days_are_archived_and_add_up") else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(check(&scenario));
}

async fn check(scenario: &Scenario) {
    let folder = tempfile::tempdir().unwrap();
    let mut simulation = scenario.simulation(folder.path()).await;
    let path = folder.path().join("warehouse.duckdb");
    let warehouse: Arc<dyn Warehouse> = Arc::new(DuckWarehouse::new(path, "a test"));
    let instrument = scenario.series[0].instrument().as_ref().clone();
    simulation.archive_into(&warehouse, Some(instrument)).unwrap();
    simulation.run_until(UnixMillis::MAX).await.unwrap();
    let candles = scenario.series[0].candles();
    simulation.night(candles.close_time(DAYS - 1)).await.unwrap();

    let (result, expected) = scenario.backtest();
    let trades = rows::<FactTrade>(&warehouse).await;
    assert_eq!(trades.len(), expected.len(), "each closed position is one row");
    let mut facts: Vec<Decimal> = trades.iter().map(|trade| trade.pnl_usd.normalize()).collect();
    let mut told: Vec<Decimal> = expected.iter().map(|trade| trade.pnl_usd).collect();
    facts.sort();
    told.sort();
    assert_eq!(facts, told, "the profit of each trade is the backtest's");

    // What was closed, and what is still open, is the change of equity.
    let account = simulation.broker().look(|exchange| exchange.account());
    let closed: Decimal = trades.iter().map(|trade| trade.pnl_usd).sum();
    let open: Decimal = result.open_positions.iter().map(|position| position.pnl_usd).sum();
    assert_eq!((account.equity - scenario.account.cash).normalize(), (closed + open).normalize());
    assert_eq!(account.equity.normalize(), result.equity_final.normalize());

    let snapshots = rows::<AccountSnapshot>(&warehouse).await;
    assert_eq!(snapshots.len(), DAYS + 1, "one for each night, that before the first candle included");
    assert!(!rows::<StrategyPerformance>(&warehouse).await.is_empty());
    let rejected = rows::<FactRejectedSignal>(&warehouse).await;
    let turned_away: u64 = result.signals.rejected.values().sum();
    // The last week's wait for their candles.
    assert!(!rejected.is_empty() && rejected.len() as u64 <= turned_away, "{} of {turned_away}", rejected.len());
    // Every day was decided on, by both; what they saw and who they were stands beside it.
    assert_eq!(rows::<DecisionRow>(&warehouse).await.len(), 2 * DAYS);
    assert_eq!(rows::<CandleRow>(&warehouse).await.len(), DAYS);
    assert_eq!(rows::<DimStrategy>(&warehouse).await.len(), 2);
    assert_eq!(rows::<DimAsset>(&warehouse).await.len(), 1);
    let signals = rows::<SignalRow>(&warehouse).await;
    assert!(signals.len() as u64 >= result.signals.total - turned_away, "{} of {:?}", signals.len(), result.signals);
    // What the hot store still holds is no more than that.
    assert!(trades_of(&simulation).await.len() <= expected.len());
}

async fn rows<T: Table>(warehouse: &Arc<dyn Warehouse>) -> Vec<T> {
    let table = TableId::of::<T>(Environment::Test.table(T::schema().name));
    warehouse.select::<T>(&table, EVERY_DAY, &[]).await.unwrap()
}

/// Two strategies that want the same slot, on a hundred days.
fn scenario(test: &str) -> Option<Scenario> {
    let folder = data::folder(test)?;
    let (candles, _) = apply(data::candles(&folder, "btcusdt-1d.csv", Timeframe::D1), GapPolicy::Flat).unwrap();
    let first = candles.columns().open_time[0];
    let candles = candles.between(first, first + 100 * DAY).unwrap();
    let strategies = [("sma-cross", [("fast", "3"), ("slow", "8")].as_slice()), ("own-memory", &[])];
    let mut scenario = Scenario::on(candles, &strategies, |setup| setup.risk.stop_loss_pct = Some(dec!(3)));
    scenario.account.limits.positions_max = Some(1);
    Some(scenario)
}
