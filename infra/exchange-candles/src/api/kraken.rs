//! Kraken spot, `GET /0/public/OHLC?pair&interval&since`.
//!
//! `{"error": [], "result": {"XXBTZUSD": [[time, open, high, low, close, vwap, volume, count], …], "last": …}}`, oldest
//! first, the time in Unix seconds, prices and volume as texts. The pair is answered under Kraken's own name, whatever
//! it was asked by. At most the last 720 candles, whatever `since` says, and the last of them is always still open.
//! Errors come with status 200, in `error`.

use std::collections::BTreeMap;
use std::ops::Range;

use sentinel_domain::instrument::Symbol;
use sentinel_domain::timeframe::{Timeframe, UnixMillis};
use serde::Deserialize;
use serde_json::Value;

use super::{Page, Query, RawCandle, Refusal, malformed, number};

pub(super) const PAGE_CANDLES: usize = 720;

/// The key beside the candles in `result`.
const LAST: &str = "last";

pub(super) fn market(symbol: &Symbol) -> String {
    format!("{}{}", coin(symbol.base()), coin(symbol.quote()))
}

/// Returns what Kraken calls a coin; two have other names there.
fn coin(name: &str) -> &str {
    match name {
        "BTC" => "XBT",
        "DOGE" => "XDG",
        other => other,
    }
}

pub(super) fn query(symbol: &Symbol, timeframe: Timeframe, window: &Range<UnixMillis>) -> Query {
    Query {
        path: "/0/public/OHLC".to_owned(),
        parameters: vec![
            ("pair", market(symbol)),
            ("interval", (timeframe.millis() / 60_000).to_string()),
            // Candles after this time are answered.
            ("since", (window.start / 1_000 - 1).to_string()),
        ],
    }
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    error: Vec<String>,
    result: Option<BTreeMap<String, Value>>,
}

type Row = (i64, String, String, String, String, String, String, u64);

pub(super) fn read_page(body: &[u8]) -> Result<Page, Refusal> {
    let answer: Answer = serde_json::from_slice(body).map_err(|error| malformed(&error, body))?;
    if let Some(error) = answer.error.iter().find(|error| error.starts_with('E')) {
        return Err(read_error(error));
    }
    let candles = answer.result.unwrap_or_default().into_iter().find(|(key, _)| key != LAST);
    let Some((_, rows)) = candles else {
        return Err(Refusal::Malformed("there is no pair in \"result\"".to_owned()));
    };
    let rows: Vec<Row> = serde_json::from_value(rows).map_err(|error| malformed(&error, body))?;
    let is_end_of_history = rows.len() >= PAGE_CANDLES;
    let mut candles = rows.iter().map(read_row).collect::<Result<Vec<_>, _>>()?;
    candles.pop();
    Ok(Page { candles, is_end_of_history })
}

fn read_row((seconds, open, high, low, close, _, volume, _): &Row) -> Result<RawCandle, Refusal> {
    Ok(RawCandle {
        open_time: seconds * 1_000,
        open: number(open)?,
        high: number(high)?,
        low: number(low)?,
        close: number(close)?,
        volume: number(volume)?,
        volume_delta: None,
    })
}

/// Reads an error such as `EQuery:Unknown asset pair`.
fn read_error(error: &str) -> Refusal {
    match error.split_once(':') {
        Some(("EQuery", "Unknown asset pair")) => Refusal::UnknownSymbol,
        Some(("EGeneral", "Too many requests") | ("EAPI", "Rate limit exceeded")) => Refusal::RateLimited,
        Some(("EService", reason)) => Refusal::Unavailable(reason.to_owned()),
        _ => Refusal::Message(error.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = r#"{"error":[],"result":{"XXBTZUSD":[
        [1688671200,"30306.1","30306.2","30305.7","30305.7","30306.1","3.39243896",23],
        [1688671260,"30304.5","30304.5","30300.0","30300.0","30300.0","4.42996871",18]],"last":1688671200}}"#;

    #[test]
    fn pair_is_found_under_any_name_and_the_open_candle_is_dropped() {
        let page = read_page(EXAMPLE.as_bytes()).unwrap();
        let expected = RawCandle {
            open_time: 1_688_671_200_000,
            open: 30_306.1,
            high: 30_306.2,
            low: 30_305.7,
            close: 30_305.7,
            volume: 3.392_438_96,
            volume_delta: None,
        };
        assert_eq!(page, Page { candles: vec![expected], is_end_of_history: false });
    }

    #[test]
    fn bitcoin_and_dogecoin_have_other_names() {
        assert_eq!(market(&"BTC/USD".parse().unwrap()), "XBTUSD");
        assert_eq!(market(&"DOGE/BTC".parse().unwrap()), "XDGXBT");
        assert_eq!(market(&"ETH/EUR".parse().unwrap()), "ETHEUR");
    }

    #[test]
    fn errors_in_the_body_are_told_apart() {
        let read = |error: &str| read_page(format!(r#"{{"error":["{error}"]}}"#).as_bytes()).unwrap_err();
        assert_eq!(read("EQuery:Unknown asset pair"), Refusal::UnknownSymbol);
        assert_eq!(read("EGeneral:Too many requests"), Refusal::RateLimited);
        assert_eq!(read("EAPI:Rate limit exceeded"), Refusal::RateLimited);
        assert_eq!(read("EService:Unavailable"), Refusal::Unavailable("Unavailable".to_owned()));
        assert!(matches!(read("EGeneral:Invalid arguments"), Refusal::Message(_)));
        assert!(matches!(read_page(br#"{"error":[],"result":{"last":1}}"#), Err(Refusal::Malformed(_))));
    }
}
