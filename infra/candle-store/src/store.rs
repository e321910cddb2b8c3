//! Candles in a data folder.
//!
//! ```text
//! DIR/store.json                                                                   the format's version
//! DIR/store.lock                                                                   held while somebody writes
//! DIR/candles/exchange=binance/symbol=BTC-USDT/timeframe=1h/year=2022.parquet      the candles that open in 2022
//! DIR/candles/exchange=binance/symbol=BTC-USDT/timeframe=1h/tail.parquet           recent additions, while downloading
//! DIR/candles/exchange=binance/symbol=BTC-USDT/timeframe=1h/coverage.json          the stretches that were asked for
//! ```
//!
//! Files change by being replaced, one writer at a time; a reader never waits and never sees half a file.

mod atomic;
mod coverage;
pub(crate) mod error;
mod lock;
mod merge;
mod series;

use std::fs;
use std::io;
use std::ops::{Bound, Range, RangeBounds};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sentinel_domain::candles::{Candles, format_time};
use sentinel_domain::instrument::Instrument;
use sentinel_domain::timeframe::{Timeframe, UnixMillis};
use serde::{Deserialize, Serialize, Serializer};

use crate::parquet_file;
use crate::rows::Rows;
use error::{Difference, StoreError};
use lock::WriteLock;
use merge::merge;
pub use series::SeriesName;
use series::{SeriesFolder, read_rows, write_all, year_of, year_range};

/// The newest format that is known, and the one that is written.
const FORMAT: u64 = 1;

const FORMAT_FILE: &str = "store.json";

/// How long a writer waits for another unless told otherwise: a year of one-minute candles is written in under a
/// second, so ten times that means that something is wrong.
const LOCK_WAIT_DEFAULT: Duration = Duration::from_secs(10);

/// How many rows the tail may hold before it is folded into its years: rewriting it takes some milliseconds.
const TAIL_ROWS_MAX: usize = 20_000;

/// A data folder.
#[derive(Debug, Clone)]
pub struct CandleStore {
    path: PathBuf,
    lock_wait: Duration,
}

/// What to do about a candle that is stored with other values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnConflict {
    /// Change nothing and say which candles differ.
    Refuse,
    /// Keep the new values.
    Replace,
}

/// What a write did, in candles.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct WriteReport {
    /// Not stored before.
    pub added: usize,
    /// Stored before with the same values.
    pub unchanged: usize,
    /// Stored before without a value that they have now.
    pub completed: usize,
    /// Stored before with other values.
    pub replaced: usize,
}

/// One line of [`CandleStore::list`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StoredSeries {
    /// What it is.
    #[serde(flatten)]
    pub name: SeriesName,
    /// When the first candle opens.
    #[serde(serialize_with = "as_text")]
    pub from: UnixMillis,
    /// When the last candle closes.
    #[serde(serialize_with = "as_text")]
    pub to: UnixMillis,
    /// How many candles there are.
    pub bars: usize,
    /// In how many stretches candles are missing.
    pub gaps: usize,
    /// How many candles are missing in them.
    pub missing: usize,
    /// The size of its files.
    pub bytes: u64,
}

fn as_text<S: Serializer>(time: &UnixMillis, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format_time(*time))
}

/// `store.json`.
#[derive(Serialize, Deserialize)]
struct FormatFile {
    format: u64,
}

impl CandleStore {
    /// Opens a data folder. One that is not there yet is made by the first write.
    ///
    /// # Errors
    /// When the folder was written by a newer version, or its version cannot be read.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let store = Self { path: path.into(), lock_wait: LOCK_WAIT_DEFAULT };
        store.read_format()?;
        Ok(store)
    }

    /// Sets how long a write waits for another writer.
    #[must_use]
    pub const fn with_lock_wait(mut self, lock_wait: Duration) -> Self {
        self.lock_wait = lock_wait;
        self
    }

    /// Returns the data folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Stores `candles`, of which none is taken to be missing between the first and the last but those that the
    /// source does not have. All are stored or none.
    ///
    /// # Errors
    /// When stored candles differ and are not to be replaced, somebody else writes for too long, or the disk refuses.
    pub fn write(&self, candles: &Candles, on_conflict: OnConflict) -> Result<WriteReport, StoreError> {
        let last = candles.len() - 1;
        let covered = candles.columns().open_time[0]..candles.close_time(last);
        let folder = self.folder(candles.instrument(), candles.timeframe());
        let _lock = self.lock(&folder, "import of")?;
        fold_in(&folder, &Addition { rows: Rows::from(candles.columns()), covered, on_conflict })
    }

    /// Stores one page of a download that answers for the times `covered`; the page may be empty. Pages are kept
    /// aside cheaply until [`Self::settle`] is called or they have become many.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub fn append(
        &self,
        instrument: &Instrument,
        timeframe: Timeframe,
        page: Option<&Candles>,
        covered: Range<UnixMillis>,
        on_conflict: OnConflict,
    ) -> Result<WriteReport, StoreError> {
        let folder = self.folder(instrument, timeframe);
        let _lock = self.lock(&folder, "download of")?;
        let rows = page.map(|page| Rows::from(page.columns())).unwrap_or_default();
        add_to_tail(&folder, &Addition { rows, covered, on_conflict })
    }

    /// Folds the pages of a download into the years.
    ///
    /// # Errors
    /// When somebody else writes for too long, or the disk refuses.
    pub fn settle(&self, instrument: &Instrument, timeframe: Timeframe) -> Result<(), StoreError> {
        let folder = self.folder(instrument, timeframe);
        if folder.tail_file().exists() {
            let _lock = self.lock(&folder, "download of")?;
            fold_in(&folder, &Addition { rows: Rows::default(), covered: 0..0, on_conflict: OnConflict::Refuse })?;
        }
        Ok(())
    }

    /// Returns the parts of `asked` that no write and no page has covered yet, in order.
    ///
    /// # Errors
    /// When the file that tells cannot be read.
    pub fn uncovered(
        &self,
        instrument: &Instrument,
        timeframe: Timeframe,
        asked: Range<UnixMillis>,
    ) -> Result<Vec<Range<UnixMillis>>, StoreError> {
        Ok(self.folder(instrument, timeframe).read_coverage()?.missing(asked))
    }

    /// Reads the candles of a series that open in `range`. An optional column is there when no candle lacks it.
    ///
    /// # Errors
    /// When there is no such series, no candle in the range, or a file is damaged.
    pub fn read(
        &self,
        instrument: &Instrument,
        timeframe: Timeframe,
        range: impl RangeBounds<UnixMillis>,
    ) -> Result<Candles, StoreError> {
        let folder = self.folder(instrument, timeframe);
        let range = half_open(&range);
        let rows = folder.read(&range)?;
        if rows.is_empty() {
            return Err(self.explain_nothing(&folder, &range)?);
        }
        Candles::new(instrument.clone(), timeframe, rows.into_columns()).map_err(|source| StoreError::NoCandles {
            series: Box::new(folder.name.clone()),
            path: folder.path.clone(),
            source,
        })
    }

    /// Lists every series, in order of exchange, symbol and timeframe.
    ///
    /// # Errors
    /// When a file is damaged or cannot be read.
    pub fn list(&self) -> Result<Vec<StoredSeries>, StoreError> {
        SeriesFolder::all(&self.path)?.iter().map(describe).collect()
    }

    fn folder(&self, instrument: &Instrument, timeframe: Timeframe) -> SeriesFolder {
        SeriesFolder::new(&self.path, SeriesName { instrument: instrument.clone(), timeframe })
    }

    /// Takes the lock, and tells the folder's format if nobody has yet.
    fn lock(&self, folder: &SeriesFolder, verb: &str) -> Result<WriteLock, StoreError> {
        let lock = WriteLock::acquire(&self.path, &format!("{verb} {}", folder.name), self.lock_wait)?;
        // Read again: another version may have been at work since the folder was opened.
        if self.read_format()?.is_none() {
            let json = format!("{{\"format\":{FORMAT}}}\n").into_bytes();
            write_all(vec![(self.path.join(FORMAT_FILE), json)])?;
        }
        Ok(lock)
    }

    /// Reads the folder's format. Format 1 is the first, so there is none to migrate from; a folder that does not
    /// tell is new.
    fn read_format(&self) -> Result<Option<u64>, StoreError> {
        let path = self.path.join(FORMAT_FILE);
        let unreadable = |problem: String| StoreError::UnreadableFormat { path: path.clone(), problem };
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(StoreError::io("read", &path, source)),
        };
        let file: FormatFile = serde_json::from_slice(&bytes).map_err(|error| unreadable(error.to_string()))?;
        match file.format {
            FORMAT => Ok(Some(FORMAT)),
            found if found > FORMAT => Err(StoreError::NewerFormat { path: self.path.clone(), found, known: FORMAT }),
            found => Err(unreadable(format!("there was never a format {found}"))),
        }
    }

    fn explain_nothing(&self, folder: &SeriesFolder, range: &Range<UnixMillis>) -> Result<StoreError, StoreError> {
        let series = Box::new(folder.name.clone());
        let times = folder.read_times()?;
        Ok(match (times.first(), times.last()) {
            (Some(first), Some(last)) => {
                StoreError::EmptyRange { series, from: range.start, to: range.end, first: *first, last: *last }
            }
            _ => {
                let there = SeriesFolder::all(&self.path)?.into_iter().map(|folder| folder.name).collect();
                StoreError::UnknownSeries { series, path: self.path.clone(), there }
            }
        })
    }
}

fn half_open(range: &impl RangeBounds<UnixMillis>) -> Range<UnixMillis> {
    let start = match range.start_bound() {
        Bound::Included(start) => *start,
        Bound::Excluded(start) => start.saturating_add(1),
        Bound::Unbounded => UnixMillis::MIN,
    };
    let end = match range.end_bound() {
        Bound::Included(end) => end.saturating_add(1),
        Bound::Excluded(end) => *end,
        Bound::Unbounded => UnixMillis::MAX,
    };
    start..end
}

/// What a write brings.
struct Addition {
    rows: Rows,
    /// The stretch of time that the rows answer for.
    covered: Range<UnixMillis>,
    on_conflict: OnConflict,
}

/// Files to be written and what is in them.
type Files = Vec<(PathBuf, Vec<u8>)>;

/// Merges the tail and what is new into the years they belong to.
fn fold_in(folder: &SeriesFolder, new: &Addition) -> Result<WriteReport, StoreError> {
    let tail = read_rows(&folder.tail_file())?;
    let mut files = Files::new();
    let mut outcome = Outcome::default();
    for year in years_of(&[&tail, &new.rows]) {
        let path = folder.year_file(year);
        let with_tail = merge(read_rows(&path)?, &of_year(&tail, year), OnConflict::Replace);
        let is_tail_new = with_tail.is_changed();
        let merged = merge(with_tail.rows, &of_year(&new.rows, year), new.on_conflict);
        let is_changed = is_tail_new || merged.is_changed();
        let rows = outcome.add(merged);
        if is_changed {
            files.push((path.clone(), encode(&rows, &path)?));
        }
    }
    let report = outcome.finish(&folder.name)?;
    finish_write(folder, files, &new.covered)?;
    remove_tail(folder)?;
    Ok(report)
}

/// Merges a page into the tail, unless that has become long or the page reaches into a year that is there.
fn add_to_tail(folder: &SeriesFolder, page: &Addition) -> Result<WriteReport, StoreError> {
    let tail = read_rows(&folder.tail_file())?;
    if tail.len() + page.rows.len() > TAIL_ROWS_MAX || reaches_into_a_year(folder, &page.rows)? {
        return fold_in(folder, page);
    }
    let mut files = Files::new();
    let mut outcome = Outcome::default();
    let merged = merge(tail, &page.rows, page.on_conflict);
    let is_changed = merged.is_changed();
    let rows = outcome.add(merged);
    let report = outcome.finish(&folder.name)?;
    if is_changed {
        let path = folder.tail_file();
        files.push((path.clone(), encode(&rows, &path)?));
    }
    finish_write(folder, files, &page.covered)?;
    Ok(report)
}

/// Writes files of candles and notes that `covered` was answered. The note comes last: before its candles it would,
/// after a crash, deny that they are missing.
fn finish_write(folder: &SeriesFolder, mut files: Files, covered: &Range<UnixMillis>) -> Result<(), StoreError> {
    let before = folder.read_coverage()?;
    let mut after = before.clone();
    after.insert(covered.clone());
    if after != before {
        files.push(folder.encode_coverage(&after)?);
    }
    write_all(files)
}

/// Whether a candle of `page` opens while the stored candles of its year are under way.
fn reaches_into_a_year(folder: &SeriesFolder, page: &Rows) -> Result<bool, StoreError> {
    let files = folder.year_files()?;
    for year in years_of(&[page]) {
        let Some(path) = files.get(&year) else { continue };
        let stored = series::read_times_of(path)?;
        if let (Some(first), Some(last)) = (stored.first(), stored.last())
            && !page.rows_within(&(*first..*last + 1)).is_empty()
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Sums up merges.
#[derive(Default)]
struct Outcome {
    report: WriteReport,
    differences: Vec<Difference>,
}

impl Outcome {
    fn add(&mut self, merged: merge::Merged) -> Rows {
        self.report.added += merged.added;
        self.report.unchanged += merged.unchanged;
        self.report.completed += merged.completed;
        self.report.replaced += merged.replaced;
        self.differences.extend(merged.differences);
        merged.rows
    }

    fn finish(self, series: &SeriesName) -> Result<WriteReport, StoreError> {
        if self.differences.is_empty() { Ok(self.report) } else { Err(StoreError::conflict(series, self.differences)) }
    }
}

fn encode(rows: &Rows, path: &Path) -> Result<Vec<u8>, StoreError> {
    parquet_file::encode(rows).map_err(|source| StoreError::io("encode", path, io::Error::other(source)))
}

/// Returns the years in which rows open, in order.
fn years_of(parts: &[&Rows]) -> Vec<i32> {
    let mut years = Vec::new();
    for rows in parts {
        let mut row = 0;
        while let Some(time) = rows.open_time.get(row) {
            let year = year_of(*time);
            years.push(year);
            row = rows.rows_within(&year_range(year)).end;
        }
    }
    years.sort_unstable();
    years.dedup();
    years
}

fn of_year(rows: &Rows, year: i32) -> Rows {
    let mut part = Rows::default();
    part.extend(rows, rows.rows_within(&year_range(year)));
    part
}

fn remove_tail(folder: &SeriesFolder) -> Result<(), StoreError> {
    let path = folder.tail_file();
    match fs::remove_file(&path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(StoreError::io("remove", &path, source)),
        _ => Ok(()),
    }
}

fn describe(folder: &SeriesFolder) -> Result<StoredSeries, StoreError> {
    let times = folder.read_times()?;
    let timeframe = folder.name.timeframe;
    let (from, last) = (times.first().copied().unwrap_or(0), times.last().copied().unwrap_or(0));
    let to = timeframe.close_time(last);
    let gaps = times.windows(2).filter(|pair| pair[1] - pair[0] != timeframe.millis()).count();
    let expected = usize::try_from((to - from) / timeframe.millis()).unwrap_or(0);
    let mut bytes = 0;
    for path in folder.files()? {
        bytes += fs::metadata(&path).map_err(|source| StoreError::io("read", &path, source))?.len();
    }
    let missing = expected.saturating_sub(times.len());
    Ok(StoredSeries { name: folder.name.clone(), from, to, bars: times.len(), gaps, missing, bytes })
}
