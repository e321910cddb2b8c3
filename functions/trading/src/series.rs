//! Candles out of the chunks of the hot store.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sentinel_domain::candles::{Candles, Columns};
use sentinel_domain::documents::{Record, StoreError};
use sentinel_domain::instrument::Instrument;
use sentinel_domain::live::CandleChunk;
use sentinel_domain::session::SessionLength;
use sentinel_domain::timeframe::{Timeframe, UnixMillis};
use sentinel_function_runtime::Reads;

/// A stretch of candles and the revision of the newest chunk they are from.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// The candles.
    pub candles: Candles,
    /// Revision of the session they end in.
    pub revision: u32,
}

/// How many sessions are looked at for a warm-up that reaches far back.
const SESSIONS_MAX: usize = 64;

/// Returns the candles of the session that holds the candle before `until`, and at least `before` candles before that
/// session where they exist; none that closes after `until`.
///
/// # Errors
/// When the store cannot be read, or a chunk holds no proper candles.
pub async fn session_until(
    ctx: &impl Reads,
    instrument: &Instrument,
    timeframe: Timeframe,
    until: UnixMillis,
    before: usize,
) -> Result<Option<Series>, StoreError> {
    let found = Shelf::new(ctx, until).series(instrument, timeframe, before).await?;
    Ok(found.map(|(_, series)| Arc::unwrap_or_clone(series)))
}

/// What was read of candles up to one close, so that many strategies on one series read it once.
#[derive(Debug)]
pub struct Shelf<'a, R> {
    ctx: &'a R,
    until: UnixMillis,
    chunks: BTreeMap<String, Option<CandleChunk>>,
    series: BTreeMap<(Instrument, Timeframe, usize), Option<Arc<Series>>>,
}

/// Chunks that are read with one question.
const PAGE_CHUNKS: usize = 200;

impl<'a, R: Reads> Shelf<'a, R> {
    /// Returns an empty shelf for candles that close by `until`.
    #[must_use]
    pub const fn new(ctx: &'a R, until: UnixMillis) -> Self {
        Self { ctx, until, chunks: BTreeMap::new(), series: BTreeMap::new() }
    }

    /// Reads the sessions of `wanted` and those before them with few questions.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn read_ahead(&mut self, wanted: &BTreeSet<(&Instrument, Timeframe)>) -> Result<(), StoreError> {
        let ids: Vec<_> = wanted
            .iter()
            .flat_map(|(instrument, timeframe)| {
                let session = self.session_open(*timeframe);
                [session, session - 1].map(|time| CandleChunk::id_at(instrument, *timeframe, time))
            })
            .collect();
        let records = self.ctx.records::<CandleChunk>();
        for page in ids.chunks(PAGE_CHUNKS) {
            self.chunks.extend(page.iter().map(|id| (id.clone(), None)));
            for chunk in records.get_many(page).await? {
                self.chunks.insert(chunk.record.id(), Some(chunk.record));
            }
        }
        Ok(())
    }

    /// Returns what [`session_until`] does, and of how many chunks it is made: of as many, it is the same.
    ///
    /// # Errors
    /// As [`session_until`].
    pub async fn series(
        &mut self,
        instrument: &Instrument,
        timeframe: Timeframe,
        before: usize,
    ) -> Result<Option<(usize, Arc<Series>)>, StoreError> {
        let ids = self.chunk_ids(instrument, timeframe, before).await?;
        let key = (instrument.clone(), timeframe, ids.len());
        let series = match self.series.get(&key) {
            Some(known) => known.clone(),
            None => {
                let made = self.joined(instrument, timeframe, &ids)?.map(Arc::new);
                self.series.insert(key, made.clone());
                made
            }
        };
        Ok(series.map(|series| (ids.len(), series)))
    }

    fn session_open(&self, timeframe: Timeframe) -> UnixMillis {
        SessionLength::of(timeframe).around(self.until - 1).start
    }

    /// Returns the chunks that a series takes, newest first.
    async fn chunk_ids(
        &mut self,
        instrument: &Instrument,
        timeframe: Timeframe,
        before: usize,
    ) -> Result<Vec<String>, StoreError> {
        let session_open = self.session_open(timeframe);
        let (mut ids, mut open, mut found) = (Vec::new(), session_open, 0);
        for _ in 0..SESSIONS_MAX {
            let id = CandleChunk::id_at(instrument, timeframe, open);
            let Some(chunk) = self.chunk(&id).await? else { break };
            if open < session_open {
                found += chunk.columns.open_time.len();
            }
            ids.push(id);
            if found >= before {
                break;
            }
            open = SessionLength::of(timeframe).around(open - 1).start;
        }
        Ok(ids)
    }

    async fn chunk(&mut self, id: &str) -> Result<Option<&CandleChunk>, StoreError> {
        if !self.chunks.contains_key(id) {
            let chunk = self.ctx.records::<CandleChunk>().get(id).await?;
            self.chunks.insert(id.to_owned(), chunk.map(|chunk| chunk.record));
        }
        Ok(self.chunks.get(id).and_then(Option::as_ref))
    }

    fn joined(
        &self,
        instrument: &Instrument,
        timeframe: Timeframe,
        ids: &[String],
    ) -> Result<Option<Series>, StoreError> {
        let chunks: Vec<_> = ids.iter().filter_map(|id| self.chunks.get(id)?.as_ref()).collect();
        let Some(newest) = chunks.first() else { return Ok(None) };
        let mut columns = Columns::default();
        for chunk in chunks.iter().rev() {
            columns.append(chunk.columns.clone());
        }
        let closed = columns.open_time.partition_point(|time| timeframe.close_time(*time) <= self.until);
        columns.truncate(closed);
        if columns.open_time.is_empty() {
            return Ok(None);
        }
        let candles =
            Candles::new(instrument.clone(), timeframe, columns).map_err(|error| StoreError::InvalidDocument {
                collection: self.ctx.records::<CandleChunk>().collection(),
                id: newest.id(),
                reason: error.to_string(),
            })?;
        Ok(Some(Series { candles, revision: newest.revision }))
    }
}
