//! `/simulation`: what no real broker has. Move the clock, load candles, arm faults, meddle by hand.

use std::path::PathBuf;
use std::sync::Arc;

use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use sentinel_candle_store::load_file;
use sentinel_domain::instrument::{Instrument, InstrumentRules, Symbol};
use sentinel_domain::timeframe::Timeframe;
use serde::Deserialize;
use serde_json::{Value, json};

use super::ServerState;
use super::trading::{Answer, Shared, current};
use crate::exchange::{Exchange, Refusal};
use crate::faults::FaultRule;
use crate::moment::{Moment, Phase};
use crate::wire::refusals::Refused;
use crate::wire::{answers, find_symbol, parse_time, time};

type Body<T> = Result<Json<T>, JsonRejection>;

pub(super) fn routes() -> Router<Arc<ServerState>> {
    Router::new()
        .route("/simulation/clock", get(clock))
        .route("/simulation/advance", post(advance))
        .route("/simulation/market", post(load))
        .route("/simulation/faults", get(faults).post(arm).delete(disarm))
        .route("/simulation/positions/{*symbol}", post(close_by_hand))
}

fn read<T>(body: Body<T>) -> Result<T, Refused> {
    body.map(|Json(body)| body).map_err(|error| Refused::input(error.body_text()))
}

fn shown(exchange: &Exchange) -> Value {
    let Moment { time: millis, phase } = exchange.now();
    json!({ "time": time(millis), "unix_millis": millis, "phase": phase })
}

async fn clock(State(state): Shared) -> Answer {
    Ok(Json(shown(current(&state)?.exchange())))
}

/// Where to move the clock: a time in RFC 3339 or Unix milliseconds, and the phase, `close` without one.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    to: Value,
    #[serde(default)]
    phase: Phase,
}

async fn advance(State(state): Shared, body: Body<Advance>) -> Answer {
    let Advance { to, phase } = read(body)?;
    let time = to.as_i64().or_else(|| to.as_str().and_then(parse_time));
    let time =
        time.ok_or_else(|| Refused::input(format!("to {to} is not a time: use RFC 3339 or Unix milliseconds")))?;
    let mut keeper = state.lock();
    keeper.advance(Moment { time, phase })?;
    Ok(Json(shown(keeper.exchange())))
}

/// A file of candles.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Load {
    path: PathBuf,
    symbol: Symbol,
    timeframe: Timeframe,
    #[serde(default)]
    rules: InstrumentRules,
}

async fn load(State(state): Shared, body: Body<Load>) -> Answer {
    let Load { path, symbol, timeframe, rules } = read(body)?;
    let exchange = "simulated".parse().map_err(|_| Refused::input("exchange"))?;
    let instrument = Instrument { exchange, symbol };
    let loaded = load_file(&path, &instrument, timeframe).map_err(|error| Refused::input(error.to_string()))?;
    let candles = loaded.candles;
    state.lock().load(&candles, rules)?;
    let (first, last) = (candles.columns().open_time[0], candles.close_time(candles.len() - 1));
    Ok(Json(json!({
        "symbol": instrument.symbol, "rows": candles.len(), "from": time(first), "to": time(last),
    })))
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Rules {
    One(FaultRule),
    Several(Vec<FaultRule>),
}

async fn faults(State(state): Shared) -> Answer {
    Ok(Json(json!(state.lock().armed())))
}

async fn arm(State(state): Shared, body: Body<Rules>) -> Answer {
    let rules = match read(body)? {
        Rules::One(rule) => vec![rule],
        Rules::Several(rules) => rules,
    };
    let mut keeper = state.lock();
    for rule in rules {
        keeper.arm(rule)?;
    }
    Ok(Json(json!(keeper.armed())))
}

async fn disarm(State(state): Shared) -> Answer {
    let mut keeper = state.lock();
    keeper.disarm()?;
    Ok(Json(json!(keeper.armed())))
}

/// Closes a position as a person would; the path is `SYMBOL/close`.
async fn close_by_hand(State(state): Shared, Path(path): Path<String>) -> Answer {
    let name = path.strip_suffix("/close").ok_or_else(|| Refused::not_found("endpoint not found."))?;
    let mut keeper = current(&state)?;
    let symbol = find_symbol(keeper.exchange(), name).ok_or(Refusal::PositionNotFound)?;
    let order = keeper.close_by_hand(&symbol)?;
    Ok(Json(answers::accepted(&order)))
}
