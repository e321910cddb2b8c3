//! Binance spot, `GET /api/v3/klines?symbol&interval&startTime&endTime&limit`.
//!
//! At most 1,000 candles, oldest first, each an array of twelve: open time in milliseconds, open, high, low, close and
//! volume as texts, close time, quote volume, number of trades, taker buy base volume, taker buy quote volume, unused.
//! Both times count. The last candle may still be open. Errors are `{"code": …, "msg": …}`; −1121 is an unknown symbol.

use std::ops::Range;

use sentinel_domain::instrument::Symbol;
use sentinel_domain::timeframe::{Timeframe, UnixMillis};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{Page, Query, RawCandle, Refusal, beginning, malformed, number};

pub(super) const PAGE_CANDLES: usize = 1_000;

const INVALID_SYMBOL: i64 = -1121;

pub(super) fn market(symbol: &Symbol) -> String {
    format!("{}{}", symbol.base(), symbol.quote())
}

pub(super) fn query(symbol: &Symbol, timeframe: Timeframe, window: &Range<UnixMillis>) -> Query {
    Query {
        path: "/api/v3/klines".to_owned(),
        parameters: vec![
            ("symbol", market(symbol)),
            ("interval", timeframe.to_string()),
            ("startTime", window.start.to_string()),
            ("endTime", (window.end - 1).to_string()),
            ("limit", PAGE_CANDLES.to_string()),
        ],
    }
}

#[derive(Deserialize)]
struct Row<'a>(
    i64,
    &'a str,
    &'a str,
    &'a str,
    &'a str,
    &'a str,
    IgnoredAny,
    IgnoredAny,
    IgnoredAny,
    &'a str,
    IgnoredAny,
    IgnoredAny,
);

pub(super) fn read_page(body: &[u8]) -> Result<Page, Refusal> {
    let rows: Vec<Row<'_>> = serde_json::from_slice(body).map_err(|error| malformed(&error, body))?;
    let candles = rows.iter().map(read_row).collect::<Result<_, _>>()?;
    Ok(Page { candles, is_end_of_history: false })
}

fn read_row(row: &Row<'_>) -> Result<RawCandle, Refusal> {
    let Row(open_time, open, high, low, close, volume, _, _, _, taker_buys, _, _) = row;
    let volume = number(volume)?;
    Ok(RawCandle {
        open_time: *open_time,
        open: number(open)?,
        high: number(high)?,
        low: number(low)?,
        close: number(close)?,
        volume,
        volume_delta: Some(2.0 * number(taker_buys)? - volume),
    })
}

pub(super) fn read_refusal(body: &[u8]) -> Refusal {
    #[derive(Deserialize)]
    struct Message {
        code: i64,
        msg: String,
    }
    match serde_json::from_slice::<Message>(body) {
        Ok(Message { code: INVALID_SYMBOL, .. }) => Refusal::UnknownSymbol,
        Ok(Message { msg, .. }) => Refusal::Message(msg),
        Err(_) => Refusal::Message(beginning(body)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the exchange's documentation.
    const EXAMPLE: &str = r#"[[1499040000000,"0.01634790","0.80000000","0.01575800","0.01577100","148976.11427815",
        1499644799999,"2434.19055334",308,"1756.87402397","28.46694368","17928899.62484339"]]"#;

    #[test]
    fn columns_are_where_the_documentation_says() {
        let page = read_page(EXAMPLE.as_bytes()).unwrap();
        let expected = RawCandle {
            open_time: 1_499_040_000_000,
            open: 0.016_347_9,
            high: 0.8,
            low: 0.015_758,
            close: 0.015_771,
            volume: 148_976.114_278_15,
            volume_delta: Some(2.0 * 1_756.874_023_97 - 148_976.114_278_15),
        };
        assert_eq!(page.candles, [expected]);
        assert!(matches!(read_page(EXAMPLE.replace(",308", "").as_bytes()), Err(Refusal::Malformed(_))));
        assert!(matches!(read_page(EXAMPLE.replace("0.80000000", "?").as_bytes()), Err(Refusal::Malformed(_))));
    }

    #[test]
    fn refusals_are_told_apart() {
        assert_eq!(read_refusal(br#"{"code":-1121,"msg":"Invalid symbol."}"#), Refusal::UnknownSymbol);
        let other = read_refusal(br#"{"code":-1100,"msg":"Illegal characters."}"#);
        assert_eq!(other, Refusal::Message("Illegal characters.".to_owned()));
    }
}
