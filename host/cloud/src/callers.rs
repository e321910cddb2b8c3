//! Who may call: an account that is named, with a token made out to us, and subscriptions of our own.
//!
//! The platform checks callers too, by its own list. This is the second lock: a function that was made public by
//! mistake still runs for nobody else. A caller is told 401 or 403 and nothing more; the log says why.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use axum::http::{HeaderMap, header};
use sentinel_domain::clock::Clock;
use sentinel_function_runtime::http::{Callers, Refusal, Subscription};

use crate::keys::{Keys, KeysError};
use crate::token::{self, Identity, TokenFault};

/// The accounts and subscriptions that may call one function.
#[derive(Debug)]
pub struct GoogleCallers {
    audiences: Vec<String>,
    emails: BTreeSet<String>,
    /// What the name of each subscription begins with that pushes to this function.
    subscriptions: String,
    keys: Keys,
    clock: Arc<dyn Clock>,
}

enum Unbelieved {
    Token(TokenFault),
    Keys(KeysError),
}

impl GoogleCallers {
    /// Returns who may call: the accounts `emails`, with tokens made out to one of `audiences`, and the subscriptions of
    /// `service` in `project`, which are named after it.
    #[must_use]
    pub fn new(
        audiences: Vec<String>,
        emails: BTreeSet<String>,
        (project, service): (&str, &str),
        keys: Keys,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let subscriptions = format!("projects/{project}/subscriptions/{service}-");
        Self { audiences, emails, subscriptions, keys, clock }
    }

    async fn identity(&self, headers: &HeaderMap) -> Result<Identity, Unbelieved> {
        let token = bearer(headers).ok_or(TokenFault::Missing)?;
        let key = match self.keys.key(&token::key_name(token)?).await {
            Ok(key) => key,
            Err(KeysError::Unknown) => return Err(TokenFault::UnknownKey.into()),
            Err(error @ KeysError::Unavailable { .. }) => return Err(Unbelieved::Keys(error)),
        };
        Ok(token::verify(token, &key, &self.audiences, self.clock.now())?)
    }
}

#[async_trait]
impl Callers for GoogleCallers {
    async fn admit(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        match self.identity(headers).await {
            Ok(Identity { email }) if self.emails.contains(&email) => Ok(()),
            Ok(Identity { email }) => {
                tracing::warn!(caller = email, "caller is not in SENTINEL_CALLERS");
                Err(Refusal::forbidden())
            }
            Err(Unbelieved::Token(fault)) => {
                tracing::warn!(error = %fault, "caller is not believed");
                Err(Refusal::unauthorized())
            }
            Err(Unbelieved::Keys(error)) => {
                tracing::warn!(%error, "callers cannot be told apart");
                Err(Refusal::unavailable())
            }
        }
    }

    fn admit_subscription(&self, subscription: &Subscription) -> Result<(), Refusal> {
        if subscription.0.strip_prefix(&self.subscriptions).is_some_and(|rest| !rest.is_empty()) {
            return Ok(());
        }
        let expected = format!("{}…", self.subscriptions);
        tracing::warn!(subscription = shortened(&subscription.0), expected, "subscription is not this function's");
        Err(Refusal::forbidden())
    }
}

/// Returns the token of `Authorization: Bearer TOKEN`; none when there are several such headers.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (value, None) = (values.next()?, values.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

/// What a caller wrote, as far as a log needs it.
fn shortened(text: &str) -> String {
    text.chars().take(200).collect()
}

impl From<TokenFault> for Unbelieved {
    fn from(fault: TokenFault) -> Self {
        Self::Token(fault)
    }
}
