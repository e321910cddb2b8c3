//! What is played: seventeen days of one market, two strategies that want the one place of an account, and a broker that
//! is not always kind. Everything that trades and everything that archives has something to do.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rust_decimal::dec;
use sentinel_domain::candles::{Candles, Columns};
use sentinel_domain::environment::Environment;
use sentinel_domain::fees::{FeeCurrency, FeeRate, FeeSchedule};
use sentinel_domain::fill::FillModel;
use sentinel_domain::instrument::{Instrument, InstrumentRules};
use sentinel_domain::risk::AccountLimits;
use sentinel_domain::timeframe::{Timeframe, UnixMillis};
use sentinel_embedded::components::ComponentFolder;
use sentinel_embedded::documents::{Durability, SqliteDocuments};
use sentinel_embedded::warehouse::DuckWarehouse;
use sentinel_simulated_broker::faults::{Fault, FaultRule, OrderFault};
use sentinel_simulated_broker::{Options, Settings, SimulatedBroker};
use sentinel_tests::shipped;
use sentinel_trading::Terms;
use tempfile::TempDir;

/// The environment whose names are used.
pub(crate) const ENVIRONMENT: Environment = Environment::Test;
/// 2024-01-01T00:00:00Z.
pub(crate) const START: UnixMillis = 1_704_067_200_000;
pub(crate) const DAY: i64 = Timeframe::D1.millis();
pub(crate) const ACCOUNT: &str = "paper";

/// The closes of the days in quote currency, each the next day's open.
const CLOSES: [f64; 17] =
    [100.0, 98.0, 99.0, 104.0, 109.0, 107.0, 101.0, 97.0, 98.5, 103.0, 108.0, 112.0, 110.0, 104.0, 99.0, 101.0, 106.0];
/// How many days are played.
pub(crate) const DAYS: i64 = CLOSES.len() as i64;
/// Days that begin with a night's work.
pub(crate) const NIGHTS: [i64; 4] = [5, 9, 13, 17];
/// The day on which a signal comes too late for the gate.
pub(crate) const LATE_SIGNAL: i64 = 3;
/// What is registered, by its name in the drop folder, and on which day.
pub(crate) const UPLOADS: [(&str, i64); 3] = [("trend", 0), ("memory", 0), ("memory-2", 8)];

const TREND: &str = "id = \"trend\"\ntimeframe = \"1d\"\nassets = [\"binance:BTC/USD\"]\ngaps = \"flat\"\npriority = 20\n\
    parameters = { fast = 1, slow = 3 }\nrisk = { sizing = { notional = 5000 }, stop_loss_pct = 4, take_profit_pct = 9 }\n";
const MEMORY: &str = "id = \"memory\"\ntimeframe = \"1d\"\nassets = [\"binance:BTC/USD\"]\ngaps = \"flat\"\npriority = 10\n\
    risk = { sizing = { quantity = 10 }, stop_loss_pct = 3, trailing_stop_pct = 5 }\n";

/// A folder and a broker. The broker outlives the processes that trade there.
pub(crate) struct Stage {
    _folder: TempDir,
    pub(crate) place: Place,
    pub(crate) broker: SimulatedBroker,
}

/// Where a process finds all that: a home as the program's own.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) home: PathBuf,
    pub(crate) broker_url: String,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let broker = broker();
        let place = Place { home: folder.path().to_owned(), broker_url: broker.url() };
        fs::create_dir_all(place.stores()).unwrap();
        let memory_2 = MEMORY.replace("quantity = 10", "quantity = 8");
        for (name, component, config) in
            [("trend", "sma-cross", TREND), ("memory", "own-memory", MEMORY), ("memory-2", "own-memory", &memory_2)]
        {
            fs::create_dir_all(place.drop_folder()).unwrap();
            fs::write(place.drop_folder().join(format!("{name}.wasm")), shipped::component(component)).unwrap();
            fs::write(place.drop_folder().join(format!("{name}.toml")), config).unwrap();
        }
        Self { _folder: folder, place, broker }
    }
}

impl Place {
    pub(crate) fn stores(&self) -> PathBuf {
        self.home.join("stores").join(ENVIRONMENT.database())
    }

    pub(crate) fn drop_folder(&self) -> PathBuf {
        self.home.join("strategies")
    }

    pub(crate) fn documents(&self) -> Arc<SqliteDocuments> {
        let path = self.stores().join("hot.sqlite");
        Arc::new(SqliteDocuments::open(&path, ENVIRONMENT, Durability::ProcessEnd).unwrap())
    }

    pub(crate) fn warehouse(&self) -> DuckWarehouse {
        DuckWarehouse::new(self.stores().join("warehouse.duckdb"), "the functions under test")
    }

    pub(crate) fn components(&self) -> Arc<ComponentFolder> {
        Arc::new(ComponentFolder::new(self.home.join("components")))
    }

    /// Compiled code, which all processes of all tests share.
    pub(crate) fn compiled() -> PathBuf {
        Path::new(env!("CARGO_TARGET_TMPDIR")).join("crash-compiled")
    }
}

/// An account with orders that suffer: an exit and an entry are rejected, a price comes late, so do fees, and one order
/// is filled in parts.
fn broker() -> SimulatedBroker {
    let terms = terms();
    let settings = Settings {
        account: ACCOUNT.to_owned(),
        cash: dec!(10_000),
        fees: terms.fees,
        fill_model: terms.fill_model,
        start: START,
        ..Settings::default()
    };
    let broker = SimulatedBroker::start(Options { settings, ..Options::default() }).unwrap();
    broker.load(&market(), InstrumentRules::default()).unwrap();
    let sufferings = [
        (OrderFault::RejectOrder, 2),
        (OrderFault::NullPrice { millis: DAY / 2 }, 3),
        (OrderFault::LateFees { days: 2 }, 5),
        (OrderFault::PartialFills { fraction: dec!(0.5) }, 6),
        (OrderFault::RejectOrder, 9),
    ];
    for (fault, skip) in sufferings {
        broker.arm(FaultRule::next(Fault::Order(fault)).after(skip)).unwrap();
    }
    broker
}

pub(crate) fn instrument() -> Instrument {
    Instrument { exchange: "binance".parse().unwrap(), symbol: "BTC/USD".parse().unwrap() }
}

fn market() -> Candles {
    let opens: Vec<f64> = std::iter::once(100.5).chain(CLOSES).take(CLOSES.len()).collect();
    let pairs = || opens.iter().zip(&CLOSES);
    let columns = Columns {
        open_time: (0..DAYS).map(|day| START + day * DAY).collect(),
        high: pairs().map(|(open, close)| open.max(*close) + 1.0).collect(),
        low: pairs().map(|(open, close)| open.min(*close) - 1.0).collect(),
        close: CLOSES.to_vec(),
        volume: vec![1_000.0; CLOSES.len()],
        open: opens.clone(),
        ..Columns::default()
    };
    Candles::new(instrument(), Timeframe::D1, columns).unwrap()
}

pub(crate) fn terms() -> Terms {
    Terms {
        account_id: ACCOUNT.to_owned(),
        namespace: "TEST|crash".to_owned(),
        fees: FeeSchedule { rate: FeeRate::Fixed { bps: dec!(25) }, currency: FeeCurrency::Received },
        fill_model: FillModel { slippage_bps: dec!(5) },
        limits: AccountLimits { positions_max: Some(1), drawdown_max_pct: Some(dec!(60)), ..AccountLimits::default() },
        finest: Timeframe::D1,
    }
}
