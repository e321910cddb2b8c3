//! The account, its positions and history, and assets.

use rust_decimal::Decimal;
use sentinel_domain::broker::{AccountState, BrokerAsset, BrokerPosition, PortfolioHistory};
use sentinel_domain::instrument::{InstrumentRules, Symbol};
use serde::Deserialize;

use super::{Money, Time, symbol};

#[derive(Debug, Deserialize)]
pub(crate) struct AccountForm {
    id: String,
    #[serde(default)]
    currency: String,
    cash: Money,
    equity: Money,
    last_equity: Option<Money>,
    buying_power: Money,
    non_marginable_buying_power: Option<Money>,
    long_market_value: Option<Money>,
    initial_margin: Option<Money>,
    maintenance_margin: Option<Money>,
    accrued_fees: Option<Money>,
    #[serde(default)]
    trading_blocked: bool,
    #[serde(default)]
    account_blocked: bool,
    #[serde(default)]
    trade_suspended_by_user: bool,
    created_at: Option<Time>,
}

impl From<AccountForm> for AccountState {
    fn from(form: AccountForm) -> Self {
        let or_zero = |money: Option<Money>| money.map_or(Decimal::ZERO, |Money(value)| value);
        Self {
            id: form.id,
            currency: form.currency,
            cash: form.cash.0,
            equity: form.equity.0,
            last_equity: or_zero(form.last_equity),
            // Crypto is bought without margin.
            buying_power: form.non_marginable_buying_power.unwrap_or(form.buying_power).0,
            long_market_value: or_zero(form.long_market_value),
            initial_margin: or_zero(form.initial_margin),
            maintenance_margin: or_zero(form.maintenance_margin),
            accrued_fees: or_zero(form.accrued_fees),
            trading_blocked: form.trading_blocked || form.account_blocked || form.trade_suspended_by_user,
            created_at: form.created_at.map_or(0, |Time(time)| time),
        }
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct PositionForm {
    #[serde(deserialize_with = "symbol")]
    symbol: Symbol,
    qty: Money,
    qty_available: Option<Money>,
    avg_entry_price: Money,
    cost_basis: Money,
    market_value: Option<Money>,
    current_price: Option<Money>,
    unrealized_pl: Option<Money>,
}

impl From<PositionForm> for BrokerPosition {
    fn from(form: PositionForm) -> Self {
        let value = |money: Option<Money>| money.map(|Money(value)| value);
        Self {
            symbol: form.symbol,
            quantity: form.qty.0,
            quantity_available: form.qty_available.unwrap_or(form.qty).0,
            entry_price_avg: form.avg_entry_price.0,
            cost_basis: form.cost_basis.0,
            market_value: value(form.market_value),
            current_price: value(form.current_price),
            unrealized_pnl: value(form.unrealized_pl),
        }
    }
}

/// A position of any class: those that are not crypto are left out.
#[derive(Debug, Deserialize)]
pub(crate) struct AssetClass {
    pub(crate) asset_class: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct AssetForm {
    id: String,
    symbol: Symbol,
    name: Option<String>,
    tradable: bool,
    status: String,
    min_order_size: Option<Money>,
    min_trade_increment: Option<Money>,
    price_increment: Option<Money>,
}

impl From<AssetForm> for BrokerAsset {
    fn from(form: AssetForm) -> Self {
        let default = InstrumentRules::default();
        let or = |money: Option<Money>, other| money.map_or(other, |Money(value)| value);
        let rules = InstrumentRules {
            tick_size: or(form.price_increment, default.tick_size),
            step_size: or(form.min_trade_increment, default.step_size),
            quantity_min: or(form.min_order_size, default.quantity_min),
            notional_min: default.notional_min,
            tradable: form.tradable && form.status == "active",
        };
        Self { id: form.id, name: form.name.unwrap_or_else(|| form.symbol.to_string()), symbol: form.symbol, rules }
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct HistoryForm {
    timestamp: Vec<i64>,
    equity: Vec<Option<Money>>,
    profit_loss: Vec<Option<Money>>,
    base_value: Option<Money>,
}

impl From<HistoryForm> for PortfolioHistory {
    fn from(form: HistoryForm) -> Self {
        let values = |column: Vec<Option<Money>>| column.into_iter().map(|money| money.map(|Money(value)| value));
        Self {
            open_time: form.timestamp.into_iter().map(|seconds| seconds * 1000).collect(),
            equity: values(form.equity).collect(),
            profit_loss: values(form.profit_loss).collect(),
            base_value: form.base_value.map(|Money(value)| value),
        }
    }
}
