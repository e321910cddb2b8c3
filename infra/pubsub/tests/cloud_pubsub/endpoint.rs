//! A function behind HTTP that Pub/Sub pushes to, and the topics and subscriptions between.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use google_cloud_auth::credentials::anonymous;
use google_cloud_pubsub::client::{SubscriptionAdmin, TopicAdmin};
use google_cloud_pubsub::model::{DeadLetterPolicy, PushConfig, Subscription};
use sentinel_contracts::counterpart::{Counterpart, fresh_name};
use sentinel_domain::clock::ManualClock;
use sentinel_domain::environment::Environment;
use sentinel_domain::events::CloudEvent;
use sentinel_embedded::documents::{Durability, SqliteDocuments};
use sentinel_function_runtime::http::{HttpConfig, router};
use sentinel_function_runtime::{
    Function, FunctionDescriptor, FunctionError, Report, RunContext, Runtime, Trigger, async_trait,
};
use sentinel_pubsub::{PubSubConfig, PubSubPublisher};
use tempfile::TempDir;
use tokio::net::TcpListener;

pub(crate) const TYPE: &str = "sentinel.test.happened.v1";
pub(crate) const OTHER_TYPE: &str = "sentinel.test.other.v1";

/// How long anything may take to arrive: the emulator waits longer and longer before it delivers again.
const ARRIVAL_MAX: Duration = Duration::from_secs(60);

/// A project of its own on the emulator.
pub(crate) struct Project {
    name: String,
    emulator: String,
    topics: TopicAdmin,
    subscriptions: SubscriptionAdmin,
}

impl Project {
    /// Returns `None`, and says so, where the emulator does not run.
    pub(crate) async fn fresh(test: &str) -> Option<Self> {
        let emulator = Counterpart::PubSub.address()?;
        let endpoint = format!("http://{emulator}");
        let nobody = || anonymous::Builder::new().build();
        let topics = TopicAdmin::builder().with_endpoint(&endpoint).with_credentials(nobody()).build();
        let subscriptions = SubscriptionAdmin::builder().with_endpoint(&endpoint).with_credentials(nobody()).build();
        let name = fresh_name(test);
        Some(Self { name, emulator, topics: topics.await.unwrap(), subscriptions: subscriptions.await.unwrap() })
    }

    pub(crate) fn config(&self) -> PubSubConfig {
        PubSubConfig {
            project: self.name.clone(),
            topic_prefix: "test-".to_owned(),
            emulator: Some(self.emulator.clone()),
        }
    }

    pub(crate) async fn publisher(&self) -> PubSubPublisher {
        PubSubPublisher::connect(self.config()).await.unwrap()
    }

    pub(crate) async fn topic(&self, topic: &str) -> String {
        let name = self.config().topic(topic);
        self.topics.create_topic().set_name(&name).send().await.unwrap();
        name
    }

    /// Pushes what comes to `topic` to `endpoint`, as terraform/modules/subscription has it.
    pub(crate) async fn push(&self, topic: &str, endpoint: &Endpoint, more: impl FnOnce(Subscription) -> Subscription) {
        let subscription = Subscription::new()
            .set_name(format!("projects/{}/subscriptions/{}", self.name, endpoint.name))
            .set_topic(topic)
            .set_filter(format!("attributes.\"ce-type\" = \"{TYPE}\""))
            .set_enable_message_ordering(true)
            .set_ack_deadline_seconds(10)
            .set_push_config(PushConfig::new().set_push_endpoint(format!("{}/", endpoint.address)));
        let made = more(subscription);
        let request = self.subscriptions.create_subscription();
        let request = request
            .set_name(made.name)
            .set_topic(made.topic)
            .set_filter(made.filter)
            .set_enable_message_ordering(made.enable_message_ordering)
            .set_ack_deadline_seconds(made.ack_deadline_seconds)
            .set_or_clear_push_config(made.push_config)
            .set_or_clear_dead_letter_policy(made.dead_letter_policy);
        request.send().await.unwrap();
    }
}

pub(crate) fn dead_letters(topic: &str, attempts: i32) -> DeadLetterPolicy {
    DeadLetterPolicy::new().set_dead_letter_topic(topic).set_max_delivery_attempts(attempts)
}

/// What a function was given: each event as often as it was run with it, and how often it is to fail first.
#[derive(Debug, Default)]
pub(crate) struct Runs {
    pub(crate) events: Vec<CloudEvent>,
    /// By the event's id.
    pub(crate) to_fail: BTreeMap<String, u32>,
}

struct Recorder {
    runs: Arc<Mutex<Runs>>,
}

#[async_trait]
impl Function for Recorder {
    fn descriptor(&self) -> &FunctionDescriptor {
        static DESCRIPTOR: FunctionDescriptor = FunctionDescriptor {
            triggers: &[Trigger::Event { event_type: TYPE }],
            timeout: Duration::from_secs(20),
            concurrency: 8,
            ..FunctionDescriptor::new("record-events")
        };
        &DESCRIPTOR
    }

    async fn run(&self, _: &RunContext, event: Option<&CloudEvent>) -> Result<Report, FunctionError> {
        let event = event.unwrap();
        let mut runs = self.runs.lock().unwrap();
        runs.events.push(event.clone());
        match runs.to_fail.get_mut(&event.id) {
            Some(times) if *times > 0 => {
                *times -= 1;
                Err(FunctionError::unavailable("not just now", "asked to fail"))
            }
            _ => Ok(Report::default()),
        }
    }
}

/// The function, listening.
pub(crate) struct Endpoint {
    name: &'static str,
    address: String,
    runs: Arc<Mutex<Runs>>,
    _folder: TempDir,
}

impl Endpoint {
    pub(crate) async fn listening(name: &'static str) -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("hot.sqlite");
        let store = SqliteDocuments::open(&path, Environment::Test, Durability::ProcessEnd).unwrap();
        let clock = Arc::new(ManualClock::at(1_735_776_300_000));
        let runtime = Runtime::new(Arc::new(store), Environment::Test, clock, "abc123");
        let runs = Arc::<Mutex<Runs>>::default();
        let routes = router(Arc::new(Recorder { runs: Arc::clone(&runs) }), runtime, HttpConfig::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { name, address, runs, _folder: folder }
    }

    pub(crate) fn fail(&self, id: &str, times: u32) {
        self.runs.lock().unwrap().to_fail.insert(id.to_owned(), times);
    }

    pub(crate) fn events(&self) -> Vec<CloudEvent> {
        self.runs.lock().unwrap().events.clone()
    }

    pub(crate) fn ids(&self) -> Vec<String> {
        self.events().into_iter().map(|event| event.id).collect()
    }

    /// Waits until there were as many runs, and returns the events they were given.
    pub(crate) async fn after(&self, runs: usize) -> Vec<CloudEvent> {
        let arrived = async {
            while self.events().len() < runs {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let in_time = tokio::time::timeout(ARRIVAL_MAX, arrived).await;
        assert!(in_time.is_ok(), "expected {runs} runs, got {:?}", self.ids());
        self.events()
    }
}
