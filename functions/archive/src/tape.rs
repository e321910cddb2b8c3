//! Candles of the past: from the hot store while it has them, then from the warehouse.

use std::collections::BTreeMap;
use std::sync::Arc;

use sentinel_domain::candles::Columns;
use sentinel_domain::instrument::Instrument;
use sentinel_domain::live::CandleChunk;
use sentinel_domain::session::SessionLength;
use sentinel_domain::tables::{CandleRow, Cell};
use sentinel_domain::timeframe::{Timeframe, UnixMillis};
use sentinel_domain::warehouse::{Warehouse, WarehouseExt};
use sentinel_function_runtime::{FunctionError, RunContext};

use crate::archive::table;
use crate::failure::warehouse_failed;
use crate::time::{date_of, utc};

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
        let mut found = Columns::default();
        let first = timeframe.candle_open(from);
        let mut session = SessionLength::of(timeframe).around(first);
        while session.start < until {
            let chunk = self.chunk(instrument, timeframe, session.start).await?;
            found.append(within(&chunk, timeframe, first, until));
            session = SessionLength::of(timeframe).around(session.end);
        }
        Ok(found)
    }

    async fn chunk(
        &mut self,
        instrument: &Instrument,
        timeframe: Timeframe,
        session_open: UnixMillis,
    ) -> Result<Arc<Columns>, FunctionError> {
        let id = CandleChunk::id_at(instrument, timeframe, session_open);
        if let Some(columns) = self.chunks.get(&id) {
            return Ok(Arc::clone(columns));
        }
        let columns = match self.ctx.records::<CandleChunk>().get(&id).await? {
            Some(chunk) => chunk.record.columns,
            None => self.cold(instrument, timeframe, session_open).await?,
        };
        let columns = Arc::new(columns);
        self.chunks.insert(id, Arc::clone(&columns));
        Ok(columns)
    }

    /// Reads a session's candles from the warehouse; of several revisions the last one counts.
    async fn cold(
        &mut self,
        instrument: &Instrument,
        timeframe: Timeframe,
        session_open: UnixMillis,
    ) -> Result<Columns, FunctionError> {
        let table = table::<CandleRow>(self.ctx.environment());
        if !self.cold_is_there {
            self.warehouse.ensure(&table).await.map_err(warehouse_failed("make the candles' table"))?;
            self.cold_is_there = true;
        }
        let session = SessionLength::of(timeframe).around(session_open);
        let condition = "t.ds BETWEEN ? AND ? AND t.exchange = ? AND t.symbol = ? AND t.interval = ? \
                         AND t.open_time >= ? AND t.open_time < ?";
        let parameters = [
            Cell::Date(date_of(session.start)),
            Cell::Date(date_of(session.end)),
            Cell::Text(instrument.exchange.to_string()),
            Cell::Text(instrument.symbol.to_string()),
            Cell::Text(timeframe.as_str().to_owned()),
            Cell::Timestamp(utc(session.start)),
            Cell::Timestamp(utc(session.end)),
        ];
        let rows = self.warehouse.select::<CandleRow>(&table, condition, &parameters).await;
        Ok(columns_of(&rows.map_err(warehouse_failed("read candles"))?))
    }
}

fn columns_of(rows: &[CandleRow]) -> Columns {
    let mut last: BTreeMap<UnixMillis, &CandleRow> = BTreeMap::new();
    for row in rows {
        let known = last.entry(row.open_time.timestamp_millis()).or_insert(row);
        if row.revision >= known.revision {
            *known = row;
        }
    }
    let column = |value: fn(&CandleRow) -> f64| last.values().map(|row| value(row)).collect::<Vec<_>>();
    Columns {
        open: column(|row| row.open),
        high: column(|row| row.high),
        low: column(|row| row.low),
        close: column(|row| row.close),
        volume: column(|row| row.volume),
        volume_delta: last.values().map(|row| row.volume_delta).collect(),
        imbalance: last.values().map(|row| row.imbalance).collect(),
        open_time: last.into_keys().collect(),
    }
}

/// Copies the candles that open at or after `first` and close by `until`.
fn within(columns: &Columns, timeframe: Timeframe, first: UnixMillis, until: UnixMillis) -> Columns {
    let start = columns.open_time.partition_point(|open| *open < first);
    let end = columns.open_time.partition_point(|open| timeframe.close_time(*open) <= until).max(start);
    columns.slice(start..end)
}
