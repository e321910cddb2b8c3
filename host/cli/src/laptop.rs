//! The laptop's wiring: which stores, which clock, which functions. Everything that runs functions here starts from
//! [`Laptop::open`].
//!
//! Opening takes a few milliseconds: the hot store is opened, the warehouse and the sandbox when they are first used.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use sentinel_domain::clock::Clock;
use sentinel_domain::components::{ComponentStore, Uploads};
use sentinel_domain::documents::{Record, Records};
use sentinel_domain::environment::Environment;
use sentinel_embedded::components::{ComponentFolder, UploadFolder};
use sentinel_embedded::documents::{Durability, SqliteDocuments};
use sentinel_embedded::warehouse::DuckWarehouse;
use sentinel_evaluate_strategies::Library;
use sentinel_expire_signals::ExpireSignals;
use sentinel_function_runtime::{Function, Outcome, RunError, RunRequest, Runtime, StoreReader, WallClock};
use sentinel_register_strategy::{RegisterStrategy, nearest};
use sentinel_runtime::{LazyRuntime, RuntimeConfig};

use crate::failure::usage;
use crate::home::{self, Home};

/// How long a command waits for a run of the same function to end, and how often it looks.
const LEASE_WAITS: u32 = 150;
const LEASE_PAUSE: Duration = Duration::from_millis(200);

/// The stores and the clock of this machine in one environment.
#[derive(Debug, Clone)]
pub(crate) struct Laptop {
    pub(crate) environment: Environment,
    /// Folder that people drop strategies into.
    pub(crate) drop_folder: PathBuf,
    pub(crate) documents: SqliteDocuments,
    pub(crate) warehouse: DuckWarehouse,
    pub(crate) components: Arc<ComponentFolder>,
    pub(crate) sandbox: Arc<LazyRuntime>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Laptop {
    /// Opens the stores of the environment that ENVIRONMENT names; `purpose` is what others who wait for the warehouse
    /// are told.
    pub(crate) fn open(home: &Home, purpose: &str) -> Result<Self> {
        let environment = home::environment()?;
        let folder = home.stores_dir(environment)?;
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let config = RuntimeConfig {
            cache_dir: home::cache_dir().map(|cache| cache.join("compiled")),
            ..RuntimeConfig::default()
        };
        Ok(Self {
            environment,
            documents: SqliteDocuments::open(&documents_path(&folder), environment, Durability::PowerCut)?,
            warehouse: DuckWarehouse::new(warehouse_path(&folder), purpose).with_tables_of(environment),
            components: Arc::new(ComponentFolder::new(home.components_dir()?)),
            sandbox: Arc::new(LazyRuntime::new(config)),
            clock: Arc::new(WallClock),
            drop_folder: home.drop_folder()?,
        })
    }

    /// Returns every function that runs on this machine, in the order of the golden thread.
    pub(crate) fn functions(&self) -> Vec<Arc<dyn Function>> {
        vec![Arc::new(self.register_strategy(Arc::new(UploadFolder::new(&self.drop_folder)))), Arc::new(ExpireSignals)]
    }

    /// Returns the function called `name`.
    pub(crate) fn function(&self, name: &str) -> Result<Arc<dyn Function>> {
        let functions = self.functions();
        let names: Vec<_> = functions.iter().map(|function| function.descriptor().name).collect();
        if let Some(place) = names.iter().position(|known| *known == name) {
            return Ok(Arc::clone(&functions[place]));
        }
        let meant = nearest(name, names.iter().copied());
        let meant = meant.map_or_else(String::new, |meant| format!("; did you mean {meant}?"));
        Err(usage(format_args!("there is no function {name}: there are {}{meant}", names.join(", "))))
    }

    /// Returns `register-strategy`, reading from `uploads`.
    pub(crate) fn register_strategy(&self, uploads: Arc<dyn Uploads>) -> RegisterStrategy {
        let components = Arc::clone(&self.components) as Arc<dyn ComponentStore>;
        RegisterStrategy { uploads, components, sandbox: Arc::clone(&self.sandbox) }
    }

    /// Returns the strategies' code, loaded when it is asked for.
    pub(crate) fn library(&self) -> Library {
        Library::new(Arc::clone(&self.components) as Arc<dyn ComponentStore>, Arc::clone(&self.sandbox))
    }

    /// Returns what functions run on.
    pub(crate) fn runtime(&self) -> Runtime {
        Runtime::new(Arc::new(self.documents.clone()), self.environment, Arc::clone(&self.clock), git_hash())
    }

    /// Returns the hot store for those who only look.
    pub(crate) fn reader(&self) -> StoreReader {
        StoreReader { store: Arc::new(self.documents.clone()), environment: self.environment }
    }

    /// Returns the records of a type.
    pub(crate) fn records<T: Record>(&self) -> Records<'_, T> {
        Records::of(&self.documents, self.environment)
    }

    /// Runs a function once. When another process runs it at this moment, waits for that one to end.
    pub(crate) async fn run(&self, function: &dyn Function, request: RunRequest) -> Result<Outcome> {
        let runtime = self.runtime();
        let mut waits = 0;
        loop {
            match runtime.run_once(function, request.clone()).await {
                Err(RunError::LeaseHeld { .. }) if waits < LEASE_WAITS => {
                    waits += 1;
                    tokio::time::sleep(LEASE_PAUSE).await;
                }
                ran => return Ok(ran?),
            }
        }
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
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    runtime.map_err(|error| anyhow!("cannot start the threads: {error}"))?.block_on(work)
}

/// Returns the commit that this program was built from, as far as its builder said.
fn git_hash() -> &'static str {
    option_env!("SENTINEL_GIT_HASH").unwrap_or("unknown")
}
