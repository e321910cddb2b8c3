//! What the broker is told when it is opened; kept in its file and never changed after.

use rust_decimal::{Decimal, dec};
use sentinel_domain::fees::FeeSchedule;
use sentinel_domain::fill::FillModel;
use sentinel_domain::timeframe::UnixMillis;
use serde::{Deserialize, Serialize};

/// An account and the rules by which its orders are filled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// The name of the account; all ids derive from it.
    pub account: String,
    /// The currency of its cash.
    pub currency: String,
    /// Cash to begin with.
    pub cash: Decimal,
    /// What is charged.
    pub fees: FeeSchedule,
    /// How far fills are from the prices in the candles.
    pub fill_model: FillModel,
    /// When the account is opened, in Unix milliseconds: what the clock shows at first.
    pub start: UnixMillis,
}

impl Default for Settings {
    /// Returns an account with 100,000 dollars and the broker's own fees, opened in 1970.
    fn default() -> Self {
        Self {
            account: "simulated".to_owned(),
            currency: "USD".to_owned(),
            cash: dec!(100_000),
            fees: FeeSchedule::default(),
            fill_model: FillModel { slippage_bps: Decimal::ZERO },
            start: 0,
        }
    }
}
