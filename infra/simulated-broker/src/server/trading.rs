//! `/v2`: the account, orders, positions, activities and assets.

use std::sync::{Arc, MutexGuard};

use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use rust_decimal::{Decimal, dec};
use sentinel_domain::broker::{Activity, BrokerOrder, BrokerOrderId, ClientOrderId, OrderState};
use sentinel_domain::instrument::Symbol;
use sentinel_domain::timeframe::{Timeframe, UnixMillis};
use serde_json::{Value, json};

use super::ServerState;
use crate::exchange::{Command, Exchange, Refusal};
use crate::keeper::Keeper;
use crate::wire::queries::{OrderBody, Parameters, history_timeframe, parse_money, period};
use crate::wire::refusals::Refused;
use crate::wire::{answers, asset_id, find_symbol, parse_time};

pub(super) type Shared = State<Arc<ServerState>>;
type Pairs = Result<Query<Vec<(String, String)>>, QueryRejection>;
type Answer = Result<Json<Value>, Refused>;

const ORDERS_DEFAULT: usize = 50;
const ORDERS_MAX: usize = 500;
const ACTIVITIES_MAX: usize = 100;

pub(super) fn routes() -> Router<Arc<ServerState>> {
    Router::new()
        .route("/v2/account", get(account))
        .route("/v2/account/portfolio/history", get(history))
        .route("/v2/account/activities", get(activities))
        .route("/v2/account/activities/{kind}", get(activities_of))
        .route("/v2/clock", get(clock))
        .route("/v2/orders", get(orders).post(submit).delete(cancel_all))
        .route("/v2/orders/{id}", get(order).delete(cancel))
        .route("/v2/orders:by_client_order_id", get(order_by_client_id))
        .route("/v2/positions", get(positions).delete(close_all))
        .route("/v2/positions/{*symbol}", get(position).delete(close))
        .route("/v2/assets", get(assets))
        .route("/v2/assets/{*symbol}", get(asset))
}

pub(super) fn parameters(pairs: Pairs) -> Result<Parameters, Refused> {
    pairs.map(|Query(pairs)| Parameters(pairs)).map_err(|error| Refused::input(error.body_text()))
}

pub(super) fn current(state: &ServerState) -> Result<MutexGuard<'_, Keeper>, Refused> {
    state.current().map_err(Refused::from)
}

async fn account(State(state): Shared) -> Answer {
    Ok(Json(answers::account(current(&state)?.exchange())))
}

async fn clock(State(state): Shared) -> Answer {
    Ok(Json(answers::clock(current(&state)?.exchange())))
}

async fn history(State(state): Shared, pairs: Pairs) -> Answer {
    let parameters = parameters(pairs)?;
    let keeper = current(&state)?;
    let exchange = keeper.exchange();
    let (now, opened) = (exchange.now().time, exchange.settings().start);
    let length = match parameters.get("period") {
        Some("all") => None,
        Some(text) => {
            let length = period(text);
            Some(length.ok_or_else(|| Refused::input(format!("invalid period {text}: use such as 1D, 1W, 1M, 1A")))?)
        }
        None => Some(30 * Timeframe::D1.millis()),
    };
    let to = parameters.time("end")?.unwrap_or(now).min(now);
    let from = match (parameters.time("start")?, length) {
        (Some(start), _) => start,
        (None, Some(length)) => to.saturating_sub(length),
        (None, None) => opened,
    };
    let from = from.max(opened);
    let timeframe = match parameters.get("timeframe") {
        Some(text) => history_timeframe(text)
            .ok_or_else(|| Refused::input(format!("invalid timeframe {text}: use 1Min, 5Min, 15Min, 1H or 1D")))?,
        None if to - from < 7 * Timeframe::D1.millis() => Timeframe::M1,
        None if to - from < 30 * Timeframe::D1.millis() => Timeframe::M15,
        None => Timeframe::D1,
    };
    let windows = exchange.history(timeframe, from, to);
    Ok(Json(answers::history(&windows, exchange.equity_at(from), timeframe, from)))
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
    let limit = parameters.number::<usize>("limit")?.unwrap_or(ORDERS_DEFAULT);
    if !(1..=ORDERS_MAX).contains(&limit) {
        return Err(Refused::input(format!("limit must be 1 to {ORDERS_MAX}")));
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
            sentinel_domain::fill::Side::Buy => "buy",
            sentinel_domain::fill::Side::Sell => "sell",
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

async fn positions(State(state): Shared) -> Answer {
    let keeper = current(&state)?;
    let exchange = keeper.exchange();
    let positions = exchange.positions();
    Ok(Json(positions.iter().map(|position| answers::position(exchange, position)).collect()))
}

async fn position(State(state): Shared, Path(name): Path<String>) -> Answer {
    let keeper = current(&state)?;
    let exchange = keeper.exchange();
    let position = find_symbol(exchange, &name).and_then(|symbol| exchange.position(&symbol));
    let position = position.ok_or(Refusal::PositionNotFound)?;
    Ok(Json(answers::position(exchange, &position)))
}

async fn close(State(state): Shared, Path(name): Path<String>, pairs: Pairs) -> Answer {
    let parameters = parameters(pairs)?;
    let mut keeper = current(&state)?;
    let symbol = find_symbol(keeper.exchange(), &name).ok_or(Refusal::PositionNotFound)?;
    let quantity = portion(&parameters, keeper.exchange(), &symbol)?;
    let order = keeper.close_position(&symbol, quantity)?;
    Ok(Json(answers::accepted(&order)))
}

/// Returns the quantity to close, or `None` for all of it.
fn portion(parameters: &Parameters, exchange: &Exchange, symbol: &Symbol) -> Result<Option<Decimal>, Refused> {
    let read = |name: &str| -> Result<Option<Decimal>, Refused> {
        let bad = |text: &str| Refused::input(format!("{name} \"{text}\" is not a number"));
        parameters.get(name).map(|text| parse_money(text).ok_or_else(|| bad(text))).transpose()
    };
    match (read("qty")?, read("percentage")?) {
        (None, None) => Ok(None),
        (Some(quantity), None) => Ok(Some(quantity)),
        (None, Some(percentage)) if percentage > dec!(0) && percentage <= dec!(100) => {
            let held = exchange.position(symbol).ok_or(Refusal::PositionNotFound)?.quantity;
            let rules = exchange.markets().get(symbol).map(|market| *market.rules()).unwrap_or_default();
            Ok(Some(rules.round_quantity_down(held * percentage / dec!(100))))
        }
        (None, Some(_)) => Err(Refused::input("percentage must be above 0 and up to 100")),
        (Some(_), Some(_)) => Err(Refused::input("only one of qty or percentage is accepted")),
    }
}

async fn close_all(State(state): Shared, pairs: Pairs) -> Result<Response, Refused> {
    let parameters = parameters(pairs)?;
    let cancels = parameters.get("cancel_orders").is_some_and(|text| text.eq_ignore_ascii_case("true"));
    let mut keeper = current(&state)?;
    let mut results = Vec::new();
    for position in keeper.exchange().positions() {
        let symbol = &position.symbol;
        let closed = if cancels { keeper.close_by_hand(symbol) } else { keeper.close_position(symbol, None) };
        let name = crate::wire::compact(symbol);
        results.push(match closed.map_err(Refused::from) {
            Ok(order) => json!({ "symbol": name, "status": 200, "body": answers::accepted(&order) }),
            Err(refused) => json!({ "symbol": name, "status": refused.status.as_u16() }),
        });
    }
    Ok((StatusCode::MULTI_STATUS, Json(Value::Array(results))).into_response())
}

async fn activities(State(state): Shared, pairs: Pairs) -> Answer {
    let parameters = parameters(pairs)?;
    let kinds = parameters.list("activity_types").into_iter().map(str::to_owned).collect();
    list_activities(&state, &parameters, kinds)
}

async fn activities_of(State(state): Shared, Path(kind): Path<String>, pairs: Pairs) -> Answer {
    list_activities(&state, &parameters(pairs)?, vec![kind])
}

fn list_activities(state: &ServerState, parameters: &Parameters, kinds: Vec<String>) -> Answer {
    let keeper = current(state)?;
    let exchange = keeper.exchange();
    let size = parameters.number::<usize>("page_size")?.unwrap_or(ACTIVITIES_MAX);
    if !(1..=ACTIVITIES_MAX).contains(&size) {
        return Err(Refused::input(format!("page_size must be 1 to {ACTIVITIES_MAX}")));
    }
    let day = match parameters.get("date") {
        Some(text) => {
            let day = parse_time(text).ok_or_else(|| Refused::input(format!("date \"{text}\" is not a date")))?;
            Some(Timeframe::D1.candle_open(day))
        }
        None => None,
    };
    let (after, until) = (parameters.time("after")?, parameters.time("until")?);
    let category = parameters.get("category");
    let order_id = parameters.get("order_id");
    let fits = |activity: &&Activity| {
        let (kind, is_trade, time, order) = facts(activity);
        (kinds.is_empty() || kinds.iter().any(|wanted| wanted == kind))
            && category.is_none_or(|category| (category == "trade_activity") == is_trade)
            && order_id.is_none_or(|wanted| order.is_some_and(|order| order.0 == wanted))
            && day.is_none_or(|day| Timeframe::D1.candle_open(time) == day)
            && after.is_none_or(|after| time > after)
            && until.is_none_or(|until| time < until)
    };
    let all = exchange.activities();
    let token = parameters.get("page_token");
    let seen = token.and_then(|token| all.iter().position(|activity| activity.id() == token));
    if token.is_some() && seen.is_none() {
        return Err(Refused::input("invalid page_token"));
    }
    let show = |activity: &Activity| answers::activity(exchange, activity);
    let shown: Vec<Value> = if parameters.is_descending() {
        all[..seen.unwrap_or(all.len())].iter().rev().filter(fits).take(size).map(show).collect()
    } else {
        all[seen.map_or(0, |seen| seen + 1)..].iter().filter(fits).take(size).map(show).collect()
    };
    Ok(Json(Value::Array(shown)))
}

/// Returns kind, whether it is a trade, time and order of an entry.
fn facts(activity: &Activity) -> (&str, bool, UnixMillis, Option<&BrokerOrderId>) {
    match activity {
        Activity::Fill(fill) => ("FILL", true, fill.time, Some(&fill.order_id)),
        Activity::CryptoFee(fee) => ("CFEE", false, fee.date, fee.order_id.as_ref()),
        Activity::Other(other) => (&other.kind, false, other.date.unwrap_or_default(), None),
    }
}

async fn assets(State(state): Shared, pairs: Pairs) -> Answer {
    let parameters = parameters(pairs)?;
    let keeper = current(&state)?;
    let exchange = keeper.exchange();
    let is_wanted = parameters.get("asset_class").is_none_or(|class| class == "crypto")
        && parameters.get("exchange").is_none_or(|exchange| exchange == "CRYPTO");
    let status = parameters.get("status");
    let symbols = exchange.markets().iter().filter(|(_, market)| {
        let is_active = market.rules().tradable;
        is_wanted && status.is_none_or(|status| (status == "active") == is_active)
    });
    Ok(Json(symbols.map(|(symbol, _)| answers::asset(exchange, symbol)).collect()))
}

async fn asset(State(state): Shared, Path(name): Path<String>) -> Answer {
    let keeper = current(&state)?;
    let exchange = keeper.exchange();
    let found = exchange.markets().keys().find(|symbol| asset_id(symbol) == name).cloned();
    let symbol = found.or_else(|| find_symbol(exchange, &name));
    let symbol = symbol.ok_or_else(|| Refused::not_found(format!("asset not found for {name}")))?;
    Ok(Json(answers::asset(exchange, &symbol)))
}
