//! Commands that run functions and ask what they did.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint};
use sentinel_domain::timeframe::UnixMillis;

use super::{examples, values};

#[derive(Debug, Args)]
pub(crate) struct RunFunctionArgs {
    /// The function, as `sentinel functions` lists it.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,

    /// The moment the run is about; without it the event's, or now.
    #[arg(long, value_name = "TIME", value_parser = values::time)]
    pub(crate) at: Option<UnixMillis>,

    /// The event that starts it: a file with one CloudEvent in JSON. Without it, the clock does.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) event: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ReplayArgs {
    /// Decisions on bars that closed at or after this time.
    #[arg(long, value_name = "TIME", value_parser = values::time)]
    pub(crate) from: Option<UnixMillis>,

    /// Decisions on bars that closed before this time.
    #[arg(long, value_name = "TIME", value_parser = values::time)]
    pub(crate) to: Option<UnixMillis>,

    /// Decisions of this strategy alone.
    #[arg(long, value_name = "ID")]
    pub(crate) strategy: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct QueryArgs {
    /// One statement that reads. In DEV and TEST the names of tables end in _test.
    #[arg(value_name = "SQL")]
    pub(crate) sql: String,

    /// How to print the answer.
    #[arg(long, value_enum, default_value_t = QueryFormat::Table, value_name = "FORMAT")]
    pub(crate) format: QueryFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum QueryFormat {
    /// For people.
    Table,
    /// For spreadsheets; a header, then a line for each row.
    Csv,
    /// A list of objects.
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// Take this for now: the day whose jobs are shown.
    #[arg(long, value_name = "TIME", value_parser = values::time)]
    pub(crate) at: Option<UnixMillis>,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// The signal, or the unique beginning of its id.
    #[arg(value_name = "SIGNAL_ID")]
    pub(crate) signal_id: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum QuarantineCommand {
    /// List the rows that were held back, with the first reason of each.
    #[command(after_help = examples::QUARANTINE_LIST)]
    List,
    /// Show a row with everything that is wrong with it.
    #[command(after_help = examples::QUARANTINE_SHOW)]
    Show(QuarantineArgs),
    /// Run the jobs again that held rows back; what is right by now passes.
    #[command(after_help = examples::QUARANTINE_RETRY)]
    Retry(QuarantineRetryArgs),
}

#[derive(Debug, Args)]
pub(crate) struct QuarantineArgs {
    /// The row, or the unique beginning of its id.
    #[arg(value_name = "ID")]
    pub(crate) id: String,
}

#[derive(Debug, Args)]
pub(crate) struct QuarantineRetryArgs {
    /// The row, or the unique beginning of its id; without it, all of them.
    #[arg(value_name = "ID")]
    pub(crate) id: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct PauseArgs {
    /// Why, for whoever looks at `sentinel status`.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct BackupArgs {
    /// The file to write, which must not be there yet; or a folder, in which the file is named by its time.
    #[arg(value_name = "FILE", value_hint = ValueHint::AnyPath)]
    pub(crate) file: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct RestoreArgs {
    /// A file that `sentinel backup` wrote, or a folder of such files, of which the last is taken.
    #[arg(value_name = "FILE", value_hint = ValueHint::AnyPath)]
    pub(crate) file: PathBuf,

    /// Go back to this point in time: take the last backup in the folder that is not younger.
    #[arg(long, value_name = "TIME", value_parser = values::time)]
    pub(crate) at: Option<UnixMillis>,
}
