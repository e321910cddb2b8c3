//! `sentinel data fetch`

use anyhow::Result;
use sentinel_candle_store::CandleStore;
use sentinel_domain::candles::format_time;
use sentinel_exchange_candles::{FetchOptions, FetchReport, FetchRequest, Progress, fetch};
use serde_json::json;

use super::{describe, on_conflict};
use crate::args::FetchArgs;
use crate::failure::usage;
use crate::format;
use crate::home::Home;
use crate::output::Output;
use crate::stopwatch;

pub(super) fn run(args: &FetchArgs, home: &Home, output: &Output) -> Result<()> {
    if args.from >= args.to {
        return Err(usage("--from is not before --to; no candle lies between"));
    }
    let store = home.candles()?;
    let usual = FetchOptions::from_environment(args.source);
    let request = FetchRequest {
        source: args.source,
        symbol: args.symbol.clone(),
        timeframe: args.timeframe,
        range: args.from..args.to,
        options: FetchOptions {
            base_url: args.base_url.clone().unwrap_or(usual.base_url),
            retries_max: args.retries,
            on_conflict: on_conflict(args.replace),
            ..usual
        },
    };

    let what = format!("{} {} from {}", args.symbol, args.timeframe, args.source);
    let progress = output.way(what);
    let report = fetch(&request, &store, &stopwatch::now, &mut |event| match event {
        Progress::Page { range, stored_until, .. } => {
            progress.part(millis(stored_until - range.start), millis(range.end - range.start));
        }
        Progress::Retry { reason, wait } => {
            progress.say(&format!("{reason}; trying again in {:.1} s", wait.as_secs_f64()));
        }
    })?;
    drop(progress);

    if report.off_grid > 0 {
        output.warning(format!(
            "{} left out: {} opened between two boundaries of {}",
            format::counted(report.off_grid, "candle"),
            args.source,
            report.timeframe
        ));
    }
    if output.is_json() { output.json(&as_json(&report, &store)) } else { print(&report, &store, output) }
}

fn print(report: &FetchReport, store: &CandleStore, output: &Output) -> Result<()> {
    output.line(format!(
        "{} {}  {} to {}",
        output.bold(&report.instrument.to_string()),
        report.timeframe,
        format::moment(report.range.start),
        format::moment(report.range.end)
    ))?;
    let made_of =
        report.made_of.map_or_else(String::new, |finer| format!(", made of {finer} candles, which are stored too"));
    output.line(format!(
        "  {} in {}, {}{made_of}",
        describe(report.written),
        store.path().display(),
        format::counted(report.pages, "request")
    ))
}

fn as_json(report: &FetchReport, store: &CandleStore) -> serde_json::Value {
    json!({
        "exchange": report.instrument.exchange, "symbol": report.instrument.symbol, "timeframe": report.timeframe,
        "from": format_time(report.range.start), "to": format_time(report.range.end),
        "added": report.written.added, "unchanged": report.written.unchanged,
        "completed": report.written.completed, "replaced": report.written.replaced,
        "requests": report.pages, "retries": report.retries, "off_grid": report.off_grid, "made_of": report.made_of,
        "data_dir": store.path(),
    })
}

fn millis(length: i64) -> u64 {
    u64::try_from(length).unwrap_or(0)
}
