//! A position: what an entry order opens and an exit order closes.
//!
//! PENDING → OPEN → CLOSING → CLOSED, or PENDING → ABANDONED. Fills are folded in one by one, so a partial fill
//! leaves the remainder open. [`Position::apply`] holds all transitions; an event that does not belong to the
//! state is refused and changes nothing.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::fees::Fee;
use crate::fill::Side;
use crate::money::{round_money, to_f64};
use crate::timeframe::UnixMillis;
use crate::trade::ExitReason;

/// What the broker reports of an order that met another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fill {
    /// When, in Unix milliseconds.
    pub time: UnixMillis,
    /// At what price, in quote currency.
    pub price: Decimal,
    /// The price it would have had without slippage.
    pub reference: Decimal,
    /// How much, in base units, before any fee.
    pub quantity: Decimal,
    /// Quantity × price, as money.
    pub notional: Decimal,
    /// What it cost.
    pub fee: Fee,
}

impl Fill {
    /// Returns what the cash loses by a purchase or gains by a sale besides the notional: the fee, if taken from it.
    #[must_use]
    #[inline]
    pub const fn fee_cash(&self) -> Decimal {
        match self.fee {
            Fee::Quote(sum) => sum,
            Fee::Base(_) => Decimal::ZERO,
        }
    }

    /// Returns quantity × reference price, as money.
    fn notional_reference(&self) -> Decimal {
        if self.price == self.reference { self.notional } else { round_money(self.quantity * self.reference) }
    }
}

/// Something that happens to a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PositionEvent {
    /// The entry order bought.
    Bought(Fill),
    /// The entry order died without buying anything.
    EntryDied,
    /// An exit order was decided.
    ExitOrdered(ExitReason),
    /// The resting stop or the exit order sold.
    Sold(Fill, ExitReason),
}

/// Where a position is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", content = "exit_reason", rename_all = "snake_case")]
pub enum PositionState {
    /// The entry order is out.
    Pending,
    /// Coins are held.
    Open,
    /// Coins are held and an exit order is out.
    Closing(ExitReason),
    /// Everything was sold.
    Closed(ExitReason),
    /// The entry order died.
    Abandoned,
}

/// An event that does not belong to the state.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PositionError {
    /// The state has no such transition.
    #[error("a position that is {state:?} cannot take {event:?}")]
    Transition {
        /// The state.
        state: PositionState,
        /// The event.
        event: PositionEvent,
    },
    /// More was sold than is held.
    #[error("cannot sell {sold}: only {held} are held")]
    Oversold {
        /// The fill's quantity.
        sold: Decimal,
        /// What is held.
        held: Decimal,
    },
}

/// A long position. Sums in quote currency, quantities in base units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    state: PositionState,
    bought: Leg,
    sold: Leg,
    /// Coins received: bought less fees taken in coins.
    received: Decimal,
}

/// The fills of one side, folded together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Leg {
    /// When the last fill was.
    pub time: UnixMillis,
    /// Sum of quantities, before fees.
    pub quantity: Decimal,
    /// Sum of quantity × price.
    pub notional: Decimal,
    /// Sum of quantity × reference price.
    pub notional_reference: Decimal,
    /// Sum of fees, coins valued at the price of their fill.
    pub fees: Decimal,
    /// Sum of fees that were taken from the cash.
    pub fees_cash: Decimal,
    /// Average price, or 0 without a fill.
    pub price: Decimal,
}

impl Leg {
    fn of(fill: &Fill) -> Self {
        Self {
            time: fill.time,
            quantity: fill.quantity,
            notional: fill.notional,
            notional_reference: fill.notional_reference(),
            fees: fill.fee.value(fill.price),
            fees_cash: fill.fee_cash(),
            price: fill.price,
        }
    }

    fn fold(&mut self, fill: &Fill) {
        if self.quantity.is_zero() {
            *self = Self::of(fill);
            return;
        }
        self.time = fill.time;
        self.quantity += fill.quantity;
        self.notional += fill.notional;
        self.notional_reference += fill.notional_reference();
        self.fees += fill.fee.value(fill.price);
        self.fees_cash += fill.fee_cash();
        self.price = round_money(self.notional / self.quantity);
    }
}

impl Default for Position {
    fn default() -> Self {
        Self { state: PositionState::Pending, bought: Leg::default(), sold: Leg::default(), received: Decimal::ZERO }
    }
}

impl Position {
    /// Returns where it is in its life.
    #[must_use]
    #[inline]
    pub const fn state(&self) -> PositionState {
        self.state
    }

    /// Returns the entry's fills.
    #[must_use]
    pub const fn bought(&self) -> &Leg {
        &self.bought
    }

    /// Returns the exit's fills.
    #[must_use]
    pub const fn sold(&self) -> &Leg {
        &self.sold
    }

    /// Returns the coins held.
    #[must_use]
    #[inline]
    pub fn held(&self) -> Decimal {
        if self.sold.quantity.is_zero() { self.received } else { self.received - self.sold.quantity }
    }

    /// Takes an event. `dust` is the largest remainder that counts as sold out: less than the smallest order.
    ///
    /// # Errors
    /// When the event does not belong to the state; the position is then unchanged.
    #[inline]
    pub fn apply(&mut self, event: PositionEvent, dust: Decimal) -> Result<(), PositionError> {
        use PositionEvent as Event;
        use PositionState as State;
        self.state = match (self.state, event) {
            (State::Pending, Event::EntryDied) => State::Abandoned,
            (State::Pending | State::Open, Event::Bought(fill)) => {
                self.buy(&fill);
                State::Open
            }
            // An entry that was being filled when its exit was decided: what it still brought is sold too.
            (State::Closing(reason), Event::Bought(fill)) => {
                self.buy(&fill);
                State::Closing(reason)
            }
            (State::Open, Event::ExitOrdered(reason)) => State::Closing(reason),
            (state @ (State::Open | State::Closing(_)), Event::Sold(fill, reason)) => {
                let held = self.held();
                if fill.quantity > held {
                    return Err(PositionError::Oversold { sold: fill.quantity, held });
                }
                self.sold.fold(&fill);
                let is_sold_out = fill.quantity == held || held - fill.quantity <= dust;
                if is_sold_out { State::Closed(reason) } else { state }
            }
            (state, event) => return Err(PositionError::Transition { state, event }),
        };
        Ok(())
    }

    #[inline]
    fn buy(&mut self, fill: &Fill) {
        self.bought.fold(fill);
        let received = match fill.fee {
            Fee::Base(fee) => fill.quantity - fee,
            Fee::Quote(_) => fill.quantity,
        };
        self.received = if self.received.is_zero() { received } else { self.received + received };
    }

    /// Returns what the coins sold had cost, fees included. What is left over as dust keeps its share, at the
    /// entry price, so that profits and the change of equity agree.
    #[must_use]
    #[inline]
    pub fn cost_of_sold(&self) -> Decimal {
        let dust = self.held();
        let cost = self.bought.notional + self.bought.fees_cash;
        if dust.is_zero() { cost } else { cost - round_money(dust * self.bought.price) }
    }

    /// Returns what the coins sold brought, after the fee.
    #[must_use]
    #[inline]
    pub fn proceeds(&self) -> Decimal {
        self.sold.notional - self.sold.fees_cash
    }

    /// Returns the profit of a closed position after all fees.
    #[must_use]
    pub fn pnl(&self) -> Decimal {
        self.proceeds() - self.cost_of_sold()
    }

    /// Returns the profit of what is held when marked at `mark`: before the fee of a sale that has not happened.
    #[must_use]
    pub fn pnl_open(&self, mark: Decimal) -> Decimal {
        round_money(self.held() * mark) + self.proceeds() - self.bought.notional - self.bought.fees_cash
    }

    /// Returns what both sides lost against their reference prices, per cent of the entry's reference; above 0
    /// is against the trader.
    #[must_use]
    #[inline]
    pub fn slippage_pct(&self) -> f64 {
        let lost = |leg: &Leg, side: Side| {
            if leg.notional == leg.notional_reference {
                return 0.0;
            }
            let sign = match side {
                Side::Buy => Decimal::ONE,
                Side::Sell => Decimal::NEGATIVE_ONE,
            };
            to_f64(sign * (leg.notional - leg.notional_reference)) / to_f64(leg.notional_reference) * 100.0
        };
        lost(&self.bought, Side::Buy) + lost(&self.sold, Side::Sell)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rust_decimal::dec;

    fn fill(price: Decimal, quantity: Decimal, fee: Fee) -> Fill {
        Fill { time: 0, price, reference: price, quantity, notional: round_money(quantity * price), fee }
    }

    fn opened() -> Position {
        let mut position = Position::default();
        position.apply(PositionEvent::Bought(fill(dec!(100), dec!(2), Fee::Quote(dec!(0.2)))), dec!(0)).unwrap();
        position
    }

    #[test]
    fn what_an_entry_still_brings_while_it_is_sold_is_held_until_it_is_sold_too() {
        let mut position = opened();
        position.apply(PositionEvent::ExitOrdered(ExitReason::Signal), dec!(0)).unwrap();
        let late = fill(dec!(100), dec!(1), Fee::Quote(dec!(0.1)));
        position.apply(PositionEvent::Bought(late), dec!(0)).unwrap();
        assert_eq!(position.state(), PositionState::Closing(ExitReason::Signal));
        for (quantity, held) in [(dec!(2), dec!(1)), (dec!(1), dec!(0))] {
            let sale = fill(dec!(110), quantity, Fee::Quote(dec!(0)));
            position.apply(PositionEvent::Sold(sale, ExitReason::Signal), dec!(0)).unwrap();
            assert_eq!(position.held(), held);
        }
        assert_eq!(position.state(), PositionState::Closed(ExitReason::Signal));
        assert_eq!(position.pnl(), dec!(29.7));
    }

    #[test]
    fn life_of_a_trade() {
        let mut position = opened();
        position.apply(PositionEvent::ExitOrdered(ExitReason::Signal), dec!(0)).unwrap();
        assert_eq!(position.state(), PositionState::Closing(ExitReason::Signal));
        let sale = fill(dec!(110), dec!(2), Fee::Quote(dec!(0.22)));
        position.apply(PositionEvent::Sold(sale, ExitReason::Signal), dec!(0)).unwrap();
        assert_eq!(position.state(), PositionState::Closed(ExitReason::Signal));
        assert_eq!(position.pnl(), dec!(19.58));
    }

    #[test]
    fn partial_fill_leaves_remainder_open() {
        let mut position = opened();
        let sale = fill(dec!(110), dec!(0.5), Fee::Quote(dec!(0)));
        position.apply(PositionEvent::Sold(sale, ExitReason::Stop), dec!(0)).unwrap();
        assert_eq!((position.state(), position.held()), (PositionState::Open, dec!(1.5)));
    }

    #[test]
    fn fee_in_coins_is_not_held_and_dust_keeps_its_cost() {
        let mut position = Position::default();
        let buy = fill(dec!(100), dec!(1), Fee::Base(dec!(0.0025)));
        position.apply(PositionEvent::Bought(buy), dec!(0)).unwrap();
        assert_eq!(position.held(), dec!(0.9975));
        let sale = fill(dec!(100), dec!(0.99), Fee::Quote(dec!(0)));
        position.apply(PositionEvent::Sold(sale, ExitReason::Time), dec!(0.01)).unwrap();
        assert_eq!(position.state(), PositionState::Closed(ExitReason::Time));
        assert_eq!(position.pnl(), dec!(-0.25));
    }

    #[test]
    fn events_out_of_turn_are_refused() {
        let mut position = opened();
        assert!(position.apply(PositionEvent::EntryDied, dec!(0)).is_err());
        let too_much = fill(dec!(100), dec!(3), Fee::Quote(dec!(0)));
        let before = position.clone();
        assert!(matches!(
            position.apply(PositionEvent::Sold(too_much, ExitReason::Stop), dec!(0)),
            Err(PositionError::Oversold { .. })
        ));
        assert_eq!(position, before);
    }

    proptest! {
        /// However a position is bought and sold piece by piece, cash spent and cash earned explain its profit.
        #[test]
        fn profit_is_the_change_of_cash(
            pieces in prop::collection::vec((1_i64..1_000_000, 1_i64..1_000), 1..8),
            sale_price in 1_i64..1_000_000,
        ) {
            let mut position = Position::default();
            let mut cash = Decimal::ZERO;
            for (price, quantity) in pieces {
                let (price, quantity) = (Decimal::new(price, 2), Decimal::new(quantity, 3));
                let fee = round_money(price * quantity * dec!(0.001));
                cash -= price * quantity + fee;
                position.apply(PositionEvent::Bought(fill(price, quantity, Fee::Quote(fee))), dec!(0)).unwrap();
            }
            let (price, quantity) = (Decimal::new(sale_price, 2), position.held());
            cash += price * quantity;
            let sale = fill(price, quantity, Fee::Quote(Decimal::ZERO));
            position.apply(PositionEvent::Sold(sale, ExitReason::Signal), dec!(0)).unwrap();
            prop_assert_eq!(position.pnl(), cash);
        }
    }
}
