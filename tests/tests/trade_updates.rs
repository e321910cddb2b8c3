//! Word from the broker brings a fill into the books, on a clock that stands still: no schedule is ever due.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rust_decimal::dec;
use sentinel_alpaca::{AlpacaClient, AlpacaConfig, TradeStream};
use sentinel_domain::candles::{Candles, Columns};
use sentinel_domain::clock::ManualClock;
use sentinel_domain::closes::CloseEvaluated;
use sentinel_domain::documents::{DocumentStore, Precondition, Record, Records};
use sentinel_domain::environment::Environment;
use sentinel_domain::fees::{FeeCurrency, FeeRate, FeeSchedule};
use sentinel_domain::fill::FillModel;
use sentinel_domain::hash::ContentHash;
use sentinel_domain::instrument::{Instrument, InstrumentRules};
use sentinel_domain::live::{Account, Asset, LivePosition, LiveSignal, PositionStatus, signal_id};
use sentinel_domain::registry::{Change, History, Registration, StrategyVersion};
use sentinel_domain::risk::{AccountLimits, RiskParams, Sizing};
use sentinel_domain::signal::{SignalState, SignalType};
use sentinel_domain::strategy::StrategyConfig;
use sentinel_domain::timeframe::{Timeframe, UnixMillis};
use sentinel_embedded::components::ComponentFolder;
use sentinel_embedded::documents::{Durability, SqliteDocuments};
use sentinel_function_runtime::{Holder, Outcome, RunRequest};
use sentinel_functions::{Desktop, Wiring};
use sentinel_laptop::{Watch, WatchEvent};
use sentinel_runtime::{LazyRuntime, RuntimeConfig};
use sentinel_simulated_broker::{Moment, Options, Settings, SimulatedBroker};
use sentinel_trading::Terms;
use serde_json::json;
use tempfile::TempDir;

const MINUTE: i64 = Timeframe::M1.millis();
/// 2024-01-01T00:00:00Z.
const START: UnixMillis = 1_704_067_200_000;
/// When the signal was given, and the clock stands.
const NOW: UnixMillis = START + 10 * MINUTE;
const PATIENCE: Duration = Duration::from_secs(10);

fn instrument() -> Instrument {
    "test:BTC/USD".parse().unwrap()
}

fn rules() -> InstrumentRules {
    InstrumentRules { tick_size: dec!(0.5), ..InstrumentRules::default() }
}

fn risk() -> RiskParams {
    RiskParams { sizing: Sizing::Notional(dec!(1000)), confidence_min: dec!(50), ..RiskParams::default() }
}

fn terms() -> Terms {
    Terms {
        account_id: "paper".to_owned(),
        namespace: "test".to_owned(),
        fees: FeeSchedule { rate: FeeRate::Fixed { bps: dec!(25) }, currency: FeeCurrency::Received },
        fill_model: FillModel { slippage_bps: dec!(5) },
        limits: AccountLimits::default(),
        finest: Timeframe::M1,
    }
}

fn version() -> StrategyVersion {
    version_of("waits", instrument(), START)
}

fn version_of(strategy_id: &str, instrument: Instrument, valid_from: UnixMillis) -> StrategyVersion {
    let registration = Registration {
        component_hash: ContentHash::of(b"component"),
        git_hash: None,
        active: true,
        config: StrategyConfig {
            parameters: [].into(),
            timeframe: Timeframe::M1,
            gaps: "skip".to_owned(),
            limits: json!({}),
            risk_params: serde_json::to_value(risk()).unwrap(),
        },
        assets: vec![instrument],
        description: "waits".to_owned(),
        wit_version: "0.1.0".to_owned(),
    };
    match History::new(strategy_id, Vec::new()).register(registration, valid_from) {
        Ok(Change::Opened { opened, .. }) => *opened,
        other => panic!("{other:?}"),
    }
}

fn buy() -> LiveSignal {
    LiveSignal {
        signal_id: signal_id("test", "waits", &instrument(), Timeframe::M1, NOW),
        status: SignalState::New,
        account_id: "paper".to_owned(),
        strategy_id: "waits".to_owned(),
        strategy_version: version().version,
        priority: 100,
        instrument: instrument(),
        timeframe: Timeframe::M1,
        close_time: NOW,
        signal_type: SignalType::Buy,
        pattern_name: "wave".to_owned(),
        confidence: 80.0,
        reasons: Vec::new(),
        warnings: Vec::new(),
        stop_loss: None,
        take_profit: None,
        valid_bars: None,
        price: 100.0,
        volume: 1.0,
        volume_delta: None,
        imbalance: None,
        risk_params: risk(),
        rules: rules(),
        expiration_at: NOW + MINUTE,
        rejection: None,
    }
}

/// Opens the account that `file` keeps, at an address or wherever there is a free one.
fn broker(file: &Path, address: Option<SocketAddr>) -> SimulatedBroker {
    let Terms { account_id: account, fees, fill_model, .. } = terms();
    let settings = Settings { account, cash: dec!(10000), fees, fill_model, start: START, ..Settings::default() };
    let address = address.unwrap_or(Options::default().address);
    let broker =
        SimulatedBroker::start(Options { settings, file: Some(file.to_owned()), address, ..Options::default() })
            .unwrap();
    broker.load(&candles(instrument()), rules()).unwrap();
    broker
}

fn candles(instrument: Instrument) -> Candles {
    let columns = Columns {
        open_time: (0..20).map(|row| START + row * MINUTE).collect(),
        open: vec![100.0; 20],
        high: vec![100.0; 20],
        low: vec![100.0; 20],
        close: vec![100.0; 20],
        volume: vec![1.0; 20],
        ..Columns::default()
    };
    Candles::new(instrument, Timeframe::M1, columns).unwrap()
}

/// A laptop whose clock stands, with an order at the broker that nothing has filled yet.
struct World {
    folder: TempDir,
    store: Arc<SqliteDocuments>,
    told: Arc<Mutex<Vec<String>>>,
}

impl World {
    /// Returns the world, its broker, and the watch that listens to it.
    async fn new() -> (Self, SimulatedBroker, Watch) {
        let folder = TempDir::new().unwrap();
        let broker = broker(&folder.path().join("account.sqlite"), None);
        broker.advance(Moment::at_close(NOW)).unwrap();
        let path = folder.path().join("hot.sqlite");
        let store = Arc::new(SqliteDocuments::open(&path, Environment::Test, Durability::ProcessEnd).unwrap());
        let client = Arc::new(AlpacaClient::new(AlpacaConfig::local(&broker.url())).unwrap());
        let desktop = Desktop::new(Wiring {
            store: store.clone(),
            components: Arc::new(ComponentFolder::new(folder.path().join("components"))),
            broker: client.clone(),
            data: client,
            clock: Arc::new(ManualClock::at(NOW)),
            environment: Environment::Test,
            git_hash: "abc123".to_owned(),
            sandbox: Arc::new(LazyRuntime::new(RuntimeConfig::default())),
            terms: terms(),
            patience: PATIENCE,
            holder: (Holder::named("test"), Duration::from_secs(60)),
        });
        let world = Self { folder, store, told: Arc::default() };
        world.put(&version()).await;
        world.put(&buy()).await;
        let event = CloseEvaluated { close_time: NOW }.event("test");
        desktop.run("execute-signals", RunRequest::of_event(event)).await.unwrap();
        assert_eq!(world.position().await.status, PositionStatus::Pending);
        let (told, url) = (Arc::clone(&world.told), broker.url());
        let report = move |event: WatchEvent| {
            told.lock().unwrap().push(match event {
                WatchEvent::Ran(Outcome::Ran(run)) => format!("{} {}", run.job_name, run.status),
                other => format!("{other:?}"),
            });
        };
        let watch = Watch::new(desktop, world.folder.path(), report)
            .unwrap()
            .with_updates(move || Box::new(TradeStream::new(AlpacaConfig::local(&url))));
        (world, broker, watch)
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("account.sqlite")
    }

    fn records<T: Record>(&self) -> Records<'_, T> {
        Records::of(self.store.as_ref(), Environment::Test)
    }

    async fn put<T: Record>(&self, record: &T) {
        let write = self.records::<T>().put(record, Precondition::Any).unwrap();
        self.store.commit(vec![write]).await.unwrap();
    }

    async fn position(&self) -> LivePosition {
        let records = self.records::<LivePosition>();
        let [position] = records.all(records.select()).await.unwrap().try_into().unwrap();
        position.record
    }

    async fn account(&self) -> Account {
        self.records::<Account>().get("paper").await.unwrap().unwrap().record
    }

    fn said(&self, what: &str) -> usize {
        self.told.lock().unwrap().iter().filter(|said| *said == what).count()
    }

    async fn until<F: Future<Output = bool>>(&self, within: Duration, done: impl Fn() -> F) {
        let waiting = async {
            while !done().await {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        if tokio::time::timeout(within, waiting).await.is_err() {
            panic!("it did not come to that:\n{}", self.told.lock().unwrap().join("\n"));
        }
    }
}

const SYNCED: &str = "sync-positions SUCCEEDED";

#[tokio::test(flavor = "multi_thread")]
async fn a_fill_is_in_the_books_within_a_second() {
    let (world, broker, watch) = World::new().await;
    let running = tokio::spawn(async move { watch.run(std::future::pending()).await });
    // What was missed before is looked for at once.
    world.until(PATIENCE, async || world.said(SYNCED) == 1).await;
    assert_eq!(world.position().await.status, PositionStatus::Pending);

    broker.advance(Moment::at_open(NOW)).unwrap();
    let is_open = async || world.position().await.status == PositionStatus::Open;
    world.until(Duration::from_secs(1), is_open).await;
    let held = broker.look(|exchange| exchange.position(&instrument().symbol)).unwrap().quantity;
    assert_eq!(world.position().await.position.held(), held);

    // The same syncs have learned by which rules the broker takes orders.
    let asset = world.records::<Asset>().get(&Asset::id_of(&instrument())).await.unwrap().unwrap().record;
    assert!(asset.rules == rules() && asset.broker_asset_id.is_some(), "{asset:?}");
    let account = world.account().await;
    assert_eq!((account.assets_until, account.troubles.len()), (Some(START), 0), "{:?}", account.troubles);
    running.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_filled_while_nothing_was_heard_is_found_after_it() {
    let (world, first, watch) = World::new().await;
    let running = tokio::spawn(async move { watch.run(std::future::pending()).await });
    world.until(PATIENCE, async || world.said(SYNCED) == 1).await;
    let address = first.address();
    drop(first);
    // Filled where nobody listens.
    let elsewhere = broker(&world.file(), None);
    elsewhere.advance(Moment::at_open(NOW)).unwrap();
    drop(elsewhere);
    world.until(PATIENCE, async || world.told.lock().unwrap().iter().any(|said| said.starts_with("Deaf"))).await;
    assert_eq!(world.position().await.status, PositionStatus::Pending);

    let _again = broker(&world.file(), Some(address));
    world.until(PATIENCE, async || world.position().await.status == PositionStatus::Open).await;
    assert_eq!(world.said("Listening"), 2);
    running.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instrument_is_named_until_the_broker_lists_it() {
    let (world, broker, watch) = World::new().await;
    let unlisted: Instrument = "test:XRP/USD".parse().unwrap();
    world.put(&version_of("early", unlisted.clone(), START + MINUTE)).await;
    let running = tokio::spawn(async move { watch.run(std::future::pending()).await });
    let about = Account::about_asset(&unlisted);
    world.until(PATIENCE, async || world.account().await.troubles.contains_key(&about)).await;
    assert_eq!(world.account().await.assets_until, None);
    // What the broker has is known all the same.
    let known = async |instrument| world.records::<Asset>().get(&Asset::id_of(&instrument)).await.unwrap().is_some();
    assert!(known(instrument()).await && !known(unlisted.clone()).await);

    broker.load(&candles(unlisted.clone()), rules()).unwrap();
    broker.advance(Moment::at_open(NOW)).unwrap();
    world.until(PATIENCE, async || world.account().await.assets_until == Some(START + MINUTE)).await;
    assert!(known(unlisted).await && world.account().await.troubles.is_empty());
    running.abort();
}
