//! A position folded anew from fills whose prices are known by now.

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use sentinel_domain::broker::BrokerOrder;
use sentinel_domain::fees::{Fee, FeeSchedule};
use sentinel_domain::live::{LiveOrder, LivePosition, OrderPurpose};
use sentinel_domain::money::{round_money, to_f64};
use sentinel_domain::position::{Fill, Position, PositionEvent, PositionState};
use sentinel_domain::settlement::VolumeWindow;
use sentinel_domain::trade::ExitReason;

/// What the fee of a fill follows from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rates<'a> {
    pub(crate) fees: &'a FeeSchedule,
    pub(crate) volume: &'a VolumeWindow,
}

/// Returns whether a fill of the order has no price.
pub(crate) fn has_gap(order: &LiveOrder) -> bool {
    order.legs.iter().any(|leg| leg.fill.price <= Decimal::ZERO)
}

/// Returns whether any fill of the position has no price.
pub(crate) fn is_unpriced(position: &LivePosition) -> bool {
    position.orders.iter().any(has_gap)
}

/// Returns the fills of the position that have no price, by the broker's ids.
pub(crate) fn unpriced_legs(position: &LivePosition) -> BTreeSet<String> {
    let legs = position.orders.iter().flat_map(|order| &order.legs);
    legs.filter(|leg| leg.fill.price <= Decimal::ZERO).map(|leg| leg.activity_id.clone()).collect()
}

/// Returns these fills as they are now.
pub(crate) fn fills_of(position: &LivePosition, legs: &BTreeSet<String>) -> Vec<Fill> {
    let all = position.orders.iter().flat_map(|order| &order.legs);
    all.filter(|leg| legs.contains(&leg.activity_id)).map(|leg| leg.fill).collect()
}

/// Gives the fills without a price the one that explains the order's average. Returns whether the broker tells it.
pub(crate) fn fill_gap(order: &mut LiveOrder, theirs: &BrokerOrder, rates: &Rates<'_>) -> bool {
    let Some(average) = theirs.filled_avg_price.filter(|price| *price > Decimal::ZERO) else { return false };
    let is_known = |fill: &Fill| fill.price > Decimal::ZERO;
    let known: Decimal = order.legs.iter().filter(|leg| is_known(&leg.fill)).map(|leg| leg.fill.notional).sum();
    let quantity: Decimal = order.legs.iter().map(|leg| leg.fill.quantity).sum();
    let unknown: Decimal = order.legs.iter().filter(|leg| !is_known(&leg.fill)).map(|leg| leg.fill.quantity).sum();
    if unknown.is_zero() {
        return true;
    }
    let is_sale = order.purpose != OrderPurpose::Entry;
    let price = round_money((average * quantity - known) / unknown);
    if price <= Decimal::ZERO {
        return false;
    }
    for leg in order.legs.iter_mut().filter(|leg| !is_known(&leg.fill)) {
        let fill = &mut leg.fill;
        fill.price = price;
        fill.notional = round_money(fill.quantity * price);
        // A fee taken in coins does not depend on the price.
        if let Fee::Quote(_) = fill.fee {
            let rate = rates.fees.rate.taker(rates.volume.sum_since(fill.time));
            fill.fee = if is_sale {
                rates.fees.of_sale(fill.notional, rate)
            } else {
                rates.fees.of_buy(fill.quantity, fill.notional, rate)
            };
        }
    }
    true
}

/// Returns what a person sold of the position: no order of ours tells of it, but it is part of all that was sold.
pub(crate) fn sold_by_hand(live: &LivePosition) -> Option<Fill> {
    let own = fills(live, |purpose| purpose != OrderPurpose::Entry);
    let sold = live.position.sold();
    let quantity = sold.quantity - own.iter().map(|fill| fill.quantity).sum::<Decimal>();
    if quantity <= Decimal::ZERO {
        return None;
    }
    let notional = sold.notional - own.iter().map(|fill| fill.notional).sum::<Decimal>();
    let fee = Fee::Quote(sold.fees_cash - own.iter().map(Fill::fee_cash).sum::<Decimal>());
    let price = round_money(notional / quantity);
    Some(Fill { time: sold.time, price, reference: price, quantity, notional, fee })
}

/// Folds a position from its fills, as it was folded when they came; says why that cannot be.
pub(crate) fn fold_again(live: &mut LivePosition, by_hand: Option<Fill>) -> Result<(), String> {
    let state = live.position.state();
    let mut folded = Position::default();
    let mut apply = |event: PositionEvent| {
        folded.apply(event, live.rules.step_size).map_err(|error| format!("its fills do not fold: {error}"))
    };
    for fill in fills(live, |purpose| purpose == OrderPurpose::Entry) {
        apply(PositionEvent::Bought(fill))?;
    }
    let reason = match state {
        PositionState::Closing(reason) | PositionState::Closed(reason) => reason,
        // Part of it was sold while it was held: only its stop does that.
        PositionState::Pending | PositionState::Open | PositionState::Abandoned => ExitReason::Stop,
    };
    for fill in fills(live, |purpose| purpose != OrderPurpose::Entry).into_iter().chain(by_hand) {
        apply(PositionEvent::Sold(fill, reason))?;
    }
    if let (PositionState::Closing(reason), PositionState::Open) = (state, folded.state()) {
        folded.apply(PositionEvent::ExitOrdered(reason), Decimal::ZERO).map_err(|error| error.to_string())?;
    }
    let (before, after) = (&live.position, &folded);
    if (before.state(), before.held()) != (after.state(), after.held()) {
        return Err("its orders do not explain what was bought and sold".to_owned());
    }
    let entry_was_unpriced = before.bought().price <= Decimal::ZERO;
    live.position = folded;
    live.refresh();
    if entry_was_unpriced {
        plan_again(live);
    }
    Ok(())
}

/// What was planned on a price of 0 is forgotten, so that the next sync plans on the true one.
fn plan_again(live: &mut LivePosition) {
    let has_exit = live.orders.iter().any(|order| order.purpose != OrderPurpose::Entry);
    if live.position.state() == PositionState::Open && !has_exit {
        live.plan = None;
        live.best_close = Some(to_f64(live.position.bought().price));
        live.current_stop = None;
    }
}

/// Returns fills of orders of a kind, oldest first.
fn fills(live: &LivePosition, belongs: impl Fn(OrderPurpose) -> bool) -> Vec<Fill> {
    let orders = live.orders.iter().filter(|order| belongs(order.purpose));
    let mut fills: Vec<Fill> = orders.flat_map(|order| &order.legs).map(|leg| leg.fill).collect();
    fills.sort_by_key(|fill| fill.time);
    fills
}

#[cfg(test)]
mod tests {
    use rust_decimal::dec;
    use sentinel_domain::broker::{BrokerOrderId, BrokerOrderStatus, OrderKind, OrderRequest, OrderSize, TimeInForce};
    use sentinel_domain::fees::{FeeCurrency, FeeRate};
    use sentinel_domain::fill::Side;
    use sentinel_domain::live::Leg;

    use super::*;

    fn leg(price: Decimal, quantity: Decimal) -> Leg {
        let notional = round_money(price * quantity);
        let fill = Fill { time: 0, price, reference: dec!(100), quantity, notional, fee: Fee::Quote(notional) };
        Leg { activity_id: String::new(), fill }
    }

    fn theirs(average: Option<Decimal>) -> BrokerOrder {
        let request = OrderRequest {
            client_order_id: "exit-1".parse().unwrap(),
            symbol: "BTC/USD".parse().unwrap(),
            side: Side::Sell,
            size: OrderSize::Quantity(dec!(3)),
            kind: OrderKind::Market,
            time_in_force: TimeInForce::Gtc,
        };
        BrokerOrder {
            id: BrokerOrderId("1".to_owned()),
            request,
            status: BrokerOrderStatus::Filled,
            filled_quantity: dec!(3),
            filled_avg_price: average,
            submitted_at: 0,
            updated_at: 0,
            filled_at: Some(0),
            canceled_at: None,
            expired_at: None,
            failed_at: None,
        }
    }

    /// Heals a sale of 1 at 100 and of 2 at an unknown price; returns the second fill's price and fee.
    fn healed(average: Option<Decimal>) -> Option<(Decimal, Fee)> {
        let mut order = LiveOrder {
            client_order_id: "exit-1".to_owned(),
            purpose: OrderPurpose::Exit,
            quantity: dec!(3),
            reference: dec!(100),
            decided_at: 0,
            broker_order_id: None,
            done: true,
            legs: vec![leg(dec!(100), dec!(1)), leg(dec!(0), dec!(2))],
            trouble: None,
        };
        let fees = FeeSchedule { rate: FeeRate::Fixed { bps: dec!(100) }, currency: FeeCurrency::Received };
        let rates = Rates { fees: &fees, volume: &VolumeWindow::default() };
        fill_gap(&mut order, &theirs(average), &rates).then(|| (order.legs[1].fill.price, order.legs[1].fill.fee))
    }

    #[test]
    fn the_missing_price_explains_the_orders_average() {
        assert_eq!(healed(Some(dec!(102))), Some((dec!(103), Fee::Quote(dec!(2.06)))));
        assert_eq!(healed(None), None);
        assert_eq!(healed(Some(dec!(0))), None);
        // No positive price explains an average that low.
        assert_eq!(healed(Some(dec!(30))), None);
    }
}
