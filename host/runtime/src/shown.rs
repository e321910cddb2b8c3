//! What a strategy gets to see of some bars: the columns it reads, and nothing else.

use std::ops::Range;

use sentinel_domain::candles::Columns;
use sentinel_domain::strategy::ColumnSet;
use sentinel_domain::timeframe::UnixMillis;

/// Bars as lent to a strategy. A column that it does not read is empty.
pub(crate) struct Shown<'a> {
    pub(crate) open_time: &'a [UnixMillis],
    pub(crate) open: &'a [f64],
    pub(crate) high: &'a [f64],
    pub(crate) low: &'a [f64],
    pub(crate) close: &'a [f64],
    pub(crate) volume: &'a [f64],
    pub(crate) volume_delta: &'a [f64],
    pub(crate) imbalance: &'a [f64],
}

impl<'a> Shown<'a> {
    pub(crate) fn new(columns: &'a Columns, rows: &Range<usize>, read: ColumnSet) -> Self {
        fn lend<'a, T>(read: bool, column: &'a [T], rows: &Range<usize>) -> &'a [T] {
            if read { &column[rows.clone()] } else { &[] }
        }
        let volume_delta = columns.volume_delta.as_deref();
        let imbalance = columns.imbalance.as_deref();
        Self {
            open_time: lend(read.open_time, &columns.open_time, rows),
            open: lend(read.open, &columns.open, rows),
            high: lend(read.high, &columns.high, rows),
            low: lend(read.low, &columns.low, rows),
            close: lend(read.close, &columns.close, rows),
            volume: lend(read.volume, &columns.volume, rows),
            volume_delta: lend(read.volume_delta && volume_delta.is_some(), volume_delta.unwrap_or_default(), rows),
            imbalance: lend(read.imbalance && imbalance.is_some(), imbalance.unwrap_or_default(), rows),
        }
    }

    /// Returns the columns of reals, in the contract's order.
    pub(crate) const fn reals(&self) -> [&'a [f64]; 7] {
        [self.open, self.high, self.low, self.close, self.volume, self.volume_delta, self.imbalance]
    }
}
