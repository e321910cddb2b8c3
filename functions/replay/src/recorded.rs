//! The recorded decisions of a range in the order of their closes, whichever store remembers them.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use chrono::NaiveDate;
use sentinel_archive::rows::chunks_of;
use sentinel_archive::table;
use sentinel_archive::time::{date_of, end_of, utc};
use sentinel_domain::documents::{Query, StoreError};
use sentinel_domain::live::DecisionChunk;
use sentinel_domain::tables::{Cell, DecisionRow};
use sentinel_domain::timeframe::UnixMillis;
use sentinel_domain::warehouse::{EVERY_DAY, Warehouse, WarehouseError, WarehouseExt};
use sentinel_function_runtime::{Reads, StoreReader};

use crate::ReplayRange;

/// Chunks of decisions that are read at a time.
const PAGE_CHUNKS: u32 = 50;

/// What of a decision says that it is the same in both stores.
type Name = (UnixMillis, String, String, String);

/// The chunks of the hot store, page by page.
struct Hot<'a> {
    reader: &'a StoreReader,
    query: Option<Query>,
    waiting: VecDeque<DecisionChunk>,
}

impl Hot<'_> {
    /// Returns the next chunk that closed before `end`.
    async fn next(&mut self, end: UnixMillis) -> Result<Option<DecisionChunk>, StoreError> {
        if self.waiting.is_empty()
            && let Some(query) = self.query.take()
        {
            let page = self.reader.store.query(&query).await?;
            let last = page.last().filter(|_| page.len() == PAGE_CHUNKS as usize);
            self.query = last.map(|last| query.clone().start_after(last));
            let records = self.reader.records::<DecisionChunk>();
            for document in page {
                self.waiting.push_back(records.read(document)?.record);
            }
        }
        Ok(self.waiting.pop_front_if(|chunk| chunk.close_time < end))
    }
}

/// The decisions of a range.
pub(crate) struct Recorded<'a> {
    hot: Hot<'a>,
    cold: Option<Cold<'a>>,
    ready: VecDeque<DecisionChunk>,
}

/// The decisions that the warehouse holds, day by day.
struct Cold<'a> {
    warehouse: &'a Arc<dyn Warehouse>,
    reader: &'a StoreReader,
    range: std::ops::Range<UnixMillis>,
    days: VecDeque<NaiveDate>,
}

impl<'a> Recorded<'a> {
    /// Finds out which days are recorded where.
    pub(crate) async fn open(
        reader: &'a StoreReader,
        warehouse: Option<&'a Arc<dyn Warehouse>>,
        range: &ReplayRange,
    ) -> Result<Self, RecordedError> {
        let (from, to) = (range.from.unwrap_or(UnixMillis::MIN), range.to.unwrap_or(UnixMillis::MAX));
        let chunks = reader.records::<DecisionChunk>();
        let mut query = chunks.select().at_least("close_time", from);
        if let Some(to) = range.to {
            query = query.less("close_time", to);
        }
        let hot = Hot { reader, query: Some(query.limit(PAGE_CHUNKS)), waiting: VecDeque::new() };
        let cold = match warehouse {
            Some(warehouse) => Some(Cold::open(reader, warehouse, from..to).await?),
            None => None,
        };
        Ok(Self { hot, cold, ready: VecDeque::new() })
    }

    /// Returns the next chunk.
    pub(crate) async fn next(&mut self) -> Result<Option<DecisionChunk>, RecordedError> {
        while self.ready.is_empty() {
            let Some(day) = self.cold.as_mut().and_then(|cold| cold.days.pop_front()) else {
                return Ok(self.hot.next(UnixMillis::MAX).await?);
            };
            self.prepare(day).await?;
        }
        Ok(self.ready.pop_front())
    }

    /// Gathers what both stores have up to the end of a day; what is in both counts as the hot store has it.
    async fn prepare(&mut self, day: NaiveDate) -> Result<(), RecordedError> {
        let mut chunks = Vec::new();
        while let Some(chunk) = self.hot.next(end_of(day)).await? {
            chunks.push(chunk);
        }
        let known: BTreeSet<Name> = chunks.iter().flat_map(names).collect();
        let Some(cold) = &self.cold else { return Ok(()) };
        for mut chunk in cold.chunks(day).await? {
            let (close_time, namespace) = (chunk.close_time, chunk.namespace.clone());
            chunk.decided.retain(|decided| {
                let series = format!("{} {}", decided.instrument, decided.timeframe);
                !known.contains(&(close_time, namespace.clone(), decided.strategy_id.clone(), series))
            });
            if !chunk.decided.is_empty() {
                chunks.push(chunk);
            }
        }
        chunks.sort_by(|a, b| (a.close_time, &a.namespace, a.shard).cmp(&(b.close_time, &b.namespace, b.shard)));
        self.ready.extend(chunks);
        Ok(())
    }
}

fn names(chunk: &DecisionChunk) -> impl Iterator<Item = Name> {
    chunk.decided.iter().map(|decided| {
        let series = format!("{} {}", decided.instrument, decided.timeframe);
        (chunk.close_time, chunk.namespace.clone(), decided.strategy_id.clone(), series)
    })
}

impl<'a> Cold<'a> {
    async fn open(
        reader: &'a StoreReader,
        warehouse: &'a Arc<dyn Warehouse>,
        range: std::ops::Range<UnixMillis>,
    ) -> Result<Self, RecordedError> {
        let table = table::<DecisionRow>(reader.environment);
        // An empty table answers as one that was never written.
        warehouse.ensure(&table).await?;
        let sql = format!("SELECT DISTINCT t.ds FROM {table} AS t WHERE t.ds BETWEEN ? AND ? ORDER BY t.ds");
        let days = [Cell::Date(first_day(range.start)), Cell::Date(last_day(range.end))];
        let answer = warehouse.query(&sql, &days).await?;
        let day = |cell: &Cell| if let Cell::Date(day) = cell { Some(*day) } else { None };
        let days = answer.rows.iter().flatten().filter_map(day).collect();
        Ok(Self { warehouse, reader, range, days })
    }

    async fn chunks(&self, day: NaiveDate) -> Result<Vec<DecisionChunk>, RecordedError> {
        let table = table::<DecisionRow>(self.reader.environment);
        let mut rows = self.warehouse.select::<DecisionRow>(&table, "t.ds = ?", &[Cell::Date(day)]).await?;
        rows.retain(|row| self.range.contains(&row.close_time.timestamp_millis()));
        // As the shards have them: by strategy and instrument.
        rows.sort_by(|a, b| {
            let key =
                |row: &DecisionRow| (row.close_time, row.strategy_id.clone(), row.exchange.clone(), row.symbol.clone());
            key(a).cmp(&key(b))
        });
        Ok(chunks_of(&rows))
    }
}

/// Before all candles there are.
fn first_day(from: UnixMillis) -> NaiveDate {
    if from < 0 { date_of(0) } else { date_of(from) }
}

/// After all candles there are, where the range has no end.
fn last_day(to: UnixMillis) -> NaiveDate {
    const LATEST: UnixMillis = 253_402_300_799_000;
    utc(to.min(LATEST)).date_naive()
}

/// Why recorded decisions cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RecordedError {
    /// The hot store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The warehouse.
    #[error(transparent)]
    Warehouse(#[from] WarehouseError),
}

/// Returns the last close of which decisions are recorded in the warehouse.
pub(crate) async fn last_cold_close(
    reader: &StoreReader,
    warehouse: &Arc<dyn Warehouse>,
) -> Result<Option<UnixMillis>, WarehouseError> {
    let table = table::<DecisionRow>(reader.environment);
    warehouse.ensure(&table).await?;
    let sql = format!("SELECT MAX(t.close_time) AS last_close FROM {table} AS t WHERE {EVERY_DAY}");
    let answer = warehouse.query(&sql, &[]).await?;
    Ok(match answer.single() {
        Some(Cell::Timestamp(time)) => Some(time.timestamp_millis()),
        _ => None,
    })
}
