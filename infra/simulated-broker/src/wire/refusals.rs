//! Refusals in Alpaca's words: a status, a code and a message.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::exchange::Refusal;
use crate::keeper::CommandError;

/// A refused request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) status: StatusCode,
    pub(crate) code: i64,
    pub(crate) message: String,
}

impl Refused {
    /// Input that is not understood.
    pub(crate) fn input(message: impl Into<String>) -> Self {
        Self { status: StatusCode::UNPROCESSABLE_ENTITY, code: 42_210_000, message: message.into() }
    }

    /// A parameter of the data interface that is not understood.
    pub(crate) fn parameter(message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code: 40_010_001, message: message.into() }
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self { status: StatusCode::NOT_FOUND, code: 40_410_000, message: message.into() }
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        let (status, code) = match &refusal {
            Refusal::DuplicateClientOrderId => (StatusCode::UNPROCESSABLE_ENTITY, 40_010_001),
            Refusal::InsufficientBalance { .. } | Refusal::MinNotional(_) => (StatusCode::FORBIDDEN, 40_310_000),
            Refusal::OrderNotFound | Refusal::PositionNotFound => (StatusCode::NOT_FOUND, 40_410_000),
            Refusal::UnknownSymbol(_)
            | Refusal::NotTradable(_)
            | Refusal::MinQuantity(_)
            | Refusal::Increment { .. }
            | Refusal::NoPrice(_)
            | Refusal::NotCancelable(_) => (StatusCode::UNPROCESSABLE_ENTITY, 42_210_000),
            Refusal::ClockBackwards { .. } | Refusal::Candles(_) | Refusal::OtherCandles { .. } => {
                (StatusCode::CONFLICT, 40_910_000)
            }
        };
        Self { status, code, message: refusal.to_string() }
    }
}

impl From<CommandError> for Refused {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::Refused(refusal) => refusal.into(),
            CommandError::Fault(_) => Self::input(error.to_string()),
            CommandError::Journal(_) => {
                Self { status: StatusCode::INTERNAL_SERVER_ERROR, code: 50_010_000, message: error.to_string() }
            }
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.status, Json(json!({ "code": self.code, "message": self.message }))).into_response()
    }
}
