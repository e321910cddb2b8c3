//! What a backtest runs on: candles with their rules, strategies with their risk, and the account they share.

use std::collections::BTreeMap;
use std::sync::Arc;

use rust_decimal::Decimal;
use sentinel_domain::candles::Candles;
use sentinel_domain::fees::FeeSchedule;
use sentinel_domain::fill::FillModel;
use sentinel_domain::hash::ContentHash;
use sentinel_domain::instrument::{Instrument, InstrumentRules};
use sentinel_domain::registry::StrategyVersion;
use sentinel_domain::risk::{AccountLimits, RiskParams};
use sentinel_domain::strategy::ParameterValue;
use sentinel_domain::timeframe::Timeframe;
use serde::{Deserialize, Serialize};

/// A series of candles to trade on: the finest that is known of an instrument. Orders are filled on it;
/// strategies of a coarser timeframe are shown candles made from it.
#[derive(Debug, Clone)]
pub struct MarketSeries {
    candles: Arc<Candles>,
    instrument: Arc<Instrument>,
    /// How orders are rounded.
    pub rules: InstrumentRules,
    /// How missing candles were handled: `refuse`, `flat` or `skip`.
    pub gaps: String,
    /// Candles that were missing in the data.
    pub bars_missing: usize,
    /// Hash over the candles.
    pub data_hash: ContentHash,
}

impl MarketSeries {
    /// Makes a series of candles whose gaps have been dealt with.
    #[must_use]
    pub fn new(candles: Arc<Candles>, rules: InstrumentRules, gaps: &str, bars_missing: usize) -> Self {
        let instrument = Arc::new(candles.instrument().clone());
        let data_hash = candles.content_hash();
        Self { candles, instrument, rules, gaps: gaps.to_owned(), bars_missing, data_hash }
    }

    /// Returns the candles.
    #[must_use]
    pub const fn candles(&self) -> &Arc<Candles> {
        &self.candles
    }

    /// Returns what is quoted where.
    #[must_use]
    pub const fn instrument(&self) -> &Arc<Instrument> {
        &self.instrument
    }
}

/// A strategy as it is run: a loaded component with its parameters and its risk.
#[derive(Debug, Clone)]
pub struct StrategySetup {
    /// What people call it.
    pub strategy_id: String,
    /// The component.
    pub component: sentinel_runtime::Strategy,
    /// One value for each parameter of its manifest.
    pub parameters: Vec<ParameterValue>,
    /// The candles it is shown.
    pub timeframe: Timeframe,
    /// How it may trade.
    pub risk: RiskParams,
    /// The series it runs on, by index.
    pub series: Vec<usize>,
    /// The row of the registry that it is, which decides only the closes within the row's time; `None` for a strategy
    /// that decides all of them. Rows of one strategy trade the same position after one another.
    pub recorded: Option<Arc<StrategyVersion>>,
}

impl StrategySetup {
    /// Returns the parameters by name, as the user would write them.
    #[must_use]
    pub fn parameters_by_name(&self) -> BTreeMap<String, String> {
        self.component.manifest().describe_parameters(&self.parameters)
    }
}

/// The account that the strategies share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountSettings {
    /// Cash at the beginning, in quote currency.
    pub cash: Decimal,
    /// What the broker charges.
    pub fees: FeeSchedule,
    /// How far fills are from the prices in the candles.
    pub fill_model: FillModel,
    /// What the account as a whole allows.
    pub limits: AccountLimits,
}
