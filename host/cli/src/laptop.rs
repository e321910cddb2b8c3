//! The laptop's wiring: which stores, which clock, which functions. Everything that runs functions here starts from
//! [`Laptop::open`].
//!
//! Opening takes a few milliseconds: the hot store is opened, the warehouse and the sandbox when they are first used.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use sentinel_domain::broker::Broker;
use sentinel_domain::clock::{Clock, ManualClock};
use sentinel_domain::components::{ComponentStore, Uploads};
use sentinel_domain::documents::{Record, Records};
use sentinel_domain::environment::Environment;
use sentinel_domain::market_data::MarketData;
use sentinel_domain::timeframe::Timeframe;
use sentinel_domain::warehouse::Warehouse;
use sentinel_embedded::components::{ComponentFolder, UploadFolder};
use sentinel_embedded::documents::{Durability, SqliteDocuments};
use sentinel_embedded::warehouse::DuckWarehouse;
use sentinel_function_runtime::{Function, Holder, Outcome, RunRequest, Runtime, WallClock};
use sentinel_functions::{AccountConfig, Desktop, Wiring};
use sentinel_register_strategy::nearest;
use sentinel_runtime::LazyRuntime;
use sentinel_trading::Terms;

use crate::failure::usage;
use crate::home::{self, Home};
use crate::local_broker;
use crate::place::{Place, Whose, sandbox};
use crate::simulated_time::SimulatedTime;

/// How long a candle is waited for after its close.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long a run is believed to be alive that does not say so.
const LEASE_LASTS: Duration = Duration::from_secs(60);

/// The stores and the clock of this machine in one environment.
#[derive(Debug, Clone)]
pub(crate) struct Laptop {
    pub(crate) environment: Environment,
    /// Folder of the stores.
    pub(crate) folder: PathBuf,
    /// Folder that people drop strategies into.
    pub(crate) drop_folder: PathBuf,
    pub(crate) documents: SqliteDocuments,
    pub(crate) warehouse: DuckWarehouse,
    pub(crate) components: Arc<ComponentFolder>,
    pub(crate) sandbox: Arc<LazyRuntime>,
    /// The machine's own, or the one of stores whose time is simulated.
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) simulated: Option<SimulatedTime>,
    home: Home,
}

impl Laptop {
    /// Opens the stores of the environment that ENVIRONMENT names; `purpose` is what others who wait for the warehouse
    /// are told.
    pub(crate) fn open(home: &Home, purpose: &str) -> Result<Self> {
        let environment = home::environment()?;
        let folder = home.stores_dir(environment)?;
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let simulated = SimulatedTime::read(&folder)?;
        Ok(Self {
            environment,
            documents: SqliteDocuments::open(&documents_path(&folder), environment, Durability::PowerCut)?,
            warehouse: DuckWarehouse::new(warehouse_path(&folder), purpose).with_tables_of(environment),
            components: Arc::new(ComponentFolder::new(home.components_dir()?)),
            sandbox: sandbox(),
            clock: match simulated {
                Some(time) => Arc::new(ManualClock::at(time.reached)),
                None => Arc::new(WallClock),
            },
            simulated,
            drop_folder: home.drop_folder()?,
            folder,
            home: home.clone(),
        })
    }

    /// Returns the account that is traded.
    pub(crate) fn account(&self) -> Result<AccountConfig> {
        self.home.account()
    }

    /// Returns the terms of `account`. Exits are decided at the closes of each minute, in simulated time at those of the
    /// candles that are simulated.
    pub(crate) fn terms(&self, account: &AccountConfig) -> Terms {
        match self.simulated {
            Some(SimulatedTime { finest, .. }) => account.terms(self.environment, finest),
            None => account.terms(self.environment, account.finest.unwrap_or(Timeframe::M1)),
        }
    }

    /// Returns every function that runs on this machine.
    pub(crate) async fn desktop(&self) -> Result<Desktop> {
        let account = self.account()?;
        let terms = self.terms(&account);
        let broker = Arc::new(local_broker::of(&account, &self.folder)?);
        let mut desktop = Desktop::new(Wiring {
            store: Arc::new(self.documents.clone()),
            components: Arc::clone(&self.components) as Arc<dyn ComponentStore>,
            broker: Arc::clone(&broker) as Arc<dyn Broker>,
            data: Arc::clone(&broker) as Arc<dyn MarketData>,
            clock: Arc::clone(&self.clock),
            environment: self.environment,
            git_hash: git_hash().to_owned(),
            sandbox: Arc::clone(&self.sandbox),
            terms,
            patience: if self.simulated.is_some() { Duration::ZERO } else { PATIENCE },
            holder: (Holder::process(), LEASE_LASTS),
        });
        desktop.add_archive(&self.archive(), account.benchmark);
        desktop.add_registry(self.uploads());
        Ok(desktop)
    }

    /// Returns the warehouse as functions see it.
    pub(crate) fn archive(&self) -> Arc<dyn Warehouse> {
        Arc::new(self.warehouse.clone())
    }

    /// Returns the function called `name`.
    pub(crate) async fn function(&self, name: &str) -> Result<Arc<dyn Function>> {
        let desktop = self.desktop().await?;
        if let Some(function) = desktop.function(name) {
            return Ok(Arc::clone(function));
        }
        let names: Vec<_> = desktop.functions().map(|function| function.descriptor().name).collect();
        let meant = nearest(name, names.iter().copied());
        let meant = meant.map_or_else(String::new, |meant| format!("; did you mean {meant}?"));
        Err(usage(format_args!("there is no function {name}: there are {}{meant}", names.join(", "))))
    }

    /// Returns the drop folder, as `register-strategy` reads it.
    pub(crate) fn uploads(&self) -> Arc<dyn Uploads> {
        Arc::new(UploadFolder::new(&self.drop_folder))
    }

    /// Returns `register-strategy`, reading from the drop folder.
    pub(crate) fn register_uploads(&self) -> Arc<dyn Function> {
        Arc::new(self.place().register_strategy(self.uploads()))
    }

    /// Returns the stores as those see them who only ask.
    pub(crate) fn place(&self) -> Place {
        Place {
            environment: self.environment,
            documents: Arc::new(self.documents.clone()),
            has_warehouse: self.warehouse.path().exists(),
            warehouse: Arc::new(self.warehouse.clone()),
            components: Arc::clone(&self.components) as Arc<dyn ComponentStore>,
            sandbox: Arc::clone(&self.sandbox),
            clock: Arc::clone(&self.clock),
            whose: Whose::Laptop(self.home.clone()),
        }
    }

    /// Returns what functions run on.
    pub(crate) fn runtime(&self) -> Runtime {
        self.place().runtime()
    }

    /// Returns the records of a type.
    pub(crate) fn records<T: Record>(&self) -> Records<'_, T> {
        Records::of(&self.documents, self.environment)
    }

    /// Runs a function once. When another process runs it at this moment, waits for that one to end.
    pub(crate) async fn run(&self, function: &dyn Function, request: RunRequest) -> Result<Outcome> {
        self.place().run(function, request).await
    }
}

/// Returns where the hot store is in a folder of stores.
pub(crate) fn documents_path(folder: &std::path::Path) -> PathBuf {
    folder.join("hot.sqlite")
}

/// Returns where the warehouse is in a folder of stores.
pub(crate) fn warehouse_path(folder: &std::path::Path) -> PathBuf {
    folder.join("warehouse.duckdb")
}

/// Runs `work` on this thread; what blocks goes to others.
pub(crate) fn block_on<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| anyhow!("cannot start the threads: {error}"))?.block_on(work)
}

/// Returns the commit that this program was built from, as far as its builder said.
pub(crate) fn git_hash() -> &'static str {
    option_env!("SENTINEL_GIT_HASH").unwrap_or("unknown")
}
