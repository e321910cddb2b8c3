//! The file from which an exchange comes back: every command it ever took, in order.
//!
//! A command is written before it is carried out. One that a client hears of as accepted is on the disk by then; a move
//! of the clock is written without waiting for the disk and takes the place of the move before it, so that the file
//! grows with orders and not with time. What is absent: no state. It is the fold of the commands.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Connection, OpenFlags, OptionalExtension, params};
use sentinel_domain::candles::{CandleError, Candles, Columns};
use sentinel_domain::instrument::Instrument;
use sentinel_domain::timeframe::Timeframe;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::exchange::{Command, Exchange};
use crate::settings::Settings;

/// Raised when what is in the file means something else.
const FORMAT: i64 = 1;

const SCHEMA: &str = "
    create table if not exists settings (only integer primary key check (only = 1), body text not null) strict;
    create table if not exists journal (
        sequence integer primary key,
        command text not null,
        series text,
        candles blob
    ) strict;
";

/// Why a file cannot be used.
#[derive(Debug, Error)]
pub enum JournalError {
    /// The file cannot be read or written.
    #[error("the broker's file {}: {source}; is the disk full, or the file damaged?", path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: rusqlite::Error,
    },
    /// Another broker has the account open: two for one account would contradict each other.
    #[error("the broker's file {} is in use by another broker; end that one, or use another file", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// Its lock cannot be taken.
    #[error("the lock beside the broker's file {} cannot be taken: {source}", path.display())]
    Lock {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: io::Error,
    },
    /// The file was made by another version.
    #[error("the broker's file {} has format {found}, this version reads {FORMAT}; use another file", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: i64,
    },
    /// The file belongs to an account with other settings.
    #[error("the broker's file {} was made with other settings ({found}); use those or another file", path.display())]
    Settings {
        /// The file.
        path: PathBuf,
        /// What it was made with, as JSON.
        found: String,
    },
    /// An entry that is not understood.
    #[error("entry {sequence} of the broker's file {} is damaged: {problem}; restore a copy", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The entry.
        sequence: i64,
        /// What is wrong.
        problem: String,
    },
}

/// An open file.
#[derive(Debug)]
pub(crate) struct Journal {
    connection: Connection,
    path: PathBuf,
    sequence: i64,
    last_is_advance: bool,
    /// Held as long as this broker lives. Beside the file and not SQLite's own, so that others may read: see
    /// [`copy_account`].
    _lock: File,
}

/// Writes a copy of an account's file, as it stands between two commands, to `target`, which must not exist. A broker
/// that has the file open goes on meanwhile.
///
/// # Errors
/// When the file cannot be read or the copy not be written.
pub fn copy_account(path: &Path, target: &Path) -> Result<(), JournalError> {
    let failed = |source| JournalError::Database { path: path.to_owned(), source };
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(failed)?;
    connection.execute("vacuum into ?1", [target.to_string_lossy()]).map_err(failed)?;
    Ok(())
}

fn lock(path: &Path) -> Result<File, JournalError> {
    let failed = |source| JournalError::Lock { path: path.to_owned(), source };
    let name = path.with_extension("lock");
    let file = File::options().create(true).append(true).open(name).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(JournalError::InUse { path: path.to_owned() }),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

/// What candles belong to, as it stands beside them.
#[derive(Debug, Serialize, Deserialize)]
struct Series {
    instrument: Instrument,
    timeframe: Timeframe,
}

impl Journal {
    /// Opens or makes the file and returns it with the exchange that comes of it.
    pub(crate) fn open(path: &Path, settings: &Settings) -> Result<(Self, Exchange), JournalError> {
        let failed = |source| JournalError::Database { path: path.to_owned(), source };
        let lock = lock(path)?;
        let connection = Connection::open(path).map_err(failed)?;
        let format = prepare(&connection).map_err(failed)?;
        if format != FORMAT {
            return Err(JournalError::Format { path: path.to_owned(), found: format });
        }
        let mut journal = Self { connection, path: path.to_owned(), sequence: 0, last_is_advance: false, _lock: lock };
        let settings = journal.settle(settings)?;
        let mut exchange = Exchange::new(settings);
        journal.replay(&mut exchange)?;
        Ok((journal, exchange))
    }

    /// Keeps the settings on the first opening, and holds later ones against them. Only the start may differ: an
    /// account is opened once.
    fn settle(&self, wanted: &Settings) -> Result<Settings, JournalError> {
        let select = "select body from settings where only = 1";
        let kept: Option<String> = self.run(|db| db.query_row(select, [], |row| row.get(0)).optional())?;
        let Some(text) = kept else {
            let body = serde_json::to_string(wanted).unwrap_or_default();
            self.run(|db| db.execute("insert into settings (only, body) values (1, ?1)", [body]))?;
            return Ok(wanted.clone());
        };
        let kept: Settings = serde_json::from_str(&text).map_err(|error| self.damaged(0, &error.to_string()))?;
        if (Settings { start: kept.start, ..wanted.clone() }) == kept {
            Ok(kept)
        } else {
            Err(JournalError::Settings { path: self.path.clone(), found: text })
        }
    }

    fn replay(&mut self, exchange: &mut Exchange) -> Result<(), JournalError> {
        let mut entries = Vec::new();
        self.run(|db| {
            let mut statement =
                db.prepare("select sequence, command, series, candles from journal order by sequence")?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let entry: (i64, String, Option<String>, Option<Vec<u8>>) =
                    (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
                entries.push(entry);
            }
            Ok(())
        })?;
        for (sequence, command, series, columns) in entries {
            let damaged = |problem: &dyn ToString| self.damaged(sequence, &problem.to_string());
            let mut command: Command = serde_json::from_str(&command).map_err(|error| damaged(&error))?;
            if let (Command::Load { candles, .. }, Some(series), Some(columns)) = (&mut command, series, columns) {
                let series: Series = serde_json::from_str(&series).map_err(|error| damaged(&error))?;
                let whole = decode(exchange, &series, &columns).map_err(|error| damaged(&error))?;
                *candles = Some(Arc::new(whole));
            }
            self.sequence = sequence;
            self.last_is_advance = matches!(command, Command::Advance { .. });
            exchange.execute(command).map_err(|refusal| self.damaged(sequence, &refusal.to_string()))?;
        }
        Ok(())
    }

    /// Writes a command that `exchange` is about to carry out.
    pub(crate) fn append(&mut self, command: &Command, exchange: &Exchange) -> Result<(), JournalError> {
        let is_advance = matches!(command, Command::Advance { .. });
        let sequence = if is_advance && self.last_is_advance { self.sequence } else { self.sequence + 1 };
        let text = serde_json::to_string(command).map_err(|error| self.damaged(sequence, &error.to_string()))?;
        let (series, columns) = match command {
            Command::Load { candles: Some(candles), .. } => {
                let series = Series { instrument: candles.instrument().clone(), timeframe: candles.timeframe() };
                (serde_json::to_string(&series).ok(), Some(encode(candles, rows_known(exchange, candles))))
            }
            _ => (None, None),
        };
        // A lost move of the clock is made again by whoever moves it; a lost order would be gone.
        self.run(|db| db.pragma_update(None, "synchronous", if is_advance { "normal" } else { "full" }))?;
        self.run(|db| {
            let insert = "insert or replace into journal (sequence, command, series, candles) values (?1, ?2, ?3, ?4)";
            db.prepare_cached(insert)?.execute(params![sequence, text, series, columns])
        })?;
        self.sequence = sequence;
        self.last_is_advance = is_advance;
        Ok(())
    }

    fn run<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, JournalError> {
        work(&self.connection).map_err(|source| JournalError::Database { path: self.path.clone(), source })
    }

    fn damaged(&self, sequence: i64, problem: &str) -> JournalError {
        JournalError::Damaged { path: self.path.clone(), sequence, problem: problem.to_owned() }
    }
}

/// Makes the tables where there are none and returns the file's format.
fn prepare(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    let format = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if format == 0 {
        connection.execute_batch(SCHEMA)?;
        connection.pragma_update(None, "user_version", FORMAT)?;
        return Ok(FORMAT);
    }
    Ok(format)
}

fn rows_known(exchange: &Exchange, candles: &Candles) -> usize {
    exchange.markets().get(&candles.instrument().symbol).map_or(0, |market| market.candles().len())
}

/// Returns the rows from `from` on: six columns of eight bytes each, one after the other.
fn encode(candles: &Candles, from: usize) -> Vec<u8> {
    let columns = candles.columns();
    let mut bytes = Vec::with_capacity((candles.len() - from.min(candles.len())) * 48);
    for time in &columns.open_time[from..] {
        bytes.extend(time.to_le_bytes());
    }
    for column in [&columns.open, &columns.high, &columns.low, &columns.close, &columns.volume] {
        for value in &column[from..] {
            bytes.extend(value.to_le_bytes());
        }
    }
    bytes
}

/// Returns the candles that are known of a series with the rows in `bytes` behind them.
fn decode(exchange: &Exchange, series: &Series, bytes: &[u8]) -> Result<Candles, CandleError> {
    const COLUMNS: usize = 6;
    let rows = bytes.len() / 8 / COLUMNS;
    let words = |column: usize| {
        bytes[column * rows * 8..][..rows * 8].chunks_exact(8).map(|word| {
            let mut eight = [0; 8];
            eight.copy_from_slice(word);
            eight
        })
    };
    let real = |column: usize| words(column).map(f64::from_le_bytes);
    let market = exchange.markets().get(&series.instrument.symbol);
    let mut all = market.map_or_else(Columns::default, |market| market.candles().columns().clone());
    all.open_time.extend(words(0).map(i64::from_le_bytes));
    all.open.extend(real(1));
    all.high.extend(real(2));
    all.low.extend(real(3));
    all.close.extend(real(4));
    all.volume.extend(real(5));
    Candles::new(series.instrument.clone(), series.timeframe, all)
}
