//! A server that answers as Cloud Storage does when something is wrong, which no counterpart can be asked to.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{Request, Response};
use sentinel_gcs::{GcsComponents, GcsUploads};
use tokio::net::TcpListener;

/// One answer of many.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// A status, with Cloud Storage's XML.
    Status(u16),
    /// An object of this ETag and content, or, asked with `Range`, the rest of it.
    Whole(&'static str, Vec<u8>),
    /// The same, ending after so many bytes.
    Broken(&'static str, Vec<u8>, usize),
    /// An object that is announced with so many bytes, and of which hardly one comes.
    Endless(u64),
}

/// What was asked: method and `Range`.
pub(crate) type Asked = (String, Option<String>);

#[derive(Clone)]
pub(crate) struct Faulty {
    endpoint: String,
    answers: Arc<Vec<Answer>>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Faulty {
    /// Answers one after the other, the last one again and again.
    pub(crate) async fn answering(answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let faulty = Self { endpoint, answers: Arc::new(answers), asked: Arc::default() };
        let routes = Router::new().fallback(answer).with_state(faulty.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        faulty
    }

    pub(crate) fn components(&self) -> GcsComponents {
        GcsComponents::connect("bucket", Some(self.endpoint.clone())).unwrap()
    }

    pub(crate) fn uploads(&self) -> GcsUploads {
        GcsUploads::connect("bucket", Some(self.endpoint.clone())).unwrap()
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

async fn answer(State(faulty): State<Faulty>, request: Request<Body>) -> Response<Body> {
    let range = request.headers().get("range").map(|value| value.to_str().unwrap().to_owned());
    let number = {
        let mut asked = faulty.asked.lock().unwrap();
        asked.push((request.method().to_string(), range.clone()));
        asked.len() - 1
    };
    match faulty.answers[number.min(faulty.answers.len() - 1)].clone() {
        Answer::Status(status) => refused(status),
        Answer::Whole(etag, content) => {
            let end = content.len();
            object(etag, &content, range.as_deref(), end)
        }
        Answer::Broken(etag, content, end) => object(etag, &content, range.as_deref(), end),
        Answer::Endless(bytes) => announced("\"1\"", 200, bytes).body(drip()).unwrap(),
    }
}

fn refused(status: u16) -> Response<Body> {
    let body = Body::from("<Error><Code>Fault</Code><Message>as asked</Message></Error>");
    Response::builder().status(status).body(body).unwrap()
}

fn announced(etag: &str, status: u16, bytes: u64) -> axum::http::response::Builder {
    Response::builder()
        .status(status)
        .header("etag", etag)
        .header("x-goog-generation", "1")
        .header("last-modified", "Thu, 02 Jan 2025 00:05:00 GMT")
        .header("content-length", bytes)
}

/// Announces the rest of `content` from where `range` begins, and sends it up to `end`.
fn object(etag: &str, content: &[u8], range: Option<&str>, end: usize) -> Response<Body> {
    let from = range
        .map_or(0, |range| range.trim_start_matches("bytes=").split('-').next().unwrap().parse::<usize>().unwrap());
    let (rest, sent) = (&content[from..], Bytes::copy_from_slice(&content[from..end.max(from)]));
    let mut builder = announced(etag, if range.is_some() { 206 } else { 200 }, rest.len() as u64);
    if range.is_some() {
        let (last, all) = (content.len() - 1, content.len());
        builder = builder.header("content-range", format!("bytes {from}-{last}/{all}"));
    }
    let is_whole = sent.len() == rest.len();
    let parts = futures_util::stream::unfold(0, move |step| {
        let sent = sent.clone();
        async move {
            match step {
                0 => Some((Ok(sent), 1)),
                1 if !is_whole => {
                    // What was sent has to be on its way before the connection ends.
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    Some((Err(std::io::Error::other("cut off")), 2))
                }
                _ => None,
            }
        }
    });
    builder.body(Body::from_stream(parts)).unwrap()
}

fn drip() -> Body {
    Body::from_stream(futures_util::stream::unfold((), |()| async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        Some((Ok::<_, std::io::Error>(Bytes::from_static(b"x")), ()))
    }))
}
