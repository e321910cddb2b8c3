//! What stands between the processes and notes when something passes.
//!
//! Google signs what Pub/Sub pushes, the emulator does not: the relay adds the token, and hands on. Before the broker it
//! notes when an order was accepted; then the market moves, so that the order is filled at once.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::routing::post;
use reqwest::Client;
use sentinel_simulated_broker::{Moment, SimulatedBroker};
use tokio::net::TcpListener;
use tokio::sync::Notify;

use crate::micros;

const PATIENCE: Duration = Duration::from_secs(30);

/// What passed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Passed {
    /// A message that goes no further.
    Echo,
    /// A message, on its way to a function.
    Arrived(String),
    /// A function's answer that its message is done with.
    Answered(String),
    /// The broker's answer that it has an order to buy or sell at market.
    Accepted,
}

/// When each thing passed for the first time since the notes were begun.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    times: Mutex<BTreeMap<Passed, i64>>,
    news: Notify,
}

impl Notes {
    fn note(&self, passed: Passed) {
        self.times.lock().unwrap().entry(passed).or_insert_with(micros);
        self.news.notify_waiters();
    }

    pub(crate) fn begin(&self) {
        self.times.lock().unwrap().clear();
    }

    /// Returns when something passed, waiting until it does.
    pub(crate) async fn when(&self, passed: &Passed) -> i64 {
        let waiting = async {
            loop {
                let news = self.news.notified();
                if let Some(time) = self.times.lock().unwrap().get(passed) {
                    return *time;
                }
                // What is noted between the look and the wait is seen at the next look.
                drop(tokio::time::timeout(Duration::from_millis(20), news).await);
            }
        };
        let seen = || self.times.lock().unwrap().clone();
        tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("{passed:?} waited for: {:?}", seen()))
    }
}

/// Where messages are handed on to.
#[derive(Clone)]
pub(crate) struct Relay {
    pub(crate) notes: Arc<Notes>,
    pub(crate) client: Client,
    /// URL and token by function.
    pub(crate) functions: Arc<BTreeMap<&'static str, (String, String)>>,
}

impl Relay {
    /// Returns the URL under which pushes are taken: for a function, under its name.
    pub(crate) async fn start(self) -> String {
        let routes = Router::new().route("/echo", post(echo)).route("/{function}", post(push)).with_state(self);
        serve(routes).await
    }
}

async fn echo(State(relay): State<Relay>) -> StatusCode {
    relay.notes.note(Passed::Echo);
    StatusCode::NO_CONTENT
}

async fn push(State(relay): State<Relay>, Path(function): Path<String>, body: Bytes) -> StatusCode {
    relay.notes.note(Passed::Arrived(function.clone()));
    let (url, token) = &relay.functions[function.as_str()];
    let request = relay.client.post(url).bearer_auth(token).header("Content-Type", "application/json").body(body);
    let Ok(answer) = request.send().await else { return StatusCode::BAD_GATEWAY };
    let status = answer.status();
    if status.is_success() {
        relay.notes.note(Passed::Answered(function));
    } else {
        eprintln!("{function} answered {status}: {}", answer.text().await.unwrap_or_default());
    }
    status
}

/// The broker, and where its market stands.
#[derive(Clone)]
pub(crate) struct Venue {
    pub(crate) notes: Arc<Notes>,
    pub(crate) client: Client,
    pub(crate) broker: Arc<SimulatedBroker>,
    pub(crate) close_time: Arc<AtomicI64>,
}

impl Venue {
    /// Returns the URL under which the broker is found.
    pub(crate) async fn start(self) -> String {
        serve(Router::new().fallback(pass).with_state(self)).await
    }
}

async fn pass(
    State(venue): State<Venue>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, [(&'static str, &'static str); 1], Bytes) {
    let is_order = method == Method::POST && uri.path() == "/v2/orders";
    let is_market = is_order && String::from_utf8_lossy(&body).contains("\"market\"");
    let target = format!("{}{}", venue.broker.url(), uri.path_and_query().map_or("", |it| it.as_str()));
    let mut request = venue.client.request(method, target).body(body);
    for (name, value) in headers.iter().filter(|(name, _)| name.as_str().starts_with("content-type")) {
        request = request.header(name, value);
    }
    let answer = request.send().await.unwrap();
    let (status, body) = (answer.status(), answer.bytes().await.unwrap());
    if is_market && status.is_success() {
        venue.notes.note(Passed::Accepted);
        venue.broker.advance(Moment::at_open(venue.close_time.load(Ordering::SeqCst))).unwrap();
    }
    (status, [("content-type", "application/json")], body)
}

async fn serve(routes: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    url
}
