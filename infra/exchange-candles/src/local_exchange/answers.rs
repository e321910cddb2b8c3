//! Candles in the form of each exchange, and its refusals in its own words.

use std::collections::BTreeMap;
use std::fmt::Write;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::DateTime;
use sentinel_domain::timeframe::{Timeframe, UnixMillis};

use super::LocalMarket;

pub(super) type Parameters = BTreeMap<String, String>;

/// Returns open, high, low, close, volume and taker buy volume, all with at most two decimals.
pub(super) fn candle(open_time: UnixMillis) -> [f64; 6] {
    let minute = open_time / 60_000;
    let open = 20_000.0 + (minute % 9_973) as f64 / 4.0;
    let close = open + ((minute % 17) - 8) as f64;
    [open, open.max(close) + 2.5, open.min(close) - 1.25, close, 10.0 + (minute % 50) as f64, 5.0]
}

/// `[time, low, high, open, close, volume]`, newest first, and at most 300 of them, both ends counting.
pub(super) fn coinbase(shown: &LocalMarket, market: &str, parameters: &Parameters) -> Response {
    const CANDLES_MAX: i64 = 300;
    let refuse = |status, message: &str| json(status, format!("{{\"message\":\"{message}\"}}"));
    if market != shown.market {
        return refuse(StatusCode::NOT_FOUND, "NotFound");
    }
    let granularity = parameters.get("granularity").and_then(|seconds| seconds.parse::<i64>().ok());
    let timeframe = granularity.and_then(|seconds| timeframe_of(seconds * 1_000)).filter(|t| *t != Timeframe::H4);
    let time = |name| Some(DateTime::parse_from_rfc3339(parameters.get(name)?).ok()?.timestamp_millis());
    let (Some(timeframe), Some(start), Some(end)) = (timeframe, time("start"), time("end")) else {
        return refuse(StatusCode::BAD_REQUEST, "Unsupported granularity");
    };
    if (end - start) / timeframe.millis() + 1 > CANDLES_MAX {
        let message = "granularity too small for the requested time range. Count of aggregations requested exceeds 300";
        return refuse(StatusCode::BAD_REQUEST, message);
    }
    // Some candles may precede the start, the documentation says; so they do here.
    let from = start - 2 * timeframe.millis();
    let mut rows: Vec<_> = shown
        .open_times(from..end + 1, timeframe, usize::MAX)
        .into_iter()
        .map(|time| {
            let [open, high, low, close, volume, _] = candle(time);
            format!("[{},{low},{high},{open},{close},{volume}]", time / 1_000)
        })
        .collect();
    rows.reverse();
    json(StatusCode::OK, format!("[{}]", rows.join(",")))
}

/// Arrays of twelve, oldest first, and at most 1,000 of them.
pub(super) fn binance(shown: &LocalMarket, parameters: &Parameters) -> Response {
    const LIMIT_MAX: usize = 1_000;
    let refuse =
        |code: i32, message: &str| json(StatusCode::BAD_REQUEST, format!("{{\"code\":{code},\"msg\":\"{message}\"}}"));
    if parameters.get("symbol") != Some(&shown.market) {
        return refuse(-1121, "Invalid symbol.");
    }
    let Some(timeframe) = parameters.get("interval").and_then(|interval| interval.parse::<Timeframe>().ok()) else {
        return refuse(-1120, "Invalid interval.");
    };
    let time = |name| parameters.get(name).and_then(|text| text.parse::<i64>().ok());
    let limit = time("limit").and_then(|limit| usize::try_from(limit).ok()).unwrap_or(500).min(LIMIT_MAX);
    let range = time("startTime").unwrap_or(0)..time("endTime").unwrap_or(shown.now) + 1;
    let mut rows = String::new();
    for time in shown.open_times(range, timeframe, limit) {
        let [open, high, low, close, volume, taker_buys] = candle(time);
        let comma = if rows.is_empty() { "" } else { "," };
        let close_time = timeframe.close_time(time) - 1;
        let _ = write!(
            rows,
            "{comma}[{time},\"{open:.8}\",\"{high:.8}\",\"{low:.8}\",\"{close:.8}\",\"{volume:.8}\",{close_time},\
             \"1.5\",308,\"{taker_buys:.8}\",\"1.25\",\"0\"]"
        );
    }
    json(StatusCode::OK, format!("[{rows}]"))
}

/// The last 720 after `since`, oldest first, under another name than the one asked for; the last is still open.
pub(super) fn kraken(shown: &LocalMarket, parameters: &Parameters) -> Response {
    const CANDLES_MAX: usize = 720;
    let refuse = |error: &str| json(StatusCode::OK, format!("{{\"error\":[\"{error}\"]}}"));
    if parameters.get("pair") != Some(&shown.market) {
        return refuse("EQuery:Unknown asset pair");
    }
    let number = |name| parameters.get(name).and_then(|text| text.parse::<i64>().ok());
    let Some(timeframe) = number("interval").and_then(|minutes| timeframe_of(minutes * 60_000)) else {
        return refuse("EGeneral:Invalid arguments:interval");
    };
    let since = number("since").unwrap_or(0) * 1_000;
    let all = shown.open_times(since + 1..shown.now + 1, timeframe, usize::MAX);
    let last_ones = &all[all.len().saturating_sub(CANDLES_MAX)..];
    let rows: Vec<_> = last_ones
        .iter()
        .map(|time| {
            let [open, high, low, close, volume, _] = candle(*time);
            format!(
                "[{},\"{open:.2}\",\"{high:.2}\",\"{low:.2}\",\"{close:.2}\",\"{open:.2}\",\"{volume:.8}\",23]",
                time / 1_000
            )
        })
        .collect();
    let last = last_ones.len().checked_sub(2).map_or(0, |row| last_ones[row] / 1_000);
    json(
        StatusCode::OK,
        format!("{{\"error\":[],\"result\":{{\"X{}\":[{}],\"last\":{last}}}}}", shown.market, rows.join(",")),
    )
}

fn timeframe_of(millis: i64) -> Option<Timeframe> {
    Timeframe::ALL.into_iter().find(|timeframe| timeframe.millis() == millis)
}

fn json(status: StatusCode, body: String) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}
