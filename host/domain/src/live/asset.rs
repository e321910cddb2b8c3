//! What can be traded.

use serde::{Deserialize, Serialize};

use crate::broker::BrokerAsset;
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
    /// The broker's id of it; `None` until the broker has named it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broker_asset_id: Option<String>,
}

impl Asset {
    /// Returns what is to be kept of an instrument, given what is `known` of it and how the broker has it `listed`;
    /// `None` where nobody knows anything.
    ///
    /// What the broker had and leaves out now takes no orders. The smallest value of an order is not published, so one
    /// that is known stays.
    #[must_use]
    pub fn as_listed(instrument: &Instrument, known: Option<&Self>, listed: Option<&BrokerAsset>) -> Option<Self> {
        let Some(listed) = listed else {
            let mut asset = known?.clone();
            asset.rules.tradable &= asset.broker_asset_id.is_none();
            return Some(asset);
        };
        let notional_min = known.map_or(listed.rules.notional_min, |known| known.rules.notional_min);
        Some(Self {
            instrument: instrument.clone(),
            rules: InstrumentRules { notional_min, ..listed.rules },
            broker_asset_id: Some(listed.id.clone()),
        })
    }

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
