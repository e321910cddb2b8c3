//! A laptop in a folder: hot store, warehouse, a broker on a port, candles of twenty days, and the functions.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use rust_decimal::{Decimal, dec};
use sentinel_alpaca::{AlpacaClient, AlpacaConfig};
use sentinel_archive_decisions::ArchiveDecisions;
use sentinel_archive_expirations::ArchiveExpirations;
use sentinel_archive_rejections::ArchiveRejections;
use sentinel_archive_trades::ArchiveTrades;
use sentinel_cleanup_hot_store::CleanupHotStore;
use sentinel_domain::broker::Broker;
use sentinel_domain::candles::{Candles, Columns};
use sentinel_domain::clock::ManualClock;
use sentinel_domain::closes::CloseEvaluated;
use sentinel_domain::documents::{Precondition, Record, Records, Stored};
use sentinel_domain::environment::Environment;
use sentinel_domain::fees::{FeeCurrency, FeeRate, FeeSchedule};
use sentinel_domain::fill::FillModel;
use sentinel_domain::hash::ContentHash;
use sentinel_domain::instrument::{Instrument, InstrumentRules};
use sentinel_domain::live::{CandleChunk, LiveSignal, signal_id};
use sentinel_domain::registry::{Change, History, Registration, StrategyVersion};
use sentinel_domain::risk::{AccountLimits, RiskParams, Sizing};
use sentinel_domain::session::sessions;
use sentinel_domain::signal::{SignalState, SignalType};
use sentinel_domain::strategy::StrategyConfig;
use sentinel_domain::tables::{self, Table};
use sentinel_domain::timeframe::{Timeframe, UnixMillis};
use sentinel_domain::warehouse::{EVERY_DAY, TableId, Warehouse, WarehouseExt};
use sentinel_embedded::documents::{Durability, SqliteDocuments};
use sentinel_embedded::warehouse::DuckWarehouse;
use sentinel_execute_signals::ExecuteSignals;
use sentinel_expire_signals::ExpireSignals;
use sentinel_function_runtime::{Function, Holder, JobRun, RunRequest, Runtime};
use sentinel_patch_fees::PatchFees;
use sentinel_patch_prices::PatchPrices;
use sentinel_simulated_broker::{Moment, Options, Settings, SimulatedBroker};
use sentinel_snapshot_accounts::SnapshotAccounts;
use sentinel_summarize_performance::SummarizePerformance;
use sentinel_sync_positions::SyncPositions;
use sentinel_trading::{Desk, Terms};
use serde_json::{Value, json};
use tempfile::TempDir;

/// 2024-01-01T00:00:00Z.
pub(crate) const START: UnixMillis = 1_704_067_200_000;
pub(crate) const HOUR: i64 = Timeframe::H1.millis();
pub(crate) const DAY: i64 = Timeframe::D1.millis();
/// The account opens a day after its candles begin, so that the benchmark has a close before it.
pub(crate) const OPENED: UnixMillis = START + DAY;
pub(crate) const DAYS: i64 = 20;
pub(crate) const ACCOUNT: &str = "paper";
pub(crate) const STRATEGY: &str = "waves";
/// When the loops run, after midnight.
const NIGHT: i64 = 5 * 60_000;

pub(crate) struct World {
    _folder: TempDir,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) runtime: Runtime,
    pub(crate) duck: DuckWarehouse,
    pub(crate) warehouse: Arc<dyn Warehouse>,
    pub(crate) broker: SimulatedBroker,
    pub(crate) desk: Desk,
}

pub(crate) fn instrument() -> Instrument {
    Instrument { exchange: "test".parse().unwrap(), symbol: "BTC/USD".parse().unwrap() }
}

/// Returns hourly candles that rise and fall by a tenth, once in two days or so.
pub(crate) fn market() -> Candles {
    let rows = DAYS * 24;
    #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
    let price = |row: i64| (100.0 + 10.0 * (row as f64 / 7.0).sin()).mul_add(100.0, 0.5).floor() / 100.0;
    let opens: Vec<f64> = (0..rows).map(price).collect();
    let closes: Vec<f64> = (1..=rows).map(price).collect();
    let pairs = || opens.iter().zip(&closes);
    let columns = Columns {
        open_time: (0..rows).map(|row| START + row * HOUR).collect(),
        high: pairs().map(|(open, close)| open.max(*close) + 0.25).collect(),
        low: pairs().map(|(open, close)| open.min(*close) - 0.25).collect(),
        volume: vec![1.0; opens.len()],
        open: opens,
        close: closes,
        ..Columns::default()
    };
    Candles::new(instrument(), Timeframe::H1, columns).unwrap()
}

pub(crate) fn risk() -> RiskParams {
    RiskParams { sizing: Sizing::Notional(dec!(1000)), confidence_min: dec!(50), ..RiskParams::default() }
}

fn fees() -> FeeSchedule {
    FeeSchedule { rate: FeeRate::Fixed { bps: dec!(25) }, currency: FeeCurrency::Received }
}

pub(crate) fn terms() -> Terms {
    Terms {
        account_id: ACCOUNT.to_owned(),
        namespace: "test".to_owned(),
        fees: fees(),
        fill_model: FillModel { slippage_bps: dec!(5) },
        limits: AccountLimits::default(),
        finest: Timeframe::H1,
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let world = Self::in_folder(folder);
        world.put(&version(OPENED)).await;
        world.put_candles(&market()).await;
        world
    }

    fn in_folder(folder: TempDir) -> Self {
        let store = Arc::new(open(folder.path()));
        let duck = DuckWarehouse::new(folder.path().join("cold.duckdb"), "the loops under test");
        let terms = terms();
        let settings = Settings {
            account: ACCOUNT.to_owned(),
            cash: dec!(10000),
            fees: terms.fees.clone(),
            fill_model: terms.fill_model,
            start: OPENED,
            ..Settings::default()
        };
        let broker = SimulatedBroker::start(Options { settings, ..Options::default() }).unwrap();
        broker.load(&market(), InstrumentRules::default()).unwrap();
        let client: Arc<dyn Broker> = Arc::new(AlpacaClient::new(AlpacaConfig::local(&broker.url())).unwrap());
        let clock = Arc::new(ManualClock::at(OPENED));
        let runtime = Runtime {
            holder: Holder::named("test"),
            ..Runtime::new(store, Environment::Test, Arc::clone(&clock) as _, "abc123")
        };
        let warehouse: Arc<dyn Warehouse> = Arc::new(duck.clone());
        Self { _folder: folder, clock, runtime, duck, warehouse, broker, desk: Desk { broker: client, terms } }
    }

    pub(crate) fn records<T: Record>(&self) -> Records<'_, T> {
        Records::of(self.runtime.store.as_ref(), Environment::Test)
    }

    pub(crate) async fn put<T: Record>(&self, record: &T) {
        let write = self.records::<T>().put(record, Precondition::Any).unwrap();
        self.runtime.store.commit(vec![write]).await.unwrap();
    }

    pub(crate) async fn hot<T: Record>(&self) -> Vec<Stored<T>> {
        let records = self.records::<T>();
        records.all(records.select()).await.unwrap()
    }

    async fn put_candles(&self, candles: &Candles) {
        for session in sessions(&candles.columns().open_time, candles.timeframe()) {
            let columns = part(candles.columns(), session.bars);
            let chunk = CandleChunk::of(candles.instrument(), candles.timeframe(), columns, session.start).unwrap();
            self.put(&chunk).await;
        }
    }

    /// Runs a function as the scheduler would.
    pub(crate) async fn run(&self, function: &dyn Function, at: UnixMillis) -> JobRun {
        let outcome = self.runtime.run_once(function, RunRequest::scheduled_at(at)).await;
        outcome.unwrap_or_else(|error| panic!("{error}: {:?}", std::error::Error::source(&error))).job_run().clone()
    }

    /// Lives through hours `[from, to)` since the account opened, with the signals that were given at their closes.
    pub(crate) async fn live(&self, hours: std::ops::Range<i64>, signals: &[LiveSignal]) {
        let (execute, sync) = (ExecuteSignals { desk: self.desk.clone() }, SyncPositions { desk: self.desk.clone() });
        for hour in hours {
            let now = OPENED + hour * HOUR;
            self.broker.advance(Moment::at_close(now)).unwrap();
            self.clock.set(now);
            for signal in signals.iter().filter(|signal| signal.close_time == now) {
                self.put(signal).await;
            }
            let event = CloseEvaluated { close_time: now }.event("test");
            self.runtime.run_once(&execute, RunRequest::of_event(event)).await.unwrap();
            self.broker.advance(Moment::at_open(now)).unwrap();
            self.run(&sync, now).await;
        }
    }

    /// Runs every job of the night that ends `days` days after the account opened. Returns how they ended.
    pub(crate) async fn night(&self, days: i64) -> BTreeMap<String, JobRun> {
        let at = OPENED + days * DAY + NIGHT;
        self.night_at(at).await
    }

    pub(crate) async fn night_at(&self, at: UnixMillis) -> BTreeMap<String, JobRun> {
        self.clock.set(at);
        let mut runs = BTreeMap::new();
        for function in self.jobs() {
            let run = self.run(function.as_ref(), at).await;
            runs.insert(run.job_name.clone(), run);
        }
        runs
    }

    /// Returns the jobs of a night in their order.
    pub(crate) fn jobs(&self) -> Vec<Box<dyn Function>> {
        self.jobs_on(&self.warehouse)
    }

    /// The same on another warehouse.
    pub(crate) fn jobs_on(&self, warehouse: &Arc<dyn Warehouse>) -> Vec<Box<dyn Function>> {
        let (cold, broker) = (|| Arc::clone(warehouse), || Arc::clone(&self.desk.broker));
        vec![
            Box::new(ExpireSignals),
            Box::new(SnapshotAccounts::new(cold(), broker(), terms())),
            Box::new(ArchiveTrades::new(cold(), broker(), terms())),
            Box::new(ArchiveExpirations::new(cold(), terms())),
            Box::new(ArchiveRejections::new(cold(), terms())),
            Box::new(ArchiveDecisions::new(cold())),
            Box::new(PatchFees::new(cold(), broker(), terms())),
            Box::new(SummarizePerformance::new(cold(), terms(), Some(instrument()))),
            Box::new(CleanupHotStore::new(cold())),
        ]
    }

    pub(crate) fn cold(&self) -> Arc<dyn Warehouse> {
        Arc::clone(&self.warehouse)
    }

    pub(crate) fn archive_trades(&self) -> ArchiveTrades {
        ArchiveTrades::new(self.cold(), Arc::clone(&self.desk.broker), terms())
    }

    pub(crate) fn patch_fees(&self) -> PatchFees {
        PatchFees::new(self.cold(), Arc::clone(&self.desk.broker), terms())
    }

    pub(crate) fn patch_prices(&self) -> PatchPrices {
        PatchPrices::new(Arc::clone(&self.desk.broker), terms())
    }

    /// Returns the rows of a table.
    pub(crate) async fn rows<T: Table>(&self) -> Vec<T> {
        let table = TableId::of::<T>(Environment::Test.table(T::schema().name));
        self.duck.ensure(&table).await.unwrap();
        self.duck.select(&table, EVERY_DAY, &[]).await.unwrap()
    }

    /// Returns all rows of all tables that there are, as text.
    pub(crate) async fn everything(&self) -> BTreeMap<&'static str, Vec<String>> {
        let mut all = BTreeMap::new();
        for schema in tables::all() {
            let table = TableId { schema, physical_name: Environment::Test.table(schema.name) };
            self.duck.ensure(&table).await.unwrap();
            let columns: Vec<String> = schema.columns.iter().map(|column| format!("t.{}", column.name)).collect();
            let sql = format!("SELECT {} FROM {table} AS t ORDER BY ALL", columns.join(", "));
            let answer = self.duck.query(&sql, &[]).await.unwrap();
            let rows = answer.to_json().into_iter().map(|row| json!(row).to_string()).collect();
            all.insert(schema.name, rows);
        }
        all
    }
}

fn part(columns: &Columns, rows: std::ops::Range<usize>) -> Columns {
    let of = |column: &[f64]| column[rows.clone()].to_vec();
    Columns {
        open_time: columns.open_time[rows.clone()].to_vec(),
        open: of(&columns.open),
        high: of(&columns.high),
        low: of(&columns.low),
        close: of(&columns.close),
        volume: of(&columns.volume),
        ..Columns::default()
    }
}

fn open(folder: &Path) -> SqliteDocuments {
    SqliteDocuments::open(&folder.join("hot.sqlite"), Environment::Test, Durability::ProcessEnd).unwrap()
}

pub(crate) fn registration(parameter: i64) -> Registration {
    Registration {
        component_hash: ContentHash::of(b"component"),
        git_hash: Some("abc123".to_owned()),
        active: true,
        config: StrategyConfig {
            parameters: BTreeMap::from([(
                "length".to_owned(),
                sentinel_domain::strategy::ParameterValue::Integer(parameter),
            )]),
            timeframe: Timeframe::H1,
            gaps: "refuse".to_owned(),
            limits: json!({}),
            risk_params: serde_json::to_value(risk()).unwrap_or(Value::Null),
        },
        assets: vec![instrument()],
        description: "buys low and sells high".to_owned(),
        wit_version: "0.1.0".to_owned(),
    }
}

/// Returns the first version of the strategy.
pub(crate) fn version(valid_from: UnixMillis) -> StrategyVersion {
    match History::new(STRATEGY, Vec::new()).register(registration(1), valid_from) {
        Ok(Change::Opened { opened, .. }) => *opened,
        other => panic!("{other:?}"),
    }
}

/// Returns a signal given `hour` hours after the account opened.
pub(crate) fn signal(hour: i64, signal_type: SignalType) -> LiveSignal {
    let close_time = OPENED + hour * HOUR;
    let candles = market();
    let row = usize::try_from((close_time - START) / HOUR - 1).unwrap();
    LiveSignal {
        signal_id: signal_id("test", STRATEGY, &instrument(), Timeframe::H1, close_time),
        status: SignalState::New,
        account_id: ACCOUNT.to_owned(),
        strategy_id: STRATEGY.to_owned(),
        strategy_version: version(OPENED).version,
        priority: 100,
        instrument: instrument(),
        timeframe: Timeframe::H1,
        close_time,
        signal_type,
        pattern_name: "wave".to_owned(),
        confidence: 80.0,
        reasons: vec!["low".to_owned()],
        warnings: Vec::new(),
        stop_loss: None,
        take_profit: None,
        valid_bars: None,
        price: candles.columns().close[row],
        volume: candles.columns().volume[row],
        volume_delta: None,
        imbalance: None,
        risk_params: risk(),
        rules: InstrumentRules::default(),
        expiration_at: close_time + HOUR,
        rejection: None,
    }
}

pub(crate) fn sum(values: impl IntoIterator<Item = Decimal>) -> Decimal {
    values.into_iter().sum()
}
