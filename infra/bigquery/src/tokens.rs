//! Who asks: access tokens, renewed before they expire and once more when the service refuses one.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use gcp_bigquery_client::auth::Authenticator;
use gcp_bigquery_client::error::BQError;
use google_cloud_auth::credentials::{AccessTokenCredentials, Builder};
use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;

use crate::settings::Credentials;

/// What a token has to allow.
const SCOPES: [&str; 1] = ["https://www.googleapis.com/auth/bigquery"];

/// There is no token to ask with.
#[derive(Debug, Clone, Error)]
#[error("there are no credentials for Google Cloud: {message}")]
pub struct TokenError {
    /// What is wrong.
    pub message: String,
    /// Whether the next try may have one.
    pub retryable: bool,
}

/// Where access tokens come from.
#[async_trait]
pub trait Tokens: Send + Sync {
    /// Returns a token that is valid now.
    ///
    /// # Errors
    /// When there is none.
    async fn token(&self) -> Result<SecretString, TokenError>;

    /// Is told that the service refused the last one.
    fn refused(&self) {}
}

/// Returns where tokens come from. Nothing is asked yet.
pub(crate) fn source(credentials: &Credentials) -> Result<Arc<dyn Tokens>, TokenError> {
    match credentials {
        Credentials::None => Ok(Arc::new(Nobody)),
        Credentials::ApplicationDefault => Ok(Arc::new(ApplicationDefault::new()?)),
        Credentials::Given(tokens) => Ok(Arc::clone(tokens)),
    }
}

struct Nobody;

#[async_trait]
impl Tokens for Nobody {
    async fn token(&self) -> Result<SecretString, TokenError> {
        Ok("nobody".into())
    }
}

/// Credentials as the machine has them, kept until their token is refused.
struct ApplicationDefault(Mutex<AccessTokenCredentials>);

impl ApplicationDefault {
    fn new() -> Result<Self, TokenError> {
        Ok(Self(Mutex::new(found()?)))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, AccessTokenCredentials> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn found() -> Result<AccessTokenCredentials, TokenError> {
    let found = Builder::default().with_scopes(SCOPES).build_access_token_credentials();
    found.map_err(|error| TokenError {
        message: format!("{error}; on your own machine run `gcloud auth application-default login`"),
        retryable: false,
    })
}

#[async_trait]
impl Tokens for ApplicationDefault {
    async fn token(&self) -> Result<SecretString, TokenError> {
        let credentials = self.lock().clone();
        let token = credentials.access_token().await;
        let token =
            token.map_err(|error| TokenError { message: error.to_string(), retryable: error.is_transient() })?;
        Ok(token.token.into())
    }

    fn refused(&self) {
        // What is found anew has no token yet, and asks for one.
        if let Ok(credentials) = found() {
            *self.lock() = credentials;
        }
    }
}

/// Tokens as the client's library asks for them.
#[derive(Clone)]
pub(crate) struct Bridge(pub(crate) Arc<dyn Tokens>);

impl fmt::Debug for Bridge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bridge(…)")
    }
}

#[async_trait]
impl Authenticator for Bridge {
    async fn access_token(&self) -> Result<String, BQError> {
        match self.0.token().await {
            Ok(token) => Ok(token.expose_secret().to_owned()),
            // The library has no case for it; this one is of a part of it that is not used here, and is understood by
            // `Failure::from`.
            Err(error) => Err(BQError::ConnectionPoolError(format!("{}{}", mark(error.retryable), error.message))),
        }
    }
}

const TRANSIENT: &str = "transient: ";

const fn mark(retryable: bool) -> &'static str {
    if retryable { TRANSIENT } else { "" }
}

/// Returns what [`Bridge`] has told the library.
pub(crate) fn told(message: &str) -> TokenError {
    let (message, retryable) = message.strip_prefix(TRANSIENT).map_or((message, false), |message| (message, true));
    TokenError { message: message.to_owned(), retryable }
}
