//! `sentinel strategy …`

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint};

use super::examples;

#[derive(Debug, Subcommand)]
pub(crate) enum StrategyCommand {
    /// Show what a strategy says about itself: parameters, columns, patterns, hash.
    #[command(after_help = examples::STRATEGY_INSPECT)]
    Inspect(InspectArgs),
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

    /// Where the component goes; without it into the folder, named after the strategy.
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// A component, or the name of a shipped strategy.
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) strategy: String,

    /// The sandbox's limits: compiled or interpreted. Without it the size of the file decides.
    #[arg(long, value_name = "CLASS")]
    pub(crate) limits_class: Option<sentinel_runtime::LimitsClass>,
}

#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    /// A component, or the name of a shipped strategy.
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) strategy: String,

    /// The sandbox's limits: compiled or interpreted. Without it the size of the file decides.
    #[arg(long, value_name = "CLASS")]
    pub(crate) limits_class: Option<sentinel_runtime::LimitsClass>,
}
