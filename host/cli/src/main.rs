//! The binary `sentinel`: write, build, check and backtest strategies on this machine.
//!
//! Start with `args`, which is the whole command line, then `commands`, one module for each command. What is
//! absent: rules of trading, statistics and formats of files; they live in the libraries this binary puts together.
//! No command but `data fetch`, the first build of a Python or JavaScript strategy, and whatever is said with `--target
//! cloud` uses the network.

mod account;
mod args;
mod as_recorded;
mod assembly;
mod building;
mod cloud;
mod commands;
mod failure;
mod format;
mod home;
mod laptop;
mod local_broker;
mod markets;
mod output;
mod place;
mod plan;
mod saved;
mod simulated_time;
mod stopwatch;
mod strategies;
mod verdicts;
mod warehoused;
mod whole_file;

use std::process::ExitCode;

use clap::Parser;

use args::Cli;
use failure::Failure;
use output::Output;

/// A backtest takes and gives back tens of megabytes; the system's allocator returns each to the kernel and faults it in
/// anew.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let output = Output::new(cli.json);
    let result = failure::without_panics(|| commands::run(cli, &output).and_then(|()| output.finish()));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let failure = Failure::of(&error);
            if let Some(sentence) = failure.sentence() {
                output.error(sentence);
            }
            failure.exit_code()
        }
    }
}
