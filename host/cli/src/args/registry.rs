//! `sentinel strategy register` and its kin: the registry of versions.

use std::path::PathBuf;

use clap::{Args, ValueHint};
use sentinel_domain::timeframe::UnixMillis;

use super::values;

#[derive(Debug, Args)]
pub(crate) struct RegisterArgs {
    /// A component, the folder of a strategy, or the name of a shipped strategy.
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) strategy: String,

    /// What it is to run on and how it may trade; `--help` shows its form.
    #[arg(long, value_name = "FILE.toml", value_hint = ValueHint::FilePath)]
    pub(crate) config: PathBuf,

    /// From when the version decides; without it, from now on.
    #[arg(long, value_name = "TIME", value_parser = values::time)]
    pub(crate) at: Option<UnixMillis>,
}

#[derive(Debug, Args)]
pub(crate) struct UploadArgs {
    /// A component, the folder of a strategy, or the name of a shipped strategy.
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) strategy: String,

    /// What it is to run on and how it may trade, in the form that `strategy register --help` shows.
    #[arg(long, value_name = "FILE.toml", value_hint = ValueHint::FilePath)]
    pub(crate) config: PathBuf,

    /// Wait so many seconds for the verdict.
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) wait: u64,
}

#[derive(Debug, Args)]
pub(crate) struct HistoryArgs {
    /// The strategy.
    #[arg(value_name = "ID")]
    pub(crate) strategy_id: String,
}

#[derive(Debug, Args)]
pub(crate) struct SwitchArgs {
    /// The strategy.
    #[arg(value_name = "ID")]
    pub(crate) strategy_id: String,

    /// From when on; without it, from now on.
    #[arg(long, value_name = "TIME", value_parser = values::time)]
    pub(crate) at: Option<UnixMillis>,
}

#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// The strategy.
    #[arg(value_name = "ID")]
    pub(crate) strategy_id: String,

    /// The version that decides at this time; without it, the current one.
    #[arg(long, value_name = "TIME", value_parser = values::time)]
    pub(crate) as_of: Option<UnixMillis>,
}
