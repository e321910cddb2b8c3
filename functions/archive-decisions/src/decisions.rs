//! Chunks of decisions as rows of `decisions`.

use std::sync::Arc;

use sentinel_archive::rows::decision_row;
use sentinel_archive::{Archive, Entry, Signals, Source, Versions, let_go};
use sentinel_domain::documents::Stored;
use sentinel_domain::live::DecisionChunk;
use sentinel_domain::timeframe::UnixMillis;
use sentinel_domain::warehouse::Warehouse;
use sentinel_function_runtime::{FunctionError, Report, RunContext};

use crate::PAGE_CHUNKS;

/// Archives the chunks of all closes up to the run's moment, oldest first, page by page.
pub(crate) async fn archive(
    ctx: &RunContext,
    warehouse: &Arc<dyn Warehouse>,
    versions: &Versions,
    report: &mut Report,
) -> Result<(), FunctionError> {
    let records = ctx.records::<DecisionChunk>();
    let unarchived = records.select().equal("archived", false).at_most("close_time", ctx.at());
    let mut query = unarchived.limit(PAGE_CHUNKS);
    loop {
        let page = ctx.query(&query).await?;
        let Some(last) = page.last() else { return Ok(()) };
        let next = query.clone().start_after(last);
        let chunks = page.into_iter().map(|document| records.read(document)).collect::<Result<Vec<_>, _>>()?;
        report.rows_in += chunks.iter().map(|stored| stored.record.decided.len() as u64).sum::<u64>();
        let entries = entries(ctx, warehouse, versions, &chunks).await?;
        let stored = Archive::new(ctx, warehouse).store(entries, report).await?;
        let mark = |chunk: &mut DecisionChunk| {
            chunk.archived = true;
            true
        };
        let_go(ctx, chunks, &stored, mark).await?;
        query = next;
    }
}

async fn entries(
    ctx: &RunContext,
    warehouse: &Arc<dyn Warehouse>,
    versions: &Versions,
    chunks: &[Stored<DecisionChunk>],
) -> Result<Vec<Entry>, FunctionError> {
    let signals = Signals::read(ctx, warehouse, chunks.iter().flat_map(|stored| named(&stored.record))).await?;
    Ok(chunks.iter().map(|stored| entry(stored, versions, &signals)).collect())
}

/// Returns the signals that a chunk's decisions gave.
fn named(chunk: &DecisionChunk) -> impl Iterator<Item = (&str, UnixMillis)> {
    let ids = chunk.decided.iter().filter_map(|decided| decided.signal_id.as_deref());
    ids.map(|id| (id, chunk.close_time))
}

/// Returns the rows of a chunk, each decision with what it may not refer to. The versions stand in the warehouse by now.
fn entry(stored: &Stored<DecisionChunk>, versions: &Versions, signals: &Signals) -> Entry {
    let chunk = &stored.record;
    let mut entry = Entry::new(Source::read(stored));
    for decided in &chunk.decided {
        let (id, close_time) = (&decided.strategy_id, chunk.close_time);
        let version = versions.check(id, decided.version, close_time);
        let faults = versions.faults(id, close_time).iter().cloned();
        let signal = decided.signal_id.as_deref().and_then(|id| signals.check(id));
        entry.add_with(&decision_row(chunk, decided, signals), version.into_iter().chain(faults).chain(signal));
    }
    entry
}
