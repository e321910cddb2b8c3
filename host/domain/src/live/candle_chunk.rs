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
    /// When each candle was received; those of a chunk that does not say it were received at their close.
    #[serde(default, with = "packed::times")]
    pub received: Vec<UnixMillis>,
    /// Whether its session is over and all of it stands in the warehouse.
    #[serde(default)]
    pub archived: bool,
}

impl CandleChunk {
    /// Returns the chunk of a session, as it was received at once; `None` without a candle.
    #[must_use]
    pub fn of(instrument: &Instrument, timeframe: Timeframe, columns: Columns, received: UnixMillis) -> Option<Self> {
        let session_open = SessionLength::of(timeframe).around(*columns.open_time.first()?).start;
        let received = vec![received; columns.open_time.len()];
        Some(Self {
            instrument: instrument.clone(),
            timeframe,
            session_open,
            columns,
            revision: 0,
            received,
            archived: false,
        })
    }

    /// Appends later candles of the session, which were received at `received`.
    pub fn append(&mut self, columns: Columns, received: UnixMillis) {
        // What is known of the earlier ones stays where it is.
        let known = self.columns.open_time.iter().skip(self.received.len());
        let closes: Vec<_> = known.map(|open| self.timeframe.close_time(*open)).collect();
        self.received.extend(closes);
        self.received.extend(columns.open_time.iter().map(|_| received));
        self.columns.append(columns);
        self.archived = false;
    }

    /// Returns when the session ends.
    #[must_use]
    pub fn session_end(&self) -> UnixMillis {
        SessionLength::of(self.timeframe).around(self.session_open).end
    }

    /// Returns when the candle in `row` was received: never before its close.
    #[must_use]
    pub fn received_at(&self, row: usize) -> UnixMillis {
        let close_time = self.timeframe.close_time(self.columns.open_time[row]);
        self.received.get(row).copied().unwrap_or(close_time).max(close_time)
    }

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
