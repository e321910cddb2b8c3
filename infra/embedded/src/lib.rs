//! The stores of a laptop: nothing to install, nothing to start, files in one folder.
//!
//! [`warehouse`] implements the domain's warehouse port on DuckDB. What is absent: rules of trading, and anything that
//! reaches another machine.

pub mod warehouse;
