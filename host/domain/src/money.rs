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
/// Nearly all prices have at most two or eight decimals and are below ten million; these take a path without text.
/// All others go through their shortest decimal text, which is exact by definition.
///
/// # Panics
/// When `price` is not finite or exceeds what a decimal holds: candles are checked before they get here.
#[must_use]
#[inline]
pub fn decimal_price(price: f64) -> Decimal {
    #[expect(clippy::expect_used, reason = "candle prices are finite and within range; anything else is our bug")]
    with_decimals(price, 2, 1e2)
        .or_else(|| with_decimals(price, 8, 1e8))
        .unwrap_or_else(|| decimal_from_text(price).expect("price is finite and within the range of a decimal"))
}

/// Returns the decimal with `scale` decimals whose nearest `f64` is `price`, if it has at most 15 digits: any two of
/// these have different nearest `f64`s, so no other text can be meant.
#[inline]
fn with_decimals(price: f64, scale: u32, factor: f64) -> Option<Decimal> {
    const EXACT_MAX: f64 = 1e15;
    let scaled = price * factor;
    if scaled.is_nan() || scaled.abs() >= EXACT_MAX {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "below 1e15, rounded half away from zero")]
    let units = (scaled + 0.5_f64.copysign(scaled)) as i64;
    #[expect(
        clippy::cast_precision_loss,
        clippy::float_cmp,
        reason = "taken only where it gives back the very same f64"
    )]
    (units as f64 / factor == price).then(|| Decimal::new(units, scale))
}

/// Rounds a sum or a quantity to [`MONEY_SCALE`] places; a tie goes to the even digit.
#[must_use]
#[inline]
pub fn round_money(value: Decimal) -> Decimal {
    if value.scale() <= MONEY_SCALE { value } else { value.round_dp(MONEY_SCALE) }
}

/// Returns the `f64` nearest to `value`, for statistics.
#[must_use]
#[inline]
pub fn to_f64(value: Decimal) -> f64 {
    /// Powers of ten that an `f64` holds exactly, as far as money needs them.
    const POWERS: [f64; 19] =
        [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18];
    /// Below it an `f64` holds every whole number, so one division rounds once, to the nearest.
    const EXACT_MAX: u64 = 1 << 53;
    match (i64::try_from(value.mantissa()), POWERS.get(value.scale() as usize)) {
        #[expect(clippy::cast_precision_loss, reason = "a whole number below 2^53")]
        (Ok(units), Some(power)) if units.unsigned_abs() < EXACT_MAX => units as f64 / power,
        _ => value.to_f64().unwrap_or(f64::NAN),
    }
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
        fn reals_of_money_are_the_nearest(units in -9_000_000_000_000_000_i64..9_000_000_000_000_000, scale in 0_u32..18) {
            let value = Decimal::new(units, scale);
            prop_assert_eq!(to_f64(value).to_bits(), value.to_string().parse::<f64>().unwrap().to_bits());
        }

        #[test]
        fn any_published_price_is_kept(units in 1_i64..900_000_000_000_000, scale in 0_u32..9) {
            let published = Decimal::new(units, scale);
            let price: f64 = published.to_string().parse().unwrap();
            prop_assert_eq!(decimal_price(price), published);
        }
    }
}
