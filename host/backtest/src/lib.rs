//! The decisions of the domain on a simulated clock: backtests, sweeps, metrics and the report.

pub mod metrics;
pub mod result;
