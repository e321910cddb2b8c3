//! Where the broker is, and how patient to be with it.

use std::fmt;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

/// The keys of an account, neither of which is ever printed.
#[derive(Clone)]
pub struct Credentials {
    /// Key id.
    pub key_id: String,
    /// Secret key.
    pub secret: SecretString,
}

/// What is shorter is no key of Alpaca's, and taking it out would take words out of sentences.
const KEY_MIN_BYTES: usize = 8;

impl Credentials {
    /// Returns `text` with the keys blacked out.
    pub(crate) fn taken_out_of(&self, text: &str) -> String {
        let keys = [self.secret.expose_secret(), self.key_id.as_str()];
        let keys = keys.into_iter().filter(|key| key.len() >= KEY_MIN_BYTES);
        keys.fold(text.to_owned(), |text, key| text.replace(key, "[REDACTED]"))
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}

/// How to reach the broker.
#[derive(Debug, Clone)]
pub struct AlpacaConfig {
    /// Base URL of the trading interface, without `/v2`.
    pub trading_url: String,
    /// Base URL of the market data interface, without `/v1beta3`.
    pub data_url: String,
    /// The exchange that crypto data come from: `us`, `us-1`, `us-2`, `eu-1` or `bs-1`.
    pub data_location: String,
    /// The keys; `None` for prices alone, which crypto needs no account for.
    pub credentials: Option<Credentials>,
    /// Requests a minute.
    pub requests_per_minute: u32,
    /// How long to wait for an answer.
    pub request_timeout: Duration,
    /// How long to wait for a connection.
    pub connect_timeout: Duration,
    /// How often to try again after the first time.
    pub retries_max: usize,
    /// The first wait between two tries; later ones are longer.
    pub retry_delay_min: Duration,
    /// The longest wait between two tries.
    pub retry_delay_max: Duration,
    /// The longest wait that the broker may ask for; beyond it the caller hears of it.
    pub retry_after_max: Duration,
    /// How long the connection that tells of updates may be silent, though it is asked whether it is there.
    pub silence_max: Duration,
    /// The longest wait before that connection is tried again.
    pub reconnect_delay_max: Duration,
}

impl AlpacaConfig {
    const PAPER_URL: &str = "https://paper-api.alpaca.markets";
    const LIVE_URL: &str = "https://api.alpaca.markets";
    const DATA_URL: &str = "https://data.alpaca.markets";

    fn new(trading_url: &str, data_url: &str, credentials: Option<Credentials>) -> Self {
        Self {
            trading_url: trading_url.to_owned(),
            data_url: data_url.to_owned(),
            data_location: "us".to_owned(),
            credentials,
            requests_per_minute: 200,
            request_timeout: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(5),
            retries_max: 4,
            retry_delay_min: Duration::from_millis(200),
            retry_delay_max: Duration::from_secs(5),
            retry_after_max: Duration::from_secs(90),
            silence_max: Duration::from_secs(40),
            reconnect_delay_max: Duration::from_secs(60),
        }
    }

    /// Returns the way to an account with play money.
    #[must_use]
    pub fn paper(credentials: Credentials) -> Self {
        Self::new(Self::PAPER_URL, Self::DATA_URL, Some(credentials))
    }

    /// Returns the way to an account with real money.
    #[must_use]
    pub fn live(credentials: Credentials) -> Self {
        Self::new(Self::LIVE_URL, Self::DATA_URL, Some(credentials))
    }

    /// Returns the way to the prices of crypto, which ask for no keys.
    #[must_use]
    pub fn prices() -> Self {
        Self::new(Self::PAPER_URL, Self::DATA_URL, None)
    }

    /// Returns the way to a broker on this machine, which asks for no keys and counts no requests.
    #[must_use]
    pub fn local(url: &str) -> Self {
        let credentials = Credentials { key_id: "local".to_owned(), secret: "local".to_owned().into() };
        let unlimited = 6_000_000;
        Self {
            requests_per_minute: unlimited,
            retry_delay_min: Duration::from_millis(10),
            retry_delay_max: Duration::from_millis(200),
            reconnect_delay_max: Duration::from_secs(1),
            ..Self::new(url, url, Some(credentials))
        }
    }
}
