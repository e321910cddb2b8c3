//! What a fill comes to: quantity, value and fee of an order that meets a price.
//!
//! The backtest and the simulated broker use this very code, so that their accounts agree to the last digit.

use std::collections::VecDeque;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::fees::FeeSchedule;
use crate::instrument::InstrumentRules;
use crate::money::round_money;
use crate::position::Fill;
use crate::timeframe::{Timeframe, UnixMillis};

/// The price an order meets, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quote {
    /// When, in Unix milliseconds.
    pub time: UnixMillis,
    /// The price it fills at, slippage included, in quote currency.
    pub price: Decimal,
    /// The price without slippage.
    pub reference: Decimal,
}

/// Returns the fill of what `cash` pays of a purchase of `quantity`, or `None` when that is less than the smallest
/// order. `rate` is the fee as a fraction.
#[must_use]
#[inline]
pub fn purchase(
    quantity: Decimal,
    quote: Quote,
    cash: Decimal,
    fees: &FeeSchedule,
    rate: Decimal,
    rules: &InstrumentRules,
) -> Option<Fill> {
    let fill = |quantity: Decimal| buy(quantity, quote, fees, rate);
    let cost = |fill: &Fill| fill.notional + fill.fee_cash();
    let whole = fill(quantity);
    if cost(&whole) <= cash {
        return Some(whole);
    }
    let cut = fill(rules.round_quantity_down(quantity * (cash.max(Decimal::ZERO) / cost(&whole))));
    (cut.quantity >= rules.quantity_min && !cut.quantity.is_zero() && cost(&cut) <= cash).then_some(cut)
}

/// Returns the fill of a purchase of `quantity`, whatever it costs.
#[must_use]
#[inline]
pub fn buy(quantity: Decimal, quote: Quote, fees: &FeeSchedule, rate: Decimal) -> Fill {
    let Quote { time, price, reference } = quote;
    let notional = round_money(quantity * price);
    Fill { time, price, reference, quantity, notional, fee: fees.of_buy(quantity, notional, rate) }
}

/// Returns the fill of a sale of `quantity`.
#[must_use]
#[inline]
pub fn sale(quantity: Decimal, quote: Quote, fees: &FeeSchedule, rate: Decimal) -> Fill {
    let Quote { time, price, reference } = quote;
    let notional = round_money(quantity * price);
    Fill { time, price, reference, quantity, notional, fee: fees.of_sale(notional, rate) }
}

/// What was traded in the last 30 days, for the fee tier.
///
/// Fills are added up by the hour, and an hour leaves whole, 30 days after its beginning: an account's document holds no
/// more than 721 sums of them, however often it trades.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumeWindow {
    /// One for each hour in which anything was traded, oldest first.
    fills: VecDeque<Traded>,
    sum: Decimal,
}

/// What the fills of one hour were worth, and when it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Traded {
    time: UnixMillis,
    notional: Decimal,
}

impl VolumeWindow {
    const LENGTH: i64 = 30 * Timeframe::D1.millis();

    /// Takes in a fill.
    #[inline]
    pub fn add(&mut self, time: UnixMillis, notional: Decimal) {
        let hour = Timeframe::H1.candle_open(time);
        // A stop that gapped is told at the close of its candle, and was filled at the open.
        match self.fills.binary_search_by_key(&hour, |known| known.time) {
            Ok(place) => self.fills[place].notional += notional,
            Err(place) => self.fills.insert(place, Traded { time: hour, notional }),
        }
        self.sum += notional;
        while let Some(old) = self.fills.pop_front_if(|old| old.time <= time - Self::LENGTH) {
            self.sum -= old.notional;
        }
    }

    /// Returns what was traded in the 30 days before `now`. Fills too old since the last one are left out.
    #[must_use]
    #[inline]
    pub fn sum_since(&self, now: UnixMillis) -> Decimal {
        let stale = self.fills.iter().take_while(|old| old.time <= now - Self::LENGTH);
        self.sum - stale.map(|old| old.notional).sum::<Decimal>()
    }
}

#[cfg(test)]
mod tests {
    use rust_decimal::dec;

    use super::*;
    use crate::fees::{FeeCurrency, FeeRate};

    #[test]
    fn fills_older_than_thirty_days_leave_the_fee_window() {
        let day = Timeframe::D1.millis();
        let mut window = VolumeWindow::default();
        window.add(0, dec!(10));
        window.add(day, dec!(5));
        assert_eq!(window.sum_since(2 * day), dec!(15));
        assert_eq!(window.sum_since(30 * day), dec!(5));
        assert_eq!(window.sum_since(31 * day), dec!(0));
    }

    #[test]
    fn an_hour_leaves_the_fee_window_whole() {
        let (minute, day) = (Timeframe::M1.millis(), Timeframe::D1.millis());
        let mut window = VolumeWindow::default();
        window.add(0, dec!(10));
        window.add(59 * minute, dec!(5));
        window.add(60 * minute, dec!(2));
        // Told late.
        window.add(58 * minute, dec!(1));
        assert_eq!(window.sum_since(30 * day - 1), dec!(18));
        assert_eq!(window.sum_since(30 * day), dec!(2));
        assert_eq!(window.sum_since(30 * day + 60 * minute), dec!(0));
    }

    #[test]
    fn many_fills_stay_a_small_document() {
        let minute = Timeframe::M1.millis();
        let mut window = VolumeWindow::default();
        for fill in 0..100_000 {
            window.add(fill * minute, dec!(12345.678901234));
        }
        assert!(window.fills.len() <= 721, "{} sums", window.fills.len());
        assert!(serde_json::to_string(&window).unwrap().len() < 64 << 10);
        let hours: Decimal = window.fills.iter().map(|hour| hour.notional).sum();
        assert_eq!(window.sum, hours);
    }

    #[test]
    fn what_the_cash_pays_is_bought() {
        let fees = FeeSchedule { rate: FeeRate::Fixed { bps: dec!(100) }, currency: FeeCurrency::Quote };
        let quote = Quote { time: 0, price: dec!(100), reference: dec!(100) };
        let rules = InstrumentRules { step_size: dec!(0.1), quantity_min: dec!(0.1), ..InstrumentRules::default() };
        let buy = |cash| purchase(dec!(2), quote, cash, &fees, dec!(0.01), &rules).map(|fill| fill.quantity);
        assert_eq!(buy(dec!(202)), Some(dec!(2)));
        assert_eq!(buy(dec!(201.99)), Some(dec!(1.9)));
        assert_eq!(buy(dec!(10)), None);
        assert_eq!(buy(dec!(-1)), None);
    }
}
