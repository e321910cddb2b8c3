//! The keys that Google signs tokens with: fetched when they are first needed, kept, and fetched again when they are old
//! or a token names one that is not among them; never more often than a bound, whatever callers send.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk};
use reqwest::{Client, redirect};
use sentinel_domain::clock::Clock;
use sentinel_domain::timeframe::UnixMillis;
use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;
use tokio::sync::Mutex;

/// Google publishes a key hours before it signs with it, and drops it hours after.
const FRESH_MS: i64 = 6 * 60 * 60 * 1_000;
/// Beyond this, old keys are not believed even where new ones cannot be had.
const BELIEVED_MS: i64 = 24 * 60 * 60 * 1_000;
/// Between two fetches.
const PAUSE_MS: i64 = 10_000;
const TIMEOUT: Duration = Duration::from_secs(5);
const BODY_BYTES_MAX: usize = 64 << 10;
const KEYS_MAX: usize = 32;

/// Why a key cannot be had.
#[derive(Debug, Error)]
pub enum KeysError {
    /// It is not among the published ones.
    #[error("no key of that name is published")]
    Unknown,
    /// The published ones cannot be fetched.
    #[error("the keys at {url} cannot be fetched: {reason}")]
    Unavailable {
        /// Where they are published.
        url: String,
        /// What stands in the way.
        reason: String,
    },
}

/// The published keys.
pub struct Keys {
    url: String,
    http: Client,
    clock: Arc<dyn Clock>,
    /// Held while keys are fetched, so that requests that come together fetch them once.
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    keys: BTreeMap<String, DecodingKey>,
    fetched_at: Option<UnixMillis>,
    asked_at: Option<UnixMillis>,
}

/// Keys of other kinds may stand among ours.
#[derive(Deserialize)]
struct Published {
    keys: Vec<Value>,
}

impl Keys {
    /// Returns the keys that are published at `url`; nothing is fetched yet.
    ///
    /// # Errors
    /// When the machine lacks what TLS needs.
    pub fn at(url: &str, clock: Arc<dyn Clock>) -> Result<Self, KeysError> {
        // Fails only where one is installed already, which then is used.
        drop(rustls::crypto::ring::default_provider().install_default());
        let mut http = Client::builder().timeout(TIMEOUT).connect_timeout(TIMEOUT).redirect(redirect::Policy::none());
        if url.starts_with("http://") {
            // A server without TLS is asked also on a machine without certificates.
            http = http.tls_certs_only([]);
        }
        let http = http.build().map_err(|error| KeysError::Unavailable {
            url: url.to_owned(),
            reason: format!("{error}; are root certificates installed (ca-certificates)?"),
        })?;
        Ok(Self { url: url.to_owned(), http, clock, known: Mutex::default() })
    }

    /// Returns the key of that name.
    ///
    /// # Errors
    /// See [`KeysError`].
    pub async fn key(&self, name: &str) -> Result<DecodingKey, KeysError> {
        let mut known = self.known.lock().await;
        let now = self.clock.now();
        let age = |known: &Known| known.fetched_at.map(|at| now - at);
        if let Some(key) = known.keys.get(name).filter(|_| age(&known).is_some_and(|age| age < FRESH_MS)) {
            return Ok(key.clone());
        }
        let failure = if known.asked_at.is_some_and(|at| now - at < PAUSE_MS) {
            None
        } else {
            known.asked_at = Some(now);
            match self.fetch().await {
                Ok(keys) => {
                    (known.keys, known.fetched_at) = (keys, Some(now));
                    None
                }
                Err(error) => Some(error),
            }
        };
        let is_believed = age(&known).is_some_and(|age| age < BELIEVED_MS);
        match (known.keys.get(name).filter(|_| is_believed), failure) {
            (Some(key), _) => Ok(key.clone()),
            (None, Some(failure)) => Err(failure),
            (None, None) if is_believed => Err(KeysError::Unknown),
            (None, None) => Err(self.unavailable("the last try was a moment ago")),
        }
    }

    async fn fetch(&self) -> Result<BTreeMap<String, DecodingKey>, KeysError> {
        let failed = |error: reqwest::Error| self.unavailable(error.without_url());
        let mut response = self.http.get(&self.url).send().await.map_err(failed)?;
        if !response.status().is_success() {
            return Err(self.unavailable(response.status()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            body.extend_from_slice(&chunk);
            if body.len() > BODY_BYTES_MAX {
                return Err(self.unavailable(format_args!("the answer is longer than {BODY_BYTES_MAX} bytes")));
            }
        }
        let published: Published = serde_json::from_slice(&body).map_err(|error| self.unavailable(error))?;
        let keys = published.keys.into_iter().take(KEYS_MAX);
        let keys: BTreeMap<_, _> = keys.filter_map(|key| named(&serde_json::from_value(key).ok()?)).collect();
        tracing::info!(keys = keys.len(), "keys fetched");
        Ok(keys)
    }

    fn unavailable(&self, reason: impl fmt::Display) -> KeysError {
        KeysError::Unavailable { url: self.url.clone(), reason: reason.to_string() }
    }
}

/// Returns a key for RSA with its name.
fn named(jwk: &Jwk) -> Option<(String, DecodingKey)> {
    let AlgorithmParameters::RSA(_) = &jwk.algorithm else { return None };
    Some((jwk.common.key_id.clone()?, DecodingKey::from_jwk(jwk).ok()?))
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("url", &self.url).finish_non_exhaustive()
    }
}
