//! The broker and its market data over Alpaca's REST interface, and its updates of orders by websocket.
//!
//! [`AlpacaClient`] implements [`sentinel_domain::broker::Broker`] and [`sentinel_domain::market_data::MarketData`]. It
//! keeps to 200 requests a minute, waits as long as the broker asks, and tries again only where that is safe: questions
//! always; an order only after a look under its own id has shown that it is not there. Money is read as decimals, never
//! through a float.
//!
//! [`TradeStream`] hears by websocket that something happened to an order, which is a reason to ask and no more.
//!
//! What is absent: the stream of prices, stocks and options, and any clock: how long to wait is read from the answer.

mod client;
mod config;
mod data;
mod forms;
mod http;
mod trading;
mod updates;

pub use client::AlpacaClient;
pub use config::{AlpacaConfig, Credentials};
pub use updates::TradeStream;
