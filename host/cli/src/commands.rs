//! What each command does, one module for each.

mod backtest;
mod backup;
mod cloud_run;
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

use crate::args::{Cli, Command, QuarantineCommand, StrategyCommand};
use crate::failure::usage;
use crate::home::Home;
use crate::output::Output;
use crate::place::{self, Target};

/// Does what the command line says.
pub(crate) fn run(cli: Cli, output: &Output) -> Result<()> {
    let home = Home::new(cli.data_dir.as_deref());
    if cli.target == Target::Cloud {
        refuse_in_the_cloud(&cli.command)?;
    }
    let target = cli.target;
    match cli.command {
        Command::Strategy(command) => strategy::run(&command, target, &home, output),
        Command::Data(command) => data::run(&command, &home, output),
        Command::Backtest(args) => backtest::run(&args, &home, output),
        Command::Sweep(args) => sweep::run(&args, &home, output),
        Command::Compare(args) => compare::run(&args, &home, output),
        Command::Schema(command) => schema::run(&command, output),
        Command::Dev(args) => dev::run(&args, &home, output),
        Command::Run(args) if target == Target::Cloud => cloud_run::run(&args, &home, output),
        Command::Run(args) => functions::run(&args, &home, output),
        Command::Functions => functions::list(&home, output),
        Command::Quarantine(QuarantineCommand::Retry(args)) => quarantine::retry(&args, &home, output),
        Command::Backup(args) => backup::backup(&args, &home, output),
        Command::Restore(args) => backup::restore(&args, &home, output),
        asking => ask(&asking, target, &home, output),
    }
}

/// Does what needs the stores of a target and nothing else.
fn ask(command: &Command, target: Target, home: &Home, output: &Output) -> Result<()> {
    let purpose = match command {
        Command::Thread => "sentinel thread",
        Command::Replay(_) => "sentinel replay",
        Command::Status(_) => "sentinel status",
        Command::Explain(_) => "sentinel explain",
        Command::Query(_) => "sentinel query",
        Command::Quarantine(_) => "sentinel quarantine",
        Command::Pause(_) => "sentinel pause",
        _ => "sentinel resume",
    };
    place::at(target, home, purpose, async |place| match command {
        Command::Thread => thread::show(place, output).await,
        Command::Replay(args) => replay::run(args, place, output).await,
        Command::Status(args) => status::run(args, place, output).await,
        Command::Explain(args) => explain::run(args, place, output).await,
        Command::Query(args) => query::run(args, place, output).await,
        Command::Quarantine(command) => quarantine::run(command, place, output).await,
        Command::Pause(args) => pause::pause(args, place, output).await,
        _ => pause::resume(place, output).await,
    })
}

/// Refuses what makes no sense with stores elsewhere, or would silently work on those of this machine.
fn refuse_in_the_cloud(command: &Command) -> Result<()> {
    let (what, instead) = match command {
        Command::Dev(_) => ("dev", "the functions run there by their schedules; `sentinel functions` lists them"),
        Command::Backup(_) | Command::Restore(_) => (
            "backup and restore",
            "Firestore and BigQuery keep backups of their own, see docs/operations.md on recovery",
        ),
        Command::Strategy(StrategyCommand::Register(_)) => ("strategy register", "use `strategy upload`"),
        Command::Quarantine(QuarantineCommand::Retry(_)) => {
            ("quarantine retry", "start the job that held the row back again with `run NAME`")
        }
        Command::Backtest(args) if args.as_recorded || args.save => {
            ("backtest --as-recorded and --save", "they work on this machine's stores: say --target laptop")
        }
        _ => return Ok(()),
    };
    Err(usage(format_args!("{what} is not for --target cloud: {instead}")))
}

/// Starts the threads that everything parallel uses, and returns how many there are.
fn start_threads(wanted: Option<u16>) -> Result<usize> {
    let threads = wanted.map_or(0, usize::from);
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().context("cannot start the threads")?;
    Ok(rayon::current_num_threads())
}
