//! `/stream`: what happens to orders, for whoever has shown the keys and asked for it.
//!
//! Frames are binary, as those of a paper account. Who reads too slowly, or says what is not understood, is cut off.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderValue, Request, Response, StatusCode, header};
use axum::response::IntoResponse;
use futures_util::{SinkExt, StreamExt};
use hyper::body::Incoming;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::broadcast::Receiver;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::{Keys, ServerState};
use crate::wire::refusals::Refused;

pub(super) const PATH: &str = "/stream";
const UPDATES: &str = "trade_updates";

type Socket = WebSocketStream<TokioIo<Upgraded>>;

#[derive(Debug, Deserialize)]
#[serde(tag = "action", rename_all = "lowercase")]
enum Wish {
    Authenticate { data: ShownKeys },
    Listen { data: Streams },
}

#[derive(Deserialize)]
struct ShownKeys {
    key_id: String,
    secret_key: String,
}

impl std::fmt::Debug for ShownKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ShownKeys").finish_non_exhaustive()
    }
}

#[derive(Debug, Deserialize)]
struct Streams {
    streams: Vec<String>,
}

/// Makes a websocket of a request that asks for one.
pub(super) fn accept(mut request: Request<Incoming>, state: &Arc<ServerState>) -> Response<Body> {
    let headers = request.headers();
    let wants = headers.get(header::UPGRADE).is_some_and(|name| name.as_bytes().eq_ignore_ascii_case(b"websocket"));
    let (true, Some(key)) = (wants, headers.get(header::SEC_WEBSOCKET_KEY)) else {
        return Refused::parameter("this is a websocket: ask for an upgrade").into_response();
    };
    let accepted = derive_accept_key(key.as_bytes());
    let state = Arc::clone(state);
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        if let Ok(upgraded) = upgrade.await {
            let socket = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, None).await;
            serve(socket, &state).await;
        }
    });
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    if let Ok(accepted) = HeaderValue::from_str(&accepted) {
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accepted);
    }
    response
}

async fn serve(mut socket: Socket, state: &ServerState) {
    let mut guest = Guest::default();
    loop {
        let text = tokio::select! {
            said = socket.next() => match said {
                Some(Ok(Message::Text(text))) => guest.answer(text.as_bytes(), state),
                Some(Ok(Message::Binary(bytes))) => guest.answer(&bytes, state),
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => continue,
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
            },
            update = next(&mut guest.updates) => update,
        };
        let Some(text) = text else { return drop(socket.close(None).await) };
        if socket.send(Message::binary(text.as_bytes().to_vec())).await.is_err() {
            return;
        }
    }
}

/// Waits for an update; `None` when some were missed.
async fn next(updates: &mut Option<Receiver<Arc<str>>>) -> Option<Arc<str>> {
    match updates {
        Some(updates) => updates.recv().await.ok(),
        None => std::future::pending().await,
    }
}

/// Who is at the other end.
#[derive(Debug, Default)]
struct Guest {
    is_known: bool,
    updates: Option<Receiver<Arc<str>>>,
}

impl Guest {
    /// Returns the answer; `None` to what is not understood.
    fn answer(&mut self, said: &[u8], state: &ServerState) -> Option<Arc<str>> {
        let answer = match serde_json::from_slice(said).ok()? {
            Wish::Authenticate { data } => {
                self.is_known = fits(&data, state.keys.as_ref());
                authorization("authenticate", self.is_known)
            }
            Wish::Listen { .. } if !self.is_known => authorization("listen", false),
            Wish::Listen { data } => {
                let wants = data.streams.iter().any(|name| name == UPDATES);
                self.updates = wants.then(|| state.lock().listen());
                let streams: &[&str] = if wants { &[UPDATES] } else { &[] };
                json!({ "stream": "listening", "data": { "streams": streams } })
            }
        };
        Some(answer.to_string().into())
    }
}

fn authorization(action: &str, is_known: bool) -> Value {
    let status = if is_known { "authorized" } else { "unauthorized" };
    json!({ "stream": "authorization", "data": { "status": status, "action": action } })
}

fn fits(shown: &ShownKeys, keys: Option<&Keys>) -> bool {
    keys.is_none_or(|keys| shown.key_id == keys.key_id && shown.secret_key == keys.secret)
}
