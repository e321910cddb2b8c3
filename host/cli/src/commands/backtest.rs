//! `sentinel backtest`

use std::path::Path;

use anyhow::{Context, Result, anyhow};
use sentinel_backtest::json::RunFile;
use sentinel_backtest::report;
use sentinel_backtest::rows::RunRows;
use sentinel_backtest::run::{Backtest, Signals};

use super::{start_threads, summary};
use crate::args::{BacktestArgs, LookaheadCheck};
use crate::assembly::{assemble, notes};
use crate::failure::sentence;
use crate::home::Home;
use crate::output::Output;
use crate::plan::Plan;
use crate::stopwatch::timed;
use crate::strategies::Loader;
use crate::verdicts::CachedVerdicts;
use crate::{as_recorded, saved, warehoused, whole_file};

pub(super) fn run(args: &BacktestArgs, home: &Home, output: &Output) -> Result<()> {
    args.report.as_deref().map_or(Ok(()), check_folder)?;
    let backtest = if args.as_recorded {
        as_recorded::assemble(args, start_threads(args.run.threads)?, home, output)?
    } else {
        let plan = Plan::new(&args.run)?;
        let loader = Loader::new(start_threads(args.run.threads)?, output)?;
        assemble(&plan, home, &loader, output)?
    };

    let spinner = output.spinner("running");
    let (ran, elapsed) = timed(|| backtest.run_and_tell());
    let (result, signals, states) = ran?;
    drop(spinner);
    let lookahead_verified = args.lookahead_check == LookaheadCheck::On;
    if lookahead_verified {
        verify(&backtest, &signals, output)?;
    }

    let mut run = RunFile::new(&result, lookahead_verified);
    let candles: Vec<_> = backtest.series().iter().map(|series| series.candles().as_ref()).collect();
    let notes = notes(&backtest);
    let extras = report::Extras { lookahead_verified, notes: notes.clone() };
    let is_wanted = !args.no_save || args.report.is_some();
    let page = if is_wanted { report::render(&result, &candles, &extras) } else { String::new() };
    let saved = (!args.no_save).then(|| saved::save(home, &run, &page));
    if let Some(path) = &args.report {
        whole_file::write(path, page.as_bytes())?;
    }

    run.run_seconds = Some(elapsed.as_secs_f64());
    if output.is_json() {
        output.line(run.to_json().trim_end())?;
    } else {
        let report = args.report.clone().or_else(|| Some(saved.as_ref()?.as_ref().ok()?.join("report.html")));
        let (series, report) = (backtest.series(), report.as_deref());
        summary::print(&summary::Summary { result: &result, run: &run, series, notes: &notes, report }, output)?;
    }
    match saved {
        Some(Err(error)) if args.save => return Err(error.context("the run is not saved")),
        Some(Err(error)) => {
            output.warning(format!("the run is not saved: {}; --no-save does without", sentence(&error)));
        }
        Some(Ok(_)) | None => {}
    }
    if args.save {
        let _spinner = output.spinner("writing to the warehouse");
        let rows = RunRows::of(&backtest, &result, &signals, &states, &run);
        warehoused::save(home, &rows).context("the run is not in the warehouse")?;
    }
    Ok(())
}

/// A run of minutes should not end with a report that has nowhere to go.
fn check_folder(report: &Path) -> Result<()> {
    match report.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) if !folder.is_dir() => {
            Err(anyhow!("cannot write {}: there is no folder {}; make it first", report.display(), folder.display()))
        }
        _ => Ok(()),
    }
}

/// Makes every decision again bar by bar, unless that was done before.
fn verify(backtest: &Backtest, signals: &Signals, output: &Output) -> Result<()> {
    let verdicts = CachedVerdicts::new();
    let progress = output.progress("checking for lookahead", backtest.bars() as u64);
    backtest.verify_lookahead(signals, &verdicts, |bars| progress.steps(bars))?;
    Ok(())
}
