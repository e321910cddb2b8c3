//! `/v2/orders`: taking orders in, showing them, taking them back.

use std::sync::Arc;

use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use sentinel_domain::broker::{BrokerOrder, BrokerOrderId, ClientOrderId, OrderState};
use sentinel_domain::fill::Side;
use sentinel_domain::instrument::Symbol;
use sentinel_domain::timeframe::UnixMillis;
use serde_json::{Value, json};

use super::ServerState;
use super::trading::{Answer, Pairs, Shared, current, parameters};
use crate::exchange::{Command, Exchange};
use crate::wire::queries::{OrderBody, Parameters};
use crate::wire::refusals::Refused;
use crate::wire::{answers, find_symbol};

const LIMIT_DEFAULT: usize = 50;
const LIMIT_MAX: usize = 500;

pub(super) fn routes() -> Router<Arc<ServerState>> {
    Router::new()
        .route("/v2/orders", get(orders).post(submit).delete(cancel_all))
        .route("/v2/orders/{id}", get(order).delete(cancel))
        .route("/v2/orders:by_client_order_id", get(order_by_client_id))
}

async fn submit(State(state): Shared, body: Result<Json<OrderBody>, JsonRejection>) -> Answer {
    let Json(body) = body.map_err(|error| Refused::input(format!("request body format is invalid: {error}")))?;
    let mut keeper = current(&state)?;
    let order = body.order(keeper.exchange())?;
    let taken = keeper.submit(order)?;
    Ok(Json(answers::accepted(&taken)))
}

async fn order(State(state): Shared, Path(id): Path<String>) -> Answer {
    let keeper = current(&state)?;
    let order = keeper.exchange().order(&BrokerOrderId(id.clone()));
    let order = order.ok_or_else(|| Refused::not_found(format!("order not found for {id}")))?;
    Ok(Json(answers::order(&order)))
}

async fn order_by_client_id(State(state): Shared, pairs: Pairs) -> Answer {
    let parameters = parameters(pairs)?;
    let text = parameters.get("client_order_id").unwrap_or_default();
    let missing = || Refused::not_found(format!("order not found for {text}"));
    let id: ClientOrderId = text.parse().map_err(|_| missing())?;
    let keeper = current(&state)?;
    let order = keeper.exchange().order_by_client_id(&id).ok_or_else(missing)?;
    Ok(Json(answers::order(&order)))
}

async fn orders(State(state): Shared, pairs: Pairs) -> Answer {
    let parameters = parameters(pairs)?;
    let keeper = current(&state)?;
    let exchange = keeper.exchange();
    let wanted = OrderFilter::read(&parameters, exchange)?;
    let limit = parameters.number::<usize>("limit")?.unwrap_or(LIMIT_DEFAULT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(Refused::input(format!("limit must be 1 to {LIMIT_MAX}")));
    }
    // Each order with its place in the sequence: several may come in one millisecond.
    let mut found = if wanted.is_open_only() { exchange.open_orders() } else { exchange.orders() };
    if let Some(after) = parameters.get("after_order_id") {
        let at = position_of(&found, after).or_else(|| sequence_after(exchange, &found, after));
        found.drain(..at.map_or(0, |at| at + usize::from(found.get(at).is_some_and(|order| order.id.0 == after))));
    }
    if let Some(before) = parameters.get("before_order_id") {
        let at = position_of(&found, before).or_else(|| sequence_after(exchange, &found, before));
        found.truncate(at.unwrap_or(found.len()));
    }
    if parameters.is_descending() {
        found.reverse();
    }
    let shown: Vec<Value> = found.iter().filter(|order| wanted.fits(order)).take(limit).map(answers::order).collect();
    Ok(Json(Value::Array(shown)))
}

fn position_of(orders: &[BrokerOrder], id: &str) -> Option<usize> {
    orders.iter().position(|order| order.id.0 == id)
}

/// Returns where an order that is not listed would stand.
fn sequence_after(exchange: &Exchange, listed: &[BrokerOrder], id: &str) -> Option<usize> {
    let all = exchange.orders();
    let at = position_of(&all, id)?;
    let later: Vec<&str> = all[at..].iter().map(|order| order.id.0.as_str()).collect();
    Some(listed.iter().position(|order| later.contains(&order.id.0.as_str())).unwrap_or(listed.len()))
}

/// Which orders to list.
struct OrderFilter {
    working: Option<bool>,
    symbols: Vec<Symbol>,
    any_symbol: bool,
    side: Option<String>,
    after: Option<UnixMillis>,
    until: Option<UnixMillis>,
}

impl OrderFilter {
    fn read(parameters: &Parameters, exchange: &Exchange) -> Result<Self, Refused> {
        let names = parameters.list("symbols");
        Ok(Self {
            working: match parameters.get("status") {
                None | Some("open") => Some(true),
                Some("closed") => Some(false),
                Some("all") => None,
                Some(other) => return Err(Refused::input(format!("invalid status {other}: use open, closed or all"))),
            },
            any_symbol: names.is_empty(),
            symbols: names.into_iter().filter_map(|name| find_symbol(exchange, name)).collect(),
            side: parameters.get("side").map(str::to_owned),
            after: parameters.time("after")?,
            until: parameters.time("until")?,
        })
    }

    const fn is_open_only(&self) -> bool {
        matches!(self.working, Some(true))
    }

    fn fits(&self, order: &BrokerOrder) -> bool {
        let is_working = order.status.state() == OrderState::Working;
        let side = match order.request.side {
            Side::Buy => "buy",
            Side::Sell => "sell",
        };
        self.working.is_none_or(|working| working == is_working)
            && (self.any_symbol || self.symbols.contains(&order.request.symbol))
            && self.side.as_ref().is_none_or(|wanted| wanted == side)
            && self.after.is_none_or(|after| order.submitted_at > after)
            && self.until.is_none_or(|until| order.submitted_at < until)
    }
}

async fn cancel(State(state): Shared, Path(id): Path<String>) -> Result<StatusCode, Refused> {
    current(&state)?.execute(Command::Cancel { id: BrokerOrderId(id) })?;
    Ok(StatusCode::NO_CONTENT)
}

async fn cancel_all(State(state): Shared) -> Result<Response, Refused> {
    let mut keeper = current(&state)?;
    let mut results = Vec::new();
    for order in keeper.exchange().open_orders() {
        keeper.execute(Command::Cancel { id: order.id.clone() })?;
        results.push(json!({ "id": order.id, "status": 200 }));
    }
    Ok((StatusCode::MULTI_STATUS, Json(Value::Array(results))).into_response())
}
