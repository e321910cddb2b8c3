//! `strategy upload`: the files, the verdict, and what is registered then.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use sentinel_cloud::Adapters;
use sentinel_contracts::counterpart::Counterpart;
use sentinel_domain::clock::Clock;
use sentinel_domain::environment::Environment;
use sentinel_function_runtime::{JobRun, JobStatus, RunEvent, RunRequest, Runtime, WallClock};
use sentinel_register_strategy::{RegisterStrategy, finalized};
use sentinel_runtime::{LazyRuntime, RuntimeConfig};
use serde_json::Value;
use tokio::task::JoinHandle;

use crate::world::{Ran, World, put};

const CONFIG: &str = "\
id = \"trend\"
timeframe = \"1h\"
assets = [\"binance:BTC/USDT\"]
parameters = { fast = 5, slow = 20 }
risk = { sizing = { equity_pct = 20 }, stop_loss_pct = 5 }
";

/// The bucket, as its JSON interface shows it.
struct Bucket {
    http: reqwest::Client,
    address: String,
    name: String,
    seen: BTreeSet<String>,
}

impl Bucket {
    async fn of(world: &World) -> Self {
        // The stores, opened before, have installed what TLS needs.
        let http = reqwest::Client::builder().tls_certs_only([]).build().unwrap();
        let address = world.variables["STORAGE_EMULATOR_HOST"].clone();
        for variable in ["SENTINEL_STRATEGIES_BUCKET", "SENTINEL_COMPONENTS_BUCKET"] {
            let body = format!("{{\"name\":\"{}\"}}", world.variables[variable]);
            let request = http.post(format!("{address}/storage/v1/b")).header("Content-Type", "application/json");
            assert!(request.body(body).send().await.unwrap().status().is_success());
        }
        Self { http, address, name: world.variables["SENTINEL_STRATEGIES_BUCKET"].clone(), seen: BTreeSet::new() }
    }

    /// Waits for a config that was not there before, and returns its name.
    async fn next_config(&mut self) -> String {
        for _ in 0..300 {
            let names = self.names().await;
            if let Some(new) = names.iter().find(|name| name.ends_with(".toml") && !self.seen.contains(*name)) {
                assert!(names.contains(&new.replace(".toml", ".wasm")), "the component is there first: {names:?}");
                self.seen.insert(new.clone());
                return new.clone();
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("nothing was uploaded to {}", self.name)
    }

    /// Waits for a file that is there to be written again, after it was `before`.
    async fn written_again(&self, file: &str, before: &Value) {
        for _ in 0..300 {
            if self.item(file).await != *before {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{file} is not written again: {before}")
    }

    /// Returns what the bucket says of a file, among it when it was written.
    async fn item(&self, file: &str) -> Value {
        self.items().await.into_iter().find(|item| item["name"] == file).unwrap()
    }

    async fn names(&self) -> Vec<String> {
        self.items().await.iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
    }

    async fn items(&self) -> Vec<Value> {
        let url = format!("{}/storage/v1/b/{}/o", self.address, self.name);
        let listed = self.http.get(url).send().await.unwrap().text().await.unwrap();
        let listed: Value = serde_json::from_str(&listed).unwrap();
        listed["items"].as_array().cloned().unwrap_or_default()
    }
}

fn upload(world: &World, config: &str, more: &str) -> JoinHandle<Ran> {
    world.write("a.toml", config);
    let mut command = world.command(&format!("strategy upload sma-cross --config a.toml --json {more}"));
    tokio::task::spawn_blocking(move || Ran::of(&mut command))
}

/// Runs the function as the bucket's event does.
async fn register(world: &World, file: &str, generation: &str) -> JobRun {
    let stores = world.stores();
    let function = RegisterStrategy {
        uploads: stores.uploads().await.unwrap(),
        components: stores.components().await.unwrap(),
        sandbox: Arc::new(LazyRuntime::new(RuntimeConfig::default())),
    };
    let documents = stores.documents().await.unwrap();
    let runtime = Runtime::new(documents, Environment::Test, Arc::new(WallClock), "0123abc");
    let event = finalized(&world.variables["SENTINEL_STRATEGIES_BUCKET"], file, generation, WallClock.now());
    let request = RunRequest { at: None, ds: None, event: Some(event) };
    runtime.run_once(&function, request).await.unwrap().job_run().clone()
}

fn failed(file: &str) -> JobRun {
    let now = WallClock.now();
    JobRun {
        run_id: "register-strategy-0815".to_owned(),
        job_name: "register-strategy".to_owned(),
        status: JobStatus::Failed,
        ds: chrono::DateTime::from_timestamp_millis(now).unwrap().date_naive(),
        at: now,
        git_hash: "0123abc".to_owned(),
        attempt: 1,
        fencing_token: 1,
        holder: "test".to_owned(),
        started: now,
        ended: Some(now),
        rows_in: 1,
        rows_out: 0,
        rows_quarantined: 0,
        notes: Vec::new(),
        error: Some("trend is refused at lookahead: bar 7 differs".to_owned()),
        event: Some(RunEvent {
            source: "//storage/b".to_owned(),
            id: "1".to_owned(),
            event_type: "google.cloud.storage.object.v1.finalized".to_owned(),
            subject: Some(format!("objects/{file}")),
        }),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_ends_with_the_verdict_of_register_strategy() {
    let Some(world) = World::on(&[Counterpart::Firestore, Counterpart::Storage]) else { return };
    let documents = world.stores().documents().await.unwrap();
    drop(world.stores().warehouse().await.unwrap());
    let mut bucket = Bucket::of(&world).await;

    let typed = upload(&world, CONFIG, "--wait 60");
    let file = bucket.next_config().await;
    let ran = register(&world, &file, "1").await;
    assert_eq!(ran.event.unwrap().subject, Some(format!("objects/{file}")));
    let said = typed.await.unwrap().good().json();
    assert_eq!((&said["changed"], &said["version"]["ordinal"]), (&true.into(), &1.into()));
    assert_eq!(world.run("strategy list --json").good().json()[0], said["version"]);
    assert_eq!(world.run("strategy history trend --json").good().json()[0]["parameters"]["fast"], "5");
    assert!(world.run("strategy show trend").good().stdout.contains("risk.stop_loss_pct"));

    // The same files again: another event, nothing changed.
    let before = bucket.item(&file).await;
    let typed = upload(&world, CONFIG, "--wait 60");
    bucket.written_again(&file, &before).await;
    register(&world, &file, "2").await;
    assert_eq!(typed.await.unwrap().good().json()["changed"], false);
    assert_eq!(bucket.names().await.len(), 2, "the same files have the same names");

    let typed = upload(&world, &CONFIG.replace("fast = 5", "fast = 6"), "--wait 60");
    let file = bucket.next_config().await;
    put(&documents, &failed(&file)).await;
    typed.await.unwrap().refused(1, &["register-strategy refuses trend-", "refused at lookahead: bar 7 differs"]);

    let silent = upload(&world, &CONFIG.replace("fast = 5", "fast = 7"), "--wait 1");
    silent.await.unwrap().refused(1, &["has not said anything", "within 1 s", "--target cloud strategy list"]);
    let wrong = upload(&world, &CONFIG.replace("fast", "fats"), "");
    wrong.await.unwrap().refused(2, &["a.toml", "fats"]);
}
