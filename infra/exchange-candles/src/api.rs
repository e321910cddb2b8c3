//! What each exchange is asked, and what it answers, in its own documented form.
//!
//! Everything here is a pure function of its inputs; the network is in [`crate::client`].

mod binance;
mod coinbase;
mod kraken;

use std::ops::Range;

use sentinel_domain::instrument::Symbol;
use sentinel_domain::timeframe::{Timeframe, UnixMillis};

use crate::source::Source;

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Query {
    pub(crate) path: String,
    pub(crate) parameters: Vec<(&'static str, String)>,
}

/// One candle as it came, not checked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct RawCandle {
    pub(crate) open_time: UnixMillis,
    pub(crate) open: f64,
    pub(crate) high: f64,
    pub(crate) low: f64,
    pub(crate) close: f64,
    pub(crate) volume: f64,
    pub(crate) volume_delta: Option<f64>,
}

/// What one answer held, in any order.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Page {
    pub(crate) candles: Vec<RawCandle>,
    /// Whether the exchange knows nothing older than the first candle although there may have been some.
    pub(crate) is_end_of_history: bool,
}

/// An answer that holds no candles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The exchange does not trade this.
    UnknownSymbol,
    /// Too many requests, said in the body.
    RateLimited,
    /// The exchange is busy or down, and says so in the body.
    Unavailable(String),
    /// Anything else the exchange says.
    Message(String),
    /// Not in the documented form.
    Malformed(String),
}

impl Source {
    /// Returns how many candles one answer holds at most.
    pub(crate) const fn page_candles(self) -> usize {
        match self {
            Self::Coinbase => coinbase::PAGE_CANDLES,
            Self::Binance => binance::PAGE_CANDLES,
            Self::Kraken => kraken::PAGE_CANDLES,
        }
    }

    /// Returns the exchange's own name for a symbol.
    pub(crate) fn market(self, symbol: &Symbol) -> String {
        match self {
            Self::Coinbase => coinbase::market(symbol),
            Self::Binance => binance::market(symbol),
            Self::Kraken => kraken::market(symbol),
        }
    }

    /// Returns the request for the candles that open in `window`, which holds at most a page of them.
    pub(crate) fn query(self, symbol: &Symbol, timeframe: Timeframe, window: &Range<UnixMillis>) -> Query {
        match self {
            Self::Coinbase => coinbase::query(symbol, timeframe, window),
            Self::Binance => binance::query(symbol, timeframe, window),
            Self::Kraken => kraken::query(symbol, timeframe, window),
        }
    }

    /// Reads an answer with a good status.
    pub(crate) fn read_page(self, body: &[u8]) -> Result<Page, Refusal> {
        match self {
            Self::Coinbase => coinbase::read_page(body),
            Self::Binance => binance::read_page(body),
            Self::Kraken => kraken::read_page(body),
        }
    }

    /// Reads an answer with a bad status that is the asker's fault (4xx).
    pub(crate) fn read_refusal(self, status: u16, body: &[u8]) -> Refusal {
        match self {
            Self::Coinbase => coinbase::read_refusal(status, body),
            Self::Binance => binance::read_refusal(body),
            Self::Kraken => kraken::read_page(body).err().unwrap_or_else(|| Refusal::Message(beginning(body))),
        }
    }
}

/// Returns the first words of an answer, for a message.
pub(crate) fn beginning(body: &[u8]) -> String {
    const CHARS_MAX: usize = 120;
    let text = String::from_utf8_lossy(&body[..body.len().min(4 * CHARS_MAX)]);
    let line: Vec<_> = text.split_whitespace().collect();
    line.join(" ").chars().take(CHARS_MAX).collect()
}

fn malformed(error: &serde_json::Error, body: &[u8]) -> Refusal {
    Refusal::Malformed(format!("{error}, in \"{}\"", beginning(body)))
}

/// Reads a decimal text as exchanges write it.
fn number(text: &str) -> Result<f64, Refusal> {
    text.parse().map_err(|_| Refusal::Malformed(format!("\"{text}\" is no number")))
}
