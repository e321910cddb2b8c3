//! `sentinel data import`

use anyhow::Result;
use sentinel_candle_store::load_file;
use sentinel_domain::instrument::Instrument;

use super::{on_conflict, store};
use crate::args::ImportArgs;
use crate::home::Home;
use crate::output::Output;

pub(super) fn run(args: &ImportArgs, home: &Home, output: &Output) -> Result<()> {
    let candles = home.candles()?;
    let instrument = Instrument { exchange: args.exchange.clone(), symbol: args.symbol.clone() };
    let loaded = {
        let _spinner = output.spinner(format!("reading {}", args.file.display()));
        load_file(&args.file, &instrument, args.timeframe)?
    };
    if !loaded.columns_ignored.is_empty() {
        output.note(format!("columns that mean nothing here are left out: {}", loaded.columns_ignored.join(", ")));
    }
    store(&loaded.candles, &candles, on_conflict(args.replace), None, output)
}
