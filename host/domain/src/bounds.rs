//! What numbers of a user may be: one table for options, run files and the registry.

use rust_decimal::{Decimal, dec};

/// A range of numbers, in words and in code.
#[derive(Debug, Clone, Copy)]
pub struct Range {
    allowed: &'static str,
    contains: fn(Decimal) -> bool,
}

/// More than any account or market holds, and little enough that no product of two such numbers overflows.
const MOST: Decimal = dec!(1_000_000_000_000);

/// A price, a sum, a step.
pub const POSITIVE: Range = Range {
    allowed: "above 0 and at most a million million",
    contains: |value| value > Decimal::ZERO && value <= MOST,
};
/// A minimum that need not be there.
pub const NOT_NEGATIVE: Range =
    Range { allowed: "from 0 to a million million", contains: |value| value >= Decimal::ZERO && value <= MOST };
/// A part of something, per cent.
pub const PERCENT: Range =
    Range { allowed: "above 0 and at most 100", contains: |value| value > Decimal::ZERO && value <= dec!(100) };
/// A price cannot fall by all of itself.
pub const FALL: Range =
    Range { allowed: "above 0 and below 100", contains: |value| value > Decimal::ZERO && value < dec!(100) };
/// How sure a strategy is.
pub const CONFIDENCE: Range =
    Range { allowed: "from 0 to 100", contains: |value| value >= Decimal::ZERO && value <= dec!(100) };
/// A tenth of the price is more than any broker takes; above that, per cent were mistaken for basis points.
pub const BPS: Range =
    Range { allowed: "from 0 to 1000 basis points", contains: |value| value >= Decimal::ZERO && value <= dec!(1000) };
/// A count of bars.
pub const AT_LEAST_ONE: Range = Range { allowed: "from 1", contains: |value| value >= Decimal::ONE };
/// A limit cannot lie at or below zero.
pub const OFFSET_BPS: Range = Range {
    allowed: "from 0 to below 10000 basis points",
    contains: |value| value >= Decimal::ZERO && value < dec!(10_000),
};

impl Range {
    /// Returns a reader of texts, as options of a command want it.
    pub fn parser(self) -> impl Fn(&str) -> Result<Decimal, String> + Clone + Send + Sync + 'static {
        move |text| {
            let number = text.parse().or_else(|_| Decimal::from_scientific(text));
            self.check(number.map_err(|_| self.allowed())?)
        }
    }

    /// Returns `value` when it is allowed.
    ///
    /// # Errors
    /// What is allowed, in words.
    pub fn check(self, value: Decimal) -> Result<Decimal, String> {
        if (self.contains)(value) { Ok(value) } else { Err(self.allowed()) }
    }

    fn allowed(self) -> String {
        format!("allowed is a number {}", self.allowed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(range: Range, text: &str, is_allowed: bool) {
        assert_eq!(range.parser()(text).is_ok(), is_allowed, "{text} in {range:?}");
    }

    #[test]
    fn ends_are_as_the_words_say() {
        check(POSITIVE, "0", false);
        check(NOT_NEGATIVE, "0", true);
        check(PERCENT, "100", true);
        check(FALL, "100", false);
        check(BPS, "1001", false);
        check(CONFIDENCE, "-1", false);
    }

    #[test]
    fn numbers_may_be_written_with_an_exponent() {
        assert_eq!(POSITIVE.parser()("1e-5"), Ok(dec!(0.00001)));
        assert_eq!(POSITIVE.parser()("ten"), Err(POSITIVE.allowed()));
    }
}
