//! `sentinel data simulate`

use anyhow::Result;
use sentinel_candle_store::simulated::{self, SimulatedMarket};
use sentinel_domain::money::to_f64;

use super::{on_conflict, store};
use crate::args::SimulateArgs;
use crate::failure::usage;
use crate::home::Home;
use crate::output::Output;

/// Nineteen years of one-minute candles.
const BARS_MAX: i64 = 10_000_000;

pub(super) fn run(args: &SimulateArgs, home: &Home, output: &Output) -> Result<()> {
    let candles = home.candles()?;
    let bars = (args.to - args.timeframe.candle_open(args.from)) / args.timeframe.millis();
    if bars < 1 {
        return Err(usage(format_args!("no whole {} candle lies between --from and --to", args.timeframe)));
    }
    if bars > BARS_MAX {
        return Err(usage(format_args!("that are {bars} candles, at most {BARS_MAX} can be simulated at once")));
    }
    let market = SimulatedMarket {
        instrument: simulated::instrument(args.symbol.clone())?,
        timeframe: args.timeframe,
        from: args.from,
        bars: usize::try_from(bars).unwrap_or(usize::MAX),
        price_start: to_f64(args.price),
        seed: args.seed,
    };
    let made_up = {
        let _spinner = output.spinner("simulating a market");
        market.candles()?
    };
    store(&made_up, &candles, on_conflict(args.replace), Some(args.seed), output)?;
    output.note(format!("these candles are made up, from seed {}; no market ever traded them", args.seed));
    Ok(())
}
