//! A server in the broker's place that repeats what it was asked with, in all the ways in which servers do.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Response, StatusCode};
use futures_util::stream;
use serde_json::json;
use tokio::net::TcpListener;

/// What it answers to everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// A refusal in the broker's form, or with 200 an answer in no form.
    Json(u16),
    /// The same, with each slash behind a backslash.
    Escaped(u16),
    /// A gateway's page, in which the keys stand where messages are cut off.
    Page(u16),
    /// A number that is a text: what reads it quotes it.
    Misread,
    /// Another address.
    Redirect(u16),
    /// Nothing, for longer than anybody waits.
    Silence,
    /// The beginning of what was promised.
    HalfABody,
    /// To orders a refusal in the broker's form, to anything else what the broker behind it says.
    RefusesOrders(u16),
}

impl Answer {
    /// Those whose bodies hold the keys.
    pub(crate) const REPEATING: [Self; 15] = [
        Self::Json(400),
        Self::Json(401),
        Self::Json(403),
        Self::Json(404),
        Self::Json(422),
        Self::Json(429),
        Self::Json(500),
        Self::Json(503),
        Self::Json(200),
        Self::Escaped(422),
        Self::Page(403),
        Self::Page(404),
        Self::Page(418),
        Self::Page(502),
        Self::Misread,
    ];

    /// Returns whether what it says stands in the errors that it leads to.
    pub(crate) const fn is_quoted(self) -> bool {
        matches!(self, Self::Json(400 | 404 | 422 | 500 | 503) | Self::Escaped(_) | Self::Misread)
    }
}

struct Shared {
    answer: Answer,
    /// Where a redirect leads, or who is asked what is not answered here.
    other: String,
    seen: Mutex<Vec<String>>,
    http: reqwest::Client,
}

/// A server that has started.
pub(crate) struct Echo {
    pub(crate) url: String,
    shared: Arc<Shared>,
}

impl Echo {
    pub(crate) async fn start(answer: Answer) -> Self {
        Self::start_to(answer, "").await
    }

    pub(crate) async fn start_to(answer: Answer, other: &str) -> Self {
        // Fails only where one is installed already, which then is used.
        drop(rustls::crypto::ring::default_provider().install_default());
        let http = reqwest::Client::builder().tls_certs_only([]).build().unwrap();
        let shared = Arc::new(Shared { answer, other: other.to_owned(), seen: Mutex::default(), http });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new().fallback(reply).with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, shared }
    }

    /// Returns how often it was asked.
    pub(crate) fn requests(&self) -> usize {
        self.seen().len()
    }

    /// Returns whether it was asked with `key`.
    pub(crate) fn saw(&self, key: &str) -> bool {
        self.seen().iter().any(|headers| headers.contains(key))
    }

    fn seen(&self) -> Vec<String> {
        self.shared.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn dump(headers: &HeaderMap) -> String {
    let lines = headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap_or_default()));
    lines.collect::<Vec<_>>().join("; ")
}

async fn reply(State(shared): State<Arc<Shared>>, request: Request) -> Response<Body> {
    let headers = dump(request.headers());
    shared.seen.lock().unwrap_or_else(PoisonError::into_inner).push(headers.clone());
    let refusal = json!({ "code": 42_210_000, "message": format!("not with {headers}") }).to_string();
    match shared.answer {
        Answer::Json(403) => answered(403, json!({ "message": format!("not with {headers}") }).to_string()),
        Answer::Json(status) => answered(status, refusal),
        Answer::Escaped(status) => answered(status, refusal.replace('/', "\\/")),
        Answer::Page(status) => answered(status, cut_within_a_key(&headers)),
        Answer::Misread => answered(200, misread(&headers)),
        Answer::Redirect(status) => {
            let location = format!("{}{}", shared.other, request.uri());
            Response::builder().status(status).header("Location", location).body(Body::from(headers)).unwrap()
        }
        Answer::Silence => {
            tokio::time::sleep(Duration::from_secs(60)).await;
            answered(200, "{}".to_owned())
        }
        Answer::HalfABody => {
            let promised = Response::builder().status(422).header("Content-Length", "100000");
            let hung_up = Err(std::io::Error::other("hung up"));
            promised.body(Body::from_stream(stream::iter([Ok(headers), hung_up]))).unwrap()
        }
        Answer::RefusesOrders(status) => {
            let is_order = request.method() == "POST" && request.uri().path() == "/v2/orders";
            if is_order { answered(status, refusal) } else { passed_on(&shared, request).await }
        }
    }
}

fn answered(status: u16, body: String) -> Response<Body> {
    let status = StatusCode::from_u16(status).unwrap();
    Response::builder().status(status).header("Content-Type", "application/json").body(Body::from(body)).unwrap()
}

/// Two hundred characters are kept of a page: at that place a key is cut in the middle.
fn cut_within_a_key(headers: &str) -> String {
    let key = headers.split("apca-api-secret-key: ").nth(1).unwrap_or_default();
    let key = key.split(';').next().unwrap_or_default();
    format!("{}{key} and {headers}", "x".repeat(200 - key.len() / 2))
}

/// Every answer of the broker has one of these, and none of them is such a text.
fn misread(headers: &str) -> String {
    let names = ["equity", "cash", "id", "status", "qty", "timestamp", "bars", "trades", "orderbooks", "tradable"];
    let fields = names.map(|name| (name.to_owned(), json!(headers)));
    json!(fields.into_iter().collect::<serde_json::Map<_, _>>()).to_string()
}

async fn passed_on(shared: &Shared, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let url = format!("{}{}", shared.other, parts.uri);
    let body = to_bytes(body, 1 << 20).await.unwrap();
    let mut asked = shared.http.request(parts.method, url).body(body);
    if let Some(kind) = parts.headers.get("Content-Type") {
        asked = asked.header("Content-Type", kind);
    }
    let answer = asked.send().await.unwrap();
    let status = answer.status().as_u16();
    answered(status, answer.text().await.unwrap())
}
