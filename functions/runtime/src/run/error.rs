//! Why a function was not run, or not to its end.

use std::time::Duration;

use chrono::NaiveDate;
use sentinel_domain::documents::StoreError;
use thiserror::Error;

use crate::function::FunctionError;

/// Why a function was not run, or not to its end.
#[derive(Debug, Error)]
pub enum RunError {
    /// The event is of a type the function does not react to.
    #[error("{job} does not react to events of type {event_type}: it accepts {}", if accepted.is_empty() { "none".to_owned() } else { accepted.join(", ") })]
    WrongEventType {
        /// The function.
        job: String,
        /// The type it was given.
        event_type: String,
        /// The types it reacts to.
        accepted: Vec<&'static str>,
    },
    /// Another run holds the lease.
    #[error("{job} is running already: {holder} holds {lock} for another {} s at most", remaining_ms.div_euclid(1_000) + 1)]
    LeaseHeld {
        /// The function.
        job: String,
        /// The lease.
        lock: String,
        /// Who holds it.
        holder: String,
        /// How long it lasts, unless it is renewed.
        remaining_ms: i64,
    },
    /// A job that comes before has not ended well for this date.
    #[error("{job} for {ds} comes after {}: run that first", missing.join(", "))]
    AfterNotMet {
        /// The function.
        job: String,
        /// The logical date.
        ds: NaiveDate,
        /// The jobs that are missing.
        missing: Vec<String>,
    },
    /// The run took longer than its descriptor allows.
    #[error("{job} did not end within {} s: what it committed stays, run it again", timeout.as_secs())]
    TimedOut {
        /// The function.
        job: String,
        /// How long it had.
        timeout: Duration,
    },
    /// The function has a bug.
    #[error("{job} panicked: {message}")]
    Panicked {
        /// The function.
        job: String,
        /// What it said.
        message: String,
    },
    /// The function did not end.
    #[error("{job} failed")]
    Function {
        /// The function.
        job: String,
        /// Why.
        #[source]
        source: FunctionError,
    },
    /// The bookkeeping could not be read or written.
    #[error("the bookkeeping of {job} failed")]
    Store {
        /// The function.
        job: String,
        /// Why.
        #[source]
        source: StoreError,
    },
}

impl RunError {
    /// Returns whether the same request may succeed later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::LeaseHeld { .. } | Self::AfterNotMet { .. } | Self::TimedOut { .. } => true,
            Self::WrongEventType { .. } | Self::Panicked { .. } => false,
            Self::Function { source, .. } => source.is_retryable(),
            Self::Store { source, .. } => source.is_retryable() || source.is_conflict(),
        }
    }
}
