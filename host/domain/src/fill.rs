//! The fill model: at what price an order would have been filled, given the candle that came.
//!
//! The backtest and the simulated broker use this very code. `docs/backtesting.md` publishes it in words.

use rust_decimal::{Decimal, dec};
use serde::{Deserialize, Serialize};

use crate::candles::Candle;
use crate::instrument::InstrumentRules;
use crate::money::{decimal_price, round_money};

/// The side of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Takes coins for cash.
    Buy,
    /// Takes cash for coins.
    Sell,
}

/// A stop-limit order that rests at the broker under an open long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestingStop {
    /// The price at which it wakes.
    pub stop_price: Decimal,
    /// The lowest price it sells at once awake.
    pub limit_price: Decimal,
}

impl RestingStop {
    /// Returns the order for a stop at `stop_price`, its limit `offset_bps` below; both on the tick grid.
    #[must_use]
    pub fn new(stop_price: Decimal, offset_bps: Decimal, rules: &InstrumentRules) -> Self {
        let limit = stop_price * (Decimal::ONE - offset_bps * dec!(0.0001));
        Self { stop_price: rules.round_price(stop_price), limit_price: rules.round_price(limit) }
    }
}

/// What a candle does to a resting stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopOutcome {
    /// The price stayed above it.
    Untouched,
    /// It sold.
    Filled {
        /// The price it sold at.
        price: Decimal,
        /// The price it was meant to sell at.
        reference: Decimal,
    },
    /// The candle opened below its limit: it woke and found no buyer at its price.
    GappedBeyond,
}

/// How far fills are from the prices in the candles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FillModel {
    /// What a market order or a woken stop loses against the candle's price, in basis points.
    pub slippage_bps: Decimal,
}

impl FillModel {
    /// Returns the price of a market order that is filled at the open of a candle: the open, moved against the
    /// trader by the slippage.
    #[must_use]
    #[inline]
    pub fn market(&self, side: Side, open: Decimal) -> Decimal {
        if self.slippage_bps.is_zero() {
            return open;
        }
        let slippage = self.slippage_bps * dec!(0.0001);
        round_money(match side {
            Side::Buy => open * (Decimal::ONE + slippage),
            Side::Sell => open * (Decimal::ONE - slippage),
        })
    }

    /// Returns what `candle` does to a stop that rested when it opened.
    ///
    /// Opened at or below the stop but not below the limit: sold at the open. Opened below the limit: not sold.
    /// Fell through the stop later: sold at the stop less slippage, never below the limit.
    #[must_use]
    pub fn stop(&self, stop: &RestingStop, candle: &Candle) -> StopOutcome {
        if decimal_price(candle.low) > stop.stop_price {
            return StopOutcome::Untouched;
        }
        let open = decimal_price(candle.open);
        if open < stop.limit_price {
            return StopOutcome::GappedBeyond;
        }
        let reference = open.min(stop.stop_price);
        let price = self.market(Side::Sell, reference).max(stop.limit_price);
        StopOutcome::Filled { price, reference }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(slippage_bps: Decimal, open: f64, low: f64, expected: StopOutcome) {
        let rules = InstrumentRules::default();
        let stop = RestingStop::new(dec!(100), dec!(200), &rules);
        assert_eq!(stop.limit_price, dec!(98));
        let candle = Candle { open_time: 0, open, high: open.max(101.0), low, close: low, volume: 1.0 };
        assert_eq!(FillModel { slippage_bps }.stop(&stop, &candle), expected);
    }

    #[test]
    fn stop_sells_inside_the_candle() {
        check(dec!(0), 105.0, 100.01, StopOutcome::Untouched);
        check(dec!(0), 105.0, 100.0, StopOutcome::Filled { price: dec!(100), reference: dec!(100) });
        check(dec!(50), 105.0, 90.0, StopOutcome::Filled { price: dec!(99.5), reference: dec!(100) });
    }

    #[test]
    fn gap_within_the_offset_sells_at_the_open() {
        check(dec!(0), 99.0, 90.0, StopOutcome::Filled { price: dec!(99), reference: dec!(99) });
    }

    #[test]
    fn slippage_never_goes_below_the_limit() {
        check(dec!(500), 105.0, 90.0, StopOutcome::Filled { price: dec!(98), reference: dec!(100) });
    }

    #[test]
    fn gap_beyond_the_limit_does_not_sell() {
        check(dec!(0), 97.99, 90.0, StopOutcome::GappedBeyond);
    }

    #[test]
    fn market_order_pays_the_slippage() {
        let model = FillModel { slippage_bps: dec!(10) };
        assert_eq!(model.market(Side::Buy, dec!(100)), dec!(100.1));
        assert_eq!(model.market(Side::Sell, dec!(100)), dec!(99.9));
    }
}
