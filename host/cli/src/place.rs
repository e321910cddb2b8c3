//! The stores that a question is asked of, wherever they are: what the asking commands see of this machine and of the
//! cloud alike.
//!
//! Whoever needs all of the functions, or files, needs the [`Laptop`](crate::laptop::Laptop).

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use clap::ValueEnum;
use sentinel_bigquery::BigQueryWarehouse;
use sentinel_domain::clock::Clock;
use sentinel_domain::components::{ComponentStore, Uploads};
use sentinel_domain::documents::{DocumentStore, Record, Records};
use sentinel_domain::environment::Environment;
use sentinel_domain::warehouse::Warehouse;
use sentinel_evaluate_strategies::Library;
use sentinel_function_runtime::{Function, Outcome, RunError, RunRequest, Runtime, StoreReader};
use sentinel_functions::AccountConfig;
use sentinel_register_strategy::RegisterStrategy;
use sentinel_runtime::{LazyRuntime, RuntimeConfig};

use crate::cloud::Cloud;
use crate::home::{self, Home};
use crate::laptop::{Laptop, block_on, git_hash};

/// How long a command waits for a run of the same function to end, and how often it looks.
const LEASE_WAITS: u32 = 150;
const LEASE_PAUSE: Duration = Duration::from_millis(200);

/// Where the stores are that a command asks or steers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Target {
    /// This machine.
    Laptop,
    /// Google Cloud, with your own credentials.
    Cloud,
}

/// Stores of one environment.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) environment: Environment,
    pub(crate) documents: Arc<dyn DocumentStore>,
    pub(crate) warehouse: Arc<dyn Warehouse>,
    pub(crate) components: Arc<dyn ComponentStore>,
    pub(crate) sandbox: Arc<LazyRuntime>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Whether anything was ever archived, as far as that can be told without asking.
    pub(crate) has_warehouse: bool,
    pub(crate) whose: Whose,
}

/// Who knows which account is traded, and what questions cost.
#[derive(Debug, Clone)]
pub(crate) enum Whose {
    /// The data folder; questions cost nothing.
    Laptop(Home),
    /// The settings, and the warehouse.
    Cloud(Box<AccountConfig>, BigQueryWarehouse),
}

impl Place {
    /// Returns the records of a type.
    pub(crate) fn records<T: Record>(&self) -> Records<'_, T> {
        Records::of(self.documents.as_ref(), self.environment)
    }

    /// Returns the hot store for those who only look.
    pub(crate) fn reader(&self) -> StoreReader {
        StoreReader { store: Arc::clone(&self.documents), environment: self.environment }
    }

    /// Returns the strategies' code, loaded when it is asked for.
    pub(crate) fn library(&self) -> Library {
        Library::new(Arc::clone(&self.components), Arc::clone(&self.sandbox))
    }

    /// Returns `register-strategy`, reading from `uploads`.
    pub(crate) fn register_strategy(&self, uploads: Arc<dyn Uploads>) -> RegisterStrategy {
        let (components, sandbox) = (Arc::clone(&self.components), Arc::clone(&self.sandbox));
        RegisterStrategy { uploads, components, sandbox }
    }

    /// Returns what functions run on.
    pub(crate) fn runtime(&self) -> Runtime {
        Runtime::new(Arc::clone(&self.documents), self.environment, Arc::clone(&self.clock), git_hash())
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

    /// Returns the account that is traded.
    pub(crate) fn account_id(&self) -> Result<String> {
        match &self.whose {
            Whose::Laptop(home) => Ok(home.account()?.id),
            Whose::Cloud(account, _) => Ok(account.id.clone()),
        }
    }

    /// Returns the bytes that questions so far were charged for; `None` where they cost nothing.
    pub(crate) fn bytes_billed(&self) -> Option<u64> {
        match &self.whose {
            Whose::Laptop(_) => None,
            Whose::Cloud(_, warehouse) => Some(warehouse.bytes_billed()),
        }
    }

    /// Returns how a command is typed that is to reach these stores.
    pub(crate) fn command(&self, command: &str) -> String {
        match self.whose {
            Whose::Laptop(_) => format!("`sentinel {command}`"),
            Whose::Cloud(..) => format!("`sentinel --target cloud {command}`"),
        }
    }
}

/// Opens the stores of a target and works on them; `purpose` is what others who wait for the laptop's warehouse are
/// told.
pub(crate) fn at(
    target: Target,
    home: &Home,
    purpose: &str,
    work: impl AsyncFnOnce(&Place) -> Result<()>,
) -> Result<()> {
    // Connections live as long as the threads they were opened on.
    block_on(async {
        let place = match target {
            Target::Laptop => Laptop::open(home, purpose)?.place(),
            Target::Cloud => Cloud::read(home)?.open().await?,
        };
        work(&place).await
    })
}

/// Returns the sandbox, with compiled code in the cache folder.
pub(crate) fn sandbox() -> Arc<LazyRuntime> {
    Arc::new(LazyRuntime::new(RuntimeConfig {
        cache_dir: home::cache_dir().map(|cache| cache.join("compiled")),
        ..RuntimeConfig::default()
    }))
}
