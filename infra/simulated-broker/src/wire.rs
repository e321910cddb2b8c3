//! Alpaca's forms: what goes over the wire, made of what the exchange shows.
//!
//! Money and quantities are strings, times RFC 3339 in UTC. Candles and quotes are numbers. What Alpaca would say of
//! stocks, options and margin is constant here.

pub(crate) mod answers;
pub(crate) mod data;
pub(crate) mod queries;
pub(crate) mod refusals;

use chrono::{DateTime, NaiveDate, NaiveDateTime, SecondsFormat, Utc};
use rust_decimal::Decimal;
use sentinel_domain::instrument::Symbol;
use sentinel_domain::timeframe::UnixMillis;

use crate::exchange::Exchange;

/// Returns a time as answers hold it.
pub(crate) fn time(millis: UnixMillis) -> String {
    DateTime::<Utc>::from_timestamp_millis(millis)
        .map_or_else(String::new, |time| time.to_rfc3339_opts(SecondsFormat::AutoSi, true))
}

/// Returns a day as answers hold it.
pub(crate) fn date(millis: UnixMillis) -> String {
    DateTime::<Utc>::from_timestamp_millis(millis).map_or_else(String::new, |time| time.format("%Y-%m-%d").to_string())
}

/// Reads a time as clients write it: RFC 3339, the same without a zone (UTC), a date, or Unix milliseconds.
pub(crate) fn parse_time(text: &str) -> Option<UnixMillis> {
    let text = text.trim();
    if let Ok(time) = DateTime::parse_from_rfc3339(&text.replacen(' ', "+", usize::from(text.contains('T')))) {
        return Some(time.timestamp_millis());
    }
    if let Ok(time) = text.parse::<NaiveDateTime>() {
        return Some(time.and_utc().timestamp_millis());
    }
    if let Ok(date) = text.parse::<NaiveDate>() {
        return date.and_hms_opt(0, 0, 0).map(|time| time.and_utc().timestamp_millis());
    }
    text.parse().ok()
}

/// Returns money or a quantity as answers hold it.
pub(crate) fn text(value: Decimal) -> String {
    value.normalize().to_string()
}

/// Finds a symbol by its name with or without slash, or by its asset id.
pub(crate) fn find_symbol(exchange: &Exchange, name: &str) -> Option<Symbol> {
    let is_meant = |symbol: &Symbol| {
        let with_slash = symbol.to_string();
        with_slash.eq_ignore_ascii_case(name) || compact(symbol).eq_ignore_ascii_case(name) || asset_id(symbol) == name
    };
    exchange.markets().keys().find(|symbol| is_meant(symbol)).cloned()
}

/// Returns a symbol as positions name it.
pub(crate) fn compact(symbol: &Symbol) -> String {
    format!("{}{}", symbol.base(), symbol.quote())
}

pub(crate) fn asset_id(symbol: &Symbol) -> String {
    crate::ids::uuid("asset", "", &symbol.to_string(), 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_clients_write_them() {
        let expected = Some(1_704_067_200_000);
        for text in [
            "2024-01-01T00:00:00Z",
            "2024-01-01T00:00:00+00:00",
            "2024-01-01T00:00:00 00:00",
            "2024-01-01T01:00:00+01:00",
            "2024-01-01T00:00:00",
            "2024-01-01",
            "1704067200000",
        ] {
            assert_eq!(parse_time(text), expected, "{text}");
        }
        assert_eq!(parse_time("yesterday"), None);
    }

    #[test]
    fn money_is_written_without_trailing_zeros() {
        assert_eq!(text(Decimal::new(1_230, 2)), "12.3");
        assert_eq!(text(Decimal::ZERO), "0");
    }
}
