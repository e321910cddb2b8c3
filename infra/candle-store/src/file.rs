//! One file of candles, CSV or Parquet, told apart by its name.

mod csv_file;
pub(crate) mod error;
mod spacing;
mod time;

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use sentinel_domain::candles::{Candles, Columns};
use sentinel_domain::instrument::Instrument;
use sentinel_domain::timeframe::Timeframe;

use crate::parquet_file;
use crate::rows::{REQUIRED, Rows, VALUE_COLUMNS};
use error::FileError;

/// Bytes read at once.
const BUFFER_BYTES: usize = 256 * 1024;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// What a file held.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadedFile {
    /// Its candles.
    pub candles: Candles,
    /// Columns that mean nothing here, in the order of the file.
    pub columns_ignored: Vec<String>,
}

/// Reads the candles of `instrument` from a `.csv`, `.csv.gz` or `.parquet` file.
///
/// A CSV file has a header and, in any order, the columns `timestamp` (or `open_time`), `open`, `high`, `low`,
/// `close`, `volume`; it may have `volume_delta`, or `taker_buy_volume` from which the delta is 2 × taker buy volume −
/// volume; and `imbalance`. Times are RFC 3339 in UTC (`2024-01-01T00:00:00Z`), Unix seconds (10 digits) or Unix
/// milliseconds (13 digits), and tell when a candle opened.
///
/// # Errors
/// Names the file, the line and the column, what was found there and what may stand there.
pub fn load_file(path: &Path, instrument: &Instrument, timeframe: Timeframe) -> Result<LoadedFile, FileError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    if name.ends_with(".parquet") {
        load_parquet(path, instrument, timeframe)
    } else if name.ends_with(".csv.gz") {
        let mut file = open(path)?;
        if !begins_with_gzip(&mut file, path)? {
            return Err(FileError::NotGzip { path: path.to_owned() });
        }
        load_csv(MultiGzDecoder::new(file), path, instrument, timeframe)
    } else if name.ends_with(".csv") {
        let mut file = open(path)?;
        if begins_with_gzip(&mut file, path)? {
            return Err(FileError::Compressed { path: path.to_owned() });
        }
        load_csv(file, path, instrument, timeframe)
    } else {
        Err(FileError::UnknownFormat { path: path.to_owned() })
    }
}

fn open(path: &Path) -> Result<BufReader<File>, FileError> {
    let unreadable = |source| FileError::Unreadable { path: path.to_owned(), source };
    let file = File::open(path).map_err(unreadable)?;
    if file.metadata().map_err(unreadable)?.len() == 0 {
        return Err(FileError::Empty { path: path.to_owned() });
    }
    Ok(BufReader::with_capacity(BUFFER_BYTES, file))
}

fn begins_with_gzip(file: &mut BufReader<File>, path: &Path) -> Result<bool, FileError> {
    let bytes = file.fill_buf().map_err(|source| FileError::Unreadable { path: path.to_owned(), source })?;
    Ok(bytes.starts_with(&GZIP_MAGIC))
}

fn load_csv(
    input: impl Read,
    path: &Path,
    instrument: &Instrument,
    timeframe: Timeframe,
) -> Result<LoadedFile, FileError> {
    let mut table = csv_file::Table::default();
    let outcome = table.read(input, path);
    let candles = check(table.columns, path, instrument, timeframe, |row| Some(line_of(path, row)));
    match outcome {
        Ok(()) => Ok(LoadedFile { candles: candles?, columns_ignored: table.columns_ignored }),
        // What is wrong above the line that could not be read comes first.
        Err(error) => Err(candles.err().filter(is_about_a_row).unwrap_or(error)),
    }
}

/// Finds the line of a row, from 1, by reading the file again: blank lines count as lines and not as rows, and only a
/// bad file needs to know.
fn line_of(path: &Path, row: usize) -> u64 {
    let without_blanks = row as u64 + 2;
    let Ok(mut file) = open(path) else { return without_blanks };
    let is_compressed = begins_with_gzip(&mut file, path).unwrap_or(false);
    let text: Box<dyn BufRead> =
        if is_compressed { Box::new(BufReader::new(MultiGzDecoder::new(file))) } else { Box::new(file) };
    let filled = text.split(b'\n').map_while(Result::ok).zip(1..).filter(|(line, _)| !line.trim_ascii().is_empty());
    filled.map(|(_, number)| number).nth(row + 1).unwrap_or(without_blanks)
}

fn is_about_a_row(error: &FileError) -> bool {
    matches!(error, FileError::Candle { .. } | FileError::Spacing { .. })
}

fn load_parquet(path: &Path, instrument: &Instrument, timeframe: Timeframe) -> Result<LoadedFile, FileError> {
    let file = open(path)?.into_inner();
    let rows = parquet_file::decode(file)
        .map_err(|source| FileError::Parquet { path: path.to_owned(), source: Box::new(source) })?;
    for (column, name) in VALUE_COLUMNS.into_iter().enumerate().skip(REQUIRED) {
        refuse_holes(&rows, column, name, path)?;
    }
    let candles = check(rows.into_columns(), path, instrument, timeframe, |_| None)?;
    Ok(LoadedFile { candles, columns_ignored: Vec::new() })
}

/// Refuses an optional column that some rows have and some have not, as the CSV reader does.
fn refuse_holes(rows: &Rows, column: usize, name: &'static str, path: &Path) -> Result<(), FileError> {
    match rows.values[column].iter().position(|value| value.is_nan()) {
        Some(row) if rows.has_column(column) => {
            let source = Box::new(parquet_file::ParquetFileError::Null { column: name.to_owned(), row });
            Err(FileError::Parquet { path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}

/// Makes candles of the columns of a file; `line_of` finds the line of a row.
fn check(
    columns: Columns,
    path: &Path,
    instrument: &Instrument,
    timeframe: Timeframe,
    line_of: impl Fn(usize) -> Option<u64>,
) -> Result<Candles, FileError> {
    let path = || path.to_owned();
    if columns.open_time.is_empty() {
        return Err(FileError::NoCandles { path: path() });
    }
    if let Some(spacing) = spacing::mismatch(&columns.open_time, timeframe) {
        return Err(FileError::Spacing { path: path(), spacing });
    }
    Candles::new(instrument.clone(), timeframe, columns).map_err(|source| {
        let line = error::row_of(&source).and_then(line_of);
        FileError::Candle { path: path(), line, source }
    })
}
