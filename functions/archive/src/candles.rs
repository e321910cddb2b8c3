//! Candles in the warehouse: the rows of one series, and the chunks they were, with their revisions.

use std::collections::BTreeMap;
use std::ops::Range;

use sentinel_domain::candles::Columns;
use sentinel_domain::environment::Environment;
use sentinel_domain::instrument::Instrument;
use sentinel_domain::live::CandleChunk;
use sentinel_domain::session::SessionLength;
use sentinel_domain::tables::{CandleRow, Cell};
use sentinel_domain::timeframe::{Timeframe, UnixMillis};
use sentinel_domain::warehouse::{TableId, Warehouse, WarehouseError, WarehouseExt};

use crate::archive::table;
use crate::time::{date_of, utc};

/// How many candles a strategy may be shown before a session: as many stay in the hot store.
const KEPT_BARS: i64 = 5_000;

/// How long candles stay in the hot store at least.
const KEPT_DAYS: i64 = 30;

/// Returns how long a session's candles stay in the hot store after its end: strategies are shown them before later
/// sessions.
#[must_use]
pub const fn kept_for(timeframe: Timeframe) -> i64 {
    let (bars, days) = (KEPT_BARS * timeframe.millis(), KEPT_DAYS * Timeframe::D1.millis());
    if bars > days { bars } else { days }
}

/// Returns the table of candles.
#[must_use]
pub fn candle_table(environment: Environment) -> TableId {
    table::<CandleRow>(environment)
}

/// Returns the rows of candles that open within `time`, all revisions, oldest first.
///
/// # Errors
/// When the warehouse cannot be asked, or there is no such table.
pub async fn candle_rows(
    warehouse: &dyn Warehouse,
    table: &TableId,
    instrument: &Instrument,
    timeframe: Timeframe,
    time: Range<UnixMillis>,
) -> Result<Vec<CandleRow>, WarehouseError> {
    let condition = "t.ds BETWEEN ? AND ? AND t.exchange = ? AND t.symbol = ? AND t.interval = ? \
                     AND t.open_time >= ? AND t.open_time < ?";
    let parameters = [
        Cell::Date(date_of(time.start)),
        Cell::Date(date_of(time.end)),
        Cell::Text(instrument.exchange.to_string()),
        Cell::Text(instrument.symbol.to_string()),
        Cell::Text(timeframe.as_str().to_owned()),
        Cell::Timestamp(utc(time.start)),
        Cell::Timestamp(utc(time.end)),
    ];
    let mut rows = warehouse.select::<CandleRow>(table, condition, &parameters).await?;
    rows.sort_by_key(|row| (row.open_time, row.revision));
    Ok(rows)
}

/// Returns for each candle its last revision, by opening time.
#[must_use]
pub fn last_revisions(rows: &[CandleRow]) -> BTreeMap<UnixMillis, &CandleRow> {
    let mut last: BTreeMap<UnixMillis, &CandleRow> = BTreeMap::new();
    for row in rows {
        let known = last.entry(row.open_time.timestamp_millis()).or_insert(row);
        if row.revision >= known.revision {
            *known = row;
        }
    }
    last
}

/// Returns rows as columns; of several revisions of a candle the last one counts.
#[must_use]
pub fn columns_of(rows: &[CandleRow]) -> Columns {
    let last = last_revisions(rows);
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

/// Returns the chunk of a session as it was in the hot store; `None` when the warehouse has no candle of it.
///
/// # Errors
/// As [`candle_rows`].
pub async fn cold_chunk(
    warehouse: &dyn Warehouse,
    table: &TableId,
    instrument: &Instrument,
    timeframe: Timeframe,
    session_open: UnixMillis,
) -> Result<Option<CandleChunk>, WarehouseError> {
    let session = SessionLength::of(timeframe).around(session_open);
    let rows = candle_rows(warehouse, table, instrument, timeframe, session).await?;
    let Some(mut chunk) = CandleChunk::of(instrument, timeframe, columns_of(&rows), 0) else { return Ok(None) };
    chunk.received = last_revisions(&rows).values().map(|row| row.time_received.timestamp_millis()).collect();
    chunk.revision = rows.iter().map(|row| u32::try_from(row.revision).unwrap_or(u32::MAX)).max().unwrap_or(0);
    chunk.archived = true;
    Ok(Some(chunk))
}
