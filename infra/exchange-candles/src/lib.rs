//! Candles from the public endpoints of exchanges.
//!
//! [`fetch`] asks an exchange for the closed candles of a range, page by page, and puts each page into the
//! [`sentinel_candle_store::CandleStore`] as it comes. It asks only for what the store does not cover yet, so a second
//! run goes on where the first stopped. It keeps to the exchange's rate, waits when told to, tries again after
//! failures that pass, and never takes a candle that is still open.
//!
//! What is absent: no account and no key (see the broker crates), no clock (it is passed in), no decision about gaps.

mod api;
mod client;
mod error;
mod fetch;
#[cfg(feature = "local-exchange")]
pub mod local_exchange;
mod source;

pub use error::FetchError;
pub use fetch::{FetchReport, FetchRequest, Progress, fetch};
pub use source::{FetchOptions, Source, UnknownSource};
