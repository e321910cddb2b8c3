//! Killed at every write to the store and every order to the broker, in turn, the functions end where an undisturbed
//! run ends: the same trades, the same signals, no order twice.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use rust_decimal::dec;
use sentinel_domain::candles::gaps::{GapPolicy, apply};
use sentinel_domain::documents::Records;
use sentinel_domain::environment::Environment;
use sentinel_domain::live::{LiveSignal, RejectedSignal};
use sentinel_domain::timeframe::{Timeframe, UnixMillis};
use sentinel_laptop::Simulation;
use sentinel_tests::data;
use sentinel_tests::interruptions::{Fuse, start_again};
use sentinel_tests::parity::{Scenario, TradeFacts, trades_of};

/// Where a run has ended.
#[derive(Debug, PartialEq)]
struct End {
    trades: Vec<TradeFacts>,
    signals: BTreeMap<String, String>,
    /// The broker's orders: client id, quantity, status.
    orders: Vec<(String, String, String)>,
}

#[test]
fn killed_at_every_write_and_order() {
    let Some(scenario) = scenario("killed_at_every_write_and_order") else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (calm, disturbed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let expected = runtime.block_on(undisturbed(&scenario, calm.path()));
    assert!(expected.trades.len() > 5, "{} trades are too few to prove anything", expected.trades.len());
    let (found, kills) = runtime.block_on(killed_everywhere(&scenario, disturbed.path()));
    println!("killed {kills} times over {} trades and {} orders", found.trades.len(), found.orders.len());
    assert!(kills > 500, "{kills}");
    assert_eq!(found, expected);
}

async fn undisturbed(scenario: &Scenario, folder: &Path) -> End {
    let mut simulation = scenario.simulation(folder).await;
    simulation.run_until(UnixMillis::MAX).await.unwrap();
    end_of(&simulation).await
}

/// At each moment: killed at its first write, then at its second, and so on, until the moment passes.
async fn killed_everywhere(scenario: &Scenario, folder: &Path) -> (End, usize) {
    let mut simulation = scenario.simulation(folder).await;
    let fuse = Arc::new(Fuse::default());
    let mut kills = 0;
    'moments: loop {
        for calls in 0.. {
            start_again(&mut simulation, &fuse, kills);
            fuse.light(calls);
            match simulation.run_next().await {
                Ok(true) if !fuse.is_out() => break,
                Ok(false) => break 'moments,
                // Dead at the very last call: nobody was left to notice.
                Ok(true) => break,
                Err(error) => assert!(fuse.is_out(), "failed alive: {error}"),
            }
            kills += 1;
        }
    }
    fuse.light(i64::MAX);
    (end_of(&simulation).await, kills)
}

async fn end_of(simulation: &Simulation) -> End {
    let store = simulation.store().as_ref();
    let live = Records::<LiveSignal>::of(store, Environment::Test);
    let rejected = Records::<RejectedSignal>::of(store, Environment::Test);
    let mut signals = BTreeMap::new();
    for stored in live.all(live.select()).await.unwrap() {
        signals.insert(stored.record.signal_id, format!("{:?}", stored.record.status));
    }
    for stored in rejected.all(rejected.select()).await.unwrap() {
        signals.insert(stored.record.signal.signal_id, format!("{:?}", stored.record.signal.rejection));
    }
    let orders = simulation.broker().look(|exchange| exchange.orders());
    let mut orders: Vec<_> = orders
        .iter()
        .map(|order| {
            let request = &order.request;
            (request.client_order_id.to_string(), format!("{:?}", request.size), format!("{:?}", order.status))
        })
        .collect();
    orders.sort();
    End { trades: trades_of(simulation).await, signals, orders }
}

/// Stops, targets, trailing stops and rejections within 50 days.
fn scenario(test: &str) -> Option<Scenario> {
    let folder = data::folder(test)?;
    let (candles, _) = apply(data::candles(&folder, "btcusdt-1d.csv", Timeframe::D1), GapPolicy::Flat).unwrap();
    let times = &candles.columns().open_time;
    let candles = candles.between(times[0], times[50] + 1).unwrap();
    let strategies = [("sma-cross", [("fast", "3"), ("slow", "8")].as_slice()), ("own-memory", &[])];
    let mut scenario = Scenario::on(candles, &strategies, |setup| {
        setup.risk.stop_loss_pct = Some(dec!(3));
        setup.risk.take_profit_pct = Some(dec!(8));
        setup.risk.trailing_stop_pct = Some(dec!(5));
    });
    scenario.account.limits.positions_max = Some(1);
    Some(scenario)
}
