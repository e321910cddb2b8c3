//! What is traded, where, and by which rules of rounding.

use std::fmt;
use std::str::FromStr;

use rust_decimal::{Decimal, RoundingStrategy, dec};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::money::decimal_price;

/// A symbol such as `BTC/USDT`: base and quote in upper case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Symbol {
    base: String,
    quote: String,
}

impl Symbol {
    /// Returns the coin that is bought and sold: `BTC` of `BTC/USDT`.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Returns the currency prices are in: `USDT` of `BTC/USDT`.
    #[must_use]
    pub fn quote(&self) -> &str {
        &self.quote
    }

    /// Returns a form that is safe in a file name: `BTC-USDT`.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("{}-{}", self.base, self.quote)
    }
}

impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.base, self.quote)
    }
}

/// A text that names no instrument.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InstrumentError {
    /// Not of the form `BASE/QUOTE`.
    #[error("\"{0}\" is not a symbol: write base and quote with a slash between, such as BTC/USDT")]
    Symbol(String),
    /// No exchange before a colon.
    #[error("\"{0}\" names no exchange: write it as in \"binance:BTC/USDT\"")]
    NoExchange(String),
    /// Not a plain lower-case name.
    #[error("\"{0}\" is not an exchange: use lower-case letters, digits and dashes, such as binance")]
    Exchange(String),
}

impl FromStr for Symbol {
    type Err = InstrumentError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_coin = |part: &str| (1..=16).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
        match text.split_once('/') {
            Some((base, quote)) if is_coin(base) && is_coin(quote) => {
                Ok(Self { base: base.to_ascii_uppercase(), quote: quote.to_ascii_uppercase() })
            }
            _ => Err(InstrumentError::Symbol(text.to_owned())),
        }
    }
}

impl TryFrom<String> for Symbol {
    type Error = InstrumentError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Symbol> for String {
    fn from(symbol: Symbol) -> Self {
        symbol.to_string()
    }
}

/// Where candles and prices come from, in lower case: `binance`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Exchange(String);

impl Exchange {
    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for Exchange {
    type Err = InstrumentError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_name = (1..=32).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if is_name { Ok(Self(text.to_owned())) } else { Err(InstrumentError::Exchange(text.to_owned())) }
    }
}

impl TryFrom<String> for Exchange {
    type Error = InstrumentError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Exchange> for String {
    fn from(exchange: Exchange) -> Self {
        exchange.0
    }
}

/// One symbol on one exchange.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Instrument {
    /// Where it is quoted.
    pub exchange: Exchange,
    /// What is quoted.
    pub symbol: Symbol,
}

impl fmt::Display for Instrument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.exchange, self.symbol)
    }
}

impl FromStr for Instrument {
    type Err = InstrumentError;

    /// Reads `exchange:symbol`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (exchange, symbol) = text.split_once(':').ok_or_else(|| InstrumentError::NoExchange(text.to_owned()))?;
        Ok(Self { exchange: exchange.parse()?, symbol: symbol.parse()? })
    }
}

/// Lists of instruments as documents hold them, each one text: a version may name hundreds, and is read at every close.
pub mod texts {
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};

    use super::Instrument;

    /// Writes each as `exchange:symbol`.
    ///
    /// # Errors
    /// When the serializer fails.
    pub fn serialize<S: Serializer>(instruments: &[Instrument], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(instruments.iter().map(ToString::to_string))
    }

    /// Reads what [`serialize`] writes.
    ///
    /// # Errors
    /// When a text names no instrument.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Instrument>, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        texts.iter().map(|text| text.parse().map_err(D::Error::custom)).collect()
    }
}

/// How orders on an instrument must be rounded, and whether it may be traded at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstrumentRules {
    /// Smallest step of an order price, in quote currency.
    pub tick_size: Decimal,
    /// Smallest step of a quantity, in base units.
    pub step_size: Decimal,
    /// Smallest quantity of an order, in base units.
    pub quantity_min: Decimal,
    /// Smallest value of an order, in quote currency.
    pub notional_min: Decimal,
    /// Whether the broker takes orders on it.
    pub tradable: bool,
}

impl Default for InstrumentRules {
    /// Returns the rules of a liquid pair at the broker: one cent, a billionth of a coin, one dollar.
    fn default() -> Self {
        Self {
            tick_size: dec!(0.01),
            step_size: dec!(0.000000001),
            quantity_min: dec!(0.000000001),
            notional_min: dec!(1),
            tradable: true,
        }
    }
}

impl InstrumentRules {
    /// Returns a price that a strategy named, which reckons in floating point, as money: on the tick grid.
    ///
    /// # Panics
    /// As [`decimal_price`].
    #[must_use]
    pub fn named_price(&self, price: f64) -> Decimal {
        self.round_price(decimal_price(price))
    }

    /// Rounds an order price to the nearest tick; a tie goes to the even tick.
    #[must_use]
    #[inline]
    pub fn round_price(&self, price: Decimal) -> Decimal {
        round_to(price, self.tick_size, RoundingStrategy::MidpointNearestEven)
    }

    /// Rounds a quantity down to a whole number of steps, so that no order asks for more than was decided.
    #[must_use]
    #[inline]
    pub fn round_quantity_down(&self, quantity: Decimal) -> Decimal {
        round_to(quantity, self.step_size, RoundingStrategy::ToZero)
    }
}

fn round_to(value: Decimal, increment: Decimal, strategy: RoundingStrategy) -> Decimal {
    if increment.is_zero() {
        return value;
    }
    // Nearly every increment is a power of ten, where rounding is a matter of decimal places.
    if increment.mantissa() == 1 {
        return if value.scale() <= increment.scale() {
            value
        } else {
            value.round_dp_with_strategy(increment.scale(), strategy)
        };
    }
    let steps = (value / increment).round_dp_with_strategy(0, strategy);
    (steps * increment).normalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbol_needs_base_and_quote() {
        for bad in ["BTCUSDT", "BTC/", "/USD", "BTC/USD/T", "B C/USD", ""] {
            assert!(bad.parse::<Symbol>().is_err(), "{bad}");
        }
        assert_eq!("btc/usdt".parse::<Symbol>().unwrap().to_string(), "BTC/USDT");
    }

    #[test]
    fn quantity_is_never_rounded_up() {
        let rules = InstrumentRules { step_size: dec!(0.001), ..InstrumentRules::default() };
        assert_eq!(rules.round_quantity_down(dec!(0.0019999)), dec!(0.001));
        assert_eq!(rules.round_quantity_down(dec!(0.0009)), dec!(0));
    }

    #[test]
    fn every_increment_rounds_alike() {
        for step_size in [dec!(0.01), dec!(0.010), dec!(0.02)] {
            let rules = InstrumentRules { step_size, ..InstrumentRules::default() };
            assert_eq!(rules.round_quantity_down(dec!(1.2399)), dec!(1.23) - dec!(1.23) % step_size, "{step_size}");
            assert_eq!(rules.round_quantity_down(dec!(7)), dec!(7));
        }
    }

    #[test]
    fn price_goes_to_the_nearest_tick() {
        let rules = InstrumentRules { tick_size: dec!(0.05), ..InstrumentRules::default() };
        assert_eq!(rules.round_price(dec!(10.03)), dec!(10.05));
        assert_eq!(rules.round_price(dec!(10.02)), dec!(10));
    }
}
