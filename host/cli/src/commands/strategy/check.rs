//! `sentinel strategy check`

use anyhow::Result;
use comfy_table::{Attribute, Cell, Color};
use sentinel_candle_store::load_file;
use sentinel_domain::candles::Candles;
use sentinel_domain::instrument::Instrument;
use sentinel_runtime::{CheckOutcome, CheckReport, CheckRow, RuntimeError, check};
use serde_json::json;

use crate::args::CheckArgs;
use crate::failure::Refused;
use crate::output::{Output, dim};
use crate::strategies::Loader;

pub(super) fn run(args: &CheckArgs, output: &Output) -> Result<()> {
    let candles = candles(args)?;
    let loader = Loader::new(1, output)?;
    let path = loader.component(&args.strategy)?;
    let report = {
        let loaded = match loader.load_file(&path, args.limits_class) {
            // A file that is not there is nobody's fault but the command's; there is nothing to judge.
            Err(error @ RuntimeError::Read { .. }) => return Err(error.into()),
            loaded => loaded,
        };
        let _spinner = output.spinner("trying it out");
        check(loaded, candles.as_ref())
    };
    let is_accepted = report.is_accepted();
    if output.is_json() {
        output.json(&json!({
            "file": path, "accepted": is_accepted, "component_hash": report.component_hash,
            "strategy_id": report.manifest.as_ref().map(|manifest| &manifest.id), "checks": report.rows,
        }))?;
    } else {
        print(&report, &path.display().to_string(), output)?;
    }
    // A verdict is an answer, so it is printed; the exit status is for scripts.
    if is_accepted { Ok(()) } else { Err(Refused.into()) }
}

/// Reads the candles to try it on. Of which market they are means nothing to a check.
fn candles(args: &CheckArgs) -> Result<Option<Candles>> {
    let (Some(path), Some(timeframe)) = (&args.data, args.timeframe) else {
        return Ok(None);
    };
    let instrument = Instrument { exchange: "local".parse()?, symbol: "BTC/USD".parse()? };
    Ok(Some(load_file(path, &instrument, timeframe)?.candles))
}

fn print(report: &CheckReport, path: &str, output: &Output) -> Result<()> {
    let mut table = output.new_table(["", "Check", "What was tried", "Outcome"]);
    for CheckRow { name, tried, outcome } in &report.rows {
        let mark = |mark: &str, color: Color| Cell::new(mark).fg(color).add_attribute(Attribute::Bold);
        let (mark, said) = match outcome {
            CheckOutcome::Passed => (mark("✓", Color::Green), Cell::new("passed")),
            CheckOutcome::Failed { detail } => (mark("✗", Color::Red), Cell::new(detail).fg(Color::Red)),
            CheckOutcome::Warning { detail } => (mark("!", Color::Yellow), Cell::new(detail).fg(Color::Yellow)),
            CheckOutcome::Skipped { reason } => (dim("–"), dim(reason)),
        };
        table.add_row([mark, Cell::new(name), Cell::new(tried), said]);
    }
    output.table(&table)?;
    let name = report.manifest.as_ref().map_or(path, |manifest| manifest.id.as_str());
    let verdict = if report.is_accepted() { "accepted" } else { "refused" };
    let hash = report.component_hash.map_or_else(String::new, |hash| format!("  {}", output.dim(&hash.short())));
    output.line(format!("\n{} is {verdict}.{hash}", output.bold(name)))
}
