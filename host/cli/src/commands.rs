//! What each command does, one module for each.

mod backtest;
mod compare;
mod data;
mod schema;
mod strategy;
mod summary;
mod sweep;

use anyhow::{Context, Result};

use crate::args::{Cli, Command};
use crate::home::Home;
use crate::output::Output;

/// Does what the command line says.
pub(crate) fn run(cli: Cli, output: &Output) -> Result<()> {
    let home = Home::new(cli.data_dir.as_deref());
    match cli.command {
        Command::Strategy(command) => strategy::run(&command, output),
        Command::Data(command) => data::run(&command, &home, output),
        Command::Backtest(args) => backtest::run(&args, &home, output),
        Command::Sweep(args) => sweep::run(&args, &home, output),
        Command::Compare(args) => compare::run(&args, &home, output),
        Command::Schema(command) => schema::run(&command, output),
    }
}

/// Starts the threads that everything parallel uses, and returns how many there are.
fn start_threads(wanted: Option<u16>) -> Result<usize> {
    let threads = wanted.map_or(0, usize::from);
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().context("cannot start the threads")?;
    Ok(rayon::current_num_threads())
}
