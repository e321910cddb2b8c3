//! The functions on simulated time: candles close, strategies decide, orders fill, in the order of a backtest.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rust_decimal::Decimal;
use sentinel_alpaca::{AlpacaClient, AlpacaConfig};
use sentinel_domain::broker::BrokerError;
use sentinel_domain::candles::Candles;
use sentinel_domain::clock::{Clock, ManualClock};
use sentinel_domain::closes::PositionsDue;
use sentinel_domain::components::ComponentStore;
use sentinel_domain::documents::{DocumentStore, Precondition, Records, StoreError};
use sentinel_domain::environment::Environment;
use sentinel_domain::instrument::Instrument;
use sentinel_domain::instrument::InstrumentRules;
use sentinel_domain::live::{Asset, LivePosition, PositionStatus};
use sentinel_domain::timeframe::{Timeframe, UnixMillis};
use sentinel_domain::warehouse::Warehouse;
use sentinel_embedded::documents::{Durability, SqliteDocuments};
use sentinel_function_runtime::outbox::{DeliveryOrder, next_due};
use sentinel_function_runtime::{Holder, Outcome, RunError, RunRequest};
use sentinel_runtime::RuntimeConfig;
use sentinel_simulated_broker::exchange::Exchange;
use sentinel_simulated_broker::{CommandError, Moment, Options, Settings, SimulatedBroker, StartError};
use sentinel_trading::Terms;
use thiserror::Error;

use crate::desktop::{Desktop, Wiring};

/// What a simulation is made of.
#[derive(Debug, Clone)]
pub struct SimulationOptions {
    /// Where its stores are.
    pub folder: PathBuf,
    /// The environment whose names are used.
    pub environment: Environment,
    /// The account.
    pub terms: Terms,
    /// Its cash at the beginning, in quote currency.
    pub cash: Decimal,
    /// The finest candles of each instrument, gaps dealt with, and the rules of its orders.
    pub markets: Vec<(Arc<Candles>, InstrumentRules)>,
    /// The bytes of components.
    pub components: Arc<dyn ComponentStore>,
    /// The sandbox.
    pub sandbox: RuntimeConfig,
    /// The commit that the program was built from.
    pub git_hash: String,
}

/// Why a simulation ends before its time.
#[derive(Debug, Error)]
pub enum SimulationError {
    /// The hot store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The local broker cannot be started.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The local broker refuses a command.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// The broker's client.
    #[error(transparent)]
    Broker(#[from] BrokerError),
    /// A function failed.
    #[error(transparent)]
    Run(#[from] RunError),
    /// A function failed on an event.
    #[error("an event was not taken: {0}")]
    Event(String),
}

/// Longer than any run takes.
const LEASE_LASTS: Duration = Duration::from_secs(60);

/// A running simulation.
#[expect(missing_debug_implementations, reason = "ports need not say what they are")]
pub struct Simulation {
    wiring: Wiring,
    desktop: Desktop,
    broker: SimulatedBroker,
    clock: Arc<ManualClock>,
    store: Arc<SqliteDocuments>,
    /// Every moment at which a candle opens or closes, and whether one closes.
    moments: Vec<(UnixMillis, bool)>,
    next: usize,
    has_archive: bool,
    order: Arc<DeliveryOrder>,
    syncs_first: bool,
}

/// What runs after midnight, in the order of the schedules.
const NIGHT: [&str; 9] = [
    "expire-signals",
    "snapshot-accounts",
    "archive-trades",
    "archive-expirations",
    "archive-rejections",
    "summarize-performance",
    "patch-prices",
    "patch-fees",
    "cleanup-hot-store",
];

impl Simulation {
    /// Opens the stores and starts the broker.
    ///
    /// # Errors
    /// When one of them cannot be had.
    pub async fn open(options: SimulationOptions) -> Result<Self, SimulationError> {
        let SimulationOptions { folder, environment, terms, cash, markets, components, sandbox, git_hash } = options;
        let moments = moments(&markets);
        let start = moments.first().map_or(0, |(time, _)| *time);
        let settings = Settings {
            account: terms.account_id.clone(),
            cash,
            fees: terms.fees.clone(),
            fill_model: terms.fill_model,
            start,
            ..Settings::default()
        };
        let broker = SimulatedBroker::start(Options { settings, ..Options::default() })?;
        let store = Arc::new(SqliteDocuments::open(&folder.join("hot.sqlite"), environment, Durability::ProcessEnd)?);
        for (candles, rules) in &markets {
            broker.load(candles, *rules)?;
            let asset = Asset { instrument: candles.instrument().clone(), rules: *rules };
            let put = Records::<Asset>::of(store.as_ref(), environment).put(&asset, Precondition::Any)?;
            store.commit(vec![put]).await?;
        }
        let client = Arc::new(AlpacaClient::new(AlpacaConfig::local(&broker.url()))?);
        let clock = Arc::new(ManualClock::at(start));
        let wiring = Wiring {
            store: store.clone(),
            components,
            broker: client.clone(),
            data: client,
            clock: clock.clone(),
            environment,
            git_hash,
            sandbox,
            terms,
            holder: (Holder::process(), LEASE_LASTS),
        };
        let desktop = Desktop::new(wiring.clone());
        Ok(Self {
            wiring,
            desktop,
            broker,
            clock,
            store,
            moments,
            next: 0,
            has_archive: false,
            order: Arc::new(|page| page),
            syncs_first: false,
        })
    }

    /// Returns the functions.
    #[must_use]
    pub const fn desktop(&self) -> &Desktop {
        &self.desktop
    }

    /// Returns the functions, to add to them.
    pub const fn desktop_mut(&mut self) -> &mut Desktop {
        &mut self.desktop
    }

    /// Archives each night into `warehouse`; performance is measured against `benchmark`.
    pub fn archive_into(&mut self, warehouse: &Arc<dyn Warehouse>, benchmark: Option<Instrument>) {
        self.add_archive(warehouse, benchmark);
        self.has_archive = true;
    }

    /// Adds what archives into `warehouse`, for nights that the caller runs: see [`Simulation::night`].
    pub fn add_archive(&mut self, warehouse: &Arc<dyn Warehouse>, benchmark: Option<Instrument>) {
        self.desktop.add_archive(warehouse, &self.wiring.broker, &self.wiring.terms, benchmark);
    }

    /// Runs what runs after midnight, as of `time`, and returns how each run ended.
    ///
    /// # Errors
    /// When a function fails.
    pub async fn night(&self, time: UnixMillis) -> Result<Vec<Outcome>, SimulationError> {
        let mut ended = Vec::with_capacity(NIGHT.len());
        for name in NIGHT {
            ended.push(self.desktop.run(name, RunRequest::scheduled_at(time)).await?);
        }
        Ok(ended)
    }

    /// Puts the functions together anew, as a process that is started again does. `edit` may change what they run on.
    pub fn restart(&mut self, edit: impl FnOnce(Wiring) -> Wiring) {
        self.desktop = Desktop::new(edit(self.wiring.clone()));
    }

    /// Delivers the events of each close in an order of one's own.
    pub fn deliver_in(&mut self, order: Arc<DeliveryOrder>) {
        self.order = order;
    }

    /// Returns the clock.
    #[must_use]
    pub const fn clock(&self) -> &Arc<ManualClock> {
        &self.clock
    }

    /// Goes through the next moment, if there is one, and says whether there was. After a failure the same moment is
    /// gone through again.
    ///
    /// # Errors
    /// When a function fails.
    pub async fn run_next(&mut self) -> Result<bool, SimulationError> {
        let Some((time, closes)) = self.moments.get(self.next).copied() else { return Ok(false) };
        self.step(time, closes).await?;
        self.next += 1;
        Ok(true)
    }

    /// Returns the broker.
    #[must_use]
    pub const fn broker(&self) -> &SimulatedBroker {
        &self.broker
    }

    /// Returns the hot store.
    #[must_use]
    pub const fn store(&self) -> &Arc<SqliteDocuments> {
        &self.store
    }

    /// Goes on through all moments before `until`, or to the end of the candles.
    ///
    /// # Errors
    /// When a function fails; the same moment is gone through again by the next call.
    pub async fn run_until(&mut self, until: UnixMillis) -> Result<(), SimulationError> {
        while self.moments.get(self.next).is_some_and(|(time, _)| *time < until) {
            self.run_next().await?;
        }
        Ok(())
    }

    /// Lets positions be brought up to each close before its signals are decided, not after: to whoever comes first the
    /// other must make no difference.
    pub const fn sync_first(&mut self) {
        self.syncs_first = true;
    }

    /// Returns what the functions are put together from.
    #[must_use]
    pub const fn wiring(&self) -> &Wiring {
        &self.wiring
    }

    /// One moment: candles close, strategies decide and orders go out, then candles open and orders fill.
    async fn step(&self, time: UnixMillis, closes: bool) -> Result<(), SimulationError> {
        // Gone through again after a failure, the clocks are there already.
        if self.clock.now() < time {
            self.clock.set(time);
        }
        self.advance(Moment::at_close(time))?;
        if closes {
            self.desktop.run("ingest-candles", RunRequest::scheduled_at(time)).await?;
            if self.syncs_first {
                self.sync(time, "close").await?;
            }
            self.deliver().await?;
        }
        // After a gap too, in which nothing closed: what was not filled in time is taken back before candles open.
        self.sync(time, "close").await?;
        self.advance(Moment::at_open(time))?;
        self.sync(time, "open").await?;
        if self.has_archive && Timeframe::D1.candle_open(time) == time {
            self.night(time).await?;
        }
        Ok(())
    }

    fn advance(&self, to: Moment) -> Result<(), CommandError> {
        if self.broker.look(Exchange::now) < to {
            self.broker.advance(to)?;
        }
        Ok(())
    }

    /// Hands all events over. Those that a failure holds back are due now: time stands still until they are taken.
    async fn deliver(&self) -> Result<(), SimulationError> {
        let runtime = self.desktop.runtime();
        let mut now = self.clock.now();
        loop {
            let delivery = self.desktop.deliver_in(now, self.order.as_ref()).await?;
            if let Some((message, reason)) = delivery.failed.into_iter().next() {
                return Err(SimulationError::Event(format!("{message}: {reason}")));
            }
            match next_due(runtime.store.as_ref(), runtime.environment).await? {
                Some(due) => now = now.max(due),
                None => return Ok(()),
            }
        }
    }

    /// Brings positions up to this moment, where there are any.
    async fn sync(&self, time: UnixMillis, phase: &str) -> Result<(), SimulationError> {
        let positions = Records::<LivePosition>::of(self.store.as_ref(), self.desktop.runtime().environment);
        let alive = positions.select().one_of("status", PositionStatus::ALIVE.map(PositionStatus::as_str)).limit(1);
        if positions.query(&alive).await?.is_empty() {
            return Ok(());
        }
        let event = PositionsDue { at: time }.event(phase);
        self.desktop.run("sync-positions", RunRequest::of_event(event)).await?;
        Ok(())
    }
}

/// Returns every moment at which a candle opens or closes, in order, and whether one closes at it.
fn moments(markets: &[(Arc<Candles>, InstrumentRules)]) -> Vec<(UnixMillis, bool)> {
    let mut moments: Vec<(UnixMillis, bool)> = Vec::new();
    for (candles, _) in markets {
        for row in 0..candles.len() {
            moments.push((candles.columns().open_time[row], false));
            moments.push((candles.close_time(row), true));
        }
    }
    moments.sort_unstable();
    // Of two entries for one moment the later says that a candle closes.
    moments.reverse();
    moments.dedup_by_key(|(time, _)| *time);
    moments.reverse();
    moments
}
