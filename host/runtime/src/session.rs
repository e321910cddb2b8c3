//! An open session: a strategy that is being shown candles.

use std::fmt;
use std::ops::Range;

use sentinel_domain::candles::Columns;
use sentinel_domain::signal::Signal;
use sentinel_domain::timeframe::UnixMillis;

use crate::answer::{self, BadSignal};
use crate::error::{BarSpan, Place, RuntimeError};
use crate::instance::{Budget, Instance};
use crate::strategy::Strategy;
use crate::v0_1::SessionHandle;

/// One run of a strategy over one instrument, on an instance of its own. Ends with the first error.
pub struct Session {
    strategy: Strategy,
    instance: Instance,
    handle: SessionHandle,
    last_shown: Option<UnixMillis>,
    ended: bool,
}

impl Session {
    pub(crate) const fn new(strategy: Strategy, instance: Instance, handle: SessionHandle) -> Self {
        Self { strategy, instance, handle, last_shown: None, ended: false }
    }

    pub(crate) fn warm_up_bars(mut self) -> Result<u32, RuntimeError> {
        self.instance.warm_up_bars(self.handle)
    }

    /// Returns the fuel used so far, from the making of the instance on.
    #[must_use]
    pub const fn fuel_used(&self) -> u64 {
        self.instance.fuel_used()
    }

    /// Shows the bars before the session's own. Their signals are checked and dropped; they have a budget of their
    /// own. No rows, no call.
    ///
    /// # Errors
    /// When the strategy exceeds a limit, crashes, fails or breaks the contract.
    pub fn warm_up(&mut self, columns: &Columns, rows: Range<usize>) -> Result<(), RuntimeError> {
        let budget = Budget::warm_up(self.strategy.limits());
        self.show(columns, rows, budget, Place::WarmUp, &mut Vec::new())
    }

    /// Shows bars and appends the signals they give rise to, each with the row of the series it is about.
    /// The budget is `fuel_max_per_bar` for each row, all rows together. No rows, no call.
    ///
    /// # Errors
    /// When the strategy exceeds a limit, crashes, fails or breaks the contract. `out` is then as it was.
    ///
    /// # Panics
    /// When a bar is shown twice or out of order, or when the rows are not there.
    pub fn on_bars(
        &mut self,
        columns: &Columns,
        rows: Range<usize>,
        out: &mut Vec<Signal>,
    ) -> Result<(), RuntimeError> {
        let budget = Budget::bars(self.strategy.limits(), rows.len());
        self.show(columns, rows, budget, Place::Bars, out)
    }

    fn show(
        &mut self,
        columns: &Columns,
        rows: Range<usize>,
        budget: Budget,
        place: fn(BarSpan) -> Place,
        out: &mut Vec<Signal>,
    ) -> Result<(), RuntimeError> {
        if rows.is_empty() {
            return Ok(());
        }
        let first_open_time = columns.open_time[rows.start];
        assert!(self.last_shown.is_none_or(|last| last < first_open_time), "bars are shown in order, each once");
        self.last_shown = Some(columns.open_time[rows.end - 1]);

        let span = place(BarSpan::new(columns, rows.clone()));
        if self.ended {
            return Err(RuntimeError::SessionEnded { strategy: self.strategy.name().to_owned(), place: span });
        }
        let result = self.answer(columns, rows, budget, place, span, out);
        self.ended = result.is_err();
        result
    }

    fn answer(
        &mut self,
        columns: &Columns,
        rows: Range<usize>,
        budget: Budget,
        place: fn(BarSpan) -> Place,
        span: Place,
        out: &mut Vec<Signal>,
    ) -> Result<(), RuntimeError> {
        let manifest = self.strategy.manifest();
        self.strategy.check_columns(columns)?;
        let signals = self.instance.on_bars(self.handle, manifest, columns, rows.clone(), &span, budget)?;
        answer::accept(signals, manifest, columns, &rows, out).map_err(|BadSignal { row, fault }| {
            RuntimeError::Signal {
                strategy: self.strategy.name().to_owned(),
                place: row.map_or(span, |row| place(BarSpan::new(columns, row..row + 1))),
                fault,
            }
        })
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("strategy", &self.strategy.name())
            .field("last_shown", &self.last_shown)
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}
