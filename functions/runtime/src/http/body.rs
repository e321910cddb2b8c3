//! Reading a request's body without ever holding more of it than is allowed.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use futures_util::StreamExt;

use super::answer::Refusal;

/// How much of a refused body is still read, and thrown away: a client that is in the middle of sending would
/// otherwise see a broken connection and not the answer.
const DISCARD_BYTES_MAX: usize = 256 << 20;
const DISCARD_TIME: Duration = Duration::from_secs(10);

/// Returns the body, or refuses it once it is, or says it is, longer than `bytes_max`.
pub(super) async fn read(headers: &HeaderMap, body: Body, bytes_max: usize) -> Result<Vec<u8>, Refusal> {
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let mut chunks = body.into_data_stream();
    let mut bytes = Vec::new();
    if announced.is_none_or(|announced| announced <= bytes_max as u64) {
        loop {
            match chunks.next().await {
                None => return Ok(bytes),
                Some(Err(_)) => return Err(Refusal::new(StatusCode::BAD_REQUEST, "the body broke off")),
                Some(Ok(chunk)) if bytes.len() + chunk.len() > bytes_max => break,
                Some(Ok(chunk)) => bytes.extend_from_slice(&chunk),
            }
        }
    }
    drop(bytes);
    let is_waiting_to_send = headers.contains_key(header::EXPECT);
    if !is_waiting_to_send {
        let discard = async {
            let mut discarded = 0;
            while let Some(Ok(chunk)) = chunks.next().await {
                discarded += chunk.len();
                if discarded > DISCARD_BYTES_MAX {
                    break;
                }
            }
        };
        // Out of time or not, the answer is the same.
        tokio::time::timeout(DISCARD_TIME, discard).await.unwrap_or_default();
    }
    let error = format!("the body is too long: at most {bytes_max} bytes; put the data into a store and send its name");
    Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, error))
}
