//! Two strategies on two symbols, evaluated in four shards: in whatever order the events of a close arrive, the trades
//! are the backtest's.

use std::sync::Arc;
use std::time::Duration;

use rust_decimal::dec;
use sentinel_domain::candles::gaps::{GapPolicy, apply};
use sentinel_domain::documents::Stored;
use sentinel_domain::timeframe::Timeframe;
use sentinel_function_runtime::outbox::OutboxRow;
use sentinel_ingest_candles::IngestCandles;
use sentinel_laptop::Simulation;
use sentinel_tests::data;
use sentinel_tests::ending::{ending_of, what_does_not_add_up};
use sentinel_tests::parity::{Scenario, assert_same, trades_of};

const LANES: usize = 4;
const ORDERS: usize = 24;

#[test]
fn every_order_of_the_events_of_a_close_gives_the_same_trades() {
    let Some(scenario) = scenario("every_order_of_the_events_of_a_close_gives_the_same_trades") else { return };
    let (result, expected) = scenario.backtest();
    assert!(expected.len() > 3 && result.signals.rejected.contains_key("max_positions"), "{:?}", result.signals);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let mut endings = Vec::new();
    for order in 0..ORDERS {
        let folder = tempfile::tempdir().unwrap();
        runtime.block_on(async {
            let mut simulation = scenario.simulation(folder.path()).await;
            shuffled(&mut simulation, order);
            simulation.run_until(i64::MAX).await.unwrap();
            assert_same(&trades_of(&simulation).await, &expected);
            assert_eq!(what_does_not_add_up(&simulation, scenario.account.cash).await, [] as [String; 0]);
            endings.push(ending_of(&simulation).await);
        });
    }
    assert!(endings.iter().all(|ending| *ending == endings[0]), "orders and signals too");
}

/// Makes a shard of each lane and delivers their events in the `order`th order; every second one with the sync first.
fn shuffled(simulation: &mut Simulation, order: usize) {
    let wiring = simulation.wiring().clone();
    let ingest = IngestCandles { data: wiring.data, terms: wiring.terms, lanes_per_shard: 1, patience: Duration::ZERO };
    simulation.desktop_mut().add(Arc::new(ingest));
    let permutation = permutation(order);
    simulation.deliver_in(Arc::new(move |page: Vec<Stored<OutboxRow>>| {
        if page.len() == LANES {
            return permutation.iter().map(|place| page[*place].clone()).collect();
        }
        // The last shard has spoken: nothing but the close itself is left.
        assert_eq!(page.len(), 1);
        page
    }));
    if order % 2 == 1 {
        simulation.sync_first();
    }
}

/// Returns the `number`th order of the lanes.
fn permutation(mut number: usize) -> Vec<usize> {
    let mut left: Vec<usize> = (0..LANES).collect();
    let mut order = Vec::new();
    for size in (1..=LANES).rev() {
        order.push(left.remove(number % size));
        number /= size;
    }
    order
}

#[test]
fn all_orders_are_different() {
    let mut orders: Vec<_> = (0..ORDERS).map(permutation).collect();
    orders.sort();
    orders.dedup();
    assert_eq!(orders.len(), ORDERS);
}

fn scenario(test: &str) -> Option<Scenario> {
    let folder = data::folder(test)?;
    let read = |file: &str, symbol: &str| {
        let (candles, _) = apply(data::candles_of(&folder, file, symbol, Timeframe::D1), GapPolicy::Flat).unwrap();
        let times = &candles.columns().open_time;
        candles.between(times[0], times[32] + 1).unwrap()
    };
    let candles = vec![read("btcusdt-1d.csv", "BTC/USDT"), read("ethusdt-1d.csv", "ETH/USDT")];
    let strategies = [("sma-cross", [("fast", "2"), ("slow", "5")].as_slice()), ("own-memory", &[])];
    let mut scenario = Scenario::on_all(candles, &strategies, |setup| {
        setup.risk.stop_loss_pct = Some(dec!(4));
        setup.risk.take_profit_pct = Some(dec!(6));
    });
    scenario.account.limits.positions_max = Some(1);
    Some(scenario)
}
