//! What can go wrong with a download.

use std::time::Duration;

use sentinel_candle_store::StoreError;
use sentinel_domain::candles::resample::ResampleError;
use sentinel_domain::candles::{CandleError, format_time};
use sentinel_domain::instrument::Symbol;
use sentinel_domain::timeframe::{Timeframe, UnixMillis};
use thiserror::Error;

use crate::source::Source;

/// A download that did not finish. Pages that came before are stored, and the next run goes on behind them.
#[derive(Debug, Error)]
pub enum FetchError {
    /// Nothing can be in the range.
    #[error("no {timeframe} candle opens at or after {} and has closed before {}; choose a longer range",
        format_time(*from), format_time(*to))]
    EmptyRange {
        /// The timeframe.
        timeframe: Timeframe,
        /// The beginning of the range.
        from: UnixMillis,
        /// Its end, or now.
        to: UnixMillis,
    },
    /// The exchange does not trade the symbol.
    #[error(
        "{source_name} has no {symbol} (asked for as {market}); see its list of markets for how it is called there"
    )]
    UnknownSymbol {
        /// The exchange.
        source_name: Source,
        /// The symbol.
        symbol: Symbol,
        /// The exchange's name for it.
        market: String,
    },
    /// The exchange does not serve candles that old.
    #[error("{source_name} serves only its last {served} {timeframe} candles, now those from {}, not from {}; \
        ask for a later beginning, or import older candles from a file", format_time(*earliest), format_time(*from))]
    BeyondHistory {
        /// The exchange.
        source_name: Source,
        /// The timeframe.
        timeframe: Timeframe,
        /// How many candles it serves.
        served: usize,
        /// The first time that was asked for and is not stored.
        from: UnixMillis,
        /// The first time that is served.
        earliest: UnixMillis,
    },
    /// The exchange asks for a longer wait than is allowed.
    #[error("{source_name} asks to wait {} s before the next request; do it again then, it goes on where it stopped",
        wait.as_secs())]
    RateLimited {
        /// The exchange.
        source_name: Source,
        /// How long to wait.
        wait: Duration,
    },
    /// The exchange refuses this place.
    #[error("{source_name} does not serve this place (status {status}); name another of its servers with {}{}",
        source_name.url_variable(), if *source_name == Source::Binance {
            ", such as https://data-api.binance.vision" } else { ", or use another source" })]
    Blocked {
        /// The exchange.
        source_name: Source,
        /// The status of the answer.
        status: u16,
    },
    /// The exchange refuses the request.
    #[error("{source_name} refuses the request: {message} (status {status})")]
    Refused {
        /// The exchange.
        source_name: Source,
        /// The status of the answer.
        status: u16,
        /// What it says.
        message: String,
    },
    /// No good answer, however often it was tried.
    #[error("{source_name} cannot be reached at {base_url}: {reason} ({} tried); \
        do it again, it goes on where it stopped", times(*tries))]
    Unreachable {
        /// The exchange.
        source_name: Source,
        /// The server.
        base_url: String,
        /// What went wrong the last time.
        reason: String,
        /// How often it was tried.
        tries: usize,
    },
    /// An answer that is not in the documented form.
    #[error(
        "{source_name} answers with something that is no page of candles: {problem}; \
        is {base_url} its server?"
    )]
    Malformed {
        /// The exchange.
        source_name: Source,
        /// The server.
        base_url: String,
        /// What is wrong.
        problem: String,
    },
    /// A candle that breaks the rules of candles.
    #[error("{source_name} answers with a candle that is none: {source}")]
    BadCandle {
        /// The exchange.
        source_name: Source,
        /// What is wrong.
        source: CandleError,
    },
    /// The candles cannot be stored or read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The candles cannot be made of the fetched ones.
    #[error(transparent)]
    Resample(#[from] ResampleError),
    /// The machine lacks something that requests need.
    #[error("cannot make requests on this machine: {0}")]
    Setup(String),
}

fn times(count: usize) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}
