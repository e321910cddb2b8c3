//! `sentinel schema …`

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint};

use super::examples;

#[derive(Debug, Subcommand)]
pub(crate) enum SchemaCommand {
    /// Write all tables and views in one form.
    #[command(after_help = examples::SCHEMA_EXPORT)]
    Export(ExportArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// What to write.
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(crate) format: SchemaFormat,

    /// Write files to this folder instead of printing: for bigquery one TABLE.json each, for the others the file that
    /// the repository keeps.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SchemaFormat {
    /// Schema JSON, one for each table, and the SQL of each view.
    Bigquery,
    /// What makes the tables in DuckDB.
    Sql,
    /// The diagram, for dbdiagram.io and its kin.
    Dbml,
    /// The data catalog.
    Markdown,
}
