//! Orders, there and back.

use rust_decimal::Decimal;
use sentinel_domain::broker::{BrokerOrder, BrokerOrderId, OrderKind, OrderRequest, OrderSize, TimeInForce};
use sentinel_domain::fill::Side;
use sentinel_domain::instrument::Symbol;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Money, Time, symbol};

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
