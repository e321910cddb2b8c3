//! The functions on a clock that somebody else moves, as the machine's is: what is due runs, events are delivered,
//! prices come, and a strategy that is dropped into the folder decides from then on.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rust_decimal::dec;
use sentinel_alpaca::{AlpacaClient, AlpacaConfig};
use sentinel_domain::broker::Broker;
use sentinel_domain::candles::gaps::{GapPolicy, apply};
use sentinel_domain::clock::ManualClock;
use sentinel_domain::documents::Records;
use sentinel_domain::environment::Environment;
use sentinel_domain::live::{DecisionChunk, LiveSignal};
use sentinel_domain::market_data::MarketData;
use sentinel_domain::timeframe::{Timeframe, UnixMillis};
use sentinel_embedded::components::UploadFolder;
use sentinel_function_runtime::Outcome;
use sentinel_functions::{Desktop, Wiring};
use sentinel_laptop::{Feed, Watch, WatchEvent};
use sentinel_register_strategy::RegisterStrategy;
use sentinel_simulated_broker::{Moment, Options, Settings, SimulatedBroker};
use sentinel_tests::data;
use sentinel_tests::parity::Scenario;

const MINUTE: i64 = Timeframe::M1.millis();
const MINUTES: i64 = 6;
const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn strategy_decides_minute_by_minute_on_prices_from_elsewhere() {
    let Some(scenario) = scenario("strategy_decides_minute_by_minute_on_prices_from_elsewhere") else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(check(&scenario));
}

/// The exchange that prices come from, and a broker on this machine that has none of its own.
struct World {
    exchange: SimulatedBroker,
    broker: Arc<SimulatedBroker>,
    clock: Arc<ManualClock>,
    wiring: Wiring,
    start: UnixMillis,
}

async fn check(scenario: &Scenario) {
    let (stores, drops) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let world = world(scenario, stores.path()).await;
    let World { exchange, broker, clock, wiring, start } = &world;
    let source = Arc::new(AlpacaClient::new(AlpacaConfig::local(&exchange.url())).unwrap());
    let told: Arc<Mutex<Vec<String>>> = Arc::default();
    let teller = Arc::clone(&told);
    let report = move |event: WatchEvent| {
        teller.lock().unwrap().push(match event {
            WatchEvent::Ran(Outcome::Ran(run)) => format!("{} {}", run.job_name, run.status),
            other => format!("{other:?}"),
        });
    };
    let mut desktop = Desktop::new(wiring.clone());
    desktop.add(Arc::new(RegisterStrategy {
        uploads: Arc::new(UploadFolder::new(drops.path())),
        components: Arc::clone(&wiring.components),
        sandbox: Arc::clone(&wiring.sandbox),
    }));
    let feed = Feed::new(Arc::clone(broker), source, Timeframe::M1);
    let watch = Watch::new(desktop, drops.path(), report).unwrap().with_feed(feed);
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = tokio::spawn(async move { watch.run(async { drop(stopped.await) }).await });

    // The watch begins at the time it finds; what was due before is not its concern.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let chunks = Records::<DecisionChunk>::of(wiring.store.as_ref(), Environment::Test);
    for minute in 1..=MINUTES {
        let close = start + minute * MINUTE;
        exchange.advance(Moment::at_open(close)).unwrap();
        // Some time into the minute, as a machine's clock is looked at.
        clock.set(close + 40);
        until(&told, || async { chunks.query(&chunks.select().equal("close_time", close)).await.unwrap().len() == 1 })
            .await;
    }
    let said = told.lock().unwrap().join("\n");
    for name in ["ingest-candles SUCCEEDED", "sync-positions SUCCEEDED", "expire-signals SUCCEEDED"] {
        assert!(said.contains(name), "{name} is missing in:\n{said}");
    }
    let decisions = chunks.all(chunks.select()).await.unwrap();
    assert!(
        decisions.iter().all(|chunk| chunk.record.decided.iter().all(|one| one.failure.is_none())),
        "{decisions:#?}"
    );
    let signals = Records::<LiveSignal>::of(wiring.store.as_ref(), Environment::Test);
    let found = signals.all(signals.select()).await.unwrap();
    assert!(found.iter().all(|signal| signal.record.close_time > *start), "{found:#?}");
    stop.send(()).unwrap();
    running.await.unwrap().unwrap();
}

/// Waits until `done`, and fails with all that was told when that takes too long.
async fn until<F: Future<Output = bool>>(told: &Mutex<Vec<String>>, done: impl Fn() -> F) {
    for _ in 0..300 {
        if done().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("nothing was decided:\n{}", told.lock().unwrap().join("\n"));
}

async fn world(scenario: &Scenario, folder: &Path) -> World {
    let candles = Arc::clone(scenario.series[0].candles());
    let start = candles.columns().open_time[200];
    let open = |cash| {
        let settings = Settings { start, cash, ..Settings::default() };
        SimulatedBroker::start(Options { settings, ..Options::default() }).unwrap()
    };
    let (exchange, broker) = (open(dec!(0)), Arc::new(open(dec!(100_000))));
    exchange.load(&candles, scenario.series[0].rules).unwrap();
    let mut simulation = scenario.simulation(folder).await;
    let clock = Arc::new(ManualClock::at(start));
    let client = Arc::new(AlpacaClient::new(AlpacaConfig::local(&broker.url())).unwrap());
    let mut kept = None;
    simulation.restart(|wiring| {
        let wiring = Wiring {
            broker: Arc::clone(&client) as Arc<dyn Broker>,
            data: client as Arc<dyn MarketData>,
            clock: clock.clone(),
            patience: PATIENCE,
            ..wiring
        };
        kept = Some(wiring.clone());
        wiring
    });
    World { exchange, broker, clock, wiring: kept.unwrap(), start }
}

/// Minutes of a year with one strategy.
fn scenario(test: &str) -> Option<Scenario> {
    let folder = data::folder(test)?;
    let (candles, _) = apply(data::candles(&folder, "btcusd-1m-2019.csv.gz", Timeframe::M1), GapPolicy::Flat).unwrap();
    let first = candles.columns().open_time[0];
    let candles = candles.between(first, first + 400 * MINUTE).unwrap();
    Some(Scenario::on(candles, &[("sma-cross", &[("fast", "3"), ("slow", "8")])], |_| {}))
}
