//! What can go wrong with stored candles.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sentinel_domain::candles::{CandleError, format_time};
use sentinel_domain::timeframe::UnixMillis;
use thiserror::Error;

use super::series::SeriesName;
use crate::parquet_file::ParquetFileError;

/// How many differing candles a message names.
const EXAMPLES_MAX: usize = 3;

/// A store that cannot do what it was asked; it is as it was before.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Written by a newer version of this software.
    #[error("the data folder {} has format {found}, and this version knows formats up to {known}; \
        use a newer version or another data folder", path.display())]
    NewerFormat {
        /// The data folder.
        path: PathBuf,
        /// Its format.
        found: u64,
        /// The newest format known here.
        known: u64,
    },
    /// The file that tells the format makes no sense.
    #[error("{} does not tell the format of the data folder: {problem}; restore it, or name another data folder",
        path.display())]
    UnreadableFormat {
        /// `store.json`.
        path: PathBuf,
        /// Why.
        problem: String,
    },
    /// There is no such series.
    #[error("there are no {series} candles in {}; {}", path.display(), what_is_there(there))]
    UnknownSeries {
        /// What was asked for.
        series: Box<SeriesName>,
        /// The data folder.
        path: PathBuf,
        /// What is there.
        there: Vec<SeriesName>,
    },
    /// The series has no candle in the range.
    #[error("no stored {series} candle opens {}; they open from {} to {}",
        between(*from, *to), format_time(*first), format_time(*last))]
    EmptyRange {
        /// The series.
        series: Box<SeriesName>,
        /// From when candles were asked for, this time included.
        from: UnixMillis,
        /// Until when, this time excluded.
        to: UnixMillis,
        /// When the first stored candle opens.
        first: UnixMillis,
        /// When the last stored candle opens.
        last: UnixMillis,
    },
    /// Candles that are stored with other values.
    #[error("{} of {series} differ{} from what is stored: {}{}; to keep the new values ask for --replace",
        if *count == 1 { "1 candle".to_owned() } else { format!("{count} candles") },
        if *count == 1 { "s" } else { "" },
        examples.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        if *count > examples.len() { ", …" } else { "" })]
    Conflict {
        /// The series.
        series: Box<SeriesName>,
        /// How many candles differ.
        count: usize,
        /// The first of them.
        examples: Vec<Difference>,
    },
    /// The disk is full.
    #[error("no space left for {}: {bytes_needed} bytes are needed; what was stored is unchanged; free some space \
        and do it again", path.display())]
    NoSpace {
        /// The file that could not be written.
        path: PathBuf,
        /// How much room all files of this write need.
        bytes_needed: u64,
    },
    /// Somebody else is writing.
    #[error("the data folder {} is being written by {holder}; waited {} s; do it again when that has ended",
        path.display(), waited.as_secs_f32())]
    Busy {
        /// The data folder.
        path: PathBuf,
        /// Who holds the lock.
        holder: String,
        /// How long was waited.
        waited: Duration,
    },
    /// The file system refused.
    #[error("cannot {doing} {}: {source}", path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A stored file cannot be read.
    #[error("the stored file {} is damaged: {source}; remove it and import or fetch its candles again",
        path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Box<ParquetFileError>,
    },
    /// Stored rows are no candles.
    #[error("the stored {series} candles are damaged: {source}; remove them from {} and import or fetch them again",
        path.display())]
    NoCandles {
        /// The series.
        series: Box<SeriesName>,
        /// The series' folder.
        path: PathBuf,
        /// Why.
        source: CandleError,
    },
}

impl StoreError {
    /// Returns an error of the file system.
    pub(super) fn io(doing: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { doing, path: path.to_owned(), source }
    }

    /// Returns an error of writing `path`, one of several files that need `bytes_needed` together.
    pub(super) fn writing(path: &Path, bytes_needed: u64, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::NoSpace { path: path.to_owned(), bytes_needed }
            }
            _ => Self::io("write", path, source),
        }
    }

    /// Returns an error about candles that differ from the stored ones.
    pub(super) fn conflict(series: &SeriesName, mut differences: Vec<Difference>) -> Self {
        let count = differences.len();
        differences.truncate(EXAMPLES_MAX);
        Self::Conflict { series: Box::new(series.clone()), count, examples: differences }
    }
}

fn what_is_there(there: &[SeriesName]) -> String {
    if there.is_empty() {
        return "it holds none yet; import or fetch some first".to_owned();
    }
    let names: Vec<_> = there.iter().map(ToString::to_string).collect();
    format!("it holds {}", names.join(", "))
}

/// Says a range of times; its ends may be open.
fn between(from: UnixMillis, to: UnixMillis) -> String {
    match (from, to) {
        (from, UnixMillis::MAX) => format!("at or after {}", format_time(from)),
        (UnixMillis::MIN, to) => format!("before {}", format_time(to)),
        (from, to) => format!("from {} to before {}", format_time(from), format_time(to)),
    }
}

/// A candle that is stored with another value.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// When the candle opens.
    pub open_time: UnixMillis,
    /// The first column that differs.
    pub column: &'static str,
    /// The stored value.
    pub stored: f64,
    /// The new value.
    pub new: f64,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({} {}, stored {})", format_time(self.open_time), self.column, self.new, self.stored)
    }
}
