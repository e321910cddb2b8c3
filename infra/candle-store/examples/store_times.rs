//! Prints how long reading, storing, resampling and listing a file of one-minute candles takes.
//!
//! `cargo run --release -p sentinel-candle-store --example store_times -- FILE.csv.gz`
#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "a measurement for people")]

use std::error::Error;
use std::time::Instant;

use sentinel_candle_store::{CandleStore, OnConflict, load_file};
use sentinel_domain::candles::gaps::{GapPolicy, apply};
use sentinel_domain::candles::resample::resample;
use sentinel_domain::instrument::Instrument;
use sentinel_domain::timeframe::Timeframe;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("name a file of one-minute candles")?;
    let instrument = Instrument { exchange: "bitfinex".parse()?, symbol: "BTC/USD".parse()? };
    let folder = tempfile::tempdir()?;
    let store = CandleStore::open(folder.path())?;

    let loaded = timed("load_file", || load_file(path.as_ref(), &instrument, Timeframe::M1))?;
    let came = loaded.candles;
    let (candles, report) = timed("gaps flat", || apply(came.clone(), GapPolicy::Flat))?;
    println!("{:>44} bars, {} filled", candles.len(), report.missing());
    for to in [Timeframe::M5, Timeframe::H1, Timeframe::D1] {
        let coarse = timed(&format!("resample to {to}"), || resample(&candles, to))?;
        println!("{:>44} bars", coarse.candles.len());
    }
    timed("store.write", || store.write(&candles, OnConflict::Refuse))?;
    timed("store.write again", || store.write(&candles, OnConflict::Refuse))?;
    let back = timed("store.read", || store.read(&instrument, Timeframe::M1, ..))?;
    assert_eq!(back, candles);
    let listed = timed("store.list", || store.list())?;
    println!("{listed:#?}");
    let parquet = folder.path().join("candles/exchange=bitfinex/symbol=BTC-USD/timeframe=1m/year=2019.parquet");
    timed("load_file parquet", || load_file(&parquet, &instrument, Timeframe::M1))?;
    Ok(())
}

/// Runs `work` five times and prints the fastest.
fn timed<T, E>(what: &str, mut work: impl FnMut() -> Result<T, E>) -> Result<T, E> {
    let mut fastest = f64::MAX;
    let mut result = None;
    for _ in 0..5 {
        let start = Instant::now();
        result = Some(work()?);
        fastest = fastest.min(start.elapsed().as_secs_f64());
    }
    println!("{what:<24} {:>10.2} ms", fastest * 1e3);
    result.map_or_else(work, Ok)
}
