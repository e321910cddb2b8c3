//! The reference backtest: the one that backtesting.py, backtrader, vectorbt and a plain loop agree on.

use std::collections::BTreeMap;
use std::sync::Arc;

use rust_decimal::dec;
use sentinel_backtest::market::{AccountSettings, MarketSeries, StrategySetup};
use sentinel_backtest::run::Backtest;
use sentinel_domain::candles::Candles;
use sentinel_domain::fees::{FeeCurrency, FeeRate, FeeSchedule};
use sentinel_domain::fill::FillModel;
use sentinel_domain::instrument::InstrumentRules;
use sentinel_domain::risk::{AccountLimits, RiskParams, Sizing};
use sentinel_runtime::Strategy;

/// Returns the account: 100,000 in cash, 10 bps in quote currency, no slippage.
#[must_use]
pub fn account() -> AccountSettings {
    AccountSettings {
        cash: dec!(100_000),
        fees: FeeSchedule { rate: FeeRate::Fixed { bps: dec!(10) }, currency: FeeCurrency::Quote },
        fill_model: FillModel { slippage_bps: dec!(0) },
        limits: AccountLimits::default(),
    }
}

/// Returns a strategy with parameters by name and a fixed quantity of 0.1.
///
/// # Panics
/// When the strategy does not take the parameters.
#[must_use]
pub fn setup(component: Strategy, candles: &Candles, parameters: &[(&str, &str)]) -> StrategySetup {
    let given: BTreeMap<_, _> =
        parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let parameters = component.manifest().resolve_parameters(&given).unwrap_or_else(|error| panic!("{error}"));
    StrategySetup {
        strategy_id: component.manifest().id.clone(),
        component,
        parameters,
        timeframe: candles.timeframe(),
        risk: RiskParams { sizing: Sizing::Quantity(dec!(0.1)), ..RiskParams::default() },
        series: vec![0],
        recorded: None,
    }
}

/// Returns the reference backtest of `component` on `candles`.
///
/// # Panics
/// When strategy and candles do not fit.
#[must_use]
pub fn backtest(component: Strategy, candles: Candles, parameters: &[(&str, &str)]) -> Backtest {
    let setup = setup(component, &candles, parameters);
    let series = MarketSeries::new(Arc::new(candles), InstrumentRules::default(), "flat", 0);
    Backtest::new(vec![series], vec![setup], account()).unwrap_or_else(|error| panic!("{error}"))
}

/// The parameters of the reference run.
pub const PARAMETERS: [(&str, &str); 3] = [("fast", "10"), ("slow", "30"), ("threshold", "0.00001")];
