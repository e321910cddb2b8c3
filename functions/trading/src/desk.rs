//! Which account, at which broker, under which terms.

use std::fmt;
use std::sync::Arc;

use sentinel_domain::broker::{Broker, BrokerError};
use sentinel_domain::fees::FeeSchedule;
use sentinel_domain::fill::FillModel;
use sentinel_domain::risk::AccountLimits;
use sentinel_domain::timeframe::Timeframe;
use sentinel_function_runtime::FunctionError;

/// What an account costs and allows.
#[derive(Debug, Clone, PartialEq)]
pub struct Terms {
    /// Which account.
    pub account_id: String,
    /// Environment, account and, in simulated time, run: it enters every id.
    pub namespace: String,
    /// What the broker charges.
    pub fees: FeeSchedule,
    /// The slippage that sizing reckons with.
    pub fill_model: FillModel,
    /// What the account as a whole allows.
    pub limits: AccountLimits,
    /// The finest candles there are: exits are decided at their closes.
    pub finest: Timeframe,
}

/// An account at a broker.
#[derive(Clone)]
pub struct Desk {
    /// The broker.
    pub broker: Arc<dyn Broker>,
    /// The account.
    pub terms: Terms,
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk").field("terms", &self.terms).finish_non_exhaustive()
    }
}

/// Returns what turns a broker's refusal into the end of a function; `what` was attempted.
pub fn broker_failed(what: impl Into<String>) -> impl FnOnce(BrokerError) -> FunctionError {
    move |error| FunctionError::Failed { what: what.into(), retryable: error.is_retryable(), source: error.into() }
}
