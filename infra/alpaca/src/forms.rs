//! Alpaca's forms of orders, positions and the rest, and the way to the domain's.

use std::borrow::Cow;
use std::fmt;

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use rust_decimal::Decimal;
use sentinel_domain::broker::{
    AccountState, Activity, BrokerAsset, BrokerOrder, BrokerOrderId, BrokerPosition, CryptoFee, FillActivity,
    OrderKind, OrderRequest, OrderSize, OtherActivity, PortfolioHistory, TimeInForce,
};
use sentinel_domain::fill::Side;
use sentinel_domain::instrument::{InstrumentRules, Symbol};
use sentinel_domain::timeframe::UnixMillis;
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

/// Currencies in which pairs are quoted, longest first, to cut a name that has no slash.
const QUOTES: [&str; 5] = ["USDT", "USDC", "USD", "BTC", "EUR"];

/// Money or a quantity: a string or a number, read without a detour through a float where it is a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Money(pub(crate) Decimal);

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl Visitor<'_> for Read {
            type Value = Money;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, as such or as a string")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Money, E> {
                let read = text.parse().or_else(|_| Decimal::from_scientific(text));
                read.map(Money).map_err(|_| E::custom(format!("\"{text}\" is not a number")))
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Money, E> {
                Ok(Money(value.into()))
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Money, E> {
                Ok(Money(value.into()))
            }

            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Money, E> {
                // The shortest text that reads back as the number is what the broker wrote.
                self.visit_str(&value.to_string())
            }
        }
        deserializer.deserialize_any(Read)
    }
}

/// A moment in RFC 3339, as Unix milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Time(pub(crate) UnixMillis);

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        read_time(&text).map(Time).ok_or_else(|| de::Error::custom(format!("\"{text}\" is not a time")))
    }
}

fn read_time(text: &str) -> Option<UnixMillis> {
    let moment = || DateTime::parse_from_rfc3339(text).ok().map(|time| time.timestamp_millis());
    let day = || text.parse::<NaiveDate>().ok()?.and_hms_opt(0, 0, 0).map(|time| time.and_utc().timestamp_millis());
    moment().or_else(day)
}

/// Returns a time as Alpaca reads it.
pub(crate) fn time(millis: UnixMillis) -> String {
    DateTime::<Utc>::from_timestamp_millis(millis)
        .map_or_else(|| millis.to_string(), |time| time.to_rfc3339_opts(SecondsFormat::Millis, true))
}

/// Reads a symbol that may lack its slash, as those of positions do.
pub(crate) fn read_symbol(text: &str) -> Option<Symbol> {
    if text.contains('/') {
        return text.parse().ok();
    }
    let base_of = |quote: &&str| text.strip_suffix(*quote).filter(|base| !base.is_empty());
    let quote = QUOTES.iter().find(|quote| base_of(quote).is_some())?;
    format!("{}/{quote}", base_of(quote)?).parse().ok()
}

fn symbol<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Symbol, D::Error> {
    let text = Cow::<'de, str>::deserialize(deserializer)?;
    read_symbol(&text).ok_or_else(|| de::Error::custom(format!("\"{text}\" is not a pair of coins")))
}

/// Returns the body of a new order.
pub(crate) fn order_body(request: &OrderRequest) -> Value {
    let text = |value: Decimal| value.normalize().to_string();
    let mut body = json!({
        "symbol": request.symbol,
        "side": side_name(request.side),
        "type": request.kind.as_str(),
        "time_in_force": match request.time_in_force { TimeInForce::Gtc => "gtc", TimeInForce::Ioc => "ioc" },
        "client_order_id": request.client_order_id,
    });
    match request.size {
        OrderSize::Quantity(quantity) => body["qty"] = text(quantity).into(),
        OrderSize::Notional(sum) => body["notional"] = text(sum).into(),
    }
    if let Some(price) = request.kind.limit_price() {
        body["limit_price"] = text(price).into();
    }
    if let Some(price) = request.kind.stop_price() {
        body["stop_price"] = text(price).into();
    }
    body
}

pub(crate) const fn side_name(side: Side) -> &'static str {
    match side {
        Side::Buy => "buy",
        Side::Sell => "sell",
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct OrderForm {
    id: String,
    client_order_id: String,
    #[serde(deserialize_with = "symbol")]
    symbol: Symbol,
    side: Side,
    #[serde(rename = "type")]
    kind: String,
    time_in_force: String,
    qty: Option<Money>,
    notional: Option<Money>,
    limit_price: Option<Money>,
    stop_price: Option<Money>,
    status: String,
    filled_qty: Option<Money>,
    filled_avg_price: Option<Money>,
    submitted_at: Time,
    updated_at: Option<Time>,
    filled_at: Option<Time>,
    canceled_at: Option<Time>,
    expired_at: Option<Time>,
    failed_at: Option<Time>,
}

impl OrderForm {
    /// Returns the order, or what is wrong with it.
    pub(crate) fn order(self) -> Result<BrokerOrder, String> {
        let size = match (self.qty, self.notional) {
            (Some(Money(quantity)), _) => OrderSize::Quantity(quantity),
            (None, Some(Money(sum))) => OrderSize::Notional(sum),
            (None, None) => return Err("an order has neither qty nor notional".to_owned()),
        };
        let missing = |field: &str| format!("a {} order has no {field}", self.kind);
        let price = |price: Option<Money>, field| price.map(|Money(price)| price).ok_or_else(|| missing(field));
        let kind = match self.kind.as_str() {
            "market" => OrderKind::Market,
            "limit" => OrderKind::Limit { limit_price: price(self.limit_price, "limit_price")? },
            "stop_limit" => OrderKind::StopLimit {
                stop_price: price(self.stop_price, "stop_price")?,
                limit_price: price(self.limit_price, "limit_price")?,
            },
            other => return Err(format!("an order has the type {other}, which crypto has not")),
        };
        let time_in_force = match self.time_in_force.as_str() {
            "gtc" => TimeInForce::Gtc,
            "ioc" => TimeInForce::Ioc,
            other => return Err(format!("an order has the time in force {other}, which crypto has not")),
        };
        let client_order_id = self.client_order_id.parse().map_err(|error| format!("{error}"))?;
        let millis = |time: Option<Time>| time.map(|Time(time)| time);
        Ok(BrokerOrder {
            id: BrokerOrderId(self.id),
            request: OrderRequest { client_order_id, symbol: self.symbol, side: self.side, size, kind, time_in_force },
            status: self.status.parse().map_err(|error| format!("{error}"))?,
            filled_quantity: self.filled_qty.map_or(Decimal::ZERO, |Money(quantity)| quantity),
            // Some answers hold 0 where the price is not known yet.
            filled_avg_price: self.filled_avg_price.map(|Money(price)| price).filter(|price| !price.is_zero()),
            submitted_at: self.submitted_at.0,
            updated_at: self.updated_at.map_or(self.submitted_at.0, |Time(time)| time),
            filled_at: millis(self.filled_at),
            canceled_at: millis(self.canceled_at),
            expired_at: millis(self.expired_at),
            failed_at: millis(self.failed_at),
        })
    }
}

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

/// Any activity: a fill has what a fill has, the others what they have.
#[derive(Debug, Deserialize)]
pub(crate) struct ActivityForm {
    id: String,
    activity_type: String,
    symbol: Option<String>,
    qty: Option<Money>,
    price: Option<Money>,
    #[serde(rename = "type")]
    kind: Option<String>,
    transaction_time: Option<Time>,
    side: Option<Side>,
    cum_qty: Option<Money>,
    leaves_qty: Option<Money>,
    order_id: Option<String>,
    date: Option<Time>,
    net_amount: Option<Money>,
    group_id: Option<String>,
}

impl ActivityForm {
    pub(crate) fn activity(self) -> Result<Activity, String> {
        let or_zero = |money: Option<Money>| money.map_or(Decimal::ZERO, |Money(value)| value);
        let date = self.date.map(|Time(time)| time);
        match self.activity_type.as_str() {
            "FILL" => {
                let missing = |field: &str| format!("fill {} has no {field}", self.id);
                Ok(Activity::Fill(FillActivity {
                    order_id: BrokerOrderId(self.order_id.ok_or_else(|| missing("order_id"))?),
                    symbol: self.symbol.ok_or_else(|| missing("symbol"))?,
                    side: self.side.ok_or_else(|| missing("side"))?,
                    quantity: self.qty.ok_or_else(|| missing("qty"))?.0,
                    price: or_zero(self.price),
                    quantity_cumulative: or_zero(self.cum_qty),
                    quantity_left: or_zero(self.leaves_qty),
                    is_partial: self.kind.as_deref() == Some("partial_fill"),
                    time: self.transaction_time.ok_or_else(|| missing("transaction_time"))?.0,
                    id: self.id,
                }))
            }
            "CFEE" => Ok(Activity::CryptoFee(CryptoFee {
                date: date.ok_or_else(|| format!("fee {} has no date", self.id))?,
                symbol: self.symbol,
                quantity: or_zero(self.qty),
                net_amount: or_zero(self.net_amount),
                price: self.price.map(|Money(price)| price),
                order_id: self.group_id.filter(|id| !id.is_empty()).map(BrokerOrderId),
                id: self.id,
            })),
            _ => Ok(Activity::Other(OtherActivity {
                date: date.or(self.transaction_time.map(|Time(time)| time)),
                net_amount: or_zero(self.net_amount),
                kind: self.activity_type,
                id: self.id,
            })),
        }
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

#[cfg(test)]
mod tests {
    use rust_decimal::dec;

    use super::*;

    #[test]
    fn money_is_read_from_strings_and_numbers() {
        for (text, expected) in [
            ("\"0.1\"", dec!(0.1)),
            ("0.1", dec!(0.1)),
            ("-3", dec!(-3)),
            ("1e-9", dec!(0.000000001)),
            ("104236.903097", dec!(104236.903097)),
        ] {
            assert_eq!(serde_json::from_str::<Money>(text).unwrap(), Money(expected), "{text}");
        }
        assert!(serde_json::from_str::<Money>("\"much\"").is_err());
    }

    #[test]
    fn a_symbol_is_found_without_its_slash() {
        let read = |text| read_symbol(text).map(|symbol| symbol.to_string());
        assert_eq!(read("BTCUSD").as_deref(), Some("BTC/USD"));
        assert_eq!(read("BTCUSDT").as_deref(), Some("BTC/USDT"));
        assert_eq!(read("ETHBTC").as_deref(), Some("ETH/BTC"));
        assert_eq!(read("USD"), None);
    }

    #[test]
    fn a_crypto_fee_is_read_as_documented() {
        let text = r#"{"id":"20220812000000000::53be51ba","activity_type":"CFEE","date":"2022-08-12","net_amount":"0",
            "description":"Coin Pair Transaction Fee (Non USD)","symbol":"ETHUSD","qty":"-0.000195","price":"1884.5",
            "status":"executed"}"#;
        let form: ActivityForm = serde_json::from_str(text).unwrap();
        let Activity::CryptoFee(fee) = form.activity().unwrap() else { panic!("a fee") };
        assert_eq!((fee.quantity, fee.value()), (dec!(-0.000195), Some(dec!(0.3674775))));
        assert_eq!(fee.order_id, None);
    }
}
