//! Requests: paced, bounded in time and size, and tried again where that is safe.

use std::error::Error as StdError;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use chrono::DateTime;
use reqwest::header::{DATE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Method, Response};
use secrecy::ExposeSecret;
use sentinel_domain::broker::BrokerError;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::client::AlpacaClient;

/// A page of ten thousand candles takes some 2 MB.
const BODY_MAX_BYTES: usize = 32 * 1024 * 1024;
/// What is kept of an answer that is no JSON, such as a gateway's page.
const REASON_MAX_CHARS: usize = 200;
/// What is waited on a 429 that does not say for how long: Alpaca counts by the minute.
const RATE_LIMIT_WAIT: Duration = Duration::from_secs(5);

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    pub(crate) method: Method,
    /// Which of the two servers.
    pub(crate) is_data: bool,
    pub(crate) path: String,
    pub(crate) query: Vec<(&'static str, String)>,
    pub(crate) body: Option<Value>,
}

impl Ask {
    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self { method: Method::GET, is_data: false, path: path.into(), query: Vec::new(), body: None }
    }

    pub(crate) fn delete(path: impl Into<String>) -> Self {
        Self { method: Method::DELETE, ..Self::get(path) }
    }

    pub(crate) fn post(path: impl Into<String>, body: Value) -> Self {
        Self { method: Method::POST, body: Some(body), ..Self::get(path) }
    }

    pub(crate) fn data(path: impl Into<String>) -> Self {
        Self { is_data: true, ..Self::get(path) }
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<Option<String>>) -> Self {
        if let Some(value) = value.into() {
            self.query.push((name, value));
        }
        self
    }

    fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// The body by which Alpaca refuses.
#[derive(Debug, Default, Deserialize)]
struct RefusalBody {
    #[serde(default)]
    code: i64,
    #[serde(default)]
    message: String,
}

impl AlpacaClient {
    /// Asks as often as it takes, which does no harm where asking twice is the same as asking once.
    pub(crate) async fn ask<T: DeserializeOwned>(&self, ask: &Ask) -> Result<T, BrokerError> {
        let body = self.ask_bytes(ask).await?;
        self.read(ask, &body)
    }

    /// The same, for answers without a body.
    pub(crate) async fn ask_bytes(&self, ask: &Ask) -> Result<Vec<u8>, BrokerError> {
        let mut waits = self.waits();
        loop {
            match self.once(ask).await {
                Err(error) if error.is_retryable() => self.wait_after(error, &mut waits).await?,
                answered => return answered,
            }
        }
    }

    /// Returns the waits between tries.
    pub(crate) fn waits(&self) -> ExponentialBackoff {
        ExponentialBuilder::new()
            .with_jitter()
            .with_min_delay(self.config.retry_delay_min)
            .with_max_delay(self.config.retry_delay_max)
            .with_max_times(self.config.retries_max)
            .build()
    }

    /// Waits before the next try, or gives the error back when there is none.
    pub(crate) async fn wait_after(
        &self,
        error: BrokerError,
        waits: &mut ExponentialBackoff,
    ) -> Result<(), BrokerError> {
        let Some(wait) = waits.next() else { return Err(error) };
        let wait = match &error {
            BrokerError::RateLimited { retry_after } if *retry_after > self.config.retry_after_max => {
                return Err(error);
            }
            BrokerError::RateLimited { retry_after } => wait.max(*retry_after),
            _ => wait,
        };
        tokio::time::sleep(wait).await;
        Ok(())
    }

    /// Asks once. An error says whether the request may have been carried out.
    pub(crate) async fn once(&self, ask: &Ask) -> Result<Vec<u8>, BrokerError> {
        self.pace.until_ready().await;
        let base_url = if ask.is_data { &self.config.data_url } else { &self.config.trading_url };
        let base_url = base_url.trim_end_matches('/');
        let request = self.http.request(ask.method.clone(), format!("{base_url}{}", ask.path));
        let mut request = request.query(&ask.query);
        if let Some(credentials) = &self.config.credentials {
            let secret = credentials.secret.expose_secret();
            for (name, key) in [("APCA-API-KEY-ID", credentials.key_id.as_str()), ("APCA-API-SECRET-KEY", secret)] {
                request = request.header(name, hidden(key, base_url)?);
            }
        }
        if let Some(body) = &ask.body {
            request = request.json(body);
        }
        let response = request.send().await.map_err(|error| unanswered(&error, ask, base_url))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = read_body(response, ask, base_url).await?;
        if status.is_success() {
            return Ok(body);
        }
        let (code, message) = self.reason(&body);
        Err(refusal(status.as_u16(), &headers, (code, message), ask))
    }

    pub(crate) fn read<T: DeserializeOwned>(&self, ask: &Ask, body: &[u8]) -> Result<T, BrokerError> {
        serde_json::from_slice(body).map_err(|error| self.malformed(ask, &error.to_string()))
    }

    /// Returns the error that says of an answer what is wrong with it.
    pub(crate) fn malformed(&self, ask: &Ask, problem: &str) -> BrokerError {
        BrokerError::Malformed { request: ask.name(), problem: self.without_keys(problem) }
    }

    /// Returns the number and the words of a refusal. The keys are taken out before anything is cut off: half a key
    /// would not be found any more.
    fn reason(&self, body: &[u8]) -> (i64, String) {
        let said = serde_json::from_slice::<RefusalBody>(body);
        said.map(|said| (said.code, self.without_keys(&said.message))).unwrap_or_else(|_| {
            let text = self.without_keys(&String::from_utf8_lossy(body));
            (0, text.trim().chars().take(REASON_MAX_CHARS).collect())
        })
    }

    /// Returns what a server said without the keys, which it may have repeated.
    fn without_keys(&self, said: &str) -> String {
        self.config.credentials.as_ref().map_or_else(|| said.to_owned(), |credentials| credentials.taken_out_of(said))
    }
}

/// Returns a header that no log shows.
fn hidden(key: &str, base_url: &str) -> Result<HeaderValue, BrokerError> {
    let mut value = HeaderValue::from_str(key).map_err(|_| BrokerError::Unavailable {
        base_url: base_url.to_owned(),
        reason: "a key holds what no header may hold: check that it was copied whole and without line ends".to_owned(),
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// A connection that never came about carried nothing; after that, nobody knows.
fn unanswered(error: &reqwest::Error, ask: &Ask, base_url: &str) -> BrokerError {
    let reason = whole_reason(error);
    if error.is_connect() {
        return BrokerError::Unavailable { base_url: base_url.to_owned(), reason };
    }
    BrokerError::AnswerUnknown { request: ask.name(), reason }
}

async fn read_body(mut response: Response, ask: &Ask, base_url: &str) -> Result<Vec<u8>, BrokerError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| unanswered(&error, ask, base_url))? {
        body.extend_from_slice(&chunk);
        if body.len() > BODY_MAX_BYTES {
            let problem = format!("it is longer than {BODY_MAX_BYTES} bytes");
            return Err(BrokerError::Malformed { request: ask.name(), problem });
        }
    }
    Ok(body)
}

fn refusal(status: u16, headers: &HeaderMap, (code, message): (i64, String), ask: &Ask) -> BrokerError {
    match status {
        401 => BrokerError::Unauthorized { status },
        // Alpaca answers 403 both to wrong keys and to orders that nothing pays for; only the latter carry a code.
        403 if code == 0 => BrokerError::Unauthorized { status },
        403 if message.contains("insufficient") => BrokerError::InsufficientFunds { message },
        404 => BrokerError::NotFound { what: if message.is_empty() { ask.path.clone() } else { message } },
        // Following it would carry the keys to wherever it leads.
        300..=399 => {
            let message =
                "it sends us to another address, which is not followed: check the broker's address".to_owned();
            BrokerError::Refused { status, code, message }
        }
        429 => BrokerError::RateLimited { retry_after: retry_after(headers) },
        500.. => BrokerError::AnswerUnknown { request: ask.name(), reason: format!("status {status}: {message}") },
        _ => BrokerError::Refused { status, code, message },
    }
}

/// Returns how long to wait. The time at which requests are taken again is the broker's, so it is held against the
/// broker's own now.
fn retry_after(headers: &HeaderMap) -> Duration {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<i64>().ok();
    let date = || DateTime::parse_from_rfc2822(headers.get(DATE)?.to_str().ok()?).ok();
    let until_reset = || Some(number("x-ratelimit-reset")? - date()?.timestamp());
    let seconds = number(RETRY_AFTER.as_str()).or_else(until_reset);
    seconds.map_or(RATE_LIMIT_WAIT, |seconds| Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
}

/// Returns what an error says and the last thing that caused it: the first alone is `error sending request`.
fn whole_reason(error: &reqwest::Error) -> String {
    let mut cause: &dyn StdError = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    if error.is_timeout() { "no answer in time".to_owned() } else { cause.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{AlpacaConfig, Credentials};

    #[test]
    fn the_wait_is_reckoned_by_the_brokers_clock() {
        let mut headers = HeaderMap::new();
        assert_eq!(retry_after(&headers), RATE_LIMIT_WAIT);
        headers.insert(DATE, HeaderValue::from_static("Mon, 01 Jan 2024 00:00:00 GMT"));
        headers.insert("x-ratelimit-reset", HeaderValue::from_static("1704067207"));
        assert_eq!(retry_after(&headers), Duration::from_secs(7));
        headers.insert("x-ratelimit-reset", HeaderValue::from_static("1704067190"));
        assert_eq!(retry_after(&headers), Duration::ZERO);
    }

    #[test]
    fn refusals_are_told_apart() {
        let ask = Ask::get("/v2/orders/1");
        let credentials = Credentials { key_id: "PK0123456789".to_owned(), secret: "abcdefghij".to_owned().into() };
        let client = AlpacaClient::new(AlpacaConfig::paper(credentials)).unwrap();
        let refused = |status, body: &str| refusal(status, &HeaderMap::new(), client.reason(body.as_bytes()), &ask);
        let poor = r#"{"code":40310000,"message":"insufficient balance for USD (requested: 2, available: 1)"}"#;
        assert!(matches!(refused(403, poor), BrokerError::InsufficientFunds { .. }));
        assert!(matches!(refused(403, r#"{"message":"forbidden."}"#), BrokerError::Unauthorized { status: 403 }));
        assert!(matches!(refused(502, "<html>"), BrokerError::AnswerUnknown { .. }));
        let bad = r#"{"code":42210000,"message":"invalid crypto time_in_force"}"#;
        assert!(matches!(refused(422, bad), BrokerError::Refused { status: 422, code: 42_210_000, .. }));
    }
}
