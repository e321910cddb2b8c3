//! What went wrong on the way to BigQuery or there, and whether it is worth another try.

use std::error::Error;
use std::time::Duration;

use gcp_bigquery_client::error::{BQError, ResponseError};
use sentinel_domain::warehouse::WarehouseError;
use thiserror::Error;

use crate::tokens::{TokenError, told};

/// Reasons that BigQuery gives for what passes by itself.
const PASSING: [&str; 9] = [
    "backendError",
    "internalError",
    "jobBackendError",
    "jobInternalError",
    "jobRateLimitExceeded",
    "rateLimitExceeded",
    "tableUnavailable",
    "timeout",
    "transient",
];

/// Reasons that are about the SQL.
const ABOUT_SQL: [&str; 4] = ["invalid", "invalidQuery", "notFound", "bytesBilledLimitExceeded"];

/// What went wrong.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    /// The service answered with an error.
    #[error("{message} (HTTP {code}, {reason})")]
    Refused { code: i64, reason: String, message: String },
    /// The job ran, or was to run, and failed.
    #[error("{message} ({reason})")]
    Job { reason: String, message: String },
    /// The answer is none of the service: a page of a proxy, or half an answer.
    #[error("the answer cannot be read: {0}")]
    Unreadable(String),
    /// There was no answer.
    #[error("no answer: {0}")]
    Unreachable(String),
    /// The call took too long.
    #[error("no answer within {:.1} s", .0.as_secs_f64())]
    TimedOut(Duration),
    /// The job took too long.
    #[error("the job did not end within {:.1} s", .0.as_secs_f64())]
    Unfinished(Duration),
    /// There is no token.
    #[error(transparent)]
    Token(#[from] TokenError),
}

impl Failure {
    /// Returns whether the same call may succeed in a moment.
    pub(crate) fn is_retryable(&self) -> bool {
        match self {
            Self::Refused { code, reason, .. } => {
                matches!(code, 401 | 408 | 429 | 500 | 502 | 503 | 504) || is_passing(reason)
            }
            Self::Job { reason, message } => is_passing(reason) || is_conflict(message),
            Self::Unreadable(_) | Self::Unreachable(_) | Self::TimedOut(_) => true,
            Self::Token(error) => error.retryable,
            Self::Unfinished(_) => false,
        }
    }

    /// Returns whether it is a job that failed and may succeed when it is run again.
    pub(crate) fn is_job_to_run_again(&self) -> bool {
        matches!(self, Self::Job { .. }) && self.is_retryable()
    }

    /// Returns whether the token was refused.
    pub(crate) const fn is_unauthorized(&self) -> bool {
        matches!(self, Self::Refused { code: 401, .. })
    }

    /// Returns whether what was asked for is not there.
    pub(crate) const fn is_absent(&self) -> bool {
        matches!(self, Self::Refused { code: 404, .. })
    }

    /// Returns whether what was to be made is there already.
    pub(crate) const fn is_duplicate(&self) -> bool {
        matches!(self, Self::Refused { code: 409, .. })
    }

    /// Returns whether it is about the statement, or what it names.
    pub(crate) fn is_about_sql(&self) -> bool {
        let (Self::Refused { reason, .. } | Self::Job { reason, .. }) = self else { return false };
        ABOUT_SQL.contains(&reason.as_str()) && !self.is_retryable()
    }

    /// Returns the error of a question.
    pub(crate) fn of_query(self, store: &str) -> WarehouseError {
        if self.is_about_sql() { WarehouseError::Query { message: self.to_string() } } else { self.of("ask", store) }
    }

    /// Returns the error of an operation on the store.
    pub(crate) fn of(self, operation: &'static str, store: &str) -> WarehouseError {
        let retryable = self.is_retryable() || matches!(self, Self::Unfinished(_));
        WarehouseError::Store { operation, store: store.to_owned(), message: self.to_string(), retryable }
    }
}

fn is_passing(reason: &str) -> bool {
    PASSING.contains(&reason)
}

/// Two statements changed the same rows at once: BigQuery lets one of them fail, as `invalidQuery`.
fn is_conflict(message: &str) -> bool {
    message.contains("due to concurrent update") || message.contains("Could not serialize access")
}

impl From<BQError> for Failure {
    fn from(error: BQError) -> Self {
        match error {
            BQError::ResponseError { error: ResponseError { error } } => {
                let reason = error.errors.first().and_then(|first| first.get("reason")).cloned();
                Self::Refused { code: error.code, reason: reason.unwrap_or(error.status), message: error.message }
            }
            BQError::RequestError(error) if error.is_decode() => Self::Unreadable(chain(&error)),
            BQError::RequestError(error) => Self::Unreachable(chain(&error)),
            BQError::ConnectionPoolError(message) => Self::Token(told(&message)),
            other => Self::Unreadable(other.to_string()),
        }
    }
}

/// Returns an error with what caused it.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: i64, reason: &str) -> Failure {
        Failure::Refused { code, reason: reason.to_owned(), message: "told".to_owned() }
    }

    #[test]
    fn what_passes_is_tried_again() {
        for failure in [
            refused(429, "unknown"),
            refused(403, "rateLimitExceeded"),
            refused(503, ""),
            refused(401, "authError"),
            Failure::Job { reason: "backendError".to_owned(), message: String::new() },
            Failure::Job {
                reason: "invalidQuery".to_owned(),
                message: "Could not serialize access to table t due to concurrent update".to_owned(),
            },
        ] {
            assert!(failure.is_retryable(), "{failure}");
        }
        for failure in [refused(400, "invalidQuery"), refused(403, "quotaExceeded"), refused(404, "notFound")] {
            assert!(!failure.is_retryable(), "{failure}");
        }
    }

    #[test]
    fn a_wrong_question_is_told_as_one() {
        let failure = Failure::Job { reason: "invalidQuery".to_owned(), message: "Unrecognized name".to_owned() };
        assert!(matches!(failure.of_query("here"), WarehouseError::Query { .. }));
        let failure = refused(503, "backendError").of_query("BigQuery p.d");
        assert_eq!(failure.to_string(), "cannot ask BigQuery p.d: told (HTTP 503, backendError)");
        assert!(failure.is_retryable());
    }
}
