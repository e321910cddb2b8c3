//! A proxy that spoils what it is told to, in the order it is told, and passes the rest on.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::Instant;

const BODY_MAX: usize = 50_000_000;

/// What is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    /// A job is inserted.
    Insert,
    /// The state of a job is asked for.
    Job,
    /// The end of a job is waited for, or its rows are read.
    Results,
    /// A table is looked at.
    Table,
    /// Anything else.
    Other,
}

/// What happens to a call.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// Nothing.
    Pass,
    /// It does not arrive; this is the answer: status, type, body.
    Answer(u16, &'static str, String),
    /// It arrives, and its answer breaks off.
    LoseAnswer,
    /// It does not arrive, and has no answer.
    Hang,
    /// The job is taken and fails: its error.
    Job(Value),
    /// The job, it says, has not ended.
    StillRunning,
}

impl Fault {
    /// An answer as the service refuses.
    pub(crate) fn refusal(code: u16, reason: &str) -> Self {
        let error = json!({ "reason": reason, "message": "not now", "domain": "global" });
        let body = json!({ "error": { "code": code, "message": "not now", "errors": [error], "status": "" } });
        Self::Answer(code, "application/json", body.to_string())
    }

    /// A job that is taken and fails.
    pub(crate) fn job(reason: &str, message: &str) -> Self {
        Self::Job(json!({ "reason": reason, "message": message }))
    }
}

/// The proxy.
pub(crate) struct Proxy {
    pub(crate) address: String,
    upstream: String,
    http: reqwest::Client,
    state: Mutex<Noted>,
}

#[derive(Default)]
struct Noted {
    faults: VecDeque<(Call, Fault)>,
    failed: BTreeMap<String, Value>,
    inserted: Vec<String>,
    times: Vec<(Call, Instant)>,
    token: Option<&'static str>,
}

impl Proxy {
    pub(crate) async fn start(upstream: &str) -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Arc::new(Self {
            address: format!("http://{}", listener.local_addr().unwrap()),
            upstream: upstream.to_owned(),
            http: reqwest::Client::builder().tls_certs_only([]).build().unwrap(),
            state: Mutex::default(),
        });
        let router = Router::new().fallback(answer).with_state(Arc::clone(&proxy));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        proxy
    }

    /// Spoils the next calls of these kinds, in this order for each kind.
    pub(crate) fn spoil(&self, faults: impl IntoIterator<Item = (Call, Fault)>) {
        self.lock().faults = faults.into_iter().collect();
    }

    /// Returns whether every fault has happened.
    pub(crate) fn is_done(&self) -> bool {
        self.lock().faults.is_empty()
    }

    /// Returns the ids of the jobs that were inserted, once for each call.
    pub(crate) fn inserted(&self) -> Vec<String> {
        self.lock().inserted.clone()
    }

    /// Returns when calls of this kind came.
    pub(crate) fn times(&self, call: Call) -> Vec<Instant> {
        self.lock().times.iter().filter(|(other, _)| *other == call).map(|(_, time)| *time).collect()
    }

    /// Forgets what came.
    pub(crate) fn forget(&self) {
        self.lock().times.clear();
    }

    /// Refuses every other token.
    pub(crate) fn accept_only(&self, token: &'static str) {
        self.lock().token = Some(token);
    }

    fn lock(&self) -> MutexGuard<'_, Noted> {
        self.state.lock().unwrap()
    }

    fn fault_for(&self, call: Call) -> Fault {
        let mut state = self.lock();
        state.times.push((call, Instant::now()));
        let place = state.faults.iter().position(|(other, _)| *other == call);
        place.and_then(|place| state.faults.remove(place)).map_or(Fault::Pass, |(_, fault)| fault)
    }

    fn is_refused(&self, request: &Request) -> bool {
        let Some(token) = self.lock().token else { return false };
        let given = request.headers().get(header::AUTHORIZATION).and_then(|it| it.to_str().ok());
        given != Some(&format!("Bearer {token}"))
    }

    async fn pass(&self, method: Method, path: String, body: Bytes) -> Response {
        let method = reqwest::Method::from_bytes(method.as_str().as_bytes()).unwrap();
        let request = self.http.request(method, format!("{}{path}", self.upstream));
        let request = request.header("content-type", "application/json").body(body.to_vec());
        let answer = request.send().await.unwrap();
        let code = StatusCode::from_u16(answer.status().as_u16()).unwrap();
        let body = answer.bytes().await.unwrap();
        (code, [(header::CONTENT_TYPE, "application/json")], Body::from(body.to_vec())).into_response()
    }
}

async fn answer(State(proxy): State<Arc<Proxy>>, request: Request) -> Response {
    if proxy.is_refused(&request) {
        return told(&Fault::refusal(401, "authError"));
    }
    let (method, path) = (request.method().clone(), request.uri().to_string());
    let body = to_bytes(request.into_body(), BODY_MAX).await.unwrap();
    let call = call_of(&method, &path);
    if call == Call::Insert {
        let job: Value = serde_json::from_slice(&body).unwrap();
        proxy.lock().inserted.push(job["jobReference"]["jobId"].as_str().unwrap_or_default().to_owned());
    }
    if let Some(error) = failed(&proxy, &path) {
        let state = json!({ "status": { "state": "DONE", "errorResult": error } });
        return if call == Call::Job { json_of(&state) } else { told(&Fault::refusal(400, "jobFailed")) };
    }
    match proxy.fault_for(call) {
        Fault::Pass => proxy.pass(method, path, body).await,
        fault @ Fault::Answer(..) => told(&fault),
        Fault::Hang => {
            tokio::time::sleep(Duration::from_secs(60)).await;
            StatusCode::GATEWAY_TIMEOUT.into_response()
        }
        Fault::LoseAnswer => {
            drop(proxy.pass(method, path, body).await);
            let broken = futures_util::stream::once(async { Err::<Bytes, _>(io::Error::other("cut")) });
            Body::from_stream(broken).into_response()
        }
        Fault::Job(error) => {
            let job_id = proxy.lock().inserted.last().cloned().unwrap();
            proxy.lock().failed.insert(job_id, error);
            json_of(&json!({ "status": { "state": "RUNNING" } }))
        }
        Fault::StillRunning if call == Call::Job => json_of(&json!({ "status": { "state": "RUNNING" } })),
        Fault::StillRunning => json_of(&json!({ "jobComplete": false })),
    }
}

fn call_of(method: &Method, path: &str) -> Call {
    let path = path.split('?').next().unwrap_or_default();
    match (method, path) {
        (&Method::POST, path) if path.ends_with("/jobs") => Call::Insert,
        (&Method::GET, path) if path.contains("/jobs/") => Call::Job,
        (&Method::GET, path) if path.contains("/queries/") => Call::Results,
        (&Method::GET, path) if path.contains("/tables/") => Call::Table,
        _ => Call::Other,
    }
}

fn failed(proxy: &Proxy, path: &str) -> Option<Value> {
    let last = path.split('?').next().unwrap_or_default().rsplit('/').next().unwrap_or_default();
    proxy.lock().failed.get(last).cloned()
}

fn told(fault: &Fault) -> Response {
    let Fault::Answer(code, kind, body) = fault else { unreachable!("only answers are told") };
    let code = StatusCode::from_u16(*code).unwrap();
    (code, [(header::CONTENT_TYPE, *kind)], body.clone()).into_response()
}

fn json_of(value: &Value) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], value.to_string()).into_response()
}
