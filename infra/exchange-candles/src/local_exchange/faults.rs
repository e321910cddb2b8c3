//! Ways in which an exchange fails.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use http_body::{Body as HttpBody, Frame};

/// One failed answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Status 429, with seconds to wait where given.
    TooManyRequests {
        /// The header `Retry-After`.
        retry_after: Option<u32>,
    },
    /// Any status, with a body.
    Status(u16, &'static str),
    /// Status 200 and this body.
    Body(&'static str),
    /// The beginning of an answer, and then the connection is cut.
    CutConnection,
    /// No answer for so long.
    Silence(Duration),
}

impl Fault {
    pub(super) async fn answer(self) -> Response {
        match self {
            Self::TooManyRequests { retry_after } => {
                let mut response = (StatusCode::TOO_MANY_REQUESTS, "{\"message\":\"slow down\"}").into_response();
                if let Some(seconds) = retry_after {
                    response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
                }
                response
            }
            Self::Status(status, body) => {
                (StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), body).into_response()
            }
            Self::Body(body) => body.into_response(),
            Self::CutConnection => Response::new(Body::new(CutBody { is_begun: false })),
            Self::Silence(length) => {
                tokio::time::sleep(length).await;
                StatusCode::GATEWAY_TIMEOUT.into_response()
            }
        }
    }
}

/// A body that breaks off, upon which the server closes the connection.
struct CutBody {
    is_begun: bool,
}

impl HttpBody for CutBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let frame = if self.is_begun {
            Err(io::Error::from(io::ErrorKind::ConnectionReset))
        } else {
            Ok(Frame::data(Bytes::from_static(b"[[1704067200")))
        };
        self.is_begun = true;
        Poll::Ready(Some(frame))
    }
}
