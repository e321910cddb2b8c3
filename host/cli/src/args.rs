//! The command line: what can be typed, and the help beside it.
//!
//! Options that set something about a run are declared in [`run`] and shared by `backtest` and `sweep`.

mod asking;
mod data;
mod dev;
mod examples;
mod registry;
mod run;
mod schema;
mod strategy;
mod values;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueHint};
use sentinel_backtest::metrics::DEFINITIONS;

pub(crate) use asking::{
    BackupArgs, ExplainArgs, PauseArgs, QuarantineCommand, QuarantineRetryArgs, QueryArgs, QueryFormat, ReplayArgs,
    RestoreArgs, RunFunctionArgs, StatusArgs,
};
pub(crate) use data::{DataCommand, FetchArgs, ImportArgs, SimulateArgs};
pub(crate) use dev::DevArgs;
pub(crate) use registry::{HistoryArgs, RegisterArgs, ShowArgs, SwitchArgs, UploadArgs};
pub(crate) use run::{AccountArgs, CandleArgs, FeeIn, LookaheadCheck, RunArgs, SizingArgs, StrategyArgs};
pub(crate) use schema::{ExportArgs, SchemaCommand, SchemaFormat};
pub(crate) use strategy::{BuildArgs, CheckArgs, InspectArgs, Language, NewArgs, StrategyCommand};
pub(crate) use values::time;

use crate::place::Target;

/// Write trading strategies, check them, and see honestly how they would have done.
#[derive(Debug, Parser)]
#[command(name = "sentinel", version, arg_required_else_help = true, after_help = examples::SENTINEL)]
pub(crate) struct Cli {
    /// Print JSON to standard output, and nothing else there.
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// Keep candles and runs in this folder.
    ///
    /// Without it: ~/.local/share/crypto-sentinel (XDG_DATA_HOME is honoured), on macOS
    /// ~/Library/Application Support/crypto-sentinel. Compiled code goes to a cache folder beside it, or to the one
    /// that SENTINEL_CACHE names.
    #[arg(long, global = true, value_name = "DIR", env = "SENTINEL_HOME", hide_env_values = true)]
    #[arg(value_hint = ValueHint::DirPath)]
    pub(crate) data_dir: Option<PathBuf>,

    /// Ask and steer the stores of this machine, or those in the cloud with your own credentials.
    ///
    /// Which deployment it is, is said by cloud.toml in the data folder, which `terraform output -raw cloud_toml`
    /// prints, or by the environment variables of the functions. Commands that work on files only are the same either
    /// way.
    #[arg(long, global = true, value_enum, value_name = "WHERE", default_value_t = Target::Laptop)]
    #[arg(env = "SENTINEL_TARGET", hide_env_values = true)]
    pub(crate) target: Target,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write, build, check and inspect strategies.
    #[command(subcommand, after_help = examples::STRATEGY)]
    Strategy(StrategyCommand),
    /// Import, fetch, simulate and list candles.
    #[command(subcommand, after_help = examples::DATA)]
    Data(DataCommand),
    /// Run strategies over past candles and see how they would have done.
    #[command(after_help = examples::BACKTEST, after_long_help = examples::BACKTEST_LONG)]
    #[command(mut_arg("strategy", needless_as_recorded), mut_arg("timeframe", needless_as_recorded))]
    #[command(mut_arg("symbol", needless_as_recorded))]
    Backtest(Box<BacktestArgs>),
    /// Run a backtest for every combination of some parameters, on all cores.
    #[command(after_help = examples::SWEEP)]
    Sweep(Box<SweepArgs>),
    /// Put saved runs side by side.
    #[command(after_help = examples::COMPARE)]
    Compare(CompareArgs),
    /// Write the warehouse's tables down: for BigQuery, as SQL, as a diagram, as a catalog.
    #[command(subcommand, after_help = examples::SCHEMA)]
    Schema(SchemaCommand),
    /// Run all functions in one process: fast through the past, or on the clock of this machine.
    #[command(after_help = examples::DEV, after_long_help = examples::DEV_LONG)]
    Dev(DevArgs),
    /// Show the golden thread: signals, what became of them, positions, trades, snapshots, performance.
    #[command(after_help = examples::THREAD)]
    Thread,
    /// Run one function once: on this machine's stores, or by starting the one that is deployed.
    #[command(after_help = examples::RUN)]
    Run(RunFunctionArgs),
    /// List the functions: what starts each, what it comes after, what it may use.
    #[command(after_help = examples::FUNCTIONS)]
    Functions,
    /// Take recorded decisions again, with the versions of that time, and compare them bit for bit.
    #[command(after_help = examples::REPLAY)]
    Replay(ReplayArgs),
    /// Show positions, today's jobs, the last decisions, and why nothing was traded.
    #[command(after_help = examples::STATUS)]
    Status(StatusArgs),
    /// Show the whole life of one signal: candles, decision, gate, orders, fills, trade, archive.
    #[command(after_help = examples::EXPLAIN)]
    Explain(ExplainArgs),
    /// Ask the warehouse in SQL.
    #[command(after_help = examples::QUERY)]
    Query(QueryArgs),
    /// Show and heal rows that were held back from the warehouse.
    #[command(subcommand, after_help = examples::QUARANTINE)]
    Quarantine(QuarantineCommand),
    /// Buy nothing new from now on; positions stay protected by their stops, and exits go on.
    #[command(after_help = examples::PAUSE)]
    Pause(PauseArgs),
    /// Trade again after a pause.
    #[command(after_help = examples::PAUSE)]
    Resume,
    /// Write both stores and the components to one file, while others go on working.
    #[command(after_help = examples::BACKUP)]
    Backup(BackupArgs),
    /// Make stores out of a backup, where there are none.
    #[command(after_help = examples::RESTORE)]
    Restore(RestoreArgs),
}

#[derive(Debug, Args)]
pub(crate) struct BacktestArgs {
    /// Run what the registry says was active at each close: its versions with their components, parameters, risk and
    /// assets, on the account of account.toml, as `sentinel dev --from --to` trades them.
    #[arg(long, requires_all = ["from", "to"], help_heading = "Strategies", conflicts_with_all = [
        "config", "StrategyArgs", "SizingArgs", "ExitArgs", "GateArgs", "AccountArgs", "data", "symbol", "exchange",
        "gaps", "tick_size", "step_size", "quantity_min", "notional_min",
    ])]
    pub(crate) as_recorded: bool,

    /// Of what is registered, run only this strategy; may be repeated.
    #[arg(long, value_name = "ID", requires = "as_recorded", help_heading = "Strategies")]
    pub(crate) strategy_id: Vec<String>,

    #[command(flatten)]
    pub(crate) run: RunArgs,

    /// Re-run every decision bar by bar, with later bars out of reach; the verdict is cached.
    #[arg(long, value_enum, default_value_t = LookaheadCheck::On, value_name = "WHEN", help_heading = "Output")]
    pub(crate) lookahead_check: LookaheadCheck,

    /// Write the report to this file as well.
    #[arg(long, value_name = "FILE.html", help_heading = "Output", value_hint = ValueHint::FilePath)]
    pub(crate) report: Option<PathBuf>,

    /// Write the run, its signals, positions and equity to the warehouse too, for `sentinel query`; fail when it cannot
    /// be saved. Its report is saved anyway.
    #[arg(long, help_heading = "Output", conflicts_with = "no_save")]
    pub(crate) save: bool,

    /// Do not save the run to the data folder.
    #[arg(long, help_heading = "Output")]
    pub(crate) no_save: bool,
}

/// What is run needs no name where the registry says it.
fn needless_as_recorded(arg: clap::Arg) -> clap::Arg {
    arg.required_unless_present_any(["config", "as_recorded"])
}

#[derive(Debug, Args)]
pub(crate) struct SweepArgs {
    /// Values to try for a parameter of the (first) strategy: NAME=1,2,3 or NAME=FROM..TO:STEP, both ends tried.
    #[arg(long, value_name = "NAME=VALUES", required = true, help_heading = "Grid")]
    pub(crate) grid: Vec<String>,

    /// Order the table by this figure, best first.
    #[arg(
        long,
        value_name = "FIGURE",
        default_value = "sharpe_ratio",
        help_heading = "Grid",
        hide_possible_values = true
    )]
    #[arg(value_parser = sortable_figures())]
    pub(crate) sort: String,

    /// Show so many rows of the table; the JSON has all of them.
    #[arg(long, value_name = "N", default_value_t = 20, help_heading = "Grid")]
    pub(crate) top: usize,

    #[command(flatten)]
    pub(crate) run: RunArgs,
}

/// Figures of a point that are no metrics.
pub(crate) const FINAL_EQUITY: &str = "final_equity";
pub(crate) const ENTRIES: &str = "entries";

fn sortable_figures() -> clap::builder::PossibleValuesParser {
    // A sweep has no benchmark to compare with.
    let metrics = DEFINITIONS.iter().filter(|metric| metric.group != sentinel_backtest::metrics::Group::Benchmark);
    let names = metrics.map(|metric| metric.name).chain([FINAL_EQUITY, ENTRIES]);
    clap::builder::PossibleValuesParser::new(names.collect::<Vec<_>>())
}

#[derive(Debug, Args)]
pub(crate) struct CompareArgs {
    /// Runs: ids or their unique beginnings, `last` for the run saved last, or paths of run.json files.
    #[arg(value_name = "RUN")]
    pub(crate) runs: Vec<String>,

    /// Show every metric.
    #[arg(long)]
    pub(crate) all: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    /// Splits as a shell does; what stands in quotes is one word.
    fn words(example: &str) -> Vec<String> {
        let parts = example.split('"').enumerate();
        let split = |(index, part): (usize, &str)| match index % 2 {
            0 => part.split_whitespace().map(str::to_owned).collect(),
            _ => vec![part.to_owned()],
        };
        parts.flat_map(split).collect()
    }

    #[test]
    fn every_example_is_a_command_line() {
        fn check(command: &clap::Command) -> usize {
            let help = |text: Option<&clap::builder::StyledStr>| text.map(ToString::to_string).unwrap_or_default();
            let texts = help(command.get_after_help()) + "\n" + &help(command.get_after_long_help());
            // A remark stands behind two blanks.
            let examples = texts.replace("\\\n      ", " ");
            let examples = examples.lines().filter_map(|line| line.strip_prefix("  sentinel "));
            let mut count = 0;
            for example in examples {
                let words = words(example.trim_start().split("   ").next().unwrap_or_default());
                let parsed = Cli::try_parse_from(std::iter::once("sentinel".to_owned()).chain(words));
                assert!(parsed.is_ok(), "sentinel {example}: {}", parsed.unwrap_err());
                count += 1;
            }
            count + command.get_subcommands().map(check).sum::<usize>()
        }
        assert!(check(&Cli::command()) > 30);
    }

    #[test]
    fn every_command_shows_examples() {
        fn check(command: &clap::Command) {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("Examples:"), "{} shows no examples", command.get_name());
            command.get_subcommands().filter(|command| command.get_name() != "help").for_each(check);
        }
        check(&Cli::command());
    }
}
