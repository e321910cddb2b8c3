//! The closed candles of one session.

use serde::{Deserialize, Serialize};

use crate::candles::{Columns, packed};
use crate::documents::{Collection, Record};
use crate::instrument::Instrument;
use crate::session::SessionLength;
use crate::timeframe::{Timeframe, UnixMillis};

/// The closed candles of one series within one session, as columns. Candles are appended; one that the source corrects
/// is replaced under a new revision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CandleChunk {
    /// Where they come from, and of what they are.
    #[serde(flatten)]
    pub instrument: Instrument,
    /// Length of the candles.
    pub timeframe: Timeframe,
    /// When the session begins.
    pub session_open: UnixMillis,
    /// The candles, oldest first.
    #[serde(with = "packed")]
    pub columns: Columns,
    /// How often candles that were already there were replaced.
    pub revision: u32,
}

impl CandleChunk {
    /// Returns the name of the chunk that holds the candle that opens at `open_time`.
    #[must_use]
    pub fn id_at(instrument: &Instrument, timeframe: Timeframe, open_time: UnixMillis) -> String {
        let session_open = SessionLength::of(timeframe).around(open_time).start;
        format!("{}|{}|{}|{session_open}", instrument.exchange, instrument.symbol.file_name(), timeframe.as_str())
    }
}

impl Record for CandleChunk {
    const COLLECTION: Collection = Collection::Candles;

    fn id(&self) -> String {
        Self::id_at(&self.instrument, self.timeframe, self.session_open)
    }
}
