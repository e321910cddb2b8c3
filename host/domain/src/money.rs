//! Where prices become money.
//!
//! Candles hold `f64`. An order price, a quantity, a fee or a profit is a [`Decimal`], and this is the only way
//! from one to the other: through the shortest decimal text of the `f64`, which is what the exchange published.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

/// Decimal places kept in money: those of a warehouse `NUMERIC`.
pub const MONEY_SCALE: u32 = 9;

/// Returns the price that the exchange published, of which `price` is the nearest `f64`.
///
/// Prices come with at most eight decimals and below ten million almost always; these take a path without text.
/// All others go through their shortest decimal text, which is exact by definition.
///
/// # Panics
/// When `price` is not finite or exceeds what a decimal holds: candles are checked before they get here.
#[must_use]
pub fn decimal_price(price: f64) -> Decimal {
    const SCALE: u32 = 8;
    const FACTOR: f64 = 1e8;
    /// Any two decimals of up to 15 digits have different nearest `f64`s, so below this no other text can be meant.
    const EXACT_MAX: f64 = 1e15;
    let scaled = (price * FACTOR).round();
    #[expect(clippy::float_cmp, reason = "the fast path is taken only where it gives back the very same f64")]
    if scaled.abs() < EXACT_MAX && scaled / FACTOR == price {
        #[expect(clippy::cast_possible_truncation, reason = "a whole number below 1e15")]
        return Decimal::new(scaled as i64, SCALE);
    }
    #[expect(clippy::expect_used, reason = "candle prices are finite and within range; anything else is our bug")]
    decimal_from_text(price).expect("price is finite and within the range of a decimal")
}

/// Rounds a sum or a quantity to [`MONEY_SCALE`] places; a tie goes to the even digit.
#[must_use]
pub fn round_money(value: Decimal) -> Decimal {
    if value.scale() <= MONEY_SCALE { value } else { value.round_dp(MONEY_SCALE) }
}

/// Returns the `f64` nearest to `value`, for statistics.
#[must_use]
pub fn to_f64(value: Decimal) -> f64 {
    value.to_f64().unwrap_or(f64::NAN)
}

/// Returns the decimal with the shortest text that reads back as `value`, or `None` when it does not fit.
#[must_use]
pub fn decimal_from_text(value: f64) -> Option<Decimal> {
    let text = format!("{value}");
    text.parse().ok().or_else(|| Decimal::from_scientific(&format!("{value:e}")).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn published_price_is_kept() {
        for text in ["3832.6286242", "0.00001234", "61837.63", "1", "0.000000123456", "99999999.12345678"] {
            let price: f64 = text.parse().unwrap();
            assert_eq!(decimal_price(price), text.parse::<Decimal>().unwrap(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_published_price_is_kept(units in 1_i64..900_000_000_000_000, scale in 0_u32..9) {
            let published = Decimal::new(units, scale);
            let price: f64 = published.to_string().parse().unwrap();
            prop_assert_eq!(decimal_price(price), published);
        }
    }
}
