//! The binary beside emulators of Google's stores: served and called as Cloud Run does it, and run once as a job.
#![expect(clippy::unwrap_used, reason = "a test may fail")]

#[path = "../function_program/tokens.rs"]
mod tokens;

use std::net::TcpListener;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use sentinel_contracts::counterpart::Counterpart;
use sentinel_domain::clock::Clock;
use sentinel_function_runtime::WallClock;
use serde_json::{Value, json};

use crate::tokens::{KeyServer, SigningKey};

const CALLER: &str = "test-scheduler@my-project.iam.gserviceaccount.com";

/// Where the emulators listen.
struct Emulators {
    firestore: String,
    pubsub: String,
}

impl Emulators {
    fn there() -> Option<Self> {
        Some(Self { firestore: Counterpart::Firestore.address()?, pubsub: Counterpart::PubSub.address()? })
    }

    /// Returns the command of `function` on a database of its own.
    fn command(&self, function: &str, database: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sentinel-function"));
        command.env_clear().stderr(Stdio::piped()).stdout(Stdio::piped());
        command.envs([
            ("ENVIRONMENT", "TEST"),
            ("GOOGLE_CLOUD_PROJECT", "my-project"),
            ("SENTINEL_FUNCTION", function),
            ("SENTINEL_ACCOUNT", "broker = { kind = \"server\", url = \"http://127.0.0.1:9\" }"),
            ("SENTINEL_FIRESTORE_DATABASE", database),
            ("SENTINEL_TOPIC_PREFIX", "test-"),
            ("FIRESTORE_EMULATOR_HOST", &self.firestore),
            ("PUBSUB_EMULATOR_HOST", &self.pubsub),
        ]);
        command
    }
}

/// A program that is ended with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn token(key: &SigningKey, audience: &str) -> String {
    let now = WallClock.now() / 1_000;
    key.sign(&json!({
        "iss": "https://accounts.google.com", "aud": audience, "email": CALLER, "email_verified": true,
        "iat": now, "exp": now + 3_600,
    }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_runs_for_its_caller_and_keeps_its_row_in_firestore() {
    let Some(emulators) = Emulators::there() else { return };
    let (keys, key) = (KeyServer::start().await, SigningKey::make("one"));
    keys.publish(&[&key]);
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let audience = "https://test-execute-signals.sentinel";
    let mut command = emulators.command("execute-signals", "sentinel-test-service");
    command.envs([
        ("SENTINEL_AUDIENCE", audience),
        ("SENTINEL_CALLERS", CALLER),
        ("SENTINEL_KEYS_URL", &keys.url),
        ("PORT", &port.to_string()),
    ]);
    let _running = Running(command.spawn().unwrap());
    drop(rustls::crypto::ring::default_provider().install_default());
    let client = reqwest::Client::builder().tls_certs_only([]).build().unwrap();
    let url = format!("http://127.0.0.1:{port}");
    for _ in 0..500 {
        if client.get(format!("{url}/health")).send().await.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let scheduled = |token: String| {
        let request = client.post(&url).header("Authorization", format!("Bearer {token}"));
        let request = request.header("X-CloudScheduler", "true");
        request.header("X-CloudScheduler-ScheduleTime", "2025-01-02T00:05:00Z").send()
    };
    let answered = async |token: String| {
        let response = scheduled(token).await.unwrap();
        let status = response.status().as_u16();
        (status, serde_json::from_str::<Value>(&response.text().await.unwrap()).unwrap())
    };
    let (status, answer) = answered(token(&key, audience)).await;
    assert_eq!((status, &answer["status"]), (200, &json!("SUCCEEDED")), "{answer}");
    let (_, again) = answered(token(&key, audience)).await;
    assert_eq!(again["run_id"], answer["run_id"], "the same moment is the same run");
    assert_eq!(answered(token(&key, "https://test-other.sentinel")).await.0, 401);
    assert_eq!(keys.asked(), 1, "keys are kept");
}

fn job(emulators: &Emulators, function: &str) -> Output {
    emulators.command(function, "sentinel-test-job").env("CLOUD_RUN_JOB", "test").output().unwrap()
}

#[test]
fn a_job_runs_once_and_its_status_is_how_it_ended() {
    let Some(emulators) = Emulators::there() else { return };
    let good = job(&emulators, "expire-signals");
    let said = String::from_utf8(good.stderr).unwrap();
    assert_eq!(good.status.code(), Some(0), "{said}");
    let ended = said.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let ended = ended.into_iter().find(|line| line["message"] == "run ended").unwrap();
    assert_eq!((&ended["status"], &ended["job"]), (&json!("SUCCEEDED"), &json!("expire-signals")));
    for field in ["run_ms", "lag_ms", "rows_in", "rows_out", "rows_quarantined"] {
        assert!(ended[field].is_i64() || ended[field].is_u64(), "{field}: {ended}");
    }
    // Started by events alone: as a job there is nothing that it could do.
    let mut command = emulators.command("evaluate-strategies", "sentinel-test-job");
    command.env("SENTINEL_COMPONENTS_BUCKET", "my-project-test-components").env("CLOUD_RUN_JOB", "test");
    let bad = command.env("STORAGE_EMULATOR_HOST", "http://127.0.0.1:9").output().unwrap();
    assert_eq!(bad.status.code(), Some(1), "{}", String::from_utf8_lossy(&bad.stderr));
}
