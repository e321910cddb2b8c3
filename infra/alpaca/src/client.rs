//! The client: one for an account, shared by all who use it, so that they share its rate.

use std::num::NonZeroU32;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use reqwest::{Client, redirect};
use sentinel_domain::broker::BrokerError;

use crate::config::AlpacaConfig;

/// An account at Alpaca, or at a broker that speaks like it.
pub struct AlpacaClient {
    pub(crate) config: AlpacaConfig,
    pub(crate) http: Client,
    pub(crate) pace: DefaultDirectRateLimiter,
}

impl std::fmt::Debug for AlpacaClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AlpacaClient").field("config", &self.config).finish_non_exhaustive()
    }
}

impl AlpacaClient {
    /// Makes a client; nothing is sent yet.
    ///
    /// # Errors
    /// When the machine lacks what TLS needs.
    pub fn new(config: AlpacaConfig) -> Result<Self, BrokerError> {
        // Fails only where one is installed already, which then is used.
        drop(rustls::crypto::ring::default_provider().install_default());
        let mut http = Client::builder()
            .user_agent(concat!("crypto-sentinel/", env!("CARGO_PKG_VERSION")))
            // Only headers that it knows for secrets are left out when it is sent to another host; the keys are not.
            .redirect(redirect::Policy::none())
            .connect_timeout(config.connect_timeout)
            .timeout(config.request_timeout);
        if config.trading_url.starts_with("http://") && config.data_url.starts_with("http://") {
            // A server without TLS is asked also on a machine without certificates.
            http = http.tls_certs_only([]);
        }
        let http = http.build().map_err(|error| BrokerError::Unavailable {
            base_url: config.trading_url.clone(),
            reason: format!("{error}; are root certificates installed (ca-certificates)?"),
        })?;
        let per_minute = NonZeroU32::new(config.requests_per_minute).unwrap_or(NonZeroU32::MIN);
        let pace = RateLimiter::direct(Quota::per_minute(per_minute));
        Ok(Self { config, http, pace })
    }
}
