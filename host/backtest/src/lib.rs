//! The decisions of the domain on a simulated clock: backtests, sweeps, metrics and the report.
//!
//! Start with [`run::Backtest`]: it takes candles ([`market::MarketSeries`]), strategies ([`market::StrategySetup`]) and
//! an account, and gives a [`result::BacktestResult`]. Within it, `evaluate` asks the sandboxed strategies for their
//! signals, session by session and in parallel, and `simulate` walks one account through time with them.
//! What is absent: no files, no clock, no randomness, no printing.

pub mod compare;
pub mod json;
pub mod lookahead;
pub mod market;
pub mod metrics;
mod recorded;
pub mod report;
pub mod result;
pub mod rows;
pub mod run;
mod simulate;
pub mod sweep;
#[cfg(test)]
mod test_candles;
mod timeline;
mod watch;

pub use sentinel_metrics::moments;
