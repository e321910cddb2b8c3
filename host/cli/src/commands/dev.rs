//! `sentinel dev`: all functions in one process, on simulated time or on the machine's.

mod backups;
mod pace;
mod simulated;
mod sources;
mod wall;

use anyhow::Result;

use crate::args::DevArgs;
use crate::home::Home;
use crate::laptop::Laptop;
use crate::output::Output;

pub(super) fn run(args: &DevArgs, home: &Home, output: &Output) -> Result<()> {
    let laptop = Laptop::open(home, "sentinel dev")?;
    let sources = sources::Sources::new(&args.watch, &laptop.drop_folder)?;
    match (args.from, args.to) {
        (Some(from), Some(to)) => simulated::run(laptop, from..to, args.speed, sources, home, output),
        _ => {
            let backups = args.backup_to.as_ref().map(|folder| backups::Backups::of(args, folder, home.clone()));
            wall::run(&laptop, sources, backups, output)
        }
    }
}
