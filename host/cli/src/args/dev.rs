//! `sentinel dev` and `sentinel thread`

use std::path::PathBuf;

use clap::{Args, ValueHint};
use sentinel_domain::timeframe::UnixMillis;

use super::values;

#[derive(Debug, Args)]
pub(crate) struct DevArgs {
    /// Simulate time from here on, on the candles of the data folder; without it, time is the machine's.
    #[arg(long, value_name = "TIME", value_parser = values::time, requires = "to")]
    pub(crate) from: Option<UnixMillis>,

    /// Simulate time up to here.
    #[arg(long, value_name = "TIME", value_parser = values::time, requires = "from")]
    pub(crate) to: Option<UnixMillis>,

    /// Let simulated time pass so many times as fast as real time; without it, as fast as it can.
    #[arg(long, value_name = "TIMES", value_parser = speed, requires = "from")]
    pub(crate) speed: Option<f64>,

    /// Build the strategy in this folder whenever its source or the config beside it changes, and register it. May be
    /// given several times.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) watch: Vec<PathBuf>,

    /// Take a backup into this folder at every full hour; `sentinel restore FOLDER --at TIME` goes back to one of them.
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath, conflicts_with = "from")]
    pub(crate) backup_to: Option<PathBuf>,

    /// Minutes from one backup to the next.
    #[arg(long, value_name = "MINUTES", default_value_t = 60, requires = "backup_to",
          value_parser = clap::value_parser!(u32).range(1..=1440))]
    pub(crate) backup_every: u32,

    /// How many backups are kept: the oldest make room.
    #[arg(long, value_name = "COUNT", default_value_t = 168, requires = "backup_to",
          value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) backup_keep: u32,
}

fn speed(text: &str) -> Result<f64, String> {
    let allowed = "a number above 0, such as 3600 for an hour in a second";
    match text.parse::<f64>() {
        Ok(times) if times > 0.0 && times.is_finite() => Ok(times),
        _ => Err(format!("allowed is {allowed}")),
    }
}
