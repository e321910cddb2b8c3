//! A function of the cloud on the stores of this machine: everything of the program but Google.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use sentinel_cloud::program::{Assembled, assemble};
use sentinel_cloud::{Adapters, GoogleCallers, Keys, Role, Settings, Unopened, Variables};
use sentinel_domain::clock::{Clock, ManualClock};
use sentinel_domain::components::{ComponentStore, Uploads};
use sentinel_domain::documents::DocumentStore;
use sentinel_domain::environment::Environment;
use sentinel_domain::events::{CloudEvent, PublishError, Publisher};
use sentinel_domain::warehouse::Warehouse;
use sentinel_embedded::components::{ComponentFolder, UploadFolder};
use sentinel_embedded::documents::{Durability, SqliteDocuments};
use sentinel_embedded::warehouse::DuckWarehouse;
use sentinel_function_runtime::http::{Callers, HttpConfig, serve};
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::tokens::KeyServer;

/// 2025-01-02T00:05:00Z
pub(crate) const NOW: i64 = 1_735_776_300_000;
pub(crate) const CALLER: &str = "test-events@my-project.iam.gserviceaccount.com";

/// The stores of this machine, and which of them were opened.
#[derive(Debug)]
pub(crate) struct Machine {
    pub(crate) folder: TempDir,
    pub(crate) carrier: Arc<Kept>,
    pub(crate) opened: Mutex<Vec<&'static str>>,
}

/// Keeps events as a carrier that took them, unless it is told not to.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    pub(crate) events: Mutex<Vec<(String, CloudEvent)>>,
    pub(crate) fails: std::sync::atomic::AtomicBool,
}

#[async_trait]
impl Publisher for Kept {
    async fn publish(&self, topic: &str, event: &CloudEvent) -> Result<(), PublishError> {
        if self.fails.load(std::sync::atomic::Ordering::SeqCst) {
            let (topic, id) = (topic.to_owned(), event.id.clone());
            return Err(PublishError { topic, id, reason: "the carrier is away".to_owned() });
        }
        self.events.lock().unwrap().push((topic.to_owned(), event.clone()));
        Ok(())
    }
}

impl Machine {
    pub(crate) fn new() -> Self {
        Self { folder: TempDir::new().unwrap(), carrier: Arc::default(), opened: Mutex::default() }
    }

    pub(crate) fn store(&self) -> SqliteDocuments {
        let path = self.folder.path().join("hot.sqlite");
        SqliteDocuments::open(&path, Environment::Test, Durability::ProcessEnd).unwrap()
    }

    fn opens(&self, what: &'static str) {
        self.opened.lock().unwrap().push(what);
    }
}

#[async_trait]
impl Adapters for Machine {
    async fn documents(&self) -> Result<Arc<dyn DocumentStore>, Unopened> {
        self.opens("documents");
        Ok(Arc::new(self.store()))
    }

    async fn warehouse(&self) -> Result<Arc<dyn Warehouse>, Unopened> {
        self.opens("warehouse");
        let file = self.folder.path().join("warehouse.duckdb");
        Ok(Arc::new(DuckWarehouse::new(file, "test").with_tables_of(Environment::Test)))
    }

    async fn components(&self) -> Result<Arc<dyn ComponentStore>, Unopened> {
        self.opens("components");
        Ok(Arc::new(ComponentFolder::new(self.folder.path().join("components"))))
    }

    async fn uploads(&self) -> Result<Arc<dyn Uploads>, Unopened> {
        self.opens("uploads");
        Ok(Arc::new(UploadFolder::new(self.folder.path().join("uploads"))))
    }

    async fn publisher(&self) -> Result<Arc<dyn Publisher>, Unopened> {
        self.opens("events");
        Ok(Arc::clone(&self.carrier) as Arc<dyn Publisher>)
    }
}

/// Returns the settings of a function in TEST.
pub(crate) fn settings(function: &str, changes: &[(&str, &str)]) -> Settings {
    let mut variables = BTreeMap::from([
        ("ENVIRONMENT", "TEST"),
        ("GOOGLE_CLOUD_PROJECT", "my-project"),
        ("SENTINEL_FUNCTION", function),
        ("SENTINEL_ACCOUNT", "broker = { kind = \"server\", url = \"http://127.0.0.1:9\" }"),
        ("SENTINEL_FIRESTORE_DATABASE", "sentinel-test"),
        ("SENTINEL_BIGQUERY_DATASET", "crypto_analytics_test"),
        ("SENTINEL_BIGQUERY_LOCATION", "europe-west1"),
        ("SENTINEL_STRATEGIES_BUCKET", "my-project-test-strategies"),
        ("SENTINEL_COMPONENTS_BUCKET", "my-project-test-components"),
        ("SENTINEL_TOPIC_PREFIX", "test-"),
        ("SENTINEL_AUDIENCE", "https://test-function.sentinel,https://test-function-*.run.app"),
        ("SENTINEL_CALLERS", CALLER),
    ]);
    variables.extend(changes.iter().copied());
    Settings::read(&variables.into_iter().collect::<Variables>()).unwrap()
}

/// A function that is served to the callers of its settings.
pub(crate) struct Served {
    /// The stores, which go with it.
    _machine: Arc<Machine>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) keys: KeyServer,
    pub(crate) address: SocketAddr,
}

impl Served {
    pub(crate) async fn start(function: &str) -> Self {
        let (machine, clock) = (Arc::new(Machine::new()), Arc::new(ManualClock::at(NOW)));
        let keys = KeyServer::start().await;
        let settings = settings(function, &[("SENTINEL_KEYS_URL", &keys.url)]);
        let shared: Arc<dyn Clock> = clock.clone();
        let Assembled { function, runtime } = assemble(&settings, machine.as_ref(), Arc::clone(&shared)).await.unwrap();
        let Role::Service { audiences, callers, keys_url, .. } = settings.role.clone() else { unreachable!() };
        let service = format!("test-{}", settings.function);
        let published = Keys::at(&keys_url, Arc::clone(&shared)).unwrap();
        let callers = GoogleCallers::new(audiences, callers, ("my-project", &service), published, shared);
        let config = HttpConfig { callers: Some(Arc::new(callers) as Arc<dyn Callers>), ..HttpConfig::default() };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(serve(function, runtime, listener, config, std::future::pending()));
        Self { _machine: machine, clock, keys, address }
    }

    /// Posts `body` and returns status and answer.
    pub(crate) async fn post(&self, token: Option<&str>, body: &str) -> (u16, String) {
        let mut request = client().post(format!("http://{}/", self.address)).body(body.to_owned());
        if let Some(token) = token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        let response = request.header("Content-Type", "application/json").send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }
}

pub(crate) fn client() -> reqwest::Client {
    drop(rustls::crypto::ring::default_provider().install_default());
    reqwest::Client::builder().tls_certs_only([]).build().unwrap()
}
