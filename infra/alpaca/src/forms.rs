//! Alpaca's forms of orders, positions and the rest, and the way to the domain's. Here what they are made of.

mod account;
mod activity;
mod order;

use std::borrow::Cow;
use std::fmt;

pub(crate) use account::{AccountForm, AssetClass, AssetForm, HistoryForm, PositionForm};
pub(crate) use activity::ActivityForm;
use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
pub(crate) use order::{OrderForm, order_body, side_name};
use rust_decimal::Decimal;
use sentinel_domain::instrument::Symbol;
use sentinel_domain::timeframe::UnixMillis;
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer};

/// Currencies in which pairs are quoted, longest first, to cut a name that has no slash.
const QUOTES: [&str; 5] = ["USDT", "USDC", "USD", "BTC", "EUR"];

/// Money or a quantity: a string or a number, read without a detour through a float where it is a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Money(pub(crate) Decimal);

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl Visitor<'_> for Read {
            type Value = Money;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, as such or as a string")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Money, E> {
                let read = text.parse().or_else(|_| Decimal::from_scientific(text));
                read.map(Money).map_err(|_| E::custom(format!("\"{text}\" is not a number")))
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Money, E> {
                Ok(Money(value.into()))
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Money, E> {
                Ok(Money(value.into()))
            }

            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Money, E> {
                // The shortest text that reads back as the number is what the broker wrote.
                self.visit_str(&value.to_string())
            }
        }
        deserializer.deserialize_any(Read)
    }
}

/// A moment in RFC 3339, as Unix milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Time(pub(crate) UnixMillis);

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        read_time(&text).map(Time).ok_or_else(|| de::Error::custom(format!("\"{text}\" is not a time")))
    }
}

fn read_time(text: &str) -> Option<UnixMillis> {
    let moment = || DateTime::parse_from_rfc3339(text).ok().map(|time| time.timestamp_millis());
    let day = || text.parse::<NaiveDate>().ok()?.and_hms_opt(0, 0, 0).map(|time| time.and_utc().timestamp_millis());
    moment().or_else(day)
}

/// Returns a time as Alpaca reads it.
pub(crate) fn time(millis: UnixMillis) -> String {
    DateTime::<Utc>::from_timestamp_millis(millis)
        .map_or_else(|| millis.to_string(), |time| time.to_rfc3339_opts(SecondsFormat::Millis, true))
}

/// Reads a symbol that may lack its slash, as those of positions do.
pub(crate) fn read_symbol(text: &str) -> Option<Symbol> {
    if text.contains('/') {
        return text.parse().ok();
    }
    let base_of = |quote: &&str| text.strip_suffix(*quote).filter(|base| !base.is_empty());
    let quote = QUOTES.iter().find(|quote| base_of(quote).is_some())?;
    format!("{}/{quote}", base_of(quote)?).parse().ok()
}

fn symbol<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Symbol, D::Error> {
    let text = Cow::<'de, str>::deserialize(deserializer)?;
    read_symbol(&text).ok_or_else(|| de::Error::custom(format!("\"{text}\" is not a pair of coins")))
}

#[cfg(test)]
mod tests {
    use rust_decimal::dec;

    use super::*;

    #[test]
    fn money_is_read_from_strings_and_numbers() {
        for (text, expected) in [
            ("\"0.1\"", dec!(0.1)),
            ("0.1", dec!(0.1)),
            ("-3", dec!(-3)),
            ("1e-9", dec!(0.000000001)),
            ("104236.903097", dec!(104236.903097)),
        ] {
            assert_eq!(serde_json::from_str::<Money>(text).unwrap(), Money(expected), "{text}");
        }
        assert!(serde_json::from_str::<Money>("\"much\"").is_err());
    }

    #[test]
    fn a_symbol_is_found_without_its_slash() {
        let read = |text| read_symbol(text).map(|symbol| symbol.to_string());
        assert_eq!(read("BTCUSD").as_deref(), Some("BTC/USD"));
        assert_eq!(read("BTCUSDT").as_deref(), Some("BTC/USDT"));
        assert_eq!(read("ETHBTC").as_deref(), Some("ETH/BTC"));
        assert_eq!(read("USD"), None);
    }
}
