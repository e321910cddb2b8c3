//! The folder of one series: a Parquet file for each year, a tail of recent additions, and what was covered.
//!
//! The tail keeps a download cheap: a page of some hundred candles rewrites the small tail instead of a year. It is
//! folded into the years when it grows, and at the end. A row may stand in both after a crash; the tail's counts.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime};
use sentinel_domain::instrument::{Instrument, Symbol};
use sentinel_domain::timeframe::{Timeframe, UnixMillis};
use serde::Serialize;

use super::OnConflict;
use super::atomic::StagedFile;
use super::coverage::Coverage;
use super::error::StoreError;
use super::merge::merge;
use crate::parquet_file::{self, ParquetFileError};
use crate::rows::Rows;

const CANDLES_FOLDER: &str = "candles";
const TAIL_FILE: &str = "tail.parquet";
const COVERAGE_FILE: &str = "coverage.json";

/// Candles of one instrument and timeframe.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct SeriesName {
    /// What they are of.
    #[serde(flatten)]
    pub instrument: Instrument,
    /// How long they are.
    pub timeframe: Timeframe,
}

impl fmt::Display for SeriesName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.instrument, self.timeframe)
    }
}

/// The folder of one series, which need not be there.
#[derive(Debug)]
pub(super) struct SeriesFolder {
    pub(super) name: SeriesName,
    pub(super) path: PathBuf,
}

impl SeriesFolder {
    pub(super) fn new(root: &Path, name: SeriesName) -> Self {
        let path = root
            .join(CANDLES_FOLDER)
            .join(format!("exchange={}", name.instrument.exchange))
            .join(format!("symbol={}", name.instrument.symbol.file_name()))
            .join(format!("timeframe={}", name.timeframe));
        Self { name, path }
    }

    /// Returns every series of a data folder that has a file of candles, in order of their names.
    pub(super) fn all(root: &Path) -> Result<Vec<Self>, StoreError> {
        let mut all = Vec::new();
        for (exchange, path) in children(&root.join(CANDLES_FOLDER), "exchange=")? {
            for (symbol, path) in children(&path, "symbol=")? {
                for (timeframe, _) in children(&path, "timeframe=")? {
                    // A folder that a person put there under some other name is none of ours.
                    if let Some(name) = parse_name(&exchange, &symbol, &timeframe) {
                        all.push(Self::new(root, name));
                    }
                }
            }
        }
        all.sort_by(|a, b| a.name.cmp(&b.name));
        let mut with_candles = Vec::new();
        for folder in all {
            if !folder.files()?.is_empty() {
                with_candles.push(folder);
            }
        }
        Ok(with_candles)
    }

    pub(super) fn tail_file(&self) -> PathBuf {
        self.path.join(TAIL_FILE)
    }

    pub(super) fn year_file(&self, year: i32) -> PathBuf {
        self.path.join(format!("year={year}.parquet"))
    }

    /// Returns the files of the years, oldest first.
    pub(super) fn year_files(&self) -> Result<BTreeMap<i32, PathBuf>, StoreError> {
        let files = children(&self.path, "year=")?;
        let year = |name: &str| name.strip_suffix(".parquet").and_then(|year| year.parse().ok());
        Ok(files.into_iter().filter_map(|(name, path)| Some((year(&name)?, path))).collect())
    }

    /// Returns every file of candles.
    pub(super) fn files(&self) -> Result<Vec<PathBuf>, StoreError> {
        let tail = Some(self.tail_file()).filter(|tail| tail.exists());
        Ok(self.year_files()?.into_values().chain(tail).collect())
    }

    /// Reads the rows that open in `range`, in order of time.
    pub(super) fn read(&self, range: &Range<UnixMillis>) -> Result<Rows, StoreError> {
        // The tail first: should it be folded into a year meanwhile, its rows are seen twice, not never.
        let tail = read_rows(&self.tail_file())?;
        let mut rows = Rows::default();
        for (year, path) in self.year_files()? {
            let of_year = year_range(year);
            if of_year.start < range.end && range.start < of_year.end {
                let stored = read_rows(&path)?;
                rows.extend(&stored, stored.rows_within(range));
            }
        }
        let mut recent = Rows::default();
        recent.extend(&tail, tail.rows_within(range));
        Ok(merge(rows, &recent, OnConflict::Replace).rows)
    }

    /// Reads the opening times of all rows, in order.
    pub(super) fn read_times(&self) -> Result<Vec<UnixMillis>, StoreError> {
        let mut times = Vec::new();
        for path in self.files()? {
            times.extend(read_times_of(&path)?);
        }
        times.sort_unstable();
        times.dedup();
        Ok(times)
    }

    pub(super) fn read_coverage(&self) -> Result<Coverage, StoreError> {
        let path = self.path.join(COVERAGE_FILE);
        match fs::read(&path) {
            // A damaged one is as good as none: what it told is asked for again.
            Ok(bytes) => Ok(serde_json::from_slice(&bytes).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Coverage::default()),
            Err(source) => Err(StoreError::io("read", &path, source)),
        }
    }

    /// Returns the file that tells what was covered, to be written.
    pub(super) fn encode_coverage(&self, coverage: &Coverage) -> Result<(PathBuf, Vec<u8>), StoreError> {
        let path = self.path.join(COVERAGE_FILE);
        let json = serde_json::to_vec(coverage).map_err(|source| StoreError::io("encode", &path, source.into()))?;
        Ok((path, json))
    }
}

/// Returns the children of a folder whose names begin with `prefix`, by the rest of their names. A folder that is not
/// there has none.
fn children(folder: &Path, prefix: &str) -> Result<BTreeMap<String, PathBuf>, StoreError> {
    let unreadable = |source| StoreError::io("read", folder, source);
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(source) => return Err(unreadable(source)),
    };
    let mut children = BTreeMap::new();
    for entry in entries {
        let entry = entry.map_err(unreadable)?;
        if let Some(rest) = entry.file_name().to_str().and_then(|name| name.strip_prefix(prefix)) {
            children.insert(rest.to_owned(), entry.path());
        }
    }
    Ok(children)
}

fn parse_name(exchange: &str, symbol: &str, timeframe: &str) -> Option<SeriesName> {
    let symbol: Symbol = symbol.replacen('-', "/", 1).parse().ok()?;
    let instrument = Instrument { exchange: exchange.parse().ok()?, symbol };
    Some(SeriesName { instrument, timeframe: timeframe.parse().ok()? })
}

/// Reads the rows of a file; one that is not there has none.
pub(super) fn read_rows(path: &Path) -> Result<Rows, StoreError> {
    Ok(read_file(path, parquet_file::decode)?.unwrap_or_default())
}

fn read_file<T>(path: &Path, decode: impl Fn(File) -> Result<T, ParquetFileError>) -> Result<Option<T>, StoreError> {
    match File::open(path) {
        Ok(file) => {
            let damaged = |source| StoreError::Damaged { path: path.to_owned(), source: Box::new(source) };
            decode(file).map(Some).map_err(damaged)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(StoreError::io("open", path, source)),
    }
}

/// Reads the opening times of a file; one that is not there has none.
pub(super) fn read_times_of(path: &Path) -> Result<Vec<UnixMillis>, StoreError> {
    Ok(read_file(path, parquet_file::decode_times)?.unwrap_or_default())
}

/// Writes all files or none: each is whole on the disk before the first takes its place.
pub(super) fn write_all(files: Vec<(PathBuf, Vec<u8>)>) -> Result<(), StoreError> {
    let bytes_needed = files.iter().map(|(_, bytes)| bytes.len() as u64).sum();
    let mut staged = Vec::with_capacity(files.len());
    for (path, bytes) in &files {
        let file = StagedFile::write(path, bytes).map_err(|source| StoreError::writing(path, bytes_needed, source))?;
        staged.push(file);
    }
    for (file, (path, _)) in staged.into_iter().zip(&files) {
        file.commit().map_err(|source| StoreError::writing(path, bytes_needed, source))?;
    }
    Ok(())
}

/// Returns the year in which a candle opens.
pub(super) fn year_of(time: UnixMillis) -> i32 {
    DateTime::from_timestamp_millis(time).unwrap_or_default().year()
}

/// Returns the time that a year takes.
pub(super) fn year_range(year: i32) -> Range<UnixMillis> {
    let first = |year| {
        let day = NaiveDate::from_ymd_opt(year, 1, 1).unwrap_or_default();
        day.and_time(NaiveTime::MIN).and_utc().timestamp_millis()
    };
    first(year)..first(year + 1)
}
