//! `sentinel data …`

mod fetch;
mod import;
mod list;
mod simulate;

use anyhow::Result;
use sentinel_candle_store::{CandleStore, OnConflict, WriteReport};
use sentinel_domain::candles::{Candles, format_time, gaps};
use serde_json::json;

use crate::args::DataCommand;
use crate::format;
use crate::home::Home;
use crate::output::Output;

pub(super) fn run(command: &DataCommand, home: &Home, output: &Output) -> Result<()> {
    match command {
        DataCommand::Import(args) => import::run(args, home, output),
        DataCommand::List => list::run(home, output),
        DataCommand::Fetch(args) => fetch::run(args, home, output),
        DataCommand::Simulate(args) => simulate::run(args, home, output),
    }
}

const fn on_conflict(replace: bool) -> OnConflict {
    if replace { OnConflict::Replace } else { OnConflict::Refuse }
}

/// Stores candles and says what came of it.
fn store(
    candles: &Candles,
    store: &CandleStore,
    on_conflict: OnConflict,
    seed: Option<u64>,
    output: &Output,
) -> Result<()> {
    let report = {
        let _spinner = output.spinner("storing");
        store.write(candles, on_conflict)?
    };
    let gaps = gaps::find_gaps(candles);
    let missing: usize = gaps.iter().map(|gap| gap.missing).sum();
    let (from, to) = (candles.columns().open_time[0], candles.close_time(candles.len() - 1));
    let instrument = candles.instrument();
    if output.is_json() {
        let WriteReport { added, unchanged, completed, replaced } = report;
        let mut value = json!({
            "exchange": instrument.exchange, "symbol": instrument.symbol, "timeframe": candles.timeframe(),
            "from": format_time(from), "to": format_time(to), "bars": candles.len(),
            "gaps": gaps.len(), "missing": missing,
            "added": added, "unchanged": unchanged, "completed": completed, "replaced": replaced,
            "data_dir": store.path(),
        });
        if let Some(seed) = seed {
            value["simulated"] = json!({ "seed": seed });
        }
        return output.json(&value);
    }
    output.line(format!(
        "{} {}  {} from {} to {}",
        output.bold(&instrument.to_string()),
        candles.timeframe(),
        format::counted(candles.len(), "candle"),
        format::moment(from),
        format::moment(to)
    ))?;
    output.line(format!("  {} in {}", describe(report), store.path().display()))?;
    if missing > 0 {
        output.line(format!(
            "  {} missing in {}: a backtest wants to know what to do about them (--gaps)",
            format::counted(missing, "candle"),
            format::counted(gaps.len(), "gap")
        ))?;
    }
    Ok(())
}

/// Says what a write did.
fn describe(report: WriteReport) -> String {
    let WriteReport { added, unchanged, completed, replaced } = report;
    let parts = [(added, "added"), (unchanged, "there before"), (completed, "completed"), (replaced, "replaced")];
    let parts: Vec<_> = parts
        .into_iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, what)| format!("{} {what}", format::count(n as u64)))
        .collect();
    if parts.is_empty() { "nothing new".to_owned() } else { parts.join(", ") }
}
