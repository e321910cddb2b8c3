//! Candles of the past: from the hot store while it has them, then from the warehouse.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use sentinel_domain::candles::Columns;
use sentinel_domain::documents::Record;
use sentinel_domain::instrument::Instrument;
use sentinel_domain::live::CandleChunk;
use sentinel_domain::session::SessionLength;
use sentinel_domain::tables::CandleRow;
use sentinel_domain::timeframe::{Timeframe, UnixMillis};
use sentinel_domain::warehouse::Warehouse;
use sentinel_function_runtime::{FunctionError, RunContext};

use crate::candles::{candle_rows, candle_table, columns_of};
use crate::failure::warehouse_failed;

/// How many documents are asked for at once.
const LOOK_UP_MAX: usize = 500;

/// Candles, each chunk read once in a run.
pub struct Tape<'a> {
    ctx: &'a RunContext,
    warehouse: &'a Arc<dyn Warehouse>,
    finest: Timeframe,
    chunks: BTreeMap<String, Arc<Columns>>,
    cold_is_there: bool,
}

impl std::fmt::Debug for Tape<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tape").field("finest", &self.finest).field("chunks", &self.chunks.len()).finish_non_exhaustive()
    }
}

impl<'a> Tape<'a> {
    /// Opens the tape; `finest` are the candles that prices between two moments are looked for in.
    #[must_use]
    pub const fn new(ctx: &'a RunContext, warehouse: &'a Arc<dyn Warehouse>, finest: Timeframe) -> Self {
        Self { ctx, warehouse, finest, chunks: BTreeMap::new(), cold_is_there: false }
    }

    /// Returns the candles that hold `from` or open after it and close by `until`, with their timeframe: the finest there
    /// are, else those that the strategy was shown. Empty where there are none.
    ///
    /// # Errors
    /// When neither store can be read.
    pub async fn between(
        &mut self,
        instrument: &Instrument,
        shown: Timeframe,
        from: UnixMillis,
        until: UnixMillis,
    ) -> Result<(Timeframe, Columns), FunctionError> {
        for timeframe in [self.finest, shown] {
            let columns = self.of(instrument, timeframe, from, until).await?;
            if !columns.open_time.is_empty() {
                return Ok((timeframe, columns));
            }
        }
        Ok((self.finest, Columns::default()))
    }

    /// The same for one timeframe.
    ///
    /// # Errors
    /// As [`Tape::between`].
    pub async fn of(
        &mut self,
        instrument: &Instrument,
        timeframe: Timeframe,
        from: UnixMillis,
        until: UnixMillis,
    ) -> Result<Columns, FunctionError> {
        let first = timeframe.candle_open(from);
        let sessions = sessions(timeframe, first, until);
        self.load(instrument, timeframe, &sessions).await?;
        let mut found = Columns::default();
        for session in sessions {
            let chunk = &self.chunks[&CandleChunk::id_at(instrument, timeframe, session.start)];
            let part = within(chunk, timeframe, first, until);
            if !part.open_time.is_empty() {
                found.append(part);
            }
        }
        Ok(found)
    }

    /// Reads the sessions that were not read yet: those that are hot by their names, all others by one question.
    async fn load(
        &mut self,
        instrument: &Instrument,
        timeframe: Timeframe,
        sessions: &[Range<UnixMillis>],
    ) -> Result<(), FunctionError> {
        let name = |session: &Range<UnixMillis>| CandleChunk::id_at(instrument, timeframe, session.start);
        let unread = sessions.iter().filter(|session| !self.chunks.contains_key(&name(session)));
        let ids: Vec<String> = unread.map(name).collect();
        for ids in ids.chunks(LOOK_UP_MAX) {
            for chunk in self.ctx.records::<CandleChunk>().get_many(ids).await? {
                self.chunks.insert(chunk.record.id(), Arc::new(chunk.record.columns));
            }
        }
        let mut elsewhere = sessions.iter().filter(|session| !self.chunks.contains_key(&name(session)));
        let Some(first) = elsewhere.next() else { return Ok(()) };
        let last = elsewhere.next_back().unwrap_or(first);
        let cold = self.cold(instrument, timeframe, first.start..last.end).await?;
        for session in sessions {
            let place = |time| cold.partition_point(|row| row.open_time.timestamp_millis() < time);
            let chunk = || Arc::new(columns_of(&cold[place(session.start)..place(session.end)]));
            self.chunks.entry(name(session)).or_insert_with(chunk);
        }
        Ok(())
    }

    /// Reads candles from the warehouse, all revisions, oldest first.
    async fn cold(
        &mut self,
        instrument: &Instrument,
        timeframe: Timeframe,
        time: Range<UnixMillis>,
    ) -> Result<Vec<CandleRow>, FunctionError> {
        let table = candle_table(self.ctx.environment());
        if !self.cold_is_there {
            self.warehouse.ensure(&table).await.map_err(warehouse_failed("make the candles' table"))?;
            self.cold_is_there = true;
        }
        let rows = candle_rows(self.warehouse.as_ref(), &table, instrument, timeframe, time).await;
        rows.map_err(warehouse_failed("read candles"))
    }
}

/// Returns the sessions from the one that holds `first` to the one that ends at or after `until`.
fn sessions(timeframe: Timeframe, first: UnixMillis, until: UnixMillis) -> Vec<Range<UnixMillis>> {
    let length = SessionLength::of(timeframe);
    let next = |session: &Range<UnixMillis>| Some(length.around(session.end));
    let all = std::iter::successors(Some(length.around(first)), next);
    all.take_while(|session| session.start < until).collect()
}

/// Copies the candles that open at or after `first` and close by `until`.
fn within(columns: &Columns, timeframe: Timeframe, first: UnixMillis, until: UnixMillis) -> Columns {
    let start = columns.open_time.partition_point(|open| *open < first);
    let end = columns.open_time.partition_point(|open| timeframe.close_time(*open) <= until).max(start);
    columns.slice(start..end)
}
