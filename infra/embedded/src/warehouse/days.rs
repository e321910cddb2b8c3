//! The days that a batch is about.

use std::fmt;

use chrono::NaiveDate;
use sentinel_domain::tables::{Cell, PARTITION, Row, TableSchema};
use sentinel_domain::warehouse::RowKey;

/// A range of logical dates, as a condition on `t`. It is written out in days, so that blocks of other days are not read,
/// and so that nothing has to be asked before the statement can be planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Days {
    first: NaiveDate,
    last: NaiveDate,
}

impl Days {
    /// Returns the days of rows; `None` where there are none.
    pub(super) fn of_rows(schema: &TableSchema, rows: &[&Row]) -> Option<Self> {
        let place = schema.position(PARTITION)?;
        Self::of(rows.iter().filter_map(|row| match row.get(place) {
            Some(Cell::Date(day)) => Some(*day),
            _ => None,
        }))
    }

    /// Returns the days of keys; `None` where there are none.
    pub(super) fn of_keys(keys: &[&RowKey]) -> Option<Self> {
        Self::of(keys.iter().map(|key| key.ds))
    }

    fn of(days: impl Iterator<Item = NaiveDate> + Clone) -> Option<Self> {
        Some(Self { first: days.clone().min()?, last: days.max()? })
    }
}

impl fmt::Display for Days {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "t.{PARTITION} >= DATE '{}' AND t.{PARTITION} <= DATE '{}'", self.first, self.last)
    }
}
