//! `sentinel strategy …`

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint};
use sentinel_domain::timeframe::Timeframe;
use sentinel_runtime::LimitsClass;

use super::examples;
use super::registry::{HistoryArgs, RegisterArgs, ShowArgs, SwitchArgs, UploadArgs};

#[derive(Debug, Subcommand)]
pub(crate) enum StrategyCommand {
    /// Make a folder with a strategy that builds and checks as it stands.
    #[command(after_help = examples::STRATEGY_NEW)]
    New(NewArgs),
    /// Turn the folder of a strategy into a component, the file that is run.
    #[command(after_help = examples::STRATEGY_BUILD)]
    Build(BuildArgs),
    /// Try whether a strategy keeps the contract, repeats itself and cannot see ahead.
    #[command(after_help = examples::STRATEGY_CHECK)]
    Check(CheckArgs),
    /// Show what a strategy says about itself: parameters, columns, patterns, hash.
    #[command(after_help = examples::STRATEGY_INSPECT)]
    Inspect(InspectArgs),
    /// Make a component with its config the version that decides from now on.
    #[command(after_help = examples::STRATEGY_REGISTER, after_long_help = examples::STRATEGY_REGISTER_LONG)]
    Register(RegisterArgs),
    /// Put a component with its config into the cloud's bucket, and wait until it is registered or refused.
    #[command(after_help = examples::STRATEGY_UPLOAD)]
    Upload(UploadArgs),
    /// List the registered strategies with their current versions.
    #[command(after_help = examples::STRATEGY_LIST)]
    List,
    /// List all versions of a strategy, oldest first.
    #[command(after_help = examples::STRATEGY_HISTORY)]
    History(HistoryArgs),
    /// Let a strategy open positions.
    #[command(after_help = examples::STRATEGY_ACTIVATE)]
    Activate(SwitchArgs),
    /// Let a strategy open no more positions; it may still get out of those it holds.
    #[command(after_help = examples::STRATEGY_DEACTIVATE)]
    Deactivate(SwitchArgs),
    /// Show the version of a strategy that decides at a time.
    #[command(after_help = examples::STRATEGY_SHOW)]
    Show(ShowArgs),
}

#[derive(Debug, Args)]
pub(crate) struct NewArgs {
    /// Lower-case words with dashes; becomes the name of the folder and the id of the strategy.
    pub(crate) name: String,

    /// The language to write it in.
    #[arg(long, value_enum, default_value_t = Language::Rust)]
    pub(crate) language: Language,

    /// Make the folder in this one.
    #[arg(long, value_name = "DIR", default_value = ".", value_hint = ValueHint::DirPath)]
    pub(crate) dir: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    /// Fastest; needs cargo and the target wasm32-unknown-unknown.
    Rust,
    /// The tools are fetched on first use; some 200 times slower than Rust.
    Python,
    /// The tools are fetched on first use; needs Node.
    Javascript,
}

#[derive(Debug, Args)]
pub(crate) struct BuildArgs {
    /// The folder of the strategy.
    #[arg(default_value = ".", value_hint = ValueHint::DirPath)]
    pub(crate) dir: PathBuf,

    /// Where the component goes; without it to target/NAME.wasm in the folder.
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// A component, or the name of a shipped strategy.
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) strategy: String,

    /// Try it on the candles of this .csv, .csv.gz or .parquet file; without it, on a made-up market.
    #[arg(long, value_name = "CANDLES", value_hint = ValueHint::FilePath, requires = "timeframe")]
    pub(crate) data: Option<PathBuf>,

    /// Length of the candles in the file: 1m, 5m, 15m, 1h, 4h or 1d.
    #[arg(long, value_name = "LENGTH", requires = "data")]
    pub(crate) timeframe: Option<Timeframe>,

    /// The sandbox's limits: compiled or interpreted. Without it the size of the file decides.
    #[arg(long, value_name = "CLASS")]
    pub(crate) limits_class: Option<LimitsClass>,
}

#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    /// A component, or the name of a shipped strategy.
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) strategy: String,

    /// The sandbox's limits: compiled or interpreted. Without it the size of the file decides.
    #[arg(long, value_name = "CLASS")]
    pub(crate) limits_class: Option<LimitsClass>,
}
