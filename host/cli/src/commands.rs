//! What each command does, one module for each.

mod backtest;
mod backup;
mod compare;
mod data;
mod dev;
mod explain;
mod functions;
mod pause;
mod quarantine;
mod query;
mod replay;
mod schema;
mod status;
mod strategy;
mod summary;
mod sweep;
mod thread;

use anyhow::{Context, Result};

use crate::args::{Cli, Command};
use crate::home::Home;
use crate::output::Output;

/// Does what the command line says.
pub(crate) fn run(cli: Cli, output: &Output) -> Result<()> {
    let home = Home::new(cli.data_dir.as_deref());
    match cli.command {
        Command::Strategy(command) => strategy::run(&command, &home, output),
        Command::Data(command) => data::run(&command, &home, output),
        Command::Backtest(args) => backtest::run(&args, &home, output),
        Command::Sweep(args) => sweep::run(&args, &home, output),
        Command::Compare(args) => compare::run(&args, &home, output),
        Command::Schema(command) => schema::run(&command, output),
        Command::Dev(args) => dev::run(&args, &home, output),
        Command::Thread => thread::run(&home, output),
        Command::Run(args) => functions::run(&args, &home, output),
        Command::Functions => functions::list(&home, output),
        Command::Replay(args) => replay::run(&args, &home, output),
        Command::Status(args) => status::run(&args, &home, output),
        Command::Explain(args) => explain::run(&args, &home, output),
        Command::Query(args) => query::run(&args, &home, output),
        Command::Quarantine(command) => quarantine::run(&command, &home, output),
        Command::Pause(args) => pause::pause(&args, &home, output),
        Command::Resume => pause::resume(&home, output),
        Command::Backup(args) => backup::backup(&args, &home, output),
        Command::Restore(args) => backup::restore(&args, &home, output),
    }
}

/// Starts the threads that everything parallel uses, and returns how many there are.
fn start_threads(wanted: Option<u16>) -> Result<usize> {
    let threads = wanted.map_or(0, usize::from);
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().context("cannot start the threads")?;
    Ok(rayon::current_num_threads())
}
