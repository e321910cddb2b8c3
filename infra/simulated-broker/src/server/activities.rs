//! `/v2/account/activities`: the account's journal, filtered and paged.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::routing::get;
use axum::{Json, Router};
use sentinel_domain::broker::{Activity, BrokerOrderId};
use sentinel_domain::timeframe::{Timeframe, UnixMillis};
use serde_json::Value;

use super::ServerState;
use super::trading::{Answer, Pairs, Shared, current, parameters};
use crate::wire::queries::Parameters;
use crate::wire::refusals::Refused;
use crate::wire::{answers, parse_time};

const PAGE_MAX: usize = 100;

pub(super) fn routes() -> Router<Arc<ServerState>> {
    Router::new()
        .route("/v2/account/activities", get(activities))
        .route("/v2/account/activities/{kind}", get(activities_of))
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
    let size = parameters.number::<usize>("page_size")?.unwrap_or(PAGE_MAX);
    if !(1..=PAGE_MAX).contains(&size) {
        return Err(Refused::input(format!("page_size must be 1 to {PAGE_MAX}")));
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
        let facts = facts(activity);
        (kinds.is_empty() || kinds.iter().any(|wanted| wanted == facts.kind))
            && category.is_none_or(|category| (category == "trade_activity") == facts.is_trade)
            && order_id.is_none_or(|wanted| facts.order_id.is_some_and(|order| order.0 == wanted))
            && day.is_none_or(|day| Timeframe::D1.candle_open(facts.time) == day)
            && after.is_none_or(|after| facts.created_at > after)
            && until.is_none_or(|until| facts.created_at < until)
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

/// What entries are looked for by.
struct Facts<'a> {
    kind: &'a str,
    is_trade: bool,
    /// When it was written.
    created_at: UnixMillis,
    /// When what it is about happened.
    time: UnixMillis,
    order_id: Option<&'a BrokerOrderId>,
}

fn facts(activity: &Activity) -> Facts<'_> {
    match activity {
        Activity::Fill(fill) => Facts {
            kind: "FILL",
            is_trade: true,
            created_at: fill.time,
            time: fill.time,
            order_id: Some(&fill.order_id),
        },
        Activity::CryptoFee(fee) => Facts {
            kind: "CFEE",
            is_trade: false,
            created_at: answers::posted_at(&fee.id).unwrap_or(fee.date),
            time: fee.date,
            order_id: fee.order_id.as_ref(),
        },
        Activity::Other(other) => {
            let time = other.date.unwrap_or_default();
            Facts { kind: &other.kind, is_trade: false, created_at: time, time, order_id: None }
        }
    }
}
