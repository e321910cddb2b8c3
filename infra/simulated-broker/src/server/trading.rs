//! `/v2`: the account, positions and assets.

use std::sync::{Arc, MutexGuard};

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use rust_decimal::{Decimal, dec};
use sentinel_domain::instrument::Symbol;
use sentinel_domain::timeframe::Timeframe;
use serde_json::{Value, json};

use super::ServerState;
use crate::exchange::{Exchange, Refusal};
use crate::keeper::Keeper;
use crate::wire::queries::{Parameters, history_timeframe, parse_money, period};
use crate::wire::refusals::Refused;
use crate::wire::{answers, asset_id, find_symbol};

pub(super) type Shared = State<Arc<ServerState>>;
pub(super) type Pairs = Result<Query<Vec<(String, String)>>, QueryRejection>;
pub(super) type Answer = Result<Json<Value>, Refused>;

pub(super) fn routes() -> Router<Arc<ServerState>> {
    Router::new()
        .route("/v2/account", get(account))
        .route("/v2/account/portfolio/history", get(history))
        .route("/v2/clock", get(clock))
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
