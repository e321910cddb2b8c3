//! Deletes from the hot store what the warehouse holds, and nothing else.
//!
//! Looked at are documents that a loop has marked as done. Each is looked up by the business keys of all its rows, now,
//! and deleted only when every one of them is there, and only if nobody has touched it since it was read. What is not
//! found stays and is named. A trade's position stays until its fees are settled, since the fee patch asks it for its
//! orders. Decisions stay a week, for those who ask why nothing was traded; candles stay for as long as later sessions
//! may be shown them, and go when the warehouse tells the very same of their session.
//!
//! Versions, instruments and accounts are state, not history, and are never touched.

use std::fmt;
use std::sync::Arc;

use sentinel_archive::Archive;
use sentinel_archive::candles::{candle_table, cold_chunk, kept_for};
use sentinel_archive::rows::{FINAL_STATES, decision_key, signal_key};
use sentinel_archive::time::date_of;
use sentinel_archive::{table, warehouse_failed};
use sentinel_domain::documents::{Record, Stored, Write};
use sentinel_domain::events::CloudEvent;
use sentinel_domain::live::{CandleChunk, DecisionChunk, LivePosition, LiveSignal, PositionStatus, RejectedSignal};
use sentinel_domain::signal::SignalState;
use sentinel_domain::tables::{
    Cell, DecisionRow, FactRejectedSignal, FactSignalExpired, FactTrade, PositionRow, SignalRow, Table,
};
use sentinel_domain::timeframe::Timeframe;
use sentinel_domain::warehouse::{RowKey, Warehouse, WarehouseExt};
use sentinel_function_runtime::{
    Function, FunctionDescriptor, FunctionError, LogicalDate, Report, RunContext, Trigger, async_trait,
};

/// How long decisions stay for those who look at what was decided lately.
const DECISIONS_KEPT_DAYS: i64 = 7;

/// Chunks that are looked up together.
const PAGE_CHUNKS: u32 = 50;

/// The function.
#[derive(Clone)]
pub struct CleanupHotStore {
    warehouse: Arc<dyn Warehouse>,
}

impl fmt::Debug for CleanupHotStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CleanupHotStore").finish_non_exhaustive()
    }
}

impl CleanupHotStore {
    /// What it says about itself.
    pub const DESCRIPTOR: FunctionDescriptor = FunctionDescriptor {
        description: "Deletes from the hot store what it finds in the warehouse",
        triggers: &[Trigger::Schedule { cron: "0 2 * * *" }],
        after: &["archive-trades", "archive-rejections", "archive-expirations", "archive-decisions"],
        logical_date: LogicalDate::DayEnded,
        ..FunctionDescriptor::new("cleanup-hot-store")
    };

    /// Makes the function.
    #[must_use]
    pub const fn new(warehouse: Arc<dyn Warehouse>) -> Self {
        Self { warehouse }
    }
}

#[async_trait]
impl Function for CleanupHotStore {
    fn descriptor(&self) -> &FunctionDescriptor {
        static DESCRIPTOR: FunctionDescriptor = CleanupHotStore::DESCRIPTOR;
        &DESCRIPTOR
    }

    async fn run(&self, ctx: &RunContext, _: Option<&CloudEvent>) -> Result<Report, FunctionError> {
        let mut broom = Broom { ctx, warehouse: &self.warehouse, report: Report::default() };
        let mut writes = broom.positions().await?;
        writes.extend(broom.signals().await?);
        writes.extend(broom.rejected().await?);
        broom.report.rows_out += writes.len() as u64;
        ctx.commit_in_batches(writes).await?;
        broom.decisions().await?;
        broom.candles().await?;
        Ok(broom.report)
    }
}

/// One run.
struct Broom<'a> {
    ctx: &'a RunContext,
    warehouse: &'a Arc<dyn Warehouse>,
    report: Report,
}

impl Broom<'_> {
    async fn positions(&mut self) -> Result<Vec<Write>, FunctionError> {
        let records = self.ctx.records::<LivePosition>();
        let mut done = marked(records.all(records.select().equal("archived", true)).await?);
        let settled = self.settled(&done).await?;
        done.retain(|stored| {
            stored.record.status == PositionStatus::Abandoned || settled.contains(&stored.record.position_id)
        });
        let is_there = self.holds::<PositionRow, _>(&done, |position| Some(position_key(position))).await?;
        Ok(self.sweep(done, &[is_there]))
    }

    async fn signals(&mut self) -> Result<Vec<Write>, FunctionError> {
        let records = self.ctx.records::<LiveSignal>();
        let over = records.select().one_of("status", FINAL_STATES.map(SignalState::as_str));
        let done = marked(records.all(over).await?);
        let key = |signal: &LiveSignal| signal_key(&signal.signal_id, signal.close_time);
        let is_there = self.holds::<SignalRow, _>(&done, |signal| Some(key(signal))).await?;
        let expired = |signal: &LiveSignal| (signal.status == SignalState::Expired).then(|| key(signal));
        let has_fact = self.holds::<FactSignalExpired, _>(&done, expired).await?;
        Ok(self.sweep(done, &[is_there, has_fact]))
    }

    async fn rejected(&mut self) -> Result<Vec<Write>, FunctionError> {
        let records = self.ctx.records::<RejectedSignal>();
        let done = marked(records.all(records.select().at_most("close_time", self.ctx.at())).await?);
        let key = |it: &RejectedSignal| Some(signal_key(&it.signal.signal_id, it.signal.close_time));
        let is_there = self.holds::<SignalRow, _>(&done, key).await?;
        let has_fact = self.holds::<FactRejectedSignal, _>(&done, key).await?;
        Ok(self.sweep(done, &[is_there, has_fact]))
    }

    /// Sweeps page by page: there is a chunk for each close.
    async fn decisions(&mut self) -> Result<(), FunctionError> {
        let records = self.ctx.records::<DecisionChunk>();
        let until = self.ctx.at() - DECISIONS_KEPT_DAYS * Timeframe::D1.millis();
        let old = records.select().equal("archived", true).at_most("close_time", until);
        let mut query = old.limit(PAGE_CHUNKS);
        loop {
            let page = self.ctx.query(&query).await?;
            let Some(last) = page.last() else { return Ok(()) };
            let next = query.clone().start_after(last);
            let page = page.into_iter().map(|document| records.read(document)).collect::<Result<Vec<_>, _>>()?;
            let chunks = marked(page);
            let keys_of = |chunk: &DecisionChunk| -> Vec<RowKey> {
                chunk.decided.iter().map(|decided| decision_key(chunk, decided)).collect()
            };
            let keys: Vec<Vec<RowKey>> = chunks.iter().map(|stored| keys_of(&stored.record)).collect();
            let archive = Archive::new(self.ctx, self.warehouse);
            let found = archive.holds::<DecisionRow>(&keys.concat()).await?;
            let mut rest = found.as_slice();
            let mut look = Vec::with_capacity(keys.len());
            for keys in &keys {
                let (of_chunk, others) = rest.split_at(keys.len());
                look.push(of_chunk.iter().all(|found| *found));
                rest = others;
            }
            self.sweep_now(chunks, &[look]).await?;
            query = next;
        }
    }

    /// Compares candle by candle: a count would not see a candle that was changed.
    async fn candles(&mut self) -> Result<(), FunctionError> {
        let records = self.ctx.records::<CandleChunk>();
        let table = candle_table(self.ctx.environment());
        self.warehouse.ensure(&table).await.map_err(warehouse_failed("make a table"))?;
        for timeframe in Timeframe::ALL {
            let until = self.ctx.at() - kept_for(timeframe);
            let old = records.select().equal("archived", true).equal("timeframe", timeframe.as_str());
            let chunks = records.all(old.at_most("session_open", until)).await?;
            let mut chunks = marked(chunks);
            chunks.retain(|stored| stored.record.session_end() <= until);
            let mut look = Vec::with_capacity(chunks.len());
            for stored in &chunks {
                let CandleChunk { instrument, session_open, columns, .. } = &stored.record;
                let cold = cold_chunk(self.warehouse.as_ref(), &table, instrument, timeframe, *session_open).await;
                let cold = cold.map_err(warehouse_failed("read candles"))?;
                look.push(cold.is_some_and(|cold| cold.columns == *columns));
            }
            self.sweep_now(chunks, &[look]).await?;
        }
        Ok(())
    }

    async fn sweep_now<R: Record>(
        &mut self,
        documents: Vec<Stored<R>>,
        looks: &[Vec<bool>],
    ) -> Result<(), FunctionError> {
        let writes = self.sweep(documents, looks);
        self.report.rows_out += writes.len() as u64;
        self.ctx.commit_in_batches(writes).await
    }

    /// Returns the positions whose trades stand in the warehouse with their fees settled.
    async fn settled(
        &self,
        positions: &[Stored<LivePosition>],
    ) -> Result<std::collections::BTreeSet<String>, FunctionError> {
        let days = positions.iter().filter_map(|stored| stored.record.exit_time).map(date_of);
        let (Some(first), Some(last)) = (days.clone().min(), days.max()) else { return Ok(Default::default()) };
        let table = table::<FactTrade>(self.ctx.environment());
        self.warehouse.ensure(&table).await.map_err(warehouse_failed("make a table"))?;
        let condition = "t.ds BETWEEN ? AND ? AND t.fee_finalized = TRUE";
        let rows = self.warehouse.select::<FactTrade>(&table, condition, &[Cell::Date(first), Cell::Date(last)]).await;
        let rows = rows.map_err(warehouse_failed("read settled trades"))?;
        Ok(rows.into_iter().map(|trade| trade.position_id).collect())
    }

    /// Returns for each document whether its row stands in the table of `T`; `true` for one that has none there.
    async fn holds<T: Table, R: Record>(
        &self,
        documents: &[Stored<R>],
        key: impl Fn(&R) -> Option<RowKey>,
    ) -> Result<Vec<bool>, FunctionError> {
        let keys: Vec<Option<RowKey>> = documents.iter().map(|stored| key(&stored.record)).collect();
        let asked: Vec<RowKey> = keys.iter().flatten().cloned().collect();
        let mut found = Archive::new(self.ctx, self.warehouse).holds::<T>(&asked).await?.into_iter();
        Ok(keys.iter().map(|key| key.is_none() || found.next().unwrap_or(false)).collect())
    }

    /// Returns the deletions of those documents of which every look found the row, and names the others.
    fn sweep<R: Record>(&mut self, documents: Vec<Stored<R>>, looks: &[Vec<bool>]) -> Vec<Write> {
        let records = self.ctx.records::<R>();
        let mut writes = Vec::new();
        for (index, stored) in documents.iter().enumerate() {
            self.report.rows_in += 1;
            let id = stored.record.id();
            if looks.iter().all(|found| found[index]) {
                writes.push(records.delete(&id, stored.unchanged()));
            } else {
                self.report
                    .notes
                    .push(format!("{}/{id} stays: not all of it is in the warehouse", records.collection()));
            }
        }
        writes
    }
}

/// Keeps the documents that a loop has marked as done.
fn marked<R>(mut documents: Vec<Stored<R>>) -> Vec<Stored<R>> {
    documents.retain(|stored| stored.expire_at.is_some());
    documents
}

fn position_key(position: &LivePosition) -> RowKey {
    RowKey::new(date_of(position.signal_time), vec![Cell::Text(position.position_id.clone())])
}
