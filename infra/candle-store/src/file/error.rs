//! What can be wrong with a file of candles.

use std::io;
use std::path::PathBuf;

use sentinel_domain::candles::{CandleError, format_time};
use thiserror::Error;

use super::spacing::Spacing;
use crate::parquet_file::ParquetFileError;
use crate::rows::{REQUIRED, VALUE_COLUMNS};

/// A file that gives no candles. Lines count from 1, the header included.
#[derive(Debug, Error)]
pub enum FileError {
    /// The file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The name does not tell the format.
    #[error("cannot tell what {} is: name it .csv, .csv.gz or .parquet", path.display())]
    UnknownFormat {
        /// The file.
        path: PathBuf,
    },
    /// The name says gzip, the bytes do not.
    #[error("{} is not gzip although its name ends in .gz; rename it to .csv or compress it with gzip", path.display())]
    NotGzip {
        /// The file.
        path: PathBuf,
    },
    /// The bytes are gzip, the name says otherwise.
    #[error("{} is compressed although its name ends in .csv; rename it to .csv.gz", path.display())]
    Compressed {
        /// The file.
        path: PathBuf,
    },
    /// The compressed bytes end early or are damaged.
    #[error("{} is damaged after line {line}: {source}; copy it again from where it came", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The last whole line.
        line: u64,
        /// Why.
        source: io::Error,
    },
    /// Bytes that are no text.
    #[error("{} is not a CSV file: line {line} holds bytes that are no text", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
        /// The line.
        line: u64,
    },
    /// Not one byte.
    #[error("{} is empty; a file of candles begins with the line timestamp,open,high,low,close,volume", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// Columns, but no rows.
    #[error("{} has a header and no candles below it", path.display())]
    NoCandles {
        /// The file.
        path: PathBuf,
    },
    /// A column is not there.
    #[error("{} has no column {column}: its columns are {}; it needs timestamp, {}",
        path.display(), found.join(", "), VALUE_COLUMNS[..REQUIRED].join(", "))]
    MissingColumn {
        /// The file.
        path: PathBuf,
        /// The column.
        column: &'static str,
        /// What is there.
        found: Vec<String>,
    },
    /// A column is there twice.
    #[error("{} has two columns {column}; remove one", path.display())]
    DoubleColumn {
        /// The file.
        path: PathBuf,
        /// The column.
        column: &'static str,
    },
    /// A row is longer or shorter than the header.
    #[error("{} line {line}: {found} cells where the header has {expected}; every row needs one cell for each column",
        path.display())]
    Ragged {
        /// The file.
        path: PathBuf,
        /// The line.
        line: u64,
        /// Cells of the header.
        expected: u64,
        /// Cells of the row.
        found: u64,
    },
    /// A cell that cannot be read.
    #[error("{} line {line}, column {column}: found \"{found}\"; {allowed}", path.display())]
    Cell {
        /// The file.
        path: PathBuf,
        /// The line.
        line: u64,
        /// The column.
        column: &'static str,
        /// What stands there, at most its beginning.
        found: String,
        /// What may stand there.
        allowed: &'static str,
    },
    /// A row that is no candle, or does not follow the one above it.
    #[error("{}{}: {}", path.display(), line.map(|line| format!(" line {line}")).unwrap_or_default(), plain(source))]
    Candle {
        /// The file.
        path: PathBuf,
        /// The line, in CSV.
        line: Option<u64>,
        /// What is wrong.
        source: CandleError,
    },
    /// Candles of another timeframe.
    #[error("the candles in {} are {spacing}", path.display())]
    Spacing {
        /// The file.
        path: PathBuf,
        /// How far they are apart.
        spacing: Spacing,
    },
    /// A Parquet file without rows of candles.
    #[error("cannot read candles from {}: {source}", path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Box<ParquetFileError>,
    },
}

/// Returns the row that an error is about.
pub(super) fn row_of(error: &CandleError) -> Option<usize> {
    match error {
        CandleError::Duplicate { row, .. }
        | CandleError::Unsorted { row, .. }
        | CandleError::Misaligned { row, .. }
        | CandleError::Value { row, .. } => Some(*row),
        CandleError::Length { .. } | CandleError::Empty => None,
    }
}

/// Says what is wrong without the row number, since whoever looks into a file counts lines.
fn plain(error: &CandleError) -> String {
    match error {
        CandleError::Value { open_time, column, value, allowed, .. } => {
            format!("column {column} is {value} in the candle of {}; {allowed}", format_time(*open_time))
        }
        other => {
            let text = other.to_string();
            match (row_of(other), text.split_once(": ")) {
                (Some(_), Some((_, rest))) => rest.to_owned(),
                _ => text,
            }
        }
    }
}
