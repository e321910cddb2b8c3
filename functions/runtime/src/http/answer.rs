//! What a caller is told.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::run::{Outcome, RunError};

/// How long a caller is asked to wait before it tries again.
const RETRY_AFTER_SECONDS: &str = "10";

/// A request that is not answered with a run: a status, and a JSON body with an `error`.
#[derive(Debug)]
pub struct Refusal {
    status: StatusCode,
    body: Value,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, error: impl Into<String>) -> Self {
        Self { status, body: json!({ "error": error.into() }) }
    }

    pub(super) fn with(mut self, name: &str, value: Value) -> Self {
        self.body[name] = value;
        self
    }

    /// Returns the refusal of whoever does not show who it is. It says no more than that, on purpose.
    #[must_use]
    pub fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "a token is required that says who calls")
    }

    /// Returns the refusal of whoever is known and may not call this.
    #[must_use]
    pub fn forbidden() -> Self {
        Self::new(StatusCode::FORBIDDEN, "this caller may not do this")
    }

    /// Returns the refusal of a request that may be tried again.
    #[must_use]
    pub fn unavailable() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "not possible just now, try again; the log says why")
    }

    /// Returns the HTTP status.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// Returns what is wrong, and what is accepted.
    #[must_use]
    pub fn error(&self) -> &str {
        self.body["error"].as_str().unwrap_or_default()
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body)).into_response();
        if matches!(self.status, StatusCode::CONFLICT | StatusCode::SERVICE_UNAVAILABLE) {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_SECONDS));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// Returns the answer to a request that had its run, now or before.
pub(super) fn of_outcome(outcome: &Outcome) -> Response {
    let run = outcome.job_run();
    let body = json!({
        "run_id": run.run_id, "status": run.status, "ds": run.ds, "duplicate": matches!(outcome, Outcome::Duplicate(_)),
        "rows_in": run.rows_in, "rows_out": run.rows_out, "rows_quarantined": run.rows_quarantined,
    });
    Json(body).into_response()
}

/// Returns the answer to a request whose run did not end. What is the caller's doing is explained; what is ours is not.
pub(super) fn of_error(error: &RunError) -> Refusal {
    match error {
        RunError::WrongEventType { accepted, .. } => {
            Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, error.to_string()).with("accepted", json!(accepted))
        }
        RunError::Function { source: source @ crate::function::FunctionError::BadEvent { .. }, .. } => {
            Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, source.to_string())
        }
        RunError::LeaseHeld { .. } | RunError::AfterNotMet { .. } => {
            Refusal::new(StatusCode::CONFLICT, error.to_string())
        }
        error if error.is_retryable() => Refusal::unavailable(),
        RunError::Function { .. } | RunError::Store { .. } | RunError::TimedOut { .. } | RunError::Panicked { .. } => {
            of_ended_task()
        }
    }
}

/// Returns the answer to a request whose run failed in a way that is ours alone.
pub(super) fn of_ended_task() -> Refusal {
    Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "the run failed; the log says why")
}
