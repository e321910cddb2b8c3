//! What clients ask, read with patience: a number may be a string, a list may be repeated or separated by commas.

use rust_decimal::Decimal;
use sentinel_domain::broker::{ClientOrderId, OrderKind, OrderSize, TimeInForce};
use sentinel_domain::fill::Side;
use sentinel_domain::timeframe::{Timeframe, UnixMillis};
use serde::{Deserialize, Deserializer};

use super::refusals::Refused;
use super::{find_symbol, parse_time};
use crate::exchange::{Exchange, NewOrder};

/// The parameters behind the question mark.
#[derive(Debug, Clone, Default)]
pub(crate) struct Parameters(pub(crate) Vec<(String, String)>);

impl Parameters {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(key, value)| key == name && !value.is_empty());
        found.map(|(_, value)| value.as_str())
    }

    /// Returns the parts of a list, repeated or with commas.
    pub(crate) fn list(&self, name: &str) -> Vec<&str> {
        let values = self.0.iter().filter(|(key, _)| key == name || key.strip_suffix("[]") == Some(name));
        values.flat_map(|(_, value)| value.split(',')).map(str::trim).filter(|part| !part.is_empty()).collect()
    }

    pub(crate) fn time(&self, name: &str) -> Result<Option<UnixMillis>, Refused> {
        self.get(name)
            .map(|text| parse_time(text).ok_or_else(|| Refused::input(format!("{name} \"{text}\" is not a time"))))
            .transpose()
    }

    pub(crate) fn number<T: std::str::FromStr>(&self, name: &str) -> Result<Option<T>, Refused> {
        self.get(name)
            .map(|text| text.parse().map_err(|_| Refused::input(format!("{name} \"{text}\" is not a number"))))
            .transpose()
    }

    /// Returns whether the newest come first, which is Alpaca's default.
    pub(crate) fn is_descending(&self) -> bool {
        self.get("direction").is_none_or(|direction| direction != "asc")
    }
}

/// Money or a quantity: a string or a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Money(Decimal);

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Text(String),
            Number(serde_json::Number),
        }
        let text = match Form::deserialize(deserializer)? {
            Form::Text(text) => text,
            Form::Number(number) => number.to_string(),
        };
        parse_money(&text).map(Money).ok_or_else(|| serde::de::Error::custom(format!("\"{text}\" is not a number")))
    }
}

/// Reads a number that may be a string.
pub(crate) fn money<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decimal, D::Error> {
    Money::deserialize(deserializer).map(|Money(value)| value)
}

pub(crate) fn parse_money(text: &str) -> Option<Decimal> {
    text.trim().parse().ok().or_else(|| Decimal::from_scientific(text.trim()).ok())
}

/// The body of a new order. What crypto has not is looked at only to refuse it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct OrderBody {
    symbol: Option<String>,
    qty: Option<Money>,
    notional: Option<Money>,
    side: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    time_in_force: Option<String>,
    limit_price: Option<Money>,
    stop_price: Option<Money>,
    client_order_id: Option<String>,
    order_class: Option<String>,
}

impl OrderBody {
    /// Returns the order that is asked for.
    pub(crate) fn order(&self, exchange: &Exchange) -> Result<NewOrder, Refused> {
        let name = self.symbol.as_deref().unwrap_or_default();
        let symbol =
            find_symbol(exchange, name).ok_or_else(|| Refused::input(format!("asset \"{name}\" not found")))?;
        if self.order_class.as_deref().is_some_and(|class| !matches!(class, "" | "simple")) {
            return Err(Refused::input("crypto orders not allowed for advanced order_class"));
        }
        Ok(NewOrder {
            client_order_id: self.client_order_id()?,
            symbol,
            side: self.side()?,
            size: self.size()?,
            kind: self.kind()?,
            time_in_force: self.time_in_force()?,
        })
    }

    fn client_order_id(&self) -> Result<Option<ClientOrderId>, Refused> {
        let given = self.client_order_id.as_deref().filter(|text| !text.is_empty());
        let read = given.map(str::parse).transpose();
        read.map_err(|_| Refused::input("client_order_id must be no more than 128 characters, all visible ASCII"))
    }

    fn side(&self) -> Result<Side, Refused> {
        match self.side.as_deref() {
            Some("buy") => Ok(Side::Buy),
            Some("sell") => Ok(Side::Sell),
            _ => Err(Refused::input("side must be buy or sell")),
        }
    }

    fn size(&self) -> Result<OrderSize, Refused> {
        match (self.qty, self.notional) {
            (Some(Money(quantity)), None) => Ok(OrderSize::Quantity(quantity)),
            (None, Some(Money(sum))) => Ok(OrderSize::Notional(sum)),
            (Some(_), Some(_)) => Err(Refused::input("only one of qty or notional is accepted")),
            (None, None) => Err(Refused::input("qty or notional is required")),
        }
    }

    fn kind(&self) -> Result<OrderKind, Refused> {
        let given = |price: Option<Money>, name: &str| {
            price.map(|Money(price)| price).ok_or_else(|| Refused::input(format!("{name} is required")))
        };
        let absent = |price: Option<Money>, name: &str| match price {
            None => Ok(()),
            Some(_) => Err(Refused::input(format!("orders of this type have no {name}"))),
        };
        match self.kind.as_deref() {
            Some("market") => {
                absent(self.limit_price, "limit_price")?;
                absent(self.stop_price, "stop_price")?;
                Ok(OrderKind::Market)
            }
            Some("limit") => {
                absent(self.stop_price, "stop_price")?;
                Ok(OrderKind::Limit { limit_price: given(self.limit_price, "limit_price")? })
            }
            Some("stop_limit") => Ok(OrderKind::StopLimit {
                stop_price: given(self.stop_price, "stop_price")?,
                limit_price: given(self.limit_price, "limit_price")?,
            }),
            _ => Err(Refused::input("invalid order type for crypto order: use market, limit or stop_limit")),
        }
    }

    fn time_in_force(&self) -> Result<TimeInForce, Refused> {
        match self.time_in_force.as_deref() {
            Some("gtc") => Ok(TimeInForce::Gtc),
            Some("ioc") => Ok(TimeInForce::Ioc),
            _ => Err(Refused::input("invalid crypto time_in_force: use gtc or ioc")),
        }
    }
}

/// Reads the name of a bar's length: `1Min`, `5T`, `1Hour`, `1H`, `1Day`, `1D`.
pub(crate) fn bar_timeframe(text: &str) -> Option<Timeframe> {
    Some(match text {
        "1Min" | "1T" => Timeframe::M1,
        "5Min" | "5T" => Timeframe::M5,
        "15Min" | "15T" => Timeframe::M15,
        "1Hour" | "1H" | "60Min" | "60T" => Timeframe::H1,
        "4Hour" | "4H" => Timeframe::H4,
        "1Day" | "1D" | "24Hour" => Timeframe::D1,
        _ => return None,
    })
}

/// Reads the name of a window of the portfolio's history.
pub(crate) fn history_timeframe(text: &str) -> Option<Timeframe> {
    let windows = [Timeframe::M1, Timeframe::M5, Timeframe::M15, Timeframe::H1, Timeframe::D1];
    windows.into_iter().find(|timeframe| history_name(*timeframe) == text)
}

/// Returns the name of a window of the portfolio's history.
pub(crate) const fn history_name(timeframe: Timeframe) -> &'static str {
    match timeframe {
        Timeframe::M1 => "1Min",
        Timeframe::M5 => "5Min",
        Timeframe::M15 => "15Min",
        Timeframe::H1 | Timeframe::H4 => "1H",
        Timeframe::D1 => "1D",
    }
}

/// Reads a length of time such as `1D`, `2W`, `3M`, `1A`, in milliseconds; months have 30 days, years 365.
pub(crate) fn period(text: &str) -> Option<i64> {
    let (count, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let days = match unit {
        "D" => 1,
        "W" => 7,
        "M" => 30,
        "A" | "Y" => 365,
        _ => return None,
    };
    count.parse::<i64>().ok()?.checked_mul(days)?.checked_mul(Timeframe::D1.millis())
}

#[cfg(test)]
mod tests {
    use rust_decimal::dec;

    use super::*;

    fn body(text: &str) -> OrderBody {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn quantities_are_strings_or_numbers() {
        for text in [r#"{"qty": "0.1"}"#, r#"{"qty": 0.1}"#, r#"{"qty": 1e-1}"#] {
            assert_eq!(body(text).size(), Ok(OrderSize::Quantity(dec!(0.1))), "{text}");
        }
        assert_eq!(body(r#"{"notional": 25, "qty": null}"#).size(), Ok(OrderSize::Notional(dec!(25))));
        assert!(serde_json::from_str::<OrderBody>(r#"{"qty": "many"}"#).is_err());
    }

    #[test]
    fn prices_belong_to_their_type() {
        assert!(body(r#"{"type": "market", "limit_price": 1}"#).kind().is_err());
        assert!(body(r#"{"type": "limit"}"#).kind().is_err());
        assert!(body(r#"{"type": "trailing_stop"}"#).kind().is_err());
        let stop = OrderKind::StopLimit { stop_price: dec!(2), limit_price: dec!(1) };
        assert_eq!(body(r#"{"type": "stop_limit", "stop_price": 2, "limit_price": "1"}"#).kind(), Ok(stop));
    }

    #[test]
    fn lists_are_repeated_or_have_commas() {
        let pairs = [("symbols", "A,B"), ("symbols[]", "C"), ("other", "D")];
        let parameters = Parameters(pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec());
        assert_eq!(parameters.list("symbols"), ["A", "B", "C"]);
        assert_eq!(period("2W"), Some(14 * 86_400_000));
    }
}
