//! `sentinel strategy …`

mod build;
mod check;
mod create;
mod inspect;
mod registry;
mod upload;

use anyhow::Result;

use crate::args::StrategyCommand;
use crate::failure::usage;
use crate::home::Home;
use crate::output::Output;
use crate::place::{Target, at};

pub(super) fn run(command: &StrategyCommand, target: Target, home: &Home, output: &Output) -> Result<()> {
    match command {
        StrategyCommand::New(args) => create::run(args, output),
        StrategyCommand::Build(args) => build::run(args, output),
        StrategyCommand::Check(args) => check::run(args, output),
        StrategyCommand::Inspect(args) => inspect::run(args, output),
        StrategyCommand::Register(args) => registry::register(args, home, output),
        StrategyCommand::Upload(args) if target == Target::Cloud => upload::run(args, home, output),
        StrategyCommand::Upload(_) => {
            Err(usage("strategy upload is for --target cloud; on this machine use `sentinel strategy register`"))
        }
        StrategyCommand::List => {
            at(target, home, "sentinel strategy list", async |place| registry::list(place, output).await)
        }
        StrategyCommand::History(args) => at(target, home, "sentinel strategy history", async |place| {
            registry::show_history(args, place, output).await
        }),
        StrategyCommand::Activate(args) => at(target, home, "sentinel strategy activate", async |place| {
            registry::switch(args, true, place, output).await
        }),
        StrategyCommand::Deactivate(args) => at(target, home, "sentinel strategy deactivate", async |place| {
            registry::switch(args, false, place, output).await
        }),
        StrategyCommand::Show(args) => {
            at(target, home, "sentinel strategy show", async |place| registry::show(args, place, output).await)
        }
    }
}
