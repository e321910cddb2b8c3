//! What can be traded.

use serde::{Deserialize, Serialize};

use crate::documents::{Collection, Record};
use crate::instrument::{Instrument, InstrumentRules};

/// An instrument with the rules of its orders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asset {
    /// Where candles come from, and of what they are.
    #[serde(flatten)]
    pub instrument: Instrument,
    /// How orders are rounded.
    pub rules: InstrumentRules,
}

impl Asset {
    /// Returns the name of an instrument's document.
    #[must_use]
    pub fn id_of(instrument: &Instrument) -> String {
        format!("{}|{}", instrument.exchange, instrument.symbol.file_name())
    }
}

impl Record for Asset {
    const COLLECTION: Collection = Collection::DimAssets;

    fn id(&self) -> String {
        Self::id_of(&self.instrument)
    }
}
