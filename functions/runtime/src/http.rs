//! A function behind HTTP: one POST is one run.
//!
//! Accepted are CloudEvents in structured and binary mode, Pub/Sub's push envelope around one, storage events from
//! Eventarc, and for functions that the clock starts a plain POST as Cloud Scheduler sends it. Whatever else comes is
//! refused with a 4xx and a JSON body that says what is accepted. A 5xx says nothing of its cause, which is in the
//! log. `GET /health` answers while the server does. Who may call is decided by [`Callers`], before a body is read.

mod answer;
mod body;
mod caller;
mod envelope;
mod trace;

use std::future::Future;
use std::io;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Request, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::RwLock;
use tracing::Instrument;

pub use self::answer::Refusal;
pub use self::caller::Callers;
pub use self::envelope::{Incoming, Subscription, event_from_json};
use crate::function::Function;
use crate::run::{RunRequest, Runtime};

/// What the server allows.
#[derive(Debug, Clone)]
pub struct HttpConfig {
    /// Bytes of a request's body; more are never held in memory.
    pub body_bytes_max: usize,
    /// Who may call; `None` lets everybody who reaches the server.
    pub callers: Option<Arc<dyn Callers>>,
}

impl Default for HttpConfig {
    /// One mebibyte: events name things, they do not carry them.
    fn default() -> Self {
        Self { body_bytes_max: 1 << 20, callers: None }
    }
}

#[derive(Clone)]
struct Served {
    function: Arc<dyn Function>,
    runtime: Runtime,
    config: HttpConfig,
    /// Held for reading by each run, and for writing by whoever waits until there is none.
    running: Arc<RwLock<()>>,
}

/// Returns the routes of `function`: `POST /` and `GET /health`.
pub fn router(function: Arc<dyn Function>, runtime: Runtime, config: HttpConfig) -> Router {
    routes(Served { function, runtime, config, running: Arc::default() })
}

fn routes(served: Served) -> Router {
    Router::new()
        .route("/", post(run))
        .route("/health", get(health))
        .fallback(async || Refusal::new(StatusCode::NOT_FOUND, "no such path: POST / runs the function"))
        .method_not_allowed_fallback(async || Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "POST / runs the function"))
        .with_state(served)
}

/// Serves `function` until `stop` ends, then lets the requests that are running end.
///
/// # Errors
///
/// When the listener fails.
pub async fn serve(
    function: Arc<dyn Function>,
    runtime: Runtime,
    listener: TcpListener,
    config: HttpConfig,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let name = function.descriptor().name;
    tracing::info!(function = name, address = %listener.local_addr()?, "serving");
    let running = Arc::default();
    let routes = routes(Served { function, runtime, config, running: Arc::clone(&running) });
    axum::serve(listener, routes).with_graceful_shutdown(stop).await?;
    // Runs whose client has gone away are no connections any more.
    drop(running.write().await);
    tracing::info!(function = name, "stopped");
    Ok(())
}

/// Waits for SIGTERM or SIGINT: how a platform and a person stop a server.
///
/// # Errors
///
/// When the signals cannot be listened to.
pub async fn stop_signal() -> io::Result<()> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

async fn health(State(served): State<Served>) -> Response {
    axum::Json(json!({ "status": "ok", "function": served.function.descriptor().name })).into_response()
}

async fn run(State(served): State<Served>, request: Request<Body>) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    let span = trace::span_of(&parts.headers);
    run_request(&served, &parts.headers, body).instrument(span).await
}

async fn run_request(served: &Served, headers: &HeaderMap, body: Body) -> Result<Response, Refusal> {
    // Before the body: whoever may not call sends for nothing.
    if let Some(callers) = &served.config.callers {
        callers.admit(headers).await.inspect_err(log_refusal)?;
    }
    let body = body::read(headers, body, served.config.body_bytes_max).await.inspect_err(log_refusal)?;
    let incoming = envelope::read(served.function.descriptor(), headers, &body).inspect_err(log_refusal)?;
    let Incoming { event, at, pushed_by } = incoming;
    if let (Some(callers), Some(subscription)) = (&served.config.callers, &pushed_by) {
        callers.admit_subscription(subscription).inspect_err(log_refusal)?;
    }
    let request = RunRequest { at, ds: None, event };
    // In a task of its own: a client that goes away does not stop the run half-way, with its lease still held.
    let (task, guard) = (served.clone(), Arc::clone(&served.running).read_owned().await);
    let run = async move {
        let outcome = task.runtime.run_once(task.function.as_ref(), request).await;
        drop(guard);
        outcome
    };
    match tokio::spawn(run.in_current_span()).await {
        Ok(Ok(outcome)) => Ok(answer::of_outcome(&outcome)),
        Ok(Err(error)) => Err(answer::of_error(&error)),
        Err(ended) => {
            tracing::error!(error = %ended, "the run's task ended early");
            Err(answer::of_ended_task())
        }
    }
}

fn log_refusal(refusal: &Refusal) {
    tracing::warn!(status = refusal.status().as_u16(), error = refusal.error(), "request refused");
}
