//! Candles as they lie in files: eight columns, of which the last two may have holes.

use std::ops::Range;

use sentinel_domain::candles::Columns;
use sentinel_domain::timeframe::UnixMillis;

/// The names of the columns of [`Rows::values`], in order.
pub(crate) const VALUE_COLUMNS: [&str; 7] = ["open", "high", "low", "close", "volume", "volume_delta", "imbalance"];

/// How many of [`VALUE_COLUMNS`] every row has; the rest may be missing.
pub(crate) const REQUIRED: usize = 5;

/// Rows of candles, not checked. A missing value is NaN, which no checked candle holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Rows {
    pub(crate) open_time: Vec<UnixMillis>,
    pub(crate) values: [Vec<f64>; VALUE_COLUMNS.len()],
}

impl Rows {
    pub(crate) fn len(&self) -> usize {
        self.open_time.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.open_time.is_empty()
    }

    /// Returns the rows that open in `range`, which is found by search: rows lie in order of time.
    pub(crate) fn rows_within(&self, range: &Range<UnixMillis>) -> Range<usize> {
        let at = |bound: UnixMillis| self.open_time.partition_point(|time| *time < bound);
        at(range.start)..at(range.end).max(at(range.start))
    }

    /// Appends some rows of `other`.
    pub(crate) fn extend(&mut self, other: &Self, rows: Range<usize>) {
        self.open_time.extend_from_slice(&other.open_time[rows.clone()]);
        for (into, from) in self.values.iter_mut().zip(&other.values) {
            into.extend_from_slice(&from[rows.clone()]);
        }
    }

    /// Returns whether any row has a value in the column.
    pub(crate) fn has_column(&self, column: usize) -> bool {
        self.values[column].iter().any(|value| !value.is_nan())
    }

    /// Returns the columns; an optional one only when no row lacks it.
    pub(crate) fn into_columns(self) -> Columns {
        let [open, high, low, close, volume, volume_delta, imbalance] = self.values;
        let whole = |column: Vec<f64>| (!column.iter().any(|value| value.is_nan())).then_some(column);
        Columns {
            open_time: self.open_time,
            open,
            high,
            low,
            close,
            volume,
            volume_delta: whole(volume_delta),
            imbalance: whole(imbalance),
        }
    }
}

impl From<&Columns> for Rows {
    fn from(columns: &Columns) -> Self {
        let rows = columns.open_time.len();
        let optional = |column: &Option<Vec<f64>>| column.clone().unwrap_or_else(|| vec![f64::NAN; rows]);
        Self {
            open_time: columns.open_time.clone(),
            values: [
                columns.open.clone(),
                columns.high.clone(),
                columns.low.clone(),
                columns.close.clone(),
                columns.volume.clone(),
                optional(&columns.volume_delta),
                optional(&columns.imbalance),
            ],
        }
    }
}
