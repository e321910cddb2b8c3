//! `sentinel backtest`

use std::path::Path;

use anyhow::{Result, anyhow};
use sentinel_backtest::json::RunFile;
use sentinel_backtest::run::Backtest;

use super::{start_threads, summary};
use crate::args::{BacktestArgs, LookaheadCheck};
use crate::assembly::{assemble, notes};
use crate::home::Home;
use crate::output::Output;
use crate::plan::Plan;
use crate::stopwatch::timed;
use crate::strategies::Loader;
use crate::{saved, whole_file};

pub(super) fn run(args: &BacktestArgs, home: &Home, output: &Output) -> Result<()> {
    args.report.as_deref().map_or(Ok(()), check_folder)?;
    let plan = Plan::new(&args.run)?;
    let loader = Loader::new(start_threads(args.run.threads)?, output)?;
    let backtest = assemble(&plan, home, &loader, output)?;

    let spinner = output.spinner("running");
    let (result, elapsed) = timed(|| backtest.run());
    let result = result?;
    drop(spinner);
    let lookahead_verified = match args.lookahead_check {
        LookaheadCheck::On => verify(&backtest, output)?,
        LookaheadCheck::Off => false,
    };

    let mut run = RunFile::new(&result, lookahead_verified);
    let candles: Vec<_> = backtest.series().iter().map(|series| series.candles().as_ref()).collect();
    let notes = notes(&backtest);
    let _ = &candles; let page = String::new();
    let saved = if args.no_save { None } else { Some(saved::save(home, &run, &page)) };
    if let Some(path) = &args.report {
        whole_file::write(path, page.as_bytes())?;
    }

    run.run_seconds = Some(elapsed.as_secs_f64());
    if output.is_json() {
        output.line(run.to_json().trim_end())?;
    } else {
        let report = args.report.clone().or_else(|| Some(saved.as_ref()?.as_ref().ok()?.join("report.html")));
        summary::print(&summary::Summary { result: &result, run: &run, notes: &notes, report: report.as_deref() }, output)?;
    }
    match saved {
        Some(Err(error)) if args.save => Err(error.context("the run is not saved")),
        Some(Err(error)) => {
            output.warning(format!("the run is not saved: {error:#}; --no-save does without"));
            Ok(())
        }
        Some(Ok(_)) | None => Ok(()),
    }
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

fn verify(_backtest: &Backtest, _output: &Output) -> Result<bool> {
    Ok(false)
}
