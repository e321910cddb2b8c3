//! From an upload to a version that decides, with the files in Cloud Storage: what is compiled once is not compiled
//! again, and what is too large is never read.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

#[expect(dead_code, reason = "the registry's tests use the rest")]
#[path = "registry/world.rs"]
mod world;

use std::sync::Arc;
use std::time::Instant;

use sentinel_contracts::counterpart::{Counterpart, fresh_name};
use sentinel_domain::components::ComponentStore;
use sentinel_evaluate_strategies::Library;
use sentinel_function_runtime::{JobStatus, RunRequest};
use sentinel_gcs::{GcsComponents, GcsUploads};
use sentinel_register_strategy::{RegisterStrategy, finalized};
use sentinel_runtime::{CodeOrigin, LazyRuntime, Limits, RuntimeConfig};
use sentinel_strategy_build::{BuildOptions, build};
use sentinel_tests::shipped;

use self::world::World;

const CONFIG: &str = "timeframe = \"1h\"\nassets = [\"binance:BTC/USDT\"]\n";

/// Two buckets of their own, and what reads and writes them.
struct Buckets {
    endpoint: String,
    uploads: String,
    components: Arc<GcsComponents>,
    function: RegisterStrategy,
}

impl Buckets {
    async fn fresh(test: &str) -> Option<Self> {
        let endpoint = Counterpart::Storage.address()?;
        drop(rustls::crypto::ring::default_provider().install_default());
        let [uploads, kept] = ["uploads", "components"].map(|kind| fresh_name(&format!("{test}-{kind}")));
        for bucket in [&uploads, &kept] {
            let made = format!("{{\"name\":\"{bucket}\"}}");
            let request = reqwest::Client::new().post(format!("{endpoint}/storage/v1/b"));
            let answer = request.header("content-type", "application/json").body(made).send().await.unwrap();
            assert!(answer.status().is_success());
        }
        let components = Arc::new(GcsComponents::connect(&kept, Some(endpoint.clone())).unwrap());
        let function = RegisterStrategy {
            uploads: Arc::new(GcsUploads::connect(&uploads, Some(endpoint.clone())).unwrap()),
            components: Arc::clone(&components) as Arc<dyn ComponentStore>,
            sandbox: world::sandbox(),
        };
        Some(Self { endpoint, uploads, components, function })
    }

    async fn upload(&self, name: &str, bytes: impl Into<reqwest::Body>) {
        let request = reqwest::Client::new().put(format!("{}/{}/{name}", self.endpoint, self.uploads));
        assert!(request.body(bytes).send().await.unwrap().status().is_success());
    }

    fn uploaded(&self, name: &str, at: i64) -> RunRequest {
        RunRequest::of_event(finalized(&self.uploads, name, &at.to_string(), at))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn version_that_is_registered_comes_compiled_to_another_process() {
    let Some(buckets) = Buckets::fresh("comes-compiled").await else { return };
    comes_compiled(&buckets, "sma-cross", shipped::component("sma-cross")).await;
}

/// Where it matters: compiling this one takes seconds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn version_in_python_comes_compiled_too() {
    let Some(buckets) = Buckets::fresh("python").await else { return };
    let folder = shipped::repository().join("strategies/sma-cross-python");
    let component = match build(&folder, &BuildOptions::new(shipped::cache_folder()), &mut |_| {}) {
        Err(error) if error.is_missing_tool() => {
            eprintln!("SKIPPED version_in_python_comes_compiled_too: {error}");
            return;
        }
        built => built.unwrap().component,
    };
    comes_compiled(&buckets, "sma-cross-python", component).await;
}

async fn comes_compiled(buckets: &Buckets, strategy_id: &str, component: Vec<u8>) {
    let world = World::new();
    buckets.upload("f.toml", format!("id = \"{strategy_id}\"\n{CONFIG}")).await;
    let waiting = world.run(&buckets.function, buckets.uploaded("f.toml", 500)).await.unwrap();
    assert_eq!(waiting.rows_out, 0, "the component is missing");
    buckets.upload("f.wasm", component).await;
    let run = world.run(&buckets.function, buckets.uploaded("f.wasm", 1_000)).await.unwrap();
    assert_eq!((run.status, run.rows_out), (JobStatus::Succeeded, 1), "{run:?}");
    let [version] = &world.history(strategy_id).await[..] else { panic!("one version") };

    // Another process: another sandbox, without a folder of its own.
    let sandbox = Arc::new(LazyRuntime::new(RuntimeConfig { instances_max: 2, ..RuntimeConfig::default() }));
    sandbox.get().unwrap();
    let library = Library::new(Arc::clone(&buckets.components) as Arc<dyn ComponentStore>, sandbox);
    #[expect(clippy::disallowed_methods, reason = "what is measured is the machine's time")]
    let started = Instant::now();
    let loaded = library.load(version).await.unwrap();
    eprintln!("{strategy_id}: loaded from the bucket in {:?}", started.elapsed());
    assert_eq!(loaded.strategy.code_origin(), &CodeOrigin::Cache);
    assert_eq!(loaded.strategy.component_hash(), version.component_hash);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn module_that_is_too_large_for_its_class_is_refused_by_its_length() {
    let Some(buckets) = Buckets::fresh("too-large").await else { return };
    let world = World::new();
    let bytes_max = Limits::compiled().component_bytes_max;
    let bytes = vec![0_u8; usize::try_from(bytes_max).unwrap() + 1];
    buckets.upload("f.toml", format!("limits_class = \"compiled\"\n{CONFIG}")).await;
    buckets.upload("f.wasm", bytes).await;
    let error = world.run(&buckets.function, buckets.uploaded("f.wasm", 1_000)).await.unwrap_err();
    assert!(!error.is_retryable(), "{error}");
    let cause = std::error::Error::source(&error).and_then(std::error::Error::source).unwrap().to_string();
    assert_eq!(cause, format!("f.wasm has {} bytes; {bytes_max} are allowed", bytes_max + 1));
    assert_eq!(buckets.components.list().await.unwrap(), []);
}
