//! The counterparts, each with names of its own for this run.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use google_cloud_auth::credentials::anonymous;
use google_cloud_pubsub::client::{SubscriptionAdmin, TopicAdmin};
use google_cloud_pubsub::model::PushConfig;
use sentinel_bigquery::{BigQuerySettings, BigQueryWarehouse};
use sentinel_contracts::counterpart::{Counterpart, fresh_name};
use sentinel_domain::clock::ManualClock;
use sentinel_domain::closes::{CANDLE_CLOSED, CLOSE_EVALUATED, POSITIONS_DUE};
use sentinel_domain::components::ComponentStore;
use sentinel_domain::documents::{Collection, DocumentStore, Precondition, Query, Write};
use sentinel_domain::events::{CloudEvent, PublishError, Publisher};
use sentinel_domain::warehouse::Warehouse;
use sentinel_embedded::documents::{Durability, SqliteDocuments};
use sentinel_firestore::{FirestoreDocuments, FirestoreSettings};
use sentinel_function_runtime::http::{HttpConfig, router};
use sentinel_function_runtime::{
    Function, FunctionDescriptor, FunctionError, InProcessBus, Report, RunContext, Runtime, Trigger,
};
use sentinel_functions::Desktop;
use sentinel_gcs::GcsComponents;
use sentinel_laptop::Simulation;
use sentinel_pubsub::{PubSubConfig, PubSubPublisher};
use sentinel_register_strategy::STRATEGY_ACTIVATION;
use sentinel_tests::parity::Scenario;
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::ENVIRONMENT;

const TOPICS: [&str; 4] = ["candles", "closes", "positions", "strategies"];
/// How long a message may take over Pub/Sub.
const ARRIVAL_MAX: Duration = Duration::from_secs(60);

pub(crate) struct Counterparts {
    name: String,
    firestore: String,
    pubsub: String,
    bigquery: String,
    storage: String,
    carried: Arc<AtomicUsize>,
}

impl Counterparts {
    /// Returns `None`, and says which, where one does not run.
    pub(crate) async fn fresh(name: &str) -> Option<Self> {
        Some(Self {
            name: fresh_name(name),
            firestore: Counterpart::Firestore.address()?,
            pubsub: Counterpart::PubSub.address()?,
            bigquery: Counterpart::BigQuery.address()?,
            storage: Counterpart::Storage.address()?,
            carried: Arc::default(),
        })
    }

    /// Returns how many events went over Pub/Sub.
    pub(crate) fn carried(&self) -> usize {
        self.carried.load(Ordering::Relaxed)
    }

    /// Returns the simulation of a scenario, its functions on Firestore and Cloud Storage.
    pub(crate) async fn simulation(&self, scenario: &Scenario, folder: &Path) -> Simulation {
        let mut simulation = scenario.simulation_in(folder, ENVIRONMENT).await;
        let store = firestore(&self.firestore, &self.name);
        move_to(simulation.store().as_ref(), store.as_ref()).await;
        let components = self.components(scenario).await;
        simulation.rewire(|mut wiring| {
            (wiring.store, wiring.components) = (store, components);
            wiring
        });
        simulation
    }

    async fn components(&self, scenario: &Scenario) -> Arc<dyn ComponentStore> {
        let buckets = format!("{}/storage/v1/b", self.storage);
        let made = reqwest::Client::new().post(buckets).body(format!("{{\"name\":\"{}\"}}", self.name));
        let answer = made.header("content-type", "application/json").send().await.unwrap();
        assert!(answer.status().is_success(), "{answer:?}");
        let components = GcsComponents::connect(&self.name, Some(self.storage.clone())).unwrap();
        for (hash, bytes) in &scenario.components {
            assert_eq!(components.put(bytes).await.unwrap(), *hash);
        }
        Arc::new(components)
    }

    pub(crate) async fn warehouse(&self) -> Arc<dyn Warehouse> {
        let dataset = self.name.replace('-', "_");
        let settings = BigQuerySettings::counterpart(&self.bigquery, "sentinel", &dataset);
        Arc::new(BigQueryWarehouse::connect(settings).await.unwrap())
    }

    /// Lets the events of `desktop` travel over Pub/Sub: out as its publisher sends them, back as a push to an endpoint
    /// that reads them as every function does, and then to the functions, twice.
    pub(crate) async fn carry(&self, desktop: &mut Desktop) {
        let config = PubSubConfig {
            project: self.name.clone(),
            topic_prefix: "test-".to_owned(),
            emulator: Some(self.pubsub.clone()),
        };
        let arrived = Arc::<Mutex<VecDeque<CloudEvent>>>::default();
        let folder = TempDir::new().unwrap();
        let address = listen(&folder, Arc::clone(&arrived)).await;
        self.subscribe(&config, &address).await;
        let publisher = PubSubPublisher::connect(config).await.unwrap();
        let carried = Arc::clone(&self.carried);
        desktop.carry_by(|bus| Arc::new(Carrier { publisher, arrived, bus, carried, _folder: folder }));
    }

    async fn subscribe(&self, config: &PubSubConfig, address: &str) {
        let endpoint = format!("http://{}", self.pubsub);
        let nobody = || anonymous::Builder::new().build();
        let topics = TopicAdmin::builder().with_endpoint(&endpoint).with_credentials(nobody()).build().await.unwrap();
        let subscriptions = SubscriptionAdmin::builder().with_endpoint(&endpoint).with_credentials(nobody());
        let subscriptions = subscriptions.build().await.unwrap();
        for topic in TOPICS {
            let name = config.topic(topic);
            topics.create_topic().set_name(&name).send().await.unwrap();
            let subscription = format!("projects/{}/subscriptions/{topic}", self.name);
            let push = PushConfig::new().set_push_endpoint(format!("{address}/"));
            let made = subscriptions.create_subscription().set_name(subscription).set_topic(name);
            made.set_ack_deadline_seconds(10).set_push_config(push).send().await.unwrap();
        }
    }
}

pub(crate) fn firestore(address: &str, project: &str) -> Arc<dyn DocumentStore> {
    let settings = FirestoreSettings::new(project, "(default)", ENVIRONMENT).on_emulator(address);
    Arc::new(FirestoreDocuments::connect(settings).unwrap())
}

/// Copies what a simulation begins with: versions and instruments.
pub(crate) async fn move_to(from: &dyn DocumentStore, to: &dyn DocumentStore) {
    for collection in [Collection::DimStrategies, Collection::DimAssets] {
        let name = ENVIRONMENT.collection(collection);
        let found = from.query(&Query::of(name)).await.unwrap();
        let put = |document: sentinel_domain::documents::Document| {
            Write::put(name, document.id, document.body, Precondition::Absent)
        };
        to.commit(found.into_iter().map(put).collect()).await.unwrap();
    }
}

/// Publishes an event and waits until it has come back; then the functions get it, as it came.
#[derive(Debug)]
struct Carrier {
    publisher: PubSubPublisher,
    arrived: Arc<Mutex<VecDeque<CloudEvent>>>,
    bus: InProcessBus,
    carried: Arc<AtomicUsize>,
    _folder: TempDir,
}

#[async_trait]
impl Publisher for Carrier {
    async fn publish(&self, topic: &str, event: &CloudEvent) -> Result<(), PublishError> {
        self.publisher.publish(topic, event).await?;
        let back = async {
            loop {
                let arrived = self.arrived.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                match arrived {
                    Some(arrived) if (&arrived.source, &arrived.id) == (&event.source, &event.id) => return arrived,
                    // One that Pub/Sub delivers a second time.
                    Some(_) => {}
                    None => tokio::time::sleep(Duration::from_millis(2)).await,
                }
            }
        };
        let back = tokio::time::timeout(ARRIVAL_MAX, back).await.expect("an event that was published arrives");
        assert_eq!(&back, event, "it is the very same event");
        self.carried.fetch_add(1, Ordering::Relaxed);
        self.bus.publish(topic, &back).await?;
        self.bus.publish(topic, &back).await
    }
}

/// Notes what it is given.
struct Collector(Arc<Mutex<VecDeque<CloudEvent>>>);

#[async_trait]
impl Function for Collector {
    fn descriptor(&self) -> &FunctionDescriptor {
        static DESCRIPTOR: FunctionDescriptor = FunctionDescriptor {
            triggers: &[
                Trigger::Event { event_type: CANDLE_CLOSED },
                Trigger::Event { event_type: CLOSE_EVALUATED },
                Trigger::Task { event_type: POSITIONS_DUE },
                Trigger::Event { event_type: STRATEGY_ACTIVATION },
            ],
            concurrency: 8,
            ..FunctionDescriptor::new("collect-events")
        };
        &DESCRIPTOR
    }

    async fn run(&self, _: &RunContext, event: Option<&CloudEvent>) -> Result<Report, FunctionError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(event.cloned());
        Ok(Report::default())
    }
}

async fn listen(folder: &TempDir, arrived: Arc<Mutex<VecDeque<CloudEvent>>>) -> String {
    let path = folder.path().join("collector.sqlite");
    let store = SqliteDocuments::open(&path, ENVIRONMENT, Durability::ProcessEnd).unwrap();
    let runtime = Runtime::new(Arc::new(store), ENVIRONMENT, Arc::new(ManualClock::at(0)), "test");
    let routes = router(Arc::new(Collector(arrived)), runtime, HttpConfig::default());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    address
}
