//! What a function is to the runtime.

use std::error::Error;

use async_trait::async_trait;
use sentinel_domain::documents::StoreError;
use sentinel_domain::events::CloudEvent;
use thiserror::Error;

use crate::context::RunContext;
use crate::descriptor::FunctionDescriptor;
use crate::job_run::JobStatus;

/// One deployable thing that does one thing.
#[async_trait]
pub trait Function: Send + Sync {
    /// Returns what it says about itself.
    fn descriptor(&self) -> &FunctionDescriptor;

    /// Does its work once, started by `event` or, without one, by the clock. May be dropped or killed at any `await`
    /// and is then run again with the same `ctx.at()` and event.
    ///
    /// # Errors
    ///
    /// Whatever kept it from ending; what it committed before stays.
    async fn run(&self, ctx: &RunContext, event: Option<&CloudEvent>) -> Result<Report, FunctionError>;
}

/// What a run did, counted in rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Rows it looked at.
    pub rows_in: u64,
    /// Rows it wrote.
    pub rows_out: u64,
    /// Rows it put into quarantine.
    pub rows_quarantined: u64,
    /// What is worth knowing besides.
    pub notes: Vec<String>,
}

impl Report {
    /// Returns how a run that ended with this has ended.
    #[must_use]
    pub const fn status(&self) -> JobStatus {
        if self.rows_quarantined > 0 { JobStatus::Partial } else { JobStatus::Succeeded }
    }
}

/// Why a function did not end.
#[derive(Debug, Error)]
pub enum FunctionError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Somebody else took the run over; nothing can be committed any more.
    #[error("the lease on {lock} was taken over: nothing more is written by this run")]
    LeaseLost {
        /// The lease's name.
        lock: String,
    },
    /// The event's data is not what its type says.
    #[error("the event cannot be used: {reason}")]
    BadEvent {
        /// What is wrong, and what is expected.
        reason: String,
    },
    /// Something outside, or a state that should not be.
    #[error("{what}")]
    Failed {
        /// What was attempted.
        what: String,
        /// Whether trying again later may help.
        retryable: bool,
        /// What happened.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

impl FunctionError {
    /// Returns an error that trying again does not heal.
    pub fn failed(what: impl Into<String>, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Failed { what: what.into(), retryable: false, source: source.into() }
    }

    /// Returns an error that trying again later may heal.
    pub fn unavailable(what: impl Into<String>, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Failed { what: what.into(), retryable: true, source: source.into() }
    }

    /// Returns an error about the event's data.
    pub fn bad_event(reason: impl Into<String>) -> Self {
        Self::BadEvent { reason: reason.into() }
    }

    /// Returns whether running the function again may help.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Store(error) => error.is_retryable() || error.is_conflict(),
            Self::LeaseLost { .. } => true,
            Self::BadEvent { .. } => false,
            Self::Failed { retryable, .. } => *retryable,
        }
    }
}

/// Returns an error and all its causes in one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}
