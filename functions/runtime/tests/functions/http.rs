//! A function behind a real server on loopback, asked by hand-written HTTP.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sentinel_function_runtime::http::{HttpConfig, event_from_json, serve};
use sentinel_function_runtime::{
    Function, FunctionDescriptor, FunctionError, JobStatus, OBJECT_FINALIZED, Report, Trigger,
};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{NOW, TYPE, TestFunction, World, function};

/// Keeps the event it was given in its notes.
fn noting(triggers: &'static [Trigger]) -> TestFunction {
    let mut noting = function("noting", |_, event| {
        Box::pin(async move {
            let notes = event.map(|event| serde_json::to_string(event).unwrap()).into_iter().collect();
            Ok(Report { notes, ..Report::default() })
        })
    });
    noting.descriptor = FunctionDescriptor { triggers, ..noting.descriptor };
    noting
}

const BOTH: &[Trigger] = &[Trigger::Schedule { cron: "5 0 * * *" }, Trigger::Event { event_type: TYPE }];
const EVENT: &[Trigger] = &[Trigger::Event { event_type: TYPE }];

async fn served(world: &World, function: TestFunction) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let function: Arc<dyn Function> = Arc::new(function);
    let runtime = world.runtime.clone();
    tokio::spawn(serve(function, runtime, listener, HttpConfig::default(), std::future::pending()));
    address
}

struct Answer {
    status: u16,
    head: String,
    body: Value,
}

async fn ask(address: SocketAddr, head: &str, body: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let length = body.len();
    let head = format!("{head}\r\nHost: local\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    answer(&mut stream).await
}

async fn answer(stream: &mut TcpStream) -> Answer {
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head: head.to_ascii_lowercase(), body: serde_json::from_str(body).unwrap_or(Value::Null) }
}

/// Returns the event that the function was given.
async fn noted(world: &World, answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.body);
    let run = world.job_runs().await.into_iter().find(|run| answer.body["run_id"] == run.run_id).unwrap();
    serde_json::from_str(&run.notes[0]).unwrap()
}

#[tokio::test]
async fn a_structured_event_is_one_run() {
    let world = World::new();
    let address = served(&world, noting(EVENT)).await;
    let event = json!({
        "specversion": "1.0", "id": "1", "source": "/test", "type": TYPE, "subject": "BTC-USD",
        "time": "2025-01-01T12:00:00Z", "datacontenttype": "application/json", "data": { "close": 93_000.5 },
    });
    let head = "POST / HTTP/1.1\r\nContent-Type: application/cloudevents+json; charset=utf-8";
    let first = ask(address, head, event.to_string().as_bytes()).await;
    let expected = json!({
        "id": "1", "source": "/test", "type": TYPE, "subject": "BTC-USD", "time": 1_735_732_800_000_i64,
        "data": { "close": 93_000.5 },
    });
    assert_eq!(noted(&world, &first).await, expected);
    assert_eq!((&first.body["status"], &first.body["duplicate"]), (&json!("SUCCEEDED"), &json!(false)));
    assert_eq!(first.body["ds"], "2025-01-01");
    let again = ask(address, head, event.to_string().as_bytes()).await;
    assert_eq!((again.status, &again.body["duplicate"]), (200, &json!(true)));
}

#[test]
fn an_event_reads_as_it_was_written() {
    let bare = sentinel_domain::events::CloudEvent::new("/test", "1", TYPE);
    let full = bare.clone().about("BTC-USD").at(NOW + 7).with_data(json!({ "close": 0.1 }));
    for event in [bare, full] {
        assert_eq!(event_from_json(event.to_json().to_string().as_bytes()).unwrap(), event);
    }
}

#[tokio::test]
async fn a_storage_event_in_binary_mode_is_one_run() {
    let world = World::new();
    let address = served(&world, noting(&[Trigger::ObjectFinalized])).await;
    let head = format!(
        "POST / HTTP/1.1\r\nContent-Type: application/json\r\nce-specversion: 1.0\r\nce-id: 7\r\nce-type: {OBJECT_FINALIZED}\r\n\
         ce-time: 2025-01-01T12:00:00Z\r\nce-source: //storage.googleapis.com/projects/_/buckets/strategies\r\n\
         ce-subject: objects/sma-cross.wasm"
    );
    let object = json!({ "bucket": "strategies", "name": "sma-cross.wasm", "generation": "5", "size": "30000" });
    let event = noted(&world, &ask(address, &head, object.to_string().as_bytes()).await).await;
    assert_eq!((&event["data"], &event["subject"]), (&object, &json!("objects/sma-cross.wasm")));
}

#[tokio::test]
async fn an_event_in_a_push_envelope_is_one_run_in_either_mode() {
    let world = World::new();
    let address = served(&world, noting(EVENT)).await;
    let push = async |attributes: Value, data: &Value, head: &str| {
        let message = json!({ "data": STANDARD.encode(data.to_string()), "attributes": attributes, "messageId": "9" });
        let envelope = json!({ "subscription": "projects/p/subscriptions/s", "message": message });
        noted(&world, &ask(address, head, envelope.to_string().as_bytes()).await).await
    };
    let plain = "POST / HTTP/1.1\r\nContent-Type: application/json";
    let attributes = json!({ "ce-id": "1", "ce-source": "/test", "ce-type": TYPE, "ce-time": "2025-01-01T12:00:00Z" });
    let event = push(attributes, &json!({ "n": 1 }), plain).await;
    assert_eq!((&event["id"], &event["data"]), (&json!("1"), &json!({ "n": 1 })));
    let inner = json!({ "specversion": "1.0", "id": "2", "source": "/test", "type": TYPE, "data": { "n": 2 } });
    let event = push(json!({}), &inner, plain).await;
    assert_eq!((&event["id"], &event["data"]), (&json!("2"), &json!({ "n": 2 })));
    let eventarc = "POST / HTTP/1.1\r\nContent-Type: application/json\r\nce-specversion: 1.0\r\nce-id: x\r\n\
                    ce-source: //pubsub.googleapis.com/t\r\nce-type: google.cloud.pubsub.topic.v1.messagePublished";
    let inner = json!({ "specversion": "1.0", "id": "3", "source": "/test", "type": TYPE });
    assert_eq!(push(json!({}), &inner, eventarc).await["id"], "3");
}

#[tokio::test]
async fn the_schedulers_plain_post_is_a_run_of_its_moment() {
    let world = World::new();
    let address = served(&world, noting(BOTH)).await;
    let head = "POST / HTTP/1.1\r\nUser-Agent: Google-Cloud-Scheduler\r\nX-CloudScheduler: true\r\n\
                X-CloudScheduler-ScheduleTime: 2025-01-02T00:05:00Z";
    let first = ask(address, head, b"").await;
    let again = ask(address, head, b"whatever the job's body is").await;
    assert_eq!((first.status, again.status), (200, 200));
    assert_eq!(first.body["run_id"], again.body["run_id"]);
    assert_eq!(world.job_runs().await[0].at, NOW);
    assert_eq!(ask(address, "POST / HTTP/1.1", b"").await.status, 200);
    assert_eq!(ask(address, "POST / HTTP/1.1", b"{}").await.status, 200);
    let odd = "POST / HTTP/1.1\r\nX-CloudScheduler: true\r\nX-CloudScheduler-ScheduleTime: midnight";
    assert_eq!(ask(address, odd, b"").await.status, 400);
}

#[tokio::test]
async fn what_is_no_event_is_refused_with_what_is_accepted() {
    let world = World::new();
    let (scheduled, by_event) = (served(&world, noting(BOTH)).await, served(&world, noting(EVENT)).await);
    let structured = "POST / HTTP/1.1\r\nContent-Type: application/cloudevents+json";
    let binary = format!("POST / HTTP/1.1\r\nce-specversion: 1.0\r\nce-source: /test\r\nce-type: {TYPE}");
    let with_id = format!("{binary}\r\nce-id: 1\r\nContent-Type: application/json");
    let push = json!({ "message": { "data": "%%%" } }).to_string();
    let empty_push = json!({ "message": { "data": "" } }).to_string();
    for (address, head, body, part) in [
        (by_event, "POST / HTTP/1.1", "", "not a CloudEvent"),
        (by_event, "POST / HTTP/1.1\r\nX-CloudScheduler: true", "", "not a CloudEvent"),
        (by_event, "POST / HTTP/1.1\r\nContent-Type: application/json", "{\"symbol\":\"BTC-USD\"}", "structured mode"),
        (scheduled, "POST / HTTP/1.1", "hello", "or an empty POST"),
        (by_event, structured, "{\"id\":\"1\"}", "not a usable CloudEvent"),
        (by_event, structured, "not json", "not a usable CloudEvent"),
        (by_event, &binary, "{}", "not a usable CloudEvent"),
        (by_event, &with_id, "not json", "its data is not JSON"),
        (by_event, "POST / HTTP/1.1", &push, "message.data is not base64"),
        (by_event, "POST / HTTP/1.1", &empty_push, "not a usable CloudEvent"),
    ] {
        let answer = ask(address, head, body.as_bytes()).await;
        let error = answer.body["error"].as_str().unwrap_or_default();
        assert_eq!(answer.status, 400, "{head} {body}: {error}");
        assert!(error.contains(part), "{head} {body}: {error}");
        assert!(answer.head.contains("application/json"), "{}", answer.head);
    }
    let batch = "POST / HTTP/1.1\r\nContent-Type: application/cloudevents-batch+json";
    assert_eq!(ask(by_event, batch, b"[]").await.status, 415);
    assert_eq!(world.job_runs().await, []);
}

#[tokio::test]
async fn another_event_type_is_refused_naming_those_accepted() {
    let world = World::new();
    let address = served(&world, noting(EVENT)).await;
    let head = "POST / HTTP/1.1\r\nce-specversion: 1.0\r\nce-id: 1\r\nce-source: /test\r\nce-type: sentinel.other.v1";
    let answer = ask(address, head, b"").await;
    assert_eq!((answer.status, &answer.body["accepted"]), (422, &json!([TYPE])));
    assert!(answer.body["error"].as_str().unwrap().contains("sentinel.other.v1"), "{}", answer.body);
}

#[tokio::test]
async fn other_paths_and_methods_are_refused_in_json() {
    let world = World::new();
    let address = served(&world, noting(EVENT)).await;
    let health = ask(address, "GET /health HTTP/1.1", b"").await;
    assert_eq!((health.status, health.body), (200, json!({ "status": "ok", "function": "noting" })));
    let missing = ask(address, "POST /admin HTTP/1.1", b"").await;
    assert_eq!((missing.status, missing.body["error"].is_string()), (404, true));
    let wrong = ask(address, "GET / HTTP/1.1", b"").await;
    assert_eq!((wrong.status, wrong.body["error"].is_string()), (405, true));
}

#[tokio::test]
async fn what_went_wrong_inside_is_not_told_outside() {
    let world = World::new();
    let secret = |retryable: bool| {
        function("failing", move |_, _| {
            let cause = "password hunter2 refused by 10.0.0.7";
            let error = if retryable {
                FunctionError::unavailable("no broker", cause)
            } else {
                FunctionError::failed("no", cause)
            };
            Box::pin(async move { Err(error) })
        })
    };
    for (retryable, expected) in [(false, 500), (true, 503)] {
        let address = served(&world, secret(retryable)).await;
        let answer = ask(address, "POST / HTTP/1.1", b"").await;
        assert_eq!(answer.status, expected);
        assert!(!answer.body.to_string().contains("hunter2") && !answer.body.to_string().contains("broker"));
        assert_eq!(answer.head.contains("retry-after"), retryable);
        let run = world.job_runs().await.into_iter().next().unwrap();
        assert_eq!(run.status, JobStatus::Failed);
        assert!(run.error.unwrap().contains("hunter2"), "the row tells those who may read it");
    }
    let bad_data = function("failing", |_, _| Box::pin(async { Err(FunctionError::bad_event("no symbol in data")) }));
    let address = served(&world, bad_data).await;
    let answer = ask(address, "POST / HTTP/1.1", b"").await;
    assert_eq!((answer.status, &answer.body["error"]), (422, &json!("the event cannot be used: no symbol in data")));
}

#[tokio::test]
async fn a_run_that_cannot_start_yet_is_answered_with_a_conflict() {
    let world = World::new();
    let mut waiting = noting(BOTH);
    waiting.descriptor.after = &["archive-trades"];
    let address = served(&world, waiting).await;
    let answer = ask(address, "POST / HTTP/1.1", b"").await;
    assert_eq!(answer.status, 409);
    assert!(answer.head.contains("retry-after"), "{}", answer.head);
    assert_eq!(answer.body["error"], "noting for 2025-01-02 comes after archive-trades: run that first");
}

#[tokio::test]
async fn a_client_that_goes_away_does_not_stop_the_run() {
    let world = World::new();
    let begun = Arc::new(tokio::sync::Notify::new());
    let tell = Arc::clone(&begun);
    let slow = function("slow", move |_, _| {
        tell.notify_one();
        Box::pin(async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            Ok(Report::default())
        })
    });
    let address = served(&world, slow).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"POST / HTTP/1.1\r\nHost: local\r\nContent-Length: 0\r\n\r\n").await.unwrap();
    begun.notified().await;
    drop(stream);
    let ended = async {
        while world.job_runs().await[0].status == JobStatus::Running {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), ended).await.unwrap();
    assert_eq!(world.job_runs().await[0].status, JobStatus::Succeeded);
}

/// In bytes, the most memory this process has used.
fn memory_peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

/// 100 MB, announced or in chunks: answered with a 413 and never held.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg(target_os = "linux")]
async fn a_body_of_100_mb_is_refused_and_never_held_in_memory() {
    let world = World::new();
    let address = served(&world, noting(BOTH)).await;
    let piece = vec![b'x'; 64 << 10];
    let pieces = 1_600;
    ask(address, "POST / HTTP/1.1", &[b'x'; 1 << 20]).await;
    let before = memory_peak();
    for framing in [format!("Content-Length: {}", pieces * piece.len()), "Transfer-Encoding: chunked".to_owned()] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = format!("POST / HTTP/1.1\r\nHost: local\r\nConnection: close\r\n{framing}\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        for _ in 0..pieces {
            if framing.ends_with("chunked") {
                stream.write_all(format!("{:x}\r\n", piece.len()).as_bytes()).await.unwrap();
                stream.write_all(&piece).await.unwrap();
                stream.write_all(b"\r\n").await.unwrap();
            } else {
                stream.write_all(&piece).await.unwrap();
            }
        }
        if framing.ends_with("chunked") {
            stream.write_all(b"0\r\n\r\n").await.unwrap();
        }
        let answer = answer(&mut stream).await;
        assert_eq!(answer.status, 413, "{framing}");
        assert!(answer.body["error"].as_str().unwrap().contains("at most 1048576 bytes"), "{}", answer.body);
    }
    let grown = memory_peak() - before;
    assert!(grown < 30 << 20, "grew by {grown} bytes");
    assert_eq!(world.job_runs().await.len(), 0);
}

/// A client that asks before it sends is told before it sends.
#[tokio::test]
async fn a_client_that_waits_for_leave_to_send_is_refused_at_once() {
    let world = World::new();
    let address = served(&world, noting(BOTH)).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = "POST / HTTP/1.1\r\nHost: local\r\nExpect: 100-continue\r\nContent-Length: 100000000\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut line = [0; 12];
    tokio::time::timeout(Duration::from_secs(5), stream.read_exact(&mut line)).await.unwrap().unwrap();
    assert_eq!(&line, b"HTTP/1.1 413");
}
