//! Candles out of the chunks of the hot store.

use sentinel_domain::candles::{Candles, Columns};
use sentinel_domain::documents::StoreError;
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
    let records = ctx.records::<CandleChunk>();
    let length = SessionLength::of(timeframe);
    let session_open = length.around(until - 1).start;
    let mut chunks = Vec::new();
    let (mut open, mut found) = (session_open, 0);
    for _ in 0..SESSIONS_MAX {
        let id = CandleChunk::id_at(instrument, timeframe, open);
        let Some(chunk) = records.get(&id).await? else { break };
        if open < session_open {
            found += chunk.record.columns.open_time.len();
        }
        chunks.push(chunk.record);
        if found >= before {
            break;
        }
        open = length.around(open - 1).start;
    }
    let revision = chunks.first().map_or(0, |chunk| chunk.revision);
    let mut columns = Columns::default();
    for chunk in chunks.into_iter().rev() {
        columns.append(chunk.columns);
    }
    let closed = columns.open_time.partition_point(|open_time| timeframe.close_time(*open_time) <= until);
    columns.truncate(closed);
    if columns.open_time.is_empty() {
        return Ok(None);
    }
    let candles =
        Candles::new(instrument.clone(), timeframe, columns).map_err(|error| StoreError::InvalidDocument {
            collection: records.collection(),
            id: CandleChunk::id_at(instrument, timeframe, session_open),
            reason: error.to_string(),
        })?;
    Ok(Some(Series { candles, revision }))
}
