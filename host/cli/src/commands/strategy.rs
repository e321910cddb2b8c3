//! `sentinel strategy …`

mod build;
mod check;
mod create;
mod inspect;

use anyhow::Result;

use crate::args::StrategyCommand;
use crate::output::Output;

pub(super) fn run(command: &StrategyCommand, output: &Output) -> Result<()> {
    match command {
        StrategyCommand::New(args) => create::run(args, output),
        StrategyCommand::Build(args) => build::run(args, output),
        StrategyCommand::Check(args) => check::run(args, output),
        StrategyCommand::Inspect(args) => inspect::run(args, output),
    }
}
