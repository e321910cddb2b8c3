//! Candles in files.
//!
//! [`load_file`] reads one CSV or Parquet file. [`CandleStore`] keeps series of candles in a data folder as Parquet,
//! partitioned by exchange, symbol, timeframe and year, so that other tools read them as they lie. [`simulated`] makes
//! candles up where there are none, and says so in their exchange's name.
//!
//! Whatever leaves this crate is a checked [`sentinel_domain::candles::Candles`]. What is absent: no network (see
//! `sentinel-exchange-candles`), no clock, no decision about gaps (see [`sentinel_domain::candles::gaps`]).

mod file;
mod parquet_file;
mod rows;
pub mod simulated;
mod store;

pub use file::error::FileError;
pub use file::{LoadedFile, load_file};
pub use store::error::{Difference, StoreError};
pub use store::{CandleStore, OnConflict, SeriesName, StoredSeries, WriteReport};
