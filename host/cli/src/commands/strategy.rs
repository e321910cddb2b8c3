//! `sentinel strategy …`

mod inspect;

use anyhow::Result;

use crate::args::StrategyCommand;
use crate::output::Output;

pub(super) fn run(command: &StrategyCommand, output: &Output) -> Result<()> {
    match command {
        StrategyCommand::Inspect(args) => inspect::run(args, output),
    }
}
