//! Coinbase Exchange, `GET /products/{id}/candles?granularity&start&end`.
//!
//! At most 300 candles, newest first, as `[time, low, high, open, close, volume]`, the time in Unix seconds. Both ends
//! of the range count; more than 300 candles in it are refused; some in the answer may lie before it; intervals
//! without trades are left out. Errors are `{"message": …}`; an unknown product is 404 `NotFound`.

use std::ops::Range;

use sentinel_domain::candles::format_time;
use sentinel_domain::instrument::Symbol;
use sentinel_domain::timeframe::{Timeframe, UnixMillis};
use serde::Deserialize;

use super::{Page, Query, RawCandle, Refusal, beginning, malformed};

pub(super) const PAGE_CANDLES: usize = 300;

pub(super) fn market(symbol: &Symbol) -> String {
    format!("{}-{}", symbol.base(), symbol.quote())
}

pub(super) fn query(symbol: &Symbol, timeframe: Timeframe, window: &Range<UnixMillis>) -> Query {
    let last_open = window.end - timeframe.millis();
    Query {
        path: format!("/products/{}/candles", market(symbol)),
        parameters: vec![
            ("granularity", (timeframe.millis() / 1_000).to_string()),
            ("start", format_time(window.start)),
            ("end", format_time(last_open)),
        ],
    }
}

pub(super) fn read_page(body: &[u8]) -> Result<Page, Refusal> {
    type Row = (i64, f64, f64, f64, f64, f64);
    let rows: Vec<Row> = serde_json::from_slice(body).map_err(|error| malformed(&error, body))?;
    let candles = rows
        .into_iter()
        .map(|(seconds, low, high, open, close, volume)| RawCandle {
            open_time: seconds * 1_000,
            open,
            high,
            low,
            close,
            volume,
            volume_delta: None,
        })
        .collect();
    Ok(Page { candles, is_end_of_history: false })
}

pub(super) fn read_refusal(status: u16, body: &[u8]) -> Refusal {
    #[derive(Deserialize)]
    struct Message {
        message: String,
    }
    match (status, serde_json::from_slice::<Message>(body)) {
        (404, _) => Refusal::UnknownSymbol,
        (_, Ok(Message { message })) => Refusal::Message(message),
        (_, Err(_)) => Refusal::Message(beginning(body)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_of_the_range_are_asked_for() {
        let hour = 3_600_000;
        let query = query(&"BTC/USD".parse().unwrap(), Timeframe::H1, &(0..300 * hour));
        assert_eq!(query.path, "/products/BTC-USD/candles");
        let values: Vec<_> = query.parameters.iter().map(|(_, value)| value.as_str()).collect();
        assert_eq!(values, ["3600", "1970-01-01T00:00:00Z", "1970-01-13T11:00:00Z"]);
    }

    #[test]
    fn columns_are_where_the_documentation_says() {
        let page = read_page(b"[[1415398768, 0.32, 4.2, 0.35, 4.2, 12.3]]").unwrap();
        let expected = RawCandle {
            open_time: 1_415_398_768_000,
            open: 0.35,
            high: 4.2,
            low: 0.32,
            close: 4.2,
            volume: 12.3,
            volume_delta: None,
        };
        assert_eq!(page.candles, [expected]);
        assert!(matches!(read_page(b"[[1415398768, 0.32]]"), Err(Refusal::Malformed(_))));
        assert!(matches!(read_page(b"<html>"), Err(Refusal::Malformed(text)) if text.contains("in \"<html>\"")));
    }

    #[test]
    fn refusals_are_told_apart() {
        assert_eq!(read_refusal(404, br#"{"message":"NotFound"}"#), Refusal::UnknownSymbol);
        let text = "granularity too small for the requested time range";
        let refusal = read_refusal(400, format!(r#"{{"message":"{text}"}}"#).as_bytes());
        assert_eq!(refusal, Refusal::Message(text.to_owned()));
    }
}
