//! Real candles, which are not part of the repository.

use std::path::{Path, PathBuf};

use sentinel_candle_store::load_file;
use sentinel_domain::candles::Candles;
use sentinel_domain::instrument::Instrument;
use sentinel_domain::timeframe::Timeframe;

/// Returns the folder named by `SENTINEL_DATA`, or says that the test skips itself.
#[must_use]
pub fn folder(test: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("SENTINEL_DATA").map(PathBuf::from).filter(|folder| folder.is_dir());
    if folder.is_none() {
        eprintln!("SKIPPED {test}: SENTINEL_DATA names no folder of candles");
    }
    folder
}

/// Returns the candles of one file.
///
/// # Panics
/// When the file is not there or not what it should be.
#[must_use]
pub fn candles(folder: &Path, file: &str, timeframe: Timeframe) -> Candles {
    let instrument = instrument();
    load_file(&folder.join(file), &instrument, timeframe).unwrap_or_else(|error| panic!("{file}: {error}")).candles
}

/// Returns the candles of one file, of another symbol than the tests' own.
///
/// # Panics
/// When the file is not there or not what it should be.
#[must_use]
pub fn candles_of(folder: &Path, file: &str, symbol: &str, timeframe: Timeframe) -> Candles {
    let symbol = symbol.parse().unwrap_or_else(|error| panic!("{symbol}: {error}"));
    let instrument = Instrument { symbol, ..instrument() };
    load_file(&folder.join(file), &instrument, timeframe).unwrap_or_else(|error| panic!("{file}: {error}")).candles
}

/// Returns the instrument under which tests run.
///
/// # Panics
/// Never.
#[must_use]
pub fn instrument() -> Instrument {
    let (Ok(exchange), Ok(symbol)) = ("binance".parse(), "BTC/USDT".parse()) else { unreachable!("both are names") };
    Instrument { exchange, symbol }
}
