//! A hot store, a component store, an upload folder and a sandbox, gone at the end.

use std::fs;
use std::sync::{Arc, OnceLock};

use sentinel_domain::clock::ManualClock;
use sentinel_domain::components::ComponentStore;
use sentinel_domain::documents::{Collection, DocumentStore, Query, Records};
use sentinel_domain::environment::Environment;
use sentinel_domain::registry::StrategyVersion;
use sentinel_domain::timeframe::UnixMillis;
use sentinel_embedded::components::{ComponentFolder, UploadFolder};
use sentinel_embedded::documents::{Durability, SqliteDocuments};
use sentinel_function_runtime::{Function, Holder, JobRun, Outcome, RunError, RunRequest, Runtime, StoreReader};
use sentinel_register_strategy::{RegisterStrategy, finalized, history};
use sentinel_runtime::{LazyRuntime, RuntimeConfig};
use tempfile::TempDir;

pub(crate) const ENVIRONMENT: Environment = Environment::Test;

pub(crate) struct World {
    pub(crate) folder: TempDir,
    pub(crate) store: SqliteDocuments,
    pub(crate) components: Arc<ComponentFolder>,
    pub(crate) runtime: Runtime,
}

/// One sandbox for all tests of a process: it reserves address space.
pub(crate) fn sandbox() -> Arc<LazyRuntime> {
    static SANDBOX: OnceLock<Arc<LazyRuntime>> = OnceLock::new();
    Arc::clone(SANDBOX.get_or_init(|| Arc::new(LazyRuntime::new(RuntimeConfig::default()))))
}

impl World {
    pub(crate) fn new() -> Self {
        let folder = TempDir::new().unwrap();
        fs::create_dir(folder.path().join("uploads")).unwrap();
        let path = folder.path().join("hot.sqlite");
        let store = SqliteDocuments::open(&path, ENVIRONMENT, Durability::ProcessEnd).unwrap();
        let components = Arc::new(ComponentFolder::new(folder.path().join("components")));
        let runtime = Runtime {
            holder: Holder::named("first"),
            ..Runtime::new(Arc::new(store.clone()), ENVIRONMENT, Arc::new(ManualClock::at(1)), "abc123")
        };
        Self { folder, store, components, runtime }
    }

    pub(crate) fn function(&self) -> RegisterStrategy {
        RegisterStrategy {
            uploads: Arc::new(UploadFolder::new(self.folder.path().join("uploads"))),
            components: Arc::clone(&self.components) as Arc<dyn ComponentStore>,
            sandbox: sandbox(),
        }
    }

    pub(crate) fn upload(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.folder.path().join("uploads").join(name), bytes).unwrap();
    }

    /// Runs `register-strategy` for a file that has just been uploaded.
    pub(crate) async fn uploaded(&self, name: &str, at: UnixMillis) -> Result<JobRun, RunError> {
        // Two uploads of one name are two generations of it.
        let event = finalized("strategies", name, &at.to_string(), at);
        self.run(&self.function(), RunRequest::of_event(event)).await
    }

    pub(crate) async fn run(&self, function: &dyn Function, request: RunRequest) -> Result<JobRun, RunError> {
        self.runtime.run_once(function, request).await.map(|outcome| match outcome {
            Outcome::Ran(run) | Outcome::Duplicate(run) => run,
        })
    }

    /// Registers a component under a config from `at` on.
    pub(crate) async fn register(&self, component: &[u8], config: &str, at: UnixMillis) -> JobRun {
        self.upload("f.wasm", component);
        self.upload("f.toml", config);
        self.uploaded("f.wasm", at).await.unwrap()
    }

    pub(crate) fn versions(&self) -> Records<'_, StrategyVersion> {
        Records::of(&self.store, ENVIRONMENT)
    }

    pub(crate) async fn history(&self, strategy_id: &str) -> Vec<StrategyVersion> {
        history::read(&self.versions(), strategy_id).await.unwrap().history.versions().to_vec()
    }

    pub(crate) async fn count(&self, collection: Collection) -> usize {
        self.store.query(&Query::of(ENVIRONMENT.collection(collection))).await.unwrap().len()
    }

    pub(crate) fn reader(&self) -> StoreReader {
        StoreReader { store: Arc::new(self.store.clone()), environment: ENVIRONMENT }
    }
}
