//! What can go wrong with a broker.

use std::time::Duration;

use thiserror::Error;

use super::{BrokerOrder, ClientOrderId};

/// Why a broker did not do what it was asked. A rejected order is no error: it is an order with that status.
#[derive(Debug, Error)]
pub enum BrokerError {
    /// The request is not one that it takes.
    #[error("the broker refuses the request: {message} (status {status}, code {code})")]
    Refused {
        /// HTTP status.
        status: u16,
        /// The broker's number for the reason; 0 without one.
        code: i64,
        /// What it says.
        message: String,
    },
    /// The id is taken by an order that differs from the one submitted.
    #[error("{client_order_id} is the id of another order at the broker: {} differ", differences.join(", "))]
    DuplicateClientOrderId {
        /// The id.
        client_order_id: ClientOrderId,
        /// The order that has it.
        existing: Box<BrokerOrder>,
        /// In what it differs.
        differences: Vec<&'static str>,
    },
    /// Not enough cash, or not enough coins.
    #[error("the broker refuses the order: {message}")]
    InsufficientFunds {
        /// What it says.
        message: String,
    },
    /// The order is over and cannot be taken back.
    #[error("the order cannot be taken back any more: it is {status}")]
    NotCancelable {
        /// Its status, in the broker's word.
        status: &'static str,
    },
    /// There is no such order, position or asset.
    #[error("the broker knows no {what}")]
    NotFound {
        /// What was asked for.
        what: String,
    },
    /// The keys are not those of an account.
    #[error("the broker does not accept the keys (status {status}); check key id and secret, and paper against live")]
    Unauthorized {
        /// HTTP status.
        status: u16,
    },
    /// Too many requests.
    #[error("the broker asks to wait {} ms before the next request", retry_after.as_millis())]
    RateLimited {
        /// How long.
        retry_after: Duration,
    },
    /// The request was sent and no answer came: it may have been carried out.
    #[error("no answer from the broker on {request}: {reason}; it may have been carried out")]
    AnswerUnknown {
        /// What was asked.
        request: String,
        /// What went wrong.
        reason: String,
    },
    /// The broker could not be reached, or said that it cannot serve now: nothing was carried out.
    #[error("the broker at {base_url} cannot be reached: {reason}")]
    Unavailable {
        /// The server.
        base_url: String,
        /// What went wrong.
        reason: String,
    },
    /// An answer that is not in the documented form.
    #[error("the broker's answer on {request} is not understood: {problem}")]
    Malformed {
        /// What was asked.
        request: String,
        /// What is wrong.
        problem: String,
    },
}

impl BrokerError {
    /// Returns whether the same request may succeed later.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::RateLimited { .. } | Self::AnswerUnknown { .. } | Self::Unavailable { .. })
    }

    /// Returns whether the request may have been carried out nevertheless.
    #[must_use]
    pub const fn is_ambiguous(&self) -> bool {
        matches!(self, Self::AnswerUnknown { .. } | Self::Malformed { .. })
    }
}
