//! The processes, their stores, and one close after the other.

use std::collections::BTreeMap;
use std::fs::File;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use google_cloud_auth::credentials::anonymous;
use google_cloud_pubsub::client::{SubscriptionAdmin, TopicAdmin};
use google_cloud_pubsub::model::PushConfig;
use reqwest::Client;
use sentinel_domain::closes::CandleClosed;
use sentinel_domain::components::ComponentStore;
use sentinel_domain::documents::{DocumentVersion, Record, Records};
use sentinel_domain::environment::Environment;
use sentinel_domain::events::{CloudEvent, Publisher};
use sentinel_domain::live::{DecisionChunk, LivePosition, PositionStatus, signal_id};
use sentinel_domain::timeframe::UnixMillis;
use sentinel_firestore::{FirestoreDocuments, FirestoreSettings};
use sentinel_gcs::GcsComponents;
use sentinel_pubsub::{PubSubConfig, PubSubPublisher};
use sentinel_simulated_broker::{Moment, Options, Settings, SimulatedBroker};
use sentinel_tests::shipped;
use serde_json::json;
use tempfile::TempDir;

use crate::market::{self, TIMEFRAME};
use crate::micros;
use crate::relay::{Notes, Passed, Relay, Venue};
use crate::tokens::{KeyServer, SigningKey};

const ENVIRONMENT: Environment = Environment::Test;
const CALLER: &str = "test-events@my-project.iam.gserviceaccount.com";
const NAMESPACE: &str = "TEST|latency";
/// Each function with the topic whose messages start it.
const FUNCTIONS: [(&str, &str); 3] =
    [("evaluate-strategies", "candles"), ("execute-signals", "closes"), ("sync-positions", "positions")];

/// When what happened, in microseconds; of a function, when its message arrived and when it was answered.
#[derive(Debug)]
pub(crate) struct Timeline {
    pub(crate) published: i64,
    pub(crate) evaluate: (i64, i64),
    /// When Firestore made the commit with the signals.
    pub(crate) stored: i64,
    pub(crate) execute: (i64, i64),
    pub(crate) accepted: i64,
    pub(crate) sync: (i64, i64),
    /// When Firestore wrote the position last: filled, and its stop known to rest.
    pub(crate) position: i64,
    /// How long a message took beside it, to an endpoint that answers at once.
    pub(crate) echo: i64,
}

/// A program that is ended with the bench.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

pub(crate) struct World {
    closes: Vec<UnixMillis>,
    strategy_id: String,
    store: FirestoreDocuments,
    publisher: PubSubPublisher,
    broker: Arc<SimulatedBroker>,
    close_time: Arc<AtomicI64>,
    notes: Arc<Notes>,
    _running: Vec<Running>,
    _folder: TempDir,
}

impl World {
    pub(crate) async fn start([firestore, pubsub, storage]: [String; 3], closes: usize) -> Self {
        drop(rustls::crypto::ring::default_provider().install_default());
        let client = Client::builder().tls_certs_only([]).build().unwrap();
        let folder = TempDir::new().unwrap();
        let now = micros() / 1_000;
        let project = format!("latency-{now}");

        let minute = TIMEFRAME.millis();
        let last = now - now.rem_euclid(minute);
        let closes: Vec<_> = (0..closes as i64).rev().map(|back| last - back * minute).collect();
        let candles = market::candles(closes[0], last);
        let store = FirestoreDocuments::connect(
            FirestoreSettings::new(&project, "latency", ENVIRONMENT).on_emulator(&firestore),
        );
        let store = store.unwrap();
        market::keep(&store, ENVIRONMENT, &candles).await;
        let strategy = shipped::load(&shipped::runtime(), "sma-cross");
        let strategy_id = market::register(&store, ENVIRONMENT, strategy, &candles).await;
        let made = client.post(format!("{storage}/storage/v1/b")).header("content-type", "application/json");
        assert!(made.body(json!({ "name": project }).to_string()).send().await.unwrap().status().is_success());
        let components = GcsComponents::connect(&project, Some(storage.clone())).unwrap();
        components.put(&shipped::component("sma-cross")).await.unwrap();

        let settings = Settings { start: closes[0] - minute, ..Settings::default() };
        let broker = SimulatedBroker::start(Options { settings, ..Options::default() }).unwrap();
        broker.load(&candles, Default::default()).unwrap();
        let (broker, notes, close_time) = (Arc::new(broker), Arc::new(Notes::default()), Arc::new(AtomicI64::new(0)));
        let venue = Venue {
            notes: Arc::clone(&notes),
            client: client.clone(),
            broker: Arc::clone(&broker),
            close_time: Arc::clone(&close_time),
        };
        let venue = venue.start().await;

        let (keys, key) = (KeyServer::start().await, SigningKey::make("one"));
        keys.publish(&[&key]);
        let account = format!("id = \"latency\"\nbroker = {{ kind = \"server\", url = \"{venue}\" }}");
        let shared = [
            ("ENVIRONMENT", "TEST"),
            ("GOOGLE_CLOUD_PROJECT", &project),
            ("SENTINEL_ACCOUNT", &account),
            ("SENTINEL_FIRESTORE_DATABASE", "latency"),
            ("SENTINEL_COMPONENTS_BUCKET", &project),
            ("SENTINEL_TOPIC_PREFIX", "test-"),
            ("SENTINEL_CALLERS", CALLER),
            ("SENTINEL_KEYS_URL", &keys.url),
            ("FIRESTORE_EMULATOR_HOST", &firestore),
            ("PUBSUB_EMULATOR_HOST", &pubsub),
            ("STORAGE_EMULATOR_HOST", &storage),
        ];
        let (mut running, mut functions) = (Vec::new(), BTreeMap::new());
        for (function, _) in FUNCTIONS {
            let audience = format!("https://test-{function}.sentinel");
            let (program, url) = serving(function, &shared, &audience, &folder);
            running.push(program);
            await_health(&client, &url).await;
            functions.insert(function, (url, token(&key, &audience)));
        }
        let relay = Relay { notes: Arc::clone(&notes), client, functions: Arc::new(functions) }.start().await;
        let config = PubSubConfig { project, topic_prefix: "test-".to_owned(), emulator: Some(pubsub) };
        subscribe(&config, &relay).await;
        let publisher = PubSubPublisher::connect(config).await.unwrap();
        Self { closes, strategy_id, store, publisher, broker, close_time, notes, _running: running, _folder: folder }
    }

    pub(crate) fn closes(&self) -> Vec<UnixMillis> {
        self.closes.clone()
    }

    /// Lets a candle close, and returns what happened when until its order was filled and known.
    pub(crate) async fn close(&mut self, close_time: UnixMillis) -> Timeline {
        self.broker.advance(Moment::at_close(close_time)).unwrap();
        self.close_time.store(close_time, Ordering::SeqCst);
        self.notes.begin();
        let published = micros();
        let event = CandleClosed { close_time, shard: 0, shards: 1 }.event(NAMESPACE);
        self.publisher.publish("candles", &event).await.unwrap();
        let (evaluate, execute) = (self.passed("evaluate-strategies").await, self.passed("execute-signals").await);
        let accepted = self.notes.when(&Passed::Accepted).await;
        let sync = self.passed("sync-positions").await;
        let chunks = Records::<DecisionChunk>::of(&self.store, ENVIRONMENT);
        let chunk = chunks.get(&DecisionChunk::id_of(NAMESPACE, close_time, 0)).await.unwrap().unwrap();
        Timeline {
            published,
            evaluate,
            stored: written_at(&chunk.version),
            execute,
            accepted,
            sync,
            position: self.position_at(close_time).await,
            echo: self.echo().await,
        }
    }

    async fn passed(&self, function: &str) -> (i64, i64) {
        let arrived = self.notes.when(&Passed::Arrived(function.to_owned())).await;
        (arrived, self.notes.when(&Passed::Answered(function.to_owned())).await)
    }

    /// Returns when the position was written last that this close, or the one before, has opened.
    async fn position_at(&self, close_time: UnixMillis) -> i64 {
        let records = Records::<LivePosition>::of(&self.store, ENVIRONMENT);
        let id = |close_time| {
            let signal = signal_id(NAMESPACE, &self.strategy_id, &market::instrument(), TIMEFRAME, close_time);
            LivePosition::id_of(&signal)
        };
        let found = records.get_many(&[id(close_time), id(close_time - TIMEFRAME.millis())]).await.unwrap();
        let position = found.first().expect("the close has opened a position, or closed one");
        let is_done = matches!(position.record.status, PositionStatus::Open | PositionStatus::Closed);
        assert!(is_done, "{} is {:?}", position.record.id(), position.record.status);
        written_at(&position.version)
    }

    async fn echo(&self) -> i64 {
        self.notes.begin();
        let published = micros();
        let event = CloudEvent::new("/latency", published.to_string(), "sentinel.echo.v1");
        self.publisher.publish("echo", &event).await.unwrap();
        self.notes.when(&Passed::Echo).await - published
    }
}

/// Returns the time that Firestore gave a write, in microseconds: the emulator's clock is this machine's.
fn written_at(version: &DocumentVersion) -> i64 {
    let (seconds, nanos) = version.as_str().split_once('.').unwrap();
    seconds.parse::<i64>().unwrap() * 1_000_000 + nanos.parse::<i64>().unwrap() / 1_000
}

/// Starts the program as Cloud Run does; what it says is in a file.
fn serving(function: &str, shared: &[(&str, &str)], audience: &str, folder: &TempDir) -> (Running, String) {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let log = File::create(folder.path().join(function)).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_sentinel-function"));
    command.env_clear().envs(shared.iter().copied()).stdout(Stdio::null()).stderr(log);
    command.envs([("SENTINEL_FUNCTION", function), ("SENTINEL_AUDIENCE", audience), ("PORT", &port.to_string())]);
    (Running(command.spawn().unwrap()), format!("http://127.0.0.1:{port}"))
}

async fn await_health(client: &Client, url: &str) {
    for _ in 0..1_000 {
        if client.get(format!("{url}/health")).send().await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("nobody answers at {url}");
}

fn token(key: &SigningKey, audience: &str) -> String {
    let now = micros() / 1_000_000;
    key.sign(&json!({
        "iss": "https://accounts.google.com", "aud": audience, "email": CALLER, "email_verified": true,
        "iat": now, "exp": now + 3_600,
    }))
}

async fn subscribe(config: &PubSubConfig, relay: &str) {
    let endpoint = format!("http://{}", config.emulator.as_deref().unwrap_or_default());
    let nobody = || anonymous::Builder::new().build();
    let topics = TopicAdmin::builder().with_endpoint(&endpoint).with_credentials(nobody()).build().await.unwrap();
    let subscriptions = SubscriptionAdmin::builder().with_endpoint(&endpoint).with_credentials(nobody());
    let subscriptions = subscriptions.build().await.unwrap();
    for (function, topic) in FUNCTIONS.into_iter().chain([("echo", "echo")]) {
        let name = config.topic(topic);
        topics.create_topic().set_name(&name).send().await.unwrap();
        let subscription = format!("projects/{}/subscriptions/test-{function}-{topic}", config.project);
        let push = PushConfig::new().set_push_endpoint(format!("{relay}/{function}"));
        let made = subscriptions.create_subscription().set_name(subscription).set_topic(name);
        made.set_ack_deadline_seconds(30).set_push_config(push).send().await.unwrap();
    }
}
