//! Chunks of candles as rows of `candles`: what is not there yet, and what was corrected.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::NaiveDate;
use sentinel_archive::candles::{candle_rows, candle_table, kept_for, last_revisions};
use sentinel_archive::rows::candle_row;
use sentinel_archive::time::date_of;
use sentinel_archive::{Archive, Entry, Source, warehouse_failed};
use sentinel_domain::documents::Stored;
use sentinel_domain::guardian::Violation;
use sentinel_domain::live::CandleChunk;
use sentinel_domain::tables::{CandleRow, Cell};
use sentinel_domain::timeframe::UnixMillis;
use sentinel_domain::warehouse::{TableId, Warehouse};
use sentinel_function_runtime::{FunctionError, Report, RunContext};

use crate::PAGE_CHUNKS;

/// Archives what chunks hold that the warehouse does not, and marks those whose session is over.
pub(crate) async fn archive(
    ctx: &RunContext,
    warehouse: &Arc<dyn Warehouse>,
    report: &mut Report,
) -> Result<(), FunctionError> {
    let table = candle_table(ctx.environment());
    warehouse.ensure(&table).await.map_err(warehouse_failed("make the candles' table"))?;
    let records = ctx.records::<CandleChunk>();
    let mut query = records.select().equal("archived", false).limit(PAGE_CHUNKS);
    loop {
        let page = ctx.query(&query).await?;
        let Some(last) = page.last() else { return Ok(()) };
        let next = query.clone().start_after(last);
        let chunks = page.into_iter().map(|document| records.read(document)).collect::<Result<Vec<_>, _>>()?;
        let known = Known::read(warehouse, &table, &chunks).await?;
        let mut entries = Vec::new();
        for stored in &chunks {
            let (rows, mut changed) = known.missing(warehouse, &table, &stored.record).await?;
            report.rows_in += rows.len() as u64;
            let mut entry = Entry::new(Source::read(stored));
            for row in &rows {
                entry.add_with(row, changed.drain(..));
            }
            entries.push(entry);
        }
        let stored = Archive::new(ctx, warehouse).store(entries, report).await?;
        mark(ctx, chunks, &stored).await?;
        query = next;
    }
}

/// Marks the chunks that will not grow any more. They stay for as long as later sessions are shown their candles.
async fn mark(ctx: &RunContext, chunks: Vec<Stored<CandleChunk>>, stored: &[Source]) -> Result<(), FunctionError> {
    let records = ctx.records::<CandleChunk>();
    let mut writes = Vec::new();
    for mut document in chunks {
        let end = document.record.session_end();
        if end <= ctx.at() && stored.contains(&Source::read(&document)) {
            let until = end + kept_for(document.record.timeframe);
            document.record.archived = true;
            writes.push(records.put_back(&document)?.expiring(until.max(sentinel_archive::expires_at(ctx.at()))));
        }
    }
    ctx.commit_in_batches(writes).await
}

/// A day of a series.
type SeriesDay = (String, String, String, NaiveDate);

/// How many candles of each day the warehouse has, and their last revision.
struct Known(BTreeMap<SeriesDay, (usize, i64)>);

impl Known {
    async fn read(
        warehouse: &Arc<dyn Warehouse>,
        table: &TableId,
        chunks: &[Stored<CandleChunk>],
    ) -> Result<Self, FunctionError> {
        let first = chunks.iter().map(|stored| stored.record.session_open).min().unwrap_or_default();
        let last = chunks.iter().map(|stored| stored.record.session_end()).max().unwrap_or_default();
        let sql = format!(
            "SELECT t.exchange, t.symbol, t.interval, t.ds, COUNT(DISTINCT t.open_time) AS candle_count, \
             MAX(t.revision) AS revision FROM {table} AS t WHERE t.ds BETWEEN ? AND ? GROUP BY t.exchange, t.symbol, t.interval, t.ds"
        );
        let days = [Cell::Date(date_of(first)), Cell::Date(date_of(last))];
        let answer = warehouse.query(&sql, &days).await.map_err(warehouse_failed("count candles"))?;
        let mut known = BTreeMap::new();
        for row in answer.rows {
            if let [Cell::Text(exchange), Cell::Text(symbol), Cell::Text(interval), Cell::Date(ds), count, revision] =
                row.as_slice()
                && let (Cell::Integer(count), Cell::Integer(revision)) = (count, revision)
            {
                let day = (exchange.clone(), symbol.clone(), interval.clone(), *ds);
                known.insert(day, (usize::try_from(*count).unwrap_or(usize::MAX), *revision));
            }
        }
        Ok(Self(known))
    }

    /// Returns the rows of a chunk that are to be added, and what is wrong with them: candles that were changed although
    /// nobody corrected them.
    async fn missing(
        &self,
        warehouse: &Arc<dyn Warehouse>,
        table: &TableId,
        chunk: &CandleChunk,
    ) -> Result<(Vec<CandleRow>, Vec<Violation>), FunctionError> {
        let days = days(chunk);
        let of = |day: &NaiveDate| self.0.get(&day_of(chunk, *day)).copied();
        let revision = days.keys().filter_map(of).map(|(_, revision)| revision).max();
        let is_corrected = revision.is_some_and(|revision| revision < i64::from(chunk.revision));
        let is_known = |day: &NaiveDate, rows: usize| of(day).is_some_and(|(count, _)| count == rows);
        if !is_corrected && days.iter().all(|(day, rows)| is_known(day, rows.len())) {
            return Ok((Vec::new(), Vec::new()));
        }
        let is_begun = |day: &NaiveDate, rows: usize| of(day).is_some() && (is_corrected || !is_known(day, rows));
        let session = chunk.session_open..chunk.session_end();
        let cold = if days.iter().any(|(day, rows)| is_begun(day, rows.len())) {
            let rows = candle_rows(warehouse.as_ref(), table, &chunk.instrument, chunk.timeframe, session).await;
            rows.map_err(warehouse_failed("read candles"))?
        } else {
            Vec::new()
        };
        let looked_at = days.into_iter().filter(|(day, rows)| is_corrected || !is_known(day, rows.len()));
        Ok(compared(chunk, looked_at.flat_map(|(_, rows)| rows), &last_revisions(&cold), is_corrected))
    }
}

/// Compares candles with their last revision in the warehouse.
fn compared(
    chunk: &CandleChunk,
    rows: impl Iterator<Item = usize>,
    cold: &BTreeMap<UnixMillis, &CandleRow>,
    is_corrected: bool,
) -> (Vec<CandleRow>, Vec<Violation>) {
    let (mut missing, mut changed) = (Vec::new(), Vec::new());
    for row in rows {
        let hot = candle_row(chunk, row, 0);
        match cold.get(&chunk.columns.open_time[row]) {
            None => missing.push(hot),
            Some(known) if is_same(known, &hot) => {}
            Some(known) => {
                if !is_corrected {
                    let (column, found) = ("close".to_owned(), format!("{} at {}", hot.close, hot.open_time));
                    let allowed = format!("{}, as archived, or a correction under a new revision", known.close);
                    changed.push(Violation { column, found, allowed });
                }
                missing.push(candle_row(chunk, row, i64::from(chunk.revision).max(known.revision + 1)));
            }
        }
    }
    (missing, changed)
}

/// Returns whether two rows are of one and the same candle, whenever they were received.
fn is_same(known: &CandleRow, hot: &CandleRow) -> bool {
    let as_known = CandleRow { revision: known.revision, time_received: known.time_received, ..hot.clone() };
    as_known == *known
}

/// Returns the rows of a chunk by their logical date.
fn days(chunk: &CandleChunk) -> BTreeMap<NaiveDate, Vec<usize>> {
    let mut days: BTreeMap<NaiveDate, Vec<usize>> = BTreeMap::new();
    for (row, open_time) in chunk.columns.open_time.iter().enumerate() {
        days.entry(date_of(*open_time)).or_default().push(row);
    }
    days
}

fn day_of(chunk: &CandleChunk, day: NaiveDate) -> SeriesDay {
    let CandleChunk { instrument, timeframe, .. } = chunk;
    (instrument.exchange.to_string(), instrument.symbol.to_string(), timeframe.as_str().to_owned(), day)
}
