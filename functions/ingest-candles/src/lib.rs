//! `ingest-candles`: closed candles from the data source into the hot store, then the word that they are there.
//!
//! Asks for what is missing since the newest candle it holds, so a run that was missed is made up for by the next, and
//! a gap that the source has filled since is filled here. What is absent: strategies, orders, any rule of trading.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sentinel_domain::candles::Columns;
use sentinel_domain::closes::CandleClosed;
use sentinel_domain::documents::{Precondition, Record, Stored, Write};
use sentinel_domain::events::CloudEvent;
use sentinel_domain::instrument::Instrument;
use sentinel_domain::live::CandleChunk;
use sentinel_domain::market_data::{BarsQuery, MarketData, all_bars};
use sentinel_domain::session::SessionLength;
use sentinel_domain::timeframe::{Timeframe, UnixMillis};
use sentinel_function_runtime::{
    Function, FunctionDescriptor, FunctionError, Message, Report, RunContext, Trigger, async_trait,
};
use sentinel_trading::lanes::{closes_at, closing_at, versions_as_of};
use sentinel_trading::{Terms, broker_failed};

/// Evaluations in one shard: as many as one document holds the decisions of.
pub const LANES_PER_SHARD: usize = 1_000;
/// Candles before the first session that are fetched for a series which is new here.
const HISTORY_BARS: i64 = 1_000;
const PAGE_BARS: usize = 10_000;
/// Symbols that are read, asked for and written together: their names fit into one address, their chunks into memory.
const SYMBOLS_AT_ONCE: usize = 100;
/// Between two questions for a candle that is late.
const PAUSE: Duration = Duration::from_secs(1);

/// The function.
pub struct IngestCandles {
    /// Where candles come from.
    pub data: Arc<dyn MarketData>,
    /// The account whose strategies are told of them.
    pub terms: Terms,
    /// How long a candle that a strategy decides on is waited for after its close, as sources publish it some seconds
    /// late; nothing in simulated time, where it is there or never comes.
    pub patience: Duration,
    /// Evaluations in one shard, at least 1: [`LANES_PER_SHARD`] unless a test wants many small ones.
    pub lanes_per_shard: usize,
}

impl fmt::Debug for IngestCandles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IngestCandles").field("terms", &self.terms).finish_non_exhaustive()
    }
}

/// Candles of one instrument and length.
type SeriesName = (Instrument, Timeframe);

#[async_trait]
impl Function for IngestCandles {
    fn descriptor(&self) -> &FunctionDescriptor {
        static DESCRIPTOR: FunctionDescriptor = FunctionDescriptor {
            description: "Brings closed candles into the hot store and tells that they are there",
            triggers: &[Trigger::Schedule { cron: "* * * * *" }],
            timeout: Duration::from_secs(55),
            ..FunctionDescriptor::new("ingest-candles")
        };
        &DESCRIPTOR
    }

    async fn run(&self, ctx: &RunContext, _: Option<&CloudEvent>) -> Result<Report, FunctionError> {
        let close_time = self.terms.finest.candle_open(ctx.at());
        let versions = versions_as_of(ctx, close_time).await?;
        let mut wanted: BTreeSet<SeriesName> = BTreeSet::new();
        for version in &versions {
            for asset in &version.assets {
                wanted.insert((asset.clone(), version.config.timeframe));
                wanted.insert((asset.clone(), self.terms.finest));
            }
        }
        wanted.retain(|(_, timeframe)| closes_at(*timeframe, close_time));
        let lanes = closing_at(&versions, close_time);
        let decided_on: BTreeSet<SeriesName> =
            lanes.iter().map(|lane| (lane.instrument.clone(), lane.version.config.timeframe)).collect();
        let mut report = Report::default();
        let late = self.refill_patiently(ctx, &wanted, &decided_on, close_time, &mut report).await?;
        report
            .notes
            .extend(late.iter().map(|(instrument, timeframe)| format!("{instrument} {timeframe} did not come")));
        let shards = u32::try_from(lanes.len().div_ceil(self.lanes_per_shard)).unwrap_or(u32::MAX);
        let messages = (0..shards)
            .map(|shard| CandleClosed { close_time, shard, shards }.event(&self.terms.namespace))
            .map(|event| Message::new("candles", event))
            .collect();
        ctx.commit_with(Vec::new(), messages).await?;
        report.rows_in = wanted.len() as u64;
        Ok(report)
    }
}

impl IngestCandles {
    /// Fetches `wanted`, and again what of `decided_on` has not come, until patience ends. Returns what did not come.
    async fn refill_patiently(
        &self,
        ctx: &RunContext,
        wanted: &BTreeSet<SeriesName>,
        decided_on: &BTreeSet<SeriesName>,
        close_time: UnixMillis,
        report: &mut Report,
    ) -> Result<BTreeSet<SeriesName>, FunctionError> {
        let mut missing = wanted.clone();
        let mut waited = Duration::ZERO;
        loop {
            for timeframe in Timeframe::ALL {
                let of_length = missing.iter().filter(|(_, of)| *of == timeframe);
                let instruments: Vec<_> = of_length.map(|(instrument, _)| instrument.clone()).collect();
                if !instruments.is_empty() {
                    let (rows, come) = self.refill(ctx, timeframe, &instruments, close_time).await?;
                    report.rows_out += rows;
                    missing.retain(|(instrument, of)| *of != timeframe || !come.contains(instrument));
                }
            }
            missing.retain(|series| decided_on.contains(series));
            if missing.is_empty() || waited >= self.patience {
                return Ok(missing);
            }
            tokio::time::sleep(PAUSE).await;
            waited += PAUSE;
        }
    }

    /// Fetches what closed by `until` and is not there yet. Returns how many candles were new, and whose candle that
    /// closes at `until` is there now.
    async fn refill<'a>(
        &self,
        ctx: &RunContext,
        timeframe: Timeframe,
        instruments: &'a [Instrument],
        until: UnixMillis,
    ) -> Result<(u64, BTreeSet<&'a Instrument>), FunctionError> {
        let (mut rows, mut come) = (0, BTreeSet::new());
        for group in instruments.chunks(SYMBOLS_AT_ONCE) {
            let (new, here) = self.refill_group(ctx, timeframe, group, until).await?;
            rows += new;
            come.extend(here);
        }
        Ok((rows, come))
    }

    async fn refill_group<'a>(
        &self,
        ctx: &RunContext,
        timeframe: Timeframe,
        instruments: &'a [Instrument],
        until: UnixMillis,
    ) -> Result<(u64, BTreeSet<&'a Instrument>), FunctionError> {
        let session_open = SessionLength::of(timeframe).around(until - 1).start;
        let mut newest = newest(ctx, instruments, timeframe, session_open).await?;
        // Those that were there at the last close need one candle, those that are new a history: asked for apart.
        let mut by_start: BTreeMap<UnixMillis, Vec<&'a Instrument>> = BTreeMap::new();
        let mut come = BTreeSet::new();
        for instrument in instruments {
            let last = newest.get(instrument).and_then(|chunk| chunk.record.columns.open_time.last().copied());
            let from = match last {
                Some(open_time) => open_time + timeframe.millis(),
                None => session_open - HISTORY_BARS * timeframe.millis(),
            };
            if from < until {
                by_start.entry(from).or_default().push(instrument);
            } else {
                come.insert(instrument);
            }
        }
        let (mut rows, mut writes) = (0, Vec::new());
        for (from, instruments) in by_start {
            let query = BarsQuery {
                symbols: instruments.iter().map(|instrument| instrument.symbol.clone()).collect(),
                timeframe,
                from,
                // The source may take its end to be included.
                to: Some(until - 1),
                page_size: PAGE_BARS,
                page_token: None,
            };
            let mut bars = all_bars(self.data.as_ref(), &query)
                .await
                .map_err(broker_failed(format!("fetch {} candles", timeframe.as_str())))?;
            for instrument in instruments {
                if let Some(columns) = bars.remove(&instrument.symbol) {
                    if columns.open_time.contains(&(until - timeframe.millis())) {
                        come.insert(instrument);
                    }
                    let known = newest.remove(instrument);
                    let (new, chunks) = keep(ctx, instrument, timeframe, &columns, until, known).await?;
                    rows += new;
                    writes.extend(chunks);
                }
            }
        }
        ctx.commit_in_batches(writes).await?;
        Ok((rows, come))
    }
}

/// Returns the newest chunk that is there of each instrument, of this session or the one before.
async fn newest<'a>(
    ctx: &RunContext,
    instruments: &'a [Instrument],
    timeframe: Timeframe,
    session_open: UnixMillis,
) -> Result<BTreeMap<&'a Instrument, Stored<CandleChunk>>, FunctionError> {
    let mut found = BTreeMap::new();
    // Most have begun this session; only the others are looked for in the one before.
    for time in [session_open, session_open - 1] {
        let missing = instruments.iter().filter(|instrument| !found.contains_key(instrument));
        let by_id: BTreeMap<String, &Instrument> =
            missing.map(|instrument| (CandleChunk::id_at(instrument, timeframe, time), instrument)).collect();
        if by_id.is_empty() {
            break;
        }
        let ids: Vec<String> = by_id.keys().cloned().collect();
        for chunk in ctx.records::<CandleChunk>().get_many(&ids).await? {
            if let Some(instrument) = by_id.get(&chunk.record.id())
                && !chunk.record.columns.open_time.is_empty()
            {
                found.insert(*instrument, chunk);
            }
        }
    }
    Ok(found)
}

/// Appends the candles that closed by `until` to the chunks of their sessions, of which `known` is the newest. Returns how
/// many were new, and what is to be written.
async fn keep(
    ctx: &RunContext,
    instrument: &Instrument,
    timeframe: Timeframe,
    columns: &Columns,
    until: UnixMillis,
    mut known: Option<Stored<CandleChunk>>,
) -> Result<(u64, Vec<Write>), FunctionError> {
    let records = ctx.records::<CandleChunk>();
    let length = SessionLength::of(timeframe);
    let closed = columns.open_time.partition_point(|open_time| timeframe.close_time(*open_time) <= until);
    let (mut row, mut kept) = (0, 0);
    let mut writes = Vec::new();
    while row < closed {
        let session = length.around(columns.open_time[row]);
        let end = row + columns.open_time[row..closed].partition_point(|open_time| *open_time < session.end);
        let stored = match known.take_if(|chunk| chunk.record.session_open == session.start) {
            Some(chunk) => Some(chunk),
            None => records.get(&CandleChunk::id_at(instrument, timeframe, session.start)).await?,
        };
        let last = stored.as_ref().and_then(|chunk| chunk.record.columns.open_time.last().copied());
        let first = row + columns.open_time[row..end].partition_point(|open_time| Some(*open_time) <= last);
        if first < end {
            let new = columns.slice(first..end);
            let (chunk, precondition) = match stored {
                Some(stored) => {
                    let precondition = stored.unchanged();
                    let mut chunk = stored.record;
                    chunk.append(new, ctx.now());
                    (Some(chunk), precondition)
                }
                None => (CandleChunk::of(instrument, timeframe, new, ctx.now()), Precondition::Absent),
            };
            if let Some(chunk) = chunk {
                writes.push(records.put(&chunk, precondition)?);
            }
            kept += (end - first) as u64;
        }
        row = end;
    }
    Ok((kept, writes))
}
