//! `sentinel strategy …`

mod build;
mod check;
mod create;
mod inspect;
mod registry;

use anyhow::Result;

use crate::args::StrategyCommand;
use crate::home::Home;
use crate::output::Output;

pub(super) fn run(command: &StrategyCommand, home: &Home, output: &Output) -> Result<()> {
    match command {
        StrategyCommand::New(args) => create::run(args, output),
        StrategyCommand::Build(args) => build::run(args, output),
        StrategyCommand::Check(args) => check::run(args, output),
        StrategyCommand::Inspect(args) => inspect::run(args, output),
        StrategyCommand::Register(args) => registry::register(args, home, output),
        StrategyCommand::List => registry::list(home, output),
        StrategyCommand::History(args) => registry::show_history(args, home, output),
        StrategyCommand::Activate(args) => registry::switch(args, true, home, output),
        StrategyCommand::Deactivate(args) => registry::switch(args, false, home, output),
        StrategyCommand::Show(args) => registry::show(args, home, output),
    }
}
