//! What the broker charges: a rate by traded volume, taken from what a fill delivers.

use rust_decimal::{Decimal, dec};
use serde::{Deserialize, Serialize};

use crate::money::round_money;

/// From what a fee is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeeCurrency {
    /// From the asset received: the coin when buying, the quote currency when selling. What the broker does.
    #[default]
    Received,
    /// From the quote currency on both sides. What most backtesters do.
    Quote,
}

/// The fee of one fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fee {
    /// Taken from the coins bought, in base units.
    Base(Decimal),
    /// Taken from the cash, in quote currency.
    Quote(Decimal),
}

impl Fee {
    /// Returns the fee in quote currency, coins valued at `price`.
    #[must_use]
    #[inline]
    pub fn value(self, price: Decimal) -> Decimal {
        match self {
            Self::Base(quantity) => round_money(quantity * price),
            Self::Quote(sum) => sum,
        }
    }
}

/// A rate for traders whose volume of the last 30 days is at least `volume_min`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeeTier {
    /// Volume of the last 30 days from which the tier holds, in quote currency.
    pub volume_min: Decimal,
    /// Rate for orders that rested in the book, in basis points.
    pub maker_bps: Decimal,
    /// Rate for orders that took from the book, in basis points.
    pub taker_bps: Decimal,
}

/// Alpaca's published crypto fees by 30-day volume, lowest tier first.
pub const ALPACA_TIERS: [FeeTier; 8] = [
    FeeTier { volume_min: dec!(0), maker_bps: dec!(15), taker_bps: dec!(25) },
    FeeTier { volume_min: dec!(100_000), maker_bps: dec!(12), taker_bps: dec!(22) },
    FeeTier { volume_min: dec!(500_000), maker_bps: dec!(10), taker_bps: dec!(20) },
    FeeTier { volume_min: dec!(1_000_000), maker_bps: dec!(8), taker_bps: dec!(18) },
    FeeTier { volume_min: dec!(10_000_000), maker_bps: dec!(5), taker_bps: dec!(15) },
    FeeTier { volume_min: dec!(25_000_000), maker_bps: dec!(2), taker_bps: dec!(13) },
    FeeTier { volume_min: dec!(50_000_000), maker_bps: dec!(2), taker_bps: dec!(12) },
    FeeTier { volume_min: dec!(100_000_000), maker_bps: dec!(0), taker_bps: dec!(10) },
];

/// How the rate of a fill is found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "model", rename_all = "snake_case")]
pub enum FeeRate {
    /// The same rate for every fill.
    Fixed {
        /// In basis points.
        bps: Decimal,
    },
    /// By the volume of the last 30 days; tiers rise by `volume_min` and begin at 0.
    Tiers {
        /// The tiers.
        tiers: Vec<FeeTier>,
    },
}

impl FeeRate {
    /// Returns the broker's own tiers.
    #[must_use]
    pub fn alpaca() -> Self {
        Self::Tiers { tiers: ALPACA_TIERS.to_vec() }
    }

    /// Returns the rate, as a fraction, of an order that takes from the book after `volume_30d` of trading.
    #[must_use]
    #[inline]
    pub fn taker(&self, volume_30d: Decimal) -> Decimal {
        self.rate(volume_30d, |tier| tier.taker_bps)
    }

    /// Returns the rate, as a fraction, of an order that rested in the book, after `volume_30d` of trading.
    #[must_use]
    pub fn maker(&self, volume_30d: Decimal) -> Decimal {
        self.rate(volume_30d, |tier| tier.maker_bps)
    }

    fn rate(&self, volume_30d: Decimal, bps_of: impl Fn(&FeeTier) -> Decimal) -> Decimal {
        const BPS: Decimal = dec!(0.0001);
        match self {
            Self::Fixed { bps } => bps * BPS,
            Self::Tiers { tiers } => tiers
                .iter()
                .rev()
                .find(|tier| volume_30d >= tier.volume_min)
                .map_or(Decimal::ZERO, |tier| bps_of(tier) * BPS),
        }
    }

    /// Returns whether the rate depends on the volume traded before.
    #[must_use]
    pub const fn depends_on_volume(&self) -> bool {
        matches!(self, Self::Tiers { .. })
    }
}

/// What the broker charges.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeeSchedule {
    /// How much.
    pub rate: FeeRate,
    /// From what.
    pub currency: FeeCurrency,
}

impl Default for FeeSchedule {
    fn default() -> Self {
        Self { rate: FeeRate::alpaca(), currency: FeeCurrency::default() }
    }
}

impl FeeSchedule {
    /// Returns the fee of a buy.
    #[must_use]
    #[inline]
    pub fn of_buy(&self, quantity: Decimal, notional: Decimal, rate: Decimal) -> Fee {
        match self.currency {
            FeeCurrency::Received => Fee::Base(round_money(quantity * rate)),
            FeeCurrency::Quote => Fee::Quote(round_money(notional * rate)),
        }
    }

    /// Returns the fee of a sale: always in quote currency, which is both what is received and the quote.
    #[must_use]
    #[inline]
    pub fn of_sale(&self, notional: Decimal, rate: Decimal) -> Fee {
        Fee::Quote(round_money(notional * rate))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tier_follows_volume() {
        let rate = FeeRate::alpaca();
        assert_eq!(rate.taker(dec!(0)), dec!(0.0025));
        assert_eq!(rate.taker(dec!(99_999.99)), dec!(0.0025));
        assert_eq!(rate.taker(dec!(100_000)), dec!(0.0022));
        assert_eq!(rate.taker(dec!(1_000_000_000)), dec!(0.0010));
        assert_eq!(rate.maker(dec!(100_000)), dec!(0.0012));
    }

    #[test]
    fn fee_is_taken_from_what_is_received() {
        let received = FeeSchedule { rate: FeeRate::Fixed { bps: dec!(10) }, currency: FeeCurrency::Received };
        assert_eq!(received.of_buy(dec!(2), dec!(200), dec!(0.001)), Fee::Base(dec!(0.002)));
        let quote = FeeSchedule { currency: FeeCurrency::Quote, ..received };
        assert_eq!(quote.of_buy(dec!(2), dec!(200), dec!(0.001)), Fee::Quote(dec!(0.2)));
        assert_eq!(quote.of_sale(dec!(200), dec!(0.001)), Fee::Quote(dec!(0.2)));
    }
}
