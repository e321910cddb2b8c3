//! The exchanges that candles are fetched from, and how to treat them.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use sentinel_candle_store::OnConflict;
use sentinel_domain::instrument::Exchange;
use sentinel_domain::timeframe::Timeframe;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// An exchange with public candles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// Coinbase Exchange: `GET /products/{id}/candles`.
    Coinbase,
    /// Binance spot: `GET /api/v3/klines`.
    Binance,
    /// Kraken spot: `GET /0/public/OHLC`, which knows the last 720 candles only.
    Kraken,
}

impl Source {
    /// Every source.
    pub const ALL: [Self; 3] = [Self::Coinbase, Self::Binance, Self::Kraken];

    /// Returns the name that people write: `coinbase`, `binance`, `kraken`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Coinbase => "coinbase",
            Self::Binance => "binance",
            Self::Kraken => "kraken",
        }
    }

    /// Returns the exchange under which its candles are stored.
    ///
    /// # Panics
    /// Never: the names are those of exchanges.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test parses every name")]
    pub fn exchange(self) -> Exchange {
        self.as_str().parse().expect("a plain lower-case name")
    }

    /// Returns the timeframe that is asked for to get candles of `timeframe`: another one where the exchange does not
    /// have it, and the candles are then made of the finer ones.
    #[must_use]
    pub const fn fetched_timeframe(self, timeframe: Timeframe) -> Timeframe {
        match (self, timeframe) {
            (Self::Coinbase, Timeframe::H4) => Timeframe::H1,
            _ => timeframe,
        }
    }

    /// Returns the environment variable that names another server to ask, such as `SENTINEL_BINANCE_URL`.
    #[must_use]
    pub const fn url_variable(self) -> &'static str {
        match self {
            Self::Coinbase => "SENTINEL_COINBASE_URL",
            Self::Binance => "SENTINEL_BINANCE_URL",
            Self::Kraken => "SENTINEL_KRAKEN_URL",
        }
    }

    const fn url(self) -> &'static str {
        match self {
            Self::Coinbase => "https://api.exchange.coinbase.com",
            Self::Binance => "https://api.binance.com",
            Self::Kraken => "https://api.kraken.com",
        }
    }

    /// Stays below what each exchange allows one address: Coinbase 10 requests a second; Binance a weight of 6,000 a
    /// minute, of which a page of candles takes 2; Kraken about 1 a second.
    const fn requests_per_second(self) -> u32 {
        match self {
            Self::Coinbase => 8,
            Self::Binance => 20,
            Self::Kraken => 1,
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A text that names no source.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("unknown source \"{0}\": use one of coinbase, binance, kraken")]
pub struct UnknownSource(String);

impl FromStr for Source {
    type Err = UnknownSource;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|source| source.as_str() == text).ok_or_else(|| UnknownSource(text.to_owned()))
    }
}

/// How to ask.
#[derive(Debug, Clone, PartialEq)]
pub struct FetchOptions {
    /// The server, without a path.
    pub base_url: String,
    /// At most so many requests a second; at least 1.
    pub requests_per_second: u32,
    /// How long one request may take.
    pub request_timeout: Duration,
    /// How often a request is tried again after a failure that may pass.
    pub retries_max: usize,
    /// The first wait before trying again; each next one is about twice as long.
    pub retry_delay_min: Duration,
    /// The longest such wait.
    pub retry_delay_max: Duration,
    /// The longest wait that the exchange may ask for; beyond it the download stops and says so.
    pub retry_after_max: Duration,
    /// What to do when the exchange now says something else about a stored candle. To find out, replacing asks for the
    /// whole range, also for what is stored.
    pub on_conflict: OnConflict,
}

impl FetchOptions {
    /// Returns how to ask the exchange itself.
    #[must_use]
    pub fn new(source: Source) -> Self {
        Self {
            base_url: source.url().to_owned(),
            requests_per_second: source.requests_per_second(),
            request_timeout: Duration::from_secs(30),
            retries_max: 6,
            retry_delay_min: Duration::from_millis(500),
            retry_delay_max: Duration::from_secs(30),
            retry_after_max: Duration::from_mins(2),
            on_conflict: OnConflict::Refuse,
        }
    }

    /// Returns how to ask the exchange, or the server that [`Source::url_variable`] names.
    #[must_use]
    pub fn from_environment(source: Source) -> Self {
        let mut options = Self::new(source);
        if let Ok(url) = std::env::var(source.url_variable())
            && !url.is_empty()
        {
            options.base_url = url;
        }
        options
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_are_exchanges() {
        for source in Source::ALL {
            assert_eq!(source.to_string().parse(), Ok(source));
            assert_eq!(source.exchange().as_str(), source.as_str());
        }
        assert!("mtgox".parse::<Source>().unwrap_err().to_string().contains("coinbase, binance, kraken"));
    }
}
