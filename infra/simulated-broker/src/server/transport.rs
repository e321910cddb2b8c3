//! Connections: accepted one by one, and cut where a fault says so.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use axum::response::IntoResponse;
use chrono::{DateTime, Utc};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tower::ServiceExt;

use super::{Keys, ServerState, stream};
use crate::faults::WireFault;
use crate::wire::refusals::Refused;

/// The end of a connection on which no answer comes.
#[derive(Debug, Error)]
#[error("the connection is cut on request")]
struct Cut;

pub(super) async fn serve(listener: std::net::TcpListener, state: &Arc<ServerState>, stopped: oneshot::Receiver<()>) {
    let Ok(listener) = TcpListener::from_std(listener) else { return };
    let router = router(state);
    let accept = async {
        loop {
            // One that fails to connect is the client's loss; the next may do better.
            if let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(connection(stream, Arc::clone(state), router.clone()));
            }
        }
    };
    // Without grace: a client that keeps its connection open would keep the server waiting.
    tokio::select! {
        () = accept => {}
        _ = stopped => {}
    }
}

fn router(state: &Arc<ServerState>) -> Router {
    super::trading::routes()
        .merge(super::orders::routes())
        .merge(super::activities::routes())
        .merge(super::data::routes())
        .merge(super::simulation::routes())
        .fallback(|| async { Refused::not_found("endpoint not found.") })
        .with_state(Arc::clone(state))
}

async fn connection(stream: TcpStream, state: Arc<ServerState>, router: Router) {
    // Small answers wait for nothing.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| answer(request, Arc::clone(&state), router.clone()));
    // A connection that ends early ends for its client too.
    drop(http1::Builder::new().serve_connection(TokioIo::new(stream), service).with_upgrades().await);
}

async fn answer(request: Request<Incoming>, state: Arc<ServerState>, router: Router) -> Result<Response<Body>, Cut> {
    let path = request.uri().path().to_owned();
    if path.starts_with("/simulation/") {
        return Ok(route(request, router).await);
    }
    // Who asks for updates shows the keys afterwards.
    if path != stream::PATH && !has_keys(request.headers(), state.keys.as_ref()) {
        let message = "request is not authorized".to_owned();
        return Ok(Refused { status: StatusCode::UNAUTHORIZED, code: 40_110_000, message }.into_response());
    }
    let faults = state.lock().strike_request(request.method().as_str(), &path);
    if let Some(failed) = before(&faults, &state).await {
        return failed;
    }
    let answered = match path.as_str() {
        stream::PATH => stream::accept(request, &state),
        _ => route(request, router).await,
    };
    for fault in faults {
        match fault {
            WireFault::LoseAnswer => return Err(Cut),
            WireFault::LieAboutFailure { status } => return Ok(failure(status)),
            _ => {}
        }
    }
    Ok(answered)
}

/// What goes wrong before anything is carried out.
async fn before(faults: &[WireFault], state: &ServerState) -> Option<Result<Response<Body>, Cut>> {
    for fault in faults {
        match fault {
            WireFault::Latency { millis } => tokio::time::sleep(Duration::from_millis(*millis)).await,
            WireFault::TooManyRequests { retry_after_seconds } => {
                let now = state.lock().exchange().now().time;
                return Some(Ok(too_many_requests(now, *retry_after_seconds)));
            }
            WireFault::ServerError { status } => return Some(Ok(failure(*status))),
            WireFault::Refuse { status, code, message } => {
                let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::FORBIDDEN);
                return Some(Ok(Refused { status, code: *code, message: message.clone() }.into_response()));
            }
            WireFault::CutConnection => return Some(Err(Cut)),
            WireFault::LoseAnswer | WireFault::LieAboutFailure { .. } => {}
        }
    }
    None
}

async fn route(request: Request<Incoming>, router: Router) -> Response<Body> {
    match router.oneshot(request.map(Body::new)).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

fn failure(status: u16) -> Response<Body> {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    Refused { status, code: 50_010_000, message: "internal server error occurred".to_owned() }.into_response()
}

/// Says when requests are taken again; both times are the broker's, so that no clock has to be read.
fn too_many_requests(now: i64, retry_after_seconds: u32) -> Response<Body> {
    let status = StatusCode::TOO_MANY_REQUESTS;
    let refused = Refused { status, code: 42_910_000, message: "rate limit exceeded".to_owned() };
    let mut response = refused.into_response();
    let headers = response.headers_mut();
    let reset = now.div_euclid(1000) + i64::from(retry_after_seconds);
    headers.insert("x-ratelimit-limit", HeaderValue::from_static("200"));
    headers.insert("x-ratelimit-remaining", HeaderValue::from_static("0"));
    headers.insert("x-ratelimit-reset", HeaderValue::from(reset));
    let date = DateTime::<Utc>::from_timestamp(now.div_euclid(1000), 0);
    let date = date.map(|date| date.format("%a, %d %b %Y %H:%M:%S GMT").to_string());
    if let Some(date) = date.and_then(|date| HeaderValue::from_str(&date).ok()) {
        headers.insert(header::DATE, date);
    }
    response
}

fn has_keys(headers: &HeaderMap, keys: Option<&Keys>) -> bool {
    let carries = |name: &str, value: &str| headers.get(name).is_some_and(|found| found.as_bytes() == value.as_bytes());
    keys.is_none_or(|keys| carries("apca-api-key-id", &keys.key_id) && carries("apca-api-secret-key", &keys.secret))
}
