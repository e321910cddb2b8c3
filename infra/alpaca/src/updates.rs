//! Updates of orders by websocket: connected, shown the keys, listened to, and all of it again whenever that ends.
//!
//! What is heard is a hint ([`TradeWord`]); nothing is read from it but which order it is about. A connection that says
//! nothing is asked whether it is there, and given up when it does not answer.

use std::time::Duration;

use async_trait::async_trait;
use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use futures_util::{SinkExt, StreamExt};
use secrecy::ExposeSecret;
use sentinel_domain::broker::{BrokerOrderId, TradeUpdate, TradeUpdates, TradeWord};
use serde::Deserialize;
use serde_json::{Value, json};
use thiserror::Error;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

use crate::config::AlpacaConfig;

/// An update takes some 2 kB.
const MESSAGE_MAX_BYTES: usize = 1024 * 1024;
/// How often a silent connection is asked whether it is there before it is given up.
const PINGS: u32 = 3;
const UPDATES: &str = "trade_updates";

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// The account's updates. Nothing is connected before the first [`TradeUpdates::next`].
pub struct TradeStream {
    config: AlpacaConfig,
    socket: Option<Socket>,
    /// Pings since something was heard.
    unanswered: u32,
    waits: ExponentialBackoff,
    /// What is left to be waited before the next attempt.
    wait: Option<Duration>,
}

impl std::fmt::Debug for TradeStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TradeStream").field("config", &self.config).finish_non_exhaustive()
    }
}

/// Why nothing is heard. Shows no key.
#[derive(Debug, Error)]
enum Deaf {
    #[error("the updates at {url} cannot be reached: {source}")]
    Unreachable { url: String, source: Box<tungstenite::Error> },
    #[error("the updates at {url} do not answer within {} ms", within.as_millis())]
    NoAnswer { url: String, within: Duration },
    #[error("the broker does not accept the keys; check key id and secret, and paper against live")]
    Unauthorized,
    #[error("the broker does not tell of updates: it answers to listen with {streams}")]
    Refused { streams: String },
    #[error("the connection broke: {0}")]
    Broken(Box<tungstenite::Error>),
    #[error("the broker closed the connection")]
    Closed,
    #[error("the connection has been silent for {} ms", silence.as_millis())]
    Silent { silence: Duration },
    #[error("an update is not understood: {0}")]
    Malformed(serde_json::Error),
}

#[derive(Debug, Deserialize)]
struct Envelope {
    stream: String,
    #[serde(default)]
    data: Value,
}

#[derive(Debug, Deserialize)]
struct UpdateForm {
    event: String,
    execution_id: Option<String>,
    order: OrderForm,
}

#[derive(Debug, Deserialize)]
struct OrderForm {
    id: String,
}

impl From<UpdateForm> for TradeUpdate {
    fn from(form: UpdateForm) -> Self {
        Self { event: form.event, order_id: BrokerOrderId(form.order.id), execution_id: form.execution_id }
    }
}

impl TradeStream {
    /// Returns the updates of the account that `config` names.
    #[must_use]
    pub fn new(config: AlpacaConfig) -> Self {
        // Fails only where one is installed already, which then is used.
        drop(rustls::crypto::ring::default_provider().install_default());
        let waits = waits(&config);
        Self { config, socket: None, unanswered: 0, waits, wait: None }
    }

    fn url(&self) -> String {
        let base_url = self.config.trading_url.trim_end_matches('/');
        format!("{}/stream", base_url.replacen("http", "ws", 1))
    }

    /// Connects, shows the keys and asks for updates.
    async fn listen(&self) -> Result<Socket, Deaf> {
        let mut socket = self.connect().await?;
        let credentials = self.config.credentials.as_ref().ok_or(Deaf::Unauthorized)?;
        let keys = json!({ "key_id": credentials.key_id, "secret_key": credentials.secret.expose_secret() });
        let answer = self.ask(&mut socket, json!({ "action": "authenticate", "data": keys }), "authorization").await?;
        if answer["status"] != "authorized" {
            return Err(Deaf::Unauthorized);
        }
        let streams = json!({ "streams": [UPDATES] });
        let answer = self.ask(&mut socket, json!({ "action": "listen", "data": streams }), "listening").await?;
        let is_told = answer["streams"].as_array().is_some_and(|streams| streams.iter().any(|name| name == UPDATES));
        if is_told { Ok(socket) } else { Err(Deaf::Refused { streams: answer["streams"].to_string() }) }
    }

    async fn connect(&self) -> Result<Socket, Deaf> {
        let url = self.url();
        let limits = WebSocketConfig::default()
            .max_message_size(Some(MESSAGE_MAX_BYTES))
            .max_frame_size(Some(MESSAGE_MAX_BYTES));
        // Name, connection, TLS and handshake, each of which may take its time.
        let within = self.config.connect_timeout + self.config.request_timeout;
        match timeout(within, connect_async_with_config(&url, Some(limits), true)).await {
            Ok(Ok((socket, _))) => Ok(socket),
            Ok(Err(source)) => Err(Deaf::Unreachable { url, source: Box::new(source) }),
            Err(_) => Err(Deaf::NoAnswer { url, within }),
        }
    }

    /// Sends a request and returns the data of the answer, which comes on `stream`.
    async fn ask(&self, socket: &mut Socket, request: Value, stream: &str) -> Result<Value, Deaf> {
        let within = self.config.request_timeout;
        let answered = async {
            socket.send(Message::text(request.to_string())).await.map_err(broken)?;
            loop {
                let message = socket.next().await.ok_or(Deaf::Closed)?.map_err(broken)?;
                match envelope(&message)? {
                    Some(envelope) if envelope.stream == stream => return Ok(envelope.data),
                    // What one was not authorized for comes on this one, whatever was asked.
                    Some(envelope) if envelope.stream == "authorization" => return Err(Deaf::Unauthorized),
                    _ => {}
                }
            }
        };
        timeout(within, answered).await.unwrap_or_else(|_| Err(Deaf::NoAnswer { url: self.url(), within }))
    }

    /// Returns the next update of a connection.
    async fn hear(&mut self) -> Result<TradeUpdate, Deaf> {
        let pause = self.config.silence_max / (PINGS + 1);
        loop {
            let socket = self.socket.as_mut().ok_or(Deaf::Closed)?;
            let Ok(message) = timeout(pause, socket.next()).await else {
                self.ping(pause).await?;
                continue;
            };
            let message = message.ok_or(Deaf::Closed)?.map_err(broken)?;
            self.unanswered = 0;
            // Only what has spoken since it listened has proved that reconnecting at once is worth it.
            self.waits = waits(&self.config);
            if let Some(envelope) = envelope(&message)?.filter(|envelope| envelope.stream == UPDATES) {
                let form: UpdateForm = serde_json::from_value(envelope.data).map_err(Deaf::Malformed)?;
                return Ok(form.into());
            }
        }
    }

    async fn ping(&mut self, pause: Duration) -> Result<(), Deaf> {
        let silence = self.config.silence_max;
        if self.unanswered == PINGS {
            return Err(Deaf::Silent { silence });
        }
        self.unanswered += 1;
        let socket = self.socket.as_mut().ok_or(Deaf::Closed)?;
        match timeout(pause, socket.send(Message::Ping(Vec::new().into()))).await {
            Ok(sent) => sent.map_err(broken),
            Err(_) => Err(Deaf::Silent { silence }),
        }
    }

    /// Gives the connection up, until the next attempt.
    fn lost(&mut self, deaf: &Deaf) -> TradeWord {
        self.socket = None;
        self.unanswered = 0;
        let longest = self.config.reconnect_delay_max;
        let keys_refused = matches!(deaf, Deaf::Unauthorized);
        let again_in = if keys_refused { longest } else { self.waits.next().unwrap_or(longest) };
        self.wait = Some(again_in);
        // What is not understood may be the very message that showed the keys.
        let said = deaf.to_string();
        let reason = match &self.config.credentials {
            Some(keys) => keys.taken_out_of(&said),
            None => said,
        };
        TradeWord::Lost { reason, keys_refused, again_in }
    }
}

#[async_trait]
impl TradeUpdates for TradeStream {
    async fn next(&mut self) -> TradeWord {
        if let Some(wait) = self.wait.take() {
            tokio::time::sleep(wait).await;
        }
        if self.socket.is_some() {
            return match self.hear().await {
                Ok(update) => TradeWord::Update(update),
                Err(deaf) => self.lost(&deaf),
            };
        }
        match self.listen().await {
            Ok(socket) => {
                self.socket = Some(socket);
                TradeWord::Listening
            }
            Err(deaf) => self.lost(&deaf),
        }
    }
}

fn waits(config: &AlpacaConfig) -> ExponentialBackoff {
    ExponentialBuilder::new()
        .with_jitter()
        .with_min_delay(config.retry_delay_min)
        .with_max_delay(config.reconnect_delay_max)
        .without_max_times()
        .build()
}

fn broken(error: tungstenite::Error) -> Deaf {
    match error {
        tungstenite::Error::ConnectionClosed | tungstenite::Error::AlreadyClosed => Deaf::Closed,
        error => Deaf::Broken(Box::new(error)),
    }
}

/// Returns what a frame holds: text, or the same in a binary frame, as paper accounts send it; `None` for a ping.
fn envelope(message: &Message) -> Result<Option<Envelope>, Deaf> {
    match message {
        Message::Text(text) => serde_json::from_str(text).map(Some).map_err(Deaf::Malformed),
        Message::Binary(bytes) => serde_json::from_slice(bytes).map(Some).map_err(Deaf::Malformed),
        Message::Close(_) => Err(Deaf::Closed),
        Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => Ok(None),
    }
}
