//! CSV into columns, cell by cell.

use std::io::{self, Read};
use std::path::Path;

use csv::{ByteRecord, ErrorKind, Reader, ReaderBuilder};
use sentinel_domain::candles::Columns;

use super::error::FileError;
use super::time::TimeReader;
use super::{BUFFER_BYTES, line_of};
use crate::rows::REQUIRED;

/// The columns that mean something here. The first six are required.
const KNOWN: [&str; 10] =
    [TIMESTAMP, "open", "high", "low", "close", "volume", "volume_delta", "imbalance", "taker_buy_volume", "trades"];
const TIMESTAMP: &str = "timestamp";
/// What the column of times may also be called.
const OPEN_TIME: &str = "open_time";
const VOLUME_DELTA: usize = 6;
const IMBALANCE: usize = 7;
const TAKER_BUY_VOLUME: usize = 8;

/// How much of a cell a message repeats.
const FOUND_CHARS_MAX: usize = 40;

const NUMBER: &str = "a number is needed, such as 46216.93";
const EVERY_ROW: &str = "a number is needed in every row; fill it or leave the column out";

/// What was read so far; after an error, the rows before it.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) columns: Columns,
    pub(super) columns_ignored: Vec<String>,
}

impl Table {
    /// Reads everything, or up to the first line that cannot be read.
    pub(super) fn read(&mut self, input: impl Read, path: &Path) -> Result<(), FileError> {
        let mut csv = ReaderBuilder::new().buffer_capacity(BUFFER_BYTES).from_reader(input);
        let header = Header::read(&mut csv, path)?;
        self.columns_ignored.clone_from(&header.ignored);
        if header.has(VOLUME_DELTA) || header.has(TAKER_BUY_VOLUME) {
            self.columns.volume_delta = Some(Vec::new());
        }
        if header.has(IMBALANCE) {
            self.columns.imbalance = Some(Vec::new());
        }
        let mut record = ByteRecord::new();
        let mut times = TimeReader::default();
        while csv.read_byte_record(&mut record).map_err(|error| self.explain(error, path))? {
            let row = Row { record: &record, header: &header, index: self.rows(), path };
            self.push(&row, &mut times)?;
        }
        Ok(())
    }

    fn push(&mut self, row: &Row<'_>, times: &mut TimeReader) -> Result<(), FileError> {
        // All cells are read before any is kept, so that columns stay of equal length.
        let time = times.read(row.cell(0)).map_err(|allowed| row.refuse(0, allowed))?;
        let mut prices = [0.0; REQUIRED];
        for (price, column) in prices.iter_mut().zip(1..) {
            *price = row.number(column, NUMBER)?;
        }
        let [open, high, low, close, volume] = prices;
        let volume_delta = if row.header.has(VOLUME_DELTA) {
            Some(row.number(VOLUME_DELTA, EVERY_ROW)?)
        } else if row.header.has(TAKER_BUY_VOLUME) {
            Some(delta_of_taker_buys(row.number(TAKER_BUY_VOLUME, EVERY_ROW)?, volume))
        } else {
            None
        };
        let imbalance = row.header.has(IMBALANCE).then(|| row.number(IMBALANCE, EVERY_ROW)).transpose()?;

        let columns = &mut self.columns;
        columns.open_time.push(time);
        columns.open.push(open);
        columns.high.push(high);
        columns.low.push(low);
        columns.close.push(close);
        columns.volume.push(volume);
        if let (Some(column), Some(value)) = (&mut columns.volume_delta, volume_delta) {
            column.push(value);
        }
        if let (Some(column), Some(value)) = (&mut columns.imbalance, imbalance) {
            column.push(value);
        }
        Ok(())
    }

    fn rows(&self) -> usize {
        self.columns.open_time.len()
    }

    /// Says what is wrong with the row after those that were read.
    fn explain(&self, error: csv::Error, path: &Path) -> FileError {
        let rows = self.rows();
        match error.into_kind() {
            ErrorKind::UnequalLengths { expected_len: expected, len: found, .. } => {
                FileError::Ragged { path: path.to_owned(), line: line_of(path, rows), expected, found }
            }
            ErrorKind::Io(source) if is_damage(&source) => {
                FileError::Damaged { path: path.to_owned(), line: rows as u64 + 1, source }
            }
            ErrorKind::Io(source) => FileError::Unreadable { path: path.to_owned(), source },
            _ => FileError::NotText { path: path.to_owned(), line: line_of(path, rows) },
        }
    }
}

/// Aggressive buys minus aggressive sells, when the buys are `taker_buys` of `volume`.
fn delta_of_taker_buys(taker_buys: f64, volume: f64) -> f64 {
    2.0 * taker_buys - volume
}

/// Whether the bytes were read and make no sense, as against a disk that failed.
fn is_damage(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput)
}

/// Where the known columns stand.
struct Header {
    positions: [Option<usize>; KNOWN.len()],
    ignored: Vec<String>,
}

impl Header {
    fn read(csv: &mut Reader<impl Read>, path: &Path) -> Result<Self, FileError> {
        let names = csv.byte_headers().map_err(|error| Table::default().explain(error, path))?;
        let mut header = Self { positions: [None; KNOWN.len()], ignored: Vec::new() };
        let mut found = Vec::new();
        for (position, name) in names.iter().enumerate() {
            let name = clean_name(name).ok_or_else(|| FileError::NotText { path: path.to_owned(), line: 1 })?;
            let name = if name == OPEN_TIME { TIMESTAMP.to_owned() } else { name };
            match KNOWN.iter().position(|known| *known == name) {
                Some(column) if header.positions[column].is_some() => {
                    return Err(FileError::DoubleColumn { path: path.to_owned(), column: KNOWN[column] });
                }
                Some(column) => header.positions[column] = Some(position),
                None => header.ignored.push(name.clone()),
            }
            found.push(name);
        }
        match (0..=REQUIRED).find(|column| !header.has(*column)) {
            Some(column) => Err(FileError::MissingColumn { path: path.to_owned(), column: KNOWN[column], found }),
            None => Ok(header),
        }
    }

    fn has(&self, column: usize) -> bool {
        self.positions[column].is_some()
    }
}

/// Returns a column's name in lower case and without what surrounds it, or `None` when it is no text.
fn clean_name(name: &[u8]) -> Option<String> {
    const BYTE_ORDER_MARK: char = '\u{feff}';
    let name = std::str::from_utf8(name).ok()?.trim_start_matches(BYTE_ORDER_MARK).trim();
    (!name.chars().any(char::is_control)).then(|| name.to_ascii_lowercase())
}

/// One record and what is needed to read and to refuse its cells.
struct Row<'a> {
    record: &'a ByteRecord,
    header: &'a Header,
    /// Counted from 0, without the header.
    index: usize,
    path: &'a Path,
}

impl Row<'_> {
    fn cell(&self, column: usize) -> &[u8] {
        self.header.positions[column].and_then(|position| self.record.get(position)).unwrap_or_default().trim_ascii()
    }

    fn number(&self, column: usize, allowed: &'static str) -> Result<f64, FileError> {
        let text = std::str::from_utf8(self.cell(column)).ok();
        text.and_then(|text| text.parse().ok()).ok_or_else(|| self.refuse(column, allowed))
    }

    fn refuse(&self, column: usize, allowed: &'static str) -> FileError {
        let found = String::from_utf8_lossy(self.cell(column)).escape_debug().take(FOUND_CHARS_MAX).collect();
        let line = line_of(self.path, self.index);
        FileError::Cell { path: self.path.to_owned(), line, column: KNOWN[column], found, allowed }
    }
}
