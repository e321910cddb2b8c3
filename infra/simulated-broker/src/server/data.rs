//! `/v1beta3/crypto`: market data up to the broker's now.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::routing::get;
use axum::{Json, Router};

use super::ServerState;
use super::trading::{Answer, Pairs, Shared, current, parameters};
use crate::wire::data::{Latest, Listed, latest, list, snapshots};
use crate::wire::refusals::Refused;

const LOCATIONS: [&str; 5] = ["us", "us-1", "us-2", "eu-1", "bs-1"];

pub(super) fn routes() -> Router<Arc<ServerState>> {
    Router::new()
        .route("/v1beta3/crypto/{location}/{list}", get(listed))
        .route("/v1beta3/crypto/{location}/latest/{list}", get(last))
}

fn check_location(location: &str) -> Result<(), Refused> {
    if LOCATIONS.contains(&location) {
        return Ok(());
    }
    Err(Refused::parameter(format!("unknown location {location}: use one of {}", LOCATIONS.join(", "))))
}

async fn listed(State(state): Shared, Path((location, name)): Path<(String, String)>, pairs: Pairs) -> Answer {
    check_location(&location)?;
    let parameters = parameters(pairs)?;
    let mut keeper = current(&state)?;
    let exchange = keeper.exchange_mut();
    let what = match name.as_str() {
        "bars" => Listed::Bars,
        "trades" => Listed::Trades,
        "quotes" => Listed::Quotes,
        "snapshots" => return snapshots(exchange, &parameters).map(Json),
        _ => return Err(Refused::not_found("endpoint not found.")),
    };
    list(exchange, &parameters, what).map(Json)
}

async fn last(State(state): Shared, Path((location, name)): Path<(String, String)>, pairs: Pairs) -> Answer {
    check_location(&location)?;
    let parameters = parameters(pairs)?;
    let what = match name.as_str() {
        "bars" => Latest::Bars,
        "trades" => Latest::Trades,
        "quotes" => Latest::Quotes,
        "orderbooks" => Latest::OrderBooks,
        _ => return Err(Refused::not_found("endpoint not found.")),
    };
    latest(current(&state)?.exchange_mut(), &parameters, what).map(Json)
}
