//! Closed candles as columns.
//!
//! A [`Candles`] is checked once, when it is made; whoever holds one may rely on times that rise strictly and lie
//! on whole multiples of the timeframe, on finite prices above zero, and on columns of equal length. Prices are
//! `f64` here because strategies and statistics read them; they become `Decimal` where they become money
//! (see [`crate::money`]).

mod columns;
pub mod gaps;
pub mod packed;
pub mod resample;

use std::ops::Range;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::hash::{ContentHash, ContentHasher};
use crate::instrument::Instrument;
use crate::timeframe::{Timeframe, UnixMillis};

/// Candles of one instrument and timeframe, oldest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Candles {
    instrument: Instrument,
    timeframe: Timeframe,
    columns: Columns,
}

/// The columns of [`Candles`], not yet checked. Prices in quote currency, volumes in base units.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Columns {
    /// When each candle opened, in Unix milliseconds UTC.
    pub open_time: Vec<UnixMillis>,
    /// First traded price.
    pub open: Vec<f64>,
    /// Highest traded price.
    pub high: Vec<f64>,
    /// Lowest traded price.
    pub low: Vec<f64>,
    /// Last traded price.
    pub close: Vec<f64>,
    /// Traded quantity.
    pub volume: Vec<f64>,
    /// Aggressive buys minus aggressive sells, where the source tells.
    pub volume_delta: Option<Vec<f64>>,
    /// Order-book imbalance at the close, -1..1, where the source tells.
    pub imbalance: Option<Vec<f64>>,
}

/// One candle, for whoever looks at candles one by one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Candle {
    /// When it opened, in Unix milliseconds UTC.
    pub open_time: UnixMillis,
    /// First traded price.
    pub open: f64,
    /// Highest traded price.
    pub high: f64,
    /// Lowest traded price.
    pub low: f64,
    /// Last traded price.
    pub close: f64,
    /// Traded quantity.
    pub volume: f64,
}

/// What makes columns no candles. `row` counts from 0.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum CandleError {
    /// A column is shorter or longer than `open_time`.
    #[error("column {column} has {found} rows, open_time has {expected}")]
    Length {
        /// The column.
        column: &'static str,
        /// Rows of `open_time`.
        expected: usize,
        /// Rows of the column.
        found: usize,
    },
    /// No row at all.
    #[error("there are no candles")]
    Empty,
    /// Two rows open at the same time.
    #[error("row {row}: a second candle opens at {}; remove the duplicate", format_time(*open_time))]
    Duplicate {
        /// The later row.
        row: usize,
        /// Its time.
        open_time: UnixMillis,
    },
    /// A row opens before the one above it.
    #[error("row {row}: {} comes after a later candle; sort the rows by time, oldest first", format_time(*open_time))]
    Unsorted {
        /// The row.
        row: usize,
        /// Its time.
        open_time: UnixMillis,
    },
    /// A row opens between two boundaries of the timeframe.
    #[error(
        "row {row}: a {timeframe} candle cannot open at {}; name the timeframe that the data has",
        format_time(*open_time)
    )]
    Misaligned {
        /// The row.
        row: usize,
        /// Its time.
        open_time: UnixMillis,
        /// The timeframe asked for.
        timeframe: Timeframe,
    },
    /// A value outside its range.
    #[error("row {row} ({}): {column} is {value}; {allowed}", format_time(*open_time))]
    Value {
        /// The row.
        row: usize,
        /// Its time.
        open_time: UnixMillis,
        /// The column.
        column: &'static str,
        /// What stands there.
        value: f64,
        /// What may stand there.
        allowed: &'static str,
    },
}

/// Returns `open_time` in RFC 3339 form, in UTC.
#[must_use]
pub fn format_time(time: UnixMillis) -> String {
    DateTime::<Utc>::from_timestamp_millis(time)
        .map_or_else(|| format!("{time} ms"), |time| time.to_rfc3339_opts(SecondsFormat::AutoSi, true))
}

impl Candles {
    /// Checks `columns` and makes candles of them.
    ///
    /// # Errors
    /// Names the first row that breaks a rule.
    pub fn new(instrument: Instrument, timeframe: Timeframe, columns: Columns) -> Result<Self, CandleError> {
        columns.check(timeframe)?;
        Ok(Self { instrument, timeframe, columns })
    }

    /// Returns the instrument.
    #[must_use]
    pub const fn instrument(&self) -> &Instrument {
        &self.instrument
    }

    /// Returns the timeframe.
    #[must_use]
    pub const fn timeframe(&self) -> Timeframe {
        self.timeframe
    }

    /// Returns the columns, to read.
    #[must_use]
    pub const fn columns(&self) -> &Columns {
        &self.columns
    }

    /// Gives the columns back.
    #[must_use]
    pub fn into_columns(self) -> Columns {
        self.columns
    }

    /// Returns the number of candles; never 0.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "candles are never empty")]
    pub fn len(&self) -> usize {
        self.columns.open_time.len()
    }

    /// Returns the candle at `index`.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn candle(&self, index: usize) -> Candle {
        self.columns.candle(index)
    }

    /// Returns when the candle at `index` closes.
    #[must_use]
    pub fn close_time(&self, index: usize) -> UnixMillis {
        self.timeframe.close_time(self.columns.open_time[index])
    }

    /// Returns the candles that open in `[from, to)`, or `None` when there are none.
    #[must_use]
    pub fn between(&self, from: UnixMillis, to: UnixMillis) -> Option<Self> {
        let times = &self.columns.open_time;
        let rows = times.partition_point(|time| *time < from)..times.partition_point(|time| *time < to);
        (!rows.is_empty()).then(|| Self {
            instrument: self.instrument.clone(),
            timeframe: self.timeframe,
            columns: self.columns.slice(rows),
        })
    }

    /// Returns the hash over everything a result may depend on: instrument, timeframe and every column.
    #[must_use]
    pub fn content_hash(&self) -> ContentHash {
        let columns = &self.columns;
        let hasher = ContentHasher::new("candles")
            .text(self.instrument.exchange.as_str())
            .text(&self.instrument.symbol.to_string())
            .text(self.timeframe.as_str())
            .integers(&columns.open_time);
        [&columns.open, &columns.high, &columns.low, &columns.close, &columns.volume]
            .into_iter()
            .map(Vec::as_slice)
            .chain([&columns.volume_delta, &columns.imbalance].map(|column| column.as_deref().unwrap_or_default()))
            .fold(hasher, ContentHasher::reals)
            .finish()
    }
}

impl Columns {
    /// Returns the candle in `row`.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    #[inline]
    pub fn candle(&self, row: usize) -> Candle {
        Candle {
            open_time: self.open_time[row],
            open: self.open[row],
            high: self.high[row],
            low: self.low[row],
            close: self.close[row],
            volume: self.volume[row],
        }
    }

    /// Returns a copy of some rows.
    #[must_use]
    pub fn slice(&self, rows: Range<usize>) -> Self {
        Self {
            open_time: self.open_time[rows.clone()].to_vec(),
            open: self.open[rows.clone()].to_vec(),
            high: self.high[rows.clone()].to_vec(),
            low: self.low[rows.clone()].to_vec(),
            close: self.close[rows.clone()].to_vec(),
            volume: self.volume[rows.clone()].to_vec(),
            volume_delta: self.volume_delta.as_ref().map(|column| column[rows.clone()].to_vec()),
            imbalance: self.imbalance.as_ref().map(|column| column[rows].to_vec()),
        }
    }

    /// Returns every column of reals that is there, with its name.
    fn reals(&self) -> impl Iterator<Item = (&'static str, &[f64])> {
        [
            ("open", Some(&self.open)),
            ("high", Some(&self.high)),
            ("low", Some(&self.low)),
            ("close", Some(&self.close)),
            ("volume", Some(&self.volume)),
            ("volume_delta", self.volume_delta.as_ref()),
            ("imbalance", self.imbalance.as_ref()),
        ]
        .into_iter()
        .filter_map(|(name, column)| Some((name, column?.as_slice())))
    }

    fn check(&self, timeframe: Timeframe) -> Result<(), CandleError> {
        let expected = self.open_time.len();
        if expected == 0 {
            return Err(CandleError::Empty);
        }
        if let Some((column, values)) = self.reals().find(|(_, values)| values.len() != expected) {
            return Err(CandleError::Length { column, expected, found: values.len() });
        }
        (0..expected).try_for_each(|row| {
            self.check_time(row, timeframe)?;
            self.check_values(row)
        })
    }

    fn check_time(&self, row: usize, timeframe: Timeframe) -> Result<(), CandleError> {
        let open_time = self.open_time[row];
        if row > 0 && open_time == self.open_time[row - 1] {
            return Err(CandleError::Duplicate { row, open_time });
        }
        if row > 0 && open_time < self.open_time[row - 1] {
            return Err(CandleError::Unsorted { row, open_time });
        }
        if !timeframe.is_aligned(open_time) {
            return Err(CandleError::Misaligned { row, open_time, timeframe });
        }
        Ok(())
    }

    fn check_values(&self, row: usize) -> Result<(), CandleError> {
        let bad = |column, value, allowed| {
            Err(CandleError::Value { row, open_time: self.open_time[row], column, value, allowed })
        };
        let (open, high, low, close) = (self.open[row], self.high[row], self.low[row], self.close[row]);
        for (column, price) in [("open", open), ("high", high), ("low", low), ("close", close)] {
            if !(price.is_finite() && price > 0.0) {
                return bad(column, price, "a price must be a finite number above 0");
            }
        }
        if high < open.max(close) {
            return bad("high", high, "it must not be below open or close");
        }
        if low > open.min(close) {
            return bad("low", low, "it must not be above open or close");
        }
        let volume = self.volume[row];
        if !(volume.is_finite() && volume >= 0.0) {
            return bad("volume", volume, "a volume must be a finite number, 0 or more");
        }
        if let Some(delta) = self.volume_delta.as_ref().map(|column| column[row]) {
            // The sum of two rounded volumes may exceed the third by their rounding.
            if delta.is_nan() || delta.abs() > volume * (1.0 + 1e-9) + 1e-9 {
                return bad("volume_delta", delta, "it must lie between -volume and +volume");
            }
        }
        if let Some(imbalance) = self.imbalance.as_ref().map(|column| column[row])
            && !(-1.0..=1.0).contains(&imbalance)
        {
            return bad("imbalance", imbalance, "it must lie between -1 and 1");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(open_time: &[i64]) -> Columns {
        let price = vec![10.0; open_time.len()];
        Columns {
            open_time: open_time.to_vec(),
            open: price.clone(),
            high: price.clone(),
            low: price.clone(),
            close: price.clone(),
            volume: price,
            ..Columns::default()
        }
    }

    fn check(columns: Columns) -> Result<Candles, CandleError> {
        let instrument = Instrument { exchange: "test".parse().unwrap(), symbol: "BTC/USD".parse().unwrap() };
        Candles::new(instrument, Timeframe::M1, columns)
    }

    #[test]
    fn times_must_rise_on_the_grid() {
        assert!(check(columns(&[0, 60_000, 180_000])).is_ok());
        assert!(matches!(check(columns(&[])), Err(CandleError::Empty)));
        assert!(matches!(check(columns(&[0, 0])), Err(CandleError::Duplicate { row: 1, .. })));
        assert!(matches!(check(columns(&[60_000, 0])), Err(CandleError::Unsorted { row: 1, .. })));
        assert!(matches!(check(columns(&[0, 61_000])), Err(CandleError::Misaligned { row: 1, .. })));
    }

    #[test]
    fn values_must_make_a_candle() {
        let broken = |edit: fn(&mut Columns)| {
            let mut columns = columns(&[0, 60_000]);
            edit(&mut columns);
            check(columns).unwrap_err().to_string()
        };
        assert!(broken(|c| c.low[1] = -1.0).contains("row 1 (1970-01-01T00:01:00Z): low is -1"));
        assert!(broken(|c| c.high[1] = 9.0).contains("high is 9"));
        assert!(broken(|c| c.close[0] = f64::NAN).contains("close is NaN"));
        assert!(broken(|c| c.volume[0] = -0.5).contains("volume is -0.5"));
        assert!(broken(|c| c.imbalance = Some(vec![0.0, 1.5])).contains("imbalance is 1.5"));
        assert!(broken(|c| c.close.truncate(1)).contains("column close has 1 rows"));
    }

    #[test]
    fn hash_depends_on_every_column() {
        let plain = check(columns(&[0, 60_000])).unwrap();
        let mut with_delta = columns(&[0, 60_000]);
        with_delta.volume_delta = Some(vec![0.0, 1.0]);
        assert_ne!(plain.content_hash(), check(with_delta).unwrap().content_hash());
        assert_eq!(plain.content_hash(), check(columns(&[0, 60_000])).unwrap().content_hash());
    }

    #[test]
    fn between_is_half_open() {
        let candles = check(columns(&[0, 60_000, 120_000])).unwrap();
        assert_eq!(candles.between(60_000, 120_000).unwrap().len(), 1);
        assert!(candles.between(300_000, 400_000).is_none());
    }
}
