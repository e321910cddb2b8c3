//! The binary itself: how it begins and ends, what it links, and that no secret is in anything it says.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_sentinel-function");
const KEY_ID: &str = "canary-key-id-5d1e";
const SECRET: &str = "canary-secret-key-c0ffee";
const TOKEN: &str = "canary-token-e7a1";

/// Returns a command with canaries for secrets, and everything logged that can be.
fn command(changes: &[(&str, &str)]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.env_clear().env("RUST_LOG", "trace").env("RUST_BACKTRACE", "full").stderr(Stdio::piped());
    command.stdout(Stdio::piped());
    for (variable, value) in [
        ("ENVIRONMENT", "DEV"),
        ("GOOGLE_CLOUD_PROJECT", "my-project"),
        ("SENTINEL_FUNCTION", "patch-prices"),
        ("SENTINEL_ACCOUNT", "broker = { kind = \"alpaca-paper\" }"),
        ("SENTINEL_FIRESTORE_DATABASE", "sentinel-dev"),
        ("SENTINEL_BIGQUERY_DATASET", "crypto_analytics_dev"),
        ("SENTINEL_BIGQUERY_LOCATION", "europe-west1"),
        ("SENTINEL_STRATEGIES_BUCKET", "my-project-dev-strategies"),
        ("SENTINEL_COMPONENTS_BUCKET", "my-project-dev-components"),
        ("SENTINEL_TOPIC_PREFIX", "dev-"),
        ("SENTINEL_AUDIENCE", "https://dev-patch-prices.sentinel"),
        ("SENTINEL_CALLERS", "dev-scheduler@my-project.iam.gserviceaccount.com"),
        ("SENTINEL_KEYS_URL", "http://127.0.0.1:9/keys"),
        ("FIRESTORE_EMULATOR_HOST", "127.0.0.1:9"),
        ("PUBSUB_EMULATOR_HOST", "127.0.0.1:9"),
        ("BIGQUERY_EMULATOR_HOST", "http://127.0.0.1:9"),
        ("STORAGE_EMULATOR_HOST", "http://127.0.0.1:9"),
        ("APCA_API_KEY_ID", KEY_ID),
        ("APCA_API_SECRET_KEY", SECRET),
    ] {
        command.env(variable, value);
    }
    command.envs(changes.iter().copied());
    command
}

/// Runs to the end and returns how it ended and all it said.
fn ended(changes: &[(&str, &str)]) -> (ExitStatus, String) {
    let output = command(changes).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status, String::from_utf8(said).unwrap())
}

fn lines(said: &str) -> Vec<Value> {
    said.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

#[track_caller]
fn holds_no_canary(said: &str) {
    assert!(!said.is_empty() && !said.contains("canary"), "{said}");
}

#[test]
fn wrong_settings_are_one_line_of_json_with_every_fault_and_status_2() {
    let wrong = [
        ("ENVIRONMENT", "PROD"),
        ("SENTINEL_ACCOUNT", "cash = 1\nkey = \"x\""),
        ("APCA_API_KEY_ID", "canary key"),
        ("APCA_API_SECRET_KEY", "canary-secret\n"),
        ("SENTINEL_LIVE_TRADING", "perhaps"),
    ];
    let (status, said) = ended(&wrong);
    assert_eq!(status.code(), Some(2), "{said}");
    holds_no_canary(&said);
    let lines = lines(&said);
    let fault = lines.last().unwrap();
    assert_eq!((&fault["severity"], &fault["message"]), (&"ERROR".into(), &"the settings are wrong".into()));
    let error = fault["error"].as_str().unwrap();
    for variable in wrong.iter().skip(1).map(|(variable, _)| *variable).chain(["FIRESTORE_EMULATOR_HOST"]) {
        assert!(error.contains(variable), "{variable}: {error}");
    }
    assert_eq!(fault["logging.googleapis.com/labels"]["function"], "patch-prices");
}

#[test]
fn settings_that_are_not_there_end_with_status_2() {
    let output = Command::new(PROGRAM).env_clear().output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(lines(&said)[0]["faults"], 8, "{said}");
}

#[test]
fn a_job_that_cannot_run_ends_with_status_1_and_says_why_in_json() {
    let (status, said) = ended(&[("CLOUD_RUN_JOB", "dev-patch-prices")]);
    assert_eq!(status.code(), Some(1), "{said}");
    holds_no_canary(&said);
    assert!(lines(&said).iter().any(|line| line["severity"] == "ERROR" && line["error"].is_string()), "{said}");
}

#[test]
fn the_binary_links_nothing_but_what_a_slim_base_has() {
    let output = Command::new("ldd").arg(PROGRAM).output().unwrap();
    let linked = String::from_utf8(output.stdout).unwrap();
    let base =
        ["linux-vdso.so", "libgcc_s.so.1", "libm.so.6", "libc.so.6", "ld-linux", "libpthread.so.0", "libdl.so.2"];
    for line in linked.lines() {
        assert!(base.iter().any(|name| line.contains(name)), "{line} is not in the base image");
    }
    assert!(!linked.contains("duckdb"));
    let megabytes = Path::new(PROGRAM).metadata().unwrap().len() / 1_000_000;
    assert!(megabytes < 150, "{megabytes} MB");
}

/// A program that serves, ended with the test.
struct Serving {
    child: Child,
    port: u16,
    began: Instant,
}

impl Drop for Serving {
    fn drop(&mut self) {
        drop(self.child.kill());
    }
}

#[expect(clippy::disallowed_methods, reason = "it measures a process from outside")]
fn serving(changes: &[(&str, &str)]) -> Serving {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut command = command(changes);
    command.env("PORT", port.to_string());
    let began = Instant::now();
    Serving { child: command.spawn().unwrap(), port, began }
}

impl Serving {
    /// Asks until it is answered, and returns head and body.
    fn ask(&mut self, request: &str) -> String {
        for _ in 0..5_000 {
            if let Some(answer) = self.try_ask(request) {
                return answer;
            }
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("ended early with {status}: {}", self.said());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        panic!("nobody answers on port {}", self.port);
    }

    fn try_ask(&self, request: &str) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        write!(stream, "{request}\r\nHost: local\r\nConnection: close\r\nContent-Length: 0\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer)
    }

    /// Ends it as the platform does, and returns how it ended and what it had said.
    fn end(mut self) -> (ExitStatus, String) {
        let pid = rustix_pid(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        let status = self.child.wait().unwrap();
        let said = self.said();
        (status, said)
    }

    fn said(&mut self) -> String {
        let mut said = String::new();
        for stream in [
            self.child.stderr.take().map(|it| Box::new(it) as Box<dyn Read>),
            self.child.stdout.take().map(|it| Box::new(it) as Box<dyn Read>),
        ] {
            for line in stream.into_iter().flat_map(|stream| BufReader::new(stream).lines()) {
                said.push_str(&line.unwrap());
                said.push('\n');
            }
        }
        said
    }
}

fn rustix_pid(child: &Child) -> rustix::process::Pid {
    rustix::process::Pid::from_child(child)
}

#[test]
fn a_service_answers_within_200_ms_refuses_strangers_and_ends_when_it_is_told_to() {
    let mut serving = serving(&[]);
    let health = serving.ask("GET /health HTTP/1.1");
    let millis = serving.began.elapsed().as_millis();
    assert!(health.contains("\"function\":\"patch-prices\""), "{health}");
    // 8 to 22 ms on an idle machine; here other tests run beside it.
    assert!(millis < 1_000, "{millis} ms");
    for request in [
        "POST / HTTP/1.1".to_owned(),
        format!("POST / HTTP/1.1\r\nAuthorization: Bearer {TOKEN}"),
        format!("POST / HTTP/1.1\r\nAuthorization: {TOKEN}\r\nX-Serverless-Authorization: Bearer {TOKEN}"),
    ] {
        let answer = serving.ask(&request);
        assert!(answer.starts_with("HTTP/1.1 401") && answer.to_lowercase().contains("www-authenticate: bearer"));
        holds_no_canary(&answer);
    }
    let (status, said) = serving.end();
    assert_eq!(status.code(), Some(0), "{said}");
    holds_no_canary(&said);
    let messages: Vec<_> = lines(&said).iter().map(|line| line["message"].clone()).collect();
    for message in ["serving", "caller is not believed", "stopped"] {
        assert!(messages.iter().any(|said| said == message), "{message} is not among {messages:?}");
    }
}
