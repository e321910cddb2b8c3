//! The functions on simulated time: candles close, strategies decide, orders fill, in the order of a backtest.

mod moment;
mod nights;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rust_decimal::Decimal;
use sentinel_alpaca::{AlpacaClient, AlpacaConfig};
use sentinel_domain::broker::BrokerError;
use sentinel_domain::candles::Candles;
use sentinel_domain::clock::ManualClock;
use sentinel_domain::components::ComponentStore;
use sentinel_domain::documents::{DocumentStore, Precondition, Records, StoreError};
use sentinel_domain::environment::Environment;
use sentinel_domain::instrument::Instrument;
use sentinel_domain::instrument::InstrumentRules;
use sentinel_domain::live::Asset;
use sentinel_domain::timeframe::UnixMillis;
use sentinel_domain::warehouse::Warehouse;
use sentinel_embedded::documents::{Durability, SqliteDocuments};
use sentinel_function_runtime::outbox::DeliveryOrder;
use sentinel_function_runtime::{Holder, RunError};
use sentinel_functions::{Desktop, Wiring};
use sentinel_runtime::LazyRuntime;
use sentinel_simulated_broker::exchange::Exchange;
use sentinel_simulated_broker::{CommandError, Options, Settings, SimulatedBroker, StartError};
use sentinel_trading::Terms;
use thiserror::Error;

use crate::schedule::{Schedule, ScheduleError};

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
    /// When it begins: candles before are the past. Without it, with the first candle.
    pub from: Option<UnixMillis>,
    /// The file that keeps the broker's account; without one it is gone at the end. A simulation that finds one goes on
    /// where that one stopped.
    pub broker_file: Option<PathBuf>,
    /// The bytes of components.
    pub components: Arc<dyn ComponentStore>,
    /// The sandbox.
    pub sandbox: Arc<LazyRuntime>,
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
    /// A function's schedule.
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
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
    /// What runs between the moments, where there is an archive.
    schedule: Option<Schedule>,
    order: Arc<DeliveryOrder>,
    syncs_first: bool,
}

impl Simulation {
    /// Opens the stores and starts the broker.
    ///
    /// # Errors
    /// When one of them cannot be had.
    pub async fn open(options: SimulationOptions) -> Result<Self, SimulationError> {
        let SimulationOptions { folder, environment, terms, cash, markets, components, sandbox, git_hash, .. } =
            options;
        let mut moments = moment::moments(&markets);
        let start = options.from.or(moments.first().map(|(time, _)| *time)).unwrap_or_default();
        let settings = Settings {
            account: terms.account_id.clone(),
            cash,
            fees: terms.fees.clone(),
            fill_model: terms.fill_model,
            start,
            ..Settings::default()
        };
        let broker = SimulatedBroker::start(Options { settings, file: options.broker_file, ..Options::default() })?;
        // What a simulation before this one has left behind goes on; its last moment is gone through again.
        let reached = broker.look(Exchange::now).time.max(start);
        moments.retain(|(time, _)| *time >= reached);
        if let Some((time, closes)) = moments.first_mut()
            && *time == start
        {
            // What closes as it begins is the past.
            *closes = false;
        }
        let store = Arc::new(SqliteDocuments::open(&folder.join("hot.sqlite"), environment, Durability::ProcessEnd)?);
        for (candles, rules) in &markets {
            broker.load(candles, *rules)?;
            keep_asset(store.as_ref(), environment, candles.instrument(), *rules).await?;
        }
        let client = Arc::new(AlpacaClient::new(AlpacaConfig::local(&broker.url()))?);
        let clock = Arc::new(ManualClock::at(reached));
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
            patience: Duration::ZERO,
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
            schedule: None,
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

    /// Archives into `warehouse` when the schedules say so; performance is measured against `benchmark`.
    ///
    /// # Errors
    /// When a function's schedule cannot be read.
    pub fn archive_into(
        &mut self,
        warehouse: &Arc<dyn Warehouse>,
        benchmark: Option<Instrument>,
    ) -> Result<(), ScheduleError> {
        self.add_archive(warehouse, benchmark);
        self.schedule = Some(self.between_moments()?);
        Ok(())
    }

    /// Adds what archives into `warehouse`, for nights that the caller runs: see [`Simulation::night`].
    pub fn add_archive(&mut self, warehouse: &Arc<dyn Warehouse>, benchmark: Option<Instrument>) {
        self.desktop.add_archive(warehouse, benchmark);
    }

    /// Puts the functions together anew, as a process that is started again does. `edit` may change what they run on.
    pub fn restart(&mut self, edit: impl FnOnce(Wiring) -> Wiring) {
        self.desktop = Desktop::new(edit(self.wiring.clone()));
    }

    /// Changes for good what the functions run on, and puts them together anew.
    pub fn rewire(&mut self, edit: impl FnOnce(Wiring) -> Wiring) {
        self.wiring = edit(self.wiring.clone());
        self.desktop = Desktop::new(self.wiring.clone());
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
        let before = self.next.checked_sub(1).map(|before| self.moments[before].0);
        if let (Some(schedule), Some(before)) = (&self.schedule, before) {
            self.run_all(schedule.due(before, time)).await?;
        }
        self.step(time, closes).await?;
        self.next += 1;
        Ok(true)
    }

    /// Returns the next moment, in Unix milliseconds; `None` at the end of the candles.
    #[must_use]
    pub fn next_moment(&self) -> Option<UnixMillis> {
        self.moments.get(self.next).map(|(time, _)| *time)
    }

    /// Returns the number of moments that are still to come.
    #[must_use]
    pub const fn moments_left(&self) -> usize {
        self.moments.len() - self.next
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
}

/// Keeps the rules of an instrument from the first moment on; what the broker has said of it before stays.
async fn keep_asset(
    store: &dyn DocumentStore,
    environment: Environment,
    instrument: &Instrument,
    rules: InstrumentRules,
) -> Result<(), StoreError> {
    let assets = Records::<Asset>::of(store, environment);
    let known = assets.get(&Asset::id_of(instrument)).await?;
    let broker_asset_id = known.and_then(|known| known.record.broker_asset_id);
    let asset = Asset { instrument: instrument.clone(), rules, broker_asset_id };
    store.commit(vec![assets.put(&asset, Precondition::Any)?]).await.map(drop)
}
