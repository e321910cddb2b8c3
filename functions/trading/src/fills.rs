//! What the broker did: fills are folded into positions one by one, each exactly once.

use rust_decimal::Decimal;
use sentinel_domain::broker::{Activity, ActivityKind, ActivityQuery, FillActivity, all_activities};
use sentinel_domain::fill::Side;
use sentinel_domain::live::{Account, LaneState, Leg, LiveOrder, LivePosition, OrderPurpose};
use sentinel_domain::money::round_money;
use sentinel_domain::position::{Fill, PositionEvent, PositionState};
use sentinel_domain::signal::SignalState;
use sentinel_domain::trade::ExitReason;
use sentinel_function_runtime::FunctionError;

use crate::books::Books;
use crate::desk::{Desk, Terms, broker_failed};

/// Folds the fills that came since the last time, oldest first. Returns how many.
pub(crate) async fn fold(books: &mut Books, desk: &Desk) -> Result<u64, FunctionError> {
    let query = ActivityQuery {
        kinds: vec![ActivityKind::Fill],
        page_token: books.account.last_activity.clone(),
        ..ActivityQuery::default()
    };
    let activities =
        all_activities(desk.broker.as_ref(), &query).await.map_err(broker_failed("ask the broker for fills"))?;
    let mut folded = 0;
    for activity in activities {
        if let Activity::Fill(fill) = &activity {
            // A stranger's order is none that the price patch could ask for: its fill, and those after it, wait.
            if fill.price.is_zero() && owner_of(books, fill).is_none() {
                break;
            }
            fold_one(books, &desk.terms, fill);
            folded += 1;
        }
        books.account.last_activity = Some(activity.id().to_owned());
    }
    Ok(folded)
}

/// Returns the places of the position and of its order that a fill is of.
fn owner_of(books: &Books, activity: &FillActivity) -> Option<(usize, usize)> {
    books.positions.iter().enumerate().find_map(|(position, record)| {
        let is_of = |order: &LiveOrder| order.broker_order_id.as_ref() == Some(&activity.order_id);
        record.orders.iter().position(is_of).map(|order| (position, order))
    })
}

fn fold_one(books: &mut Books, terms: &Terms, activity: &FillActivity) {
    let owner = owner_of(books, activity);
    let Some((position, order)) = owner else { return fold_of_a_stranger(books, terms, activity) };
    let position = &mut books.positions[position];
    let reference = position.orders[order].reference;
    let fill = priced(&mut books.account, terms, activity, activity.quantity, reference);
    let event = match (position.orders[order].purpose, position.position.state()) {
        (OrderPurpose::Entry, _) => PositionEvent::Bought(fill),
        (OrderPurpose::Stop { .. }, _) => PositionEvent::Sold(fill, ExitReason::Stop),
        (OrderPurpose::Exit, PositionState::Closing(reason)) => PositionEvent::Sold(fill, reason),
        (OrderPurpose::Exit, _) => PositionEvent::Sold(fill, ExitReason::Signal),
    };
    position.orders[order].legs.push(Leg { activity_id: activity.id.clone(), fill });
    let position_id = position.position_id.clone();
    if activity.price.is_zero() {
        let about = Account::about_price(&position.orders[order].client_order_id);
        let what = format!("{:?} {}, and the broker tells no price yet", activity.side, activity.quantity);
        books.account.note_trouble(about, format!("{}; patch-prices asks for it each hour", what.to_lowercase()));
    }
    apply(books, &position_id, event);
}

/// Somebody sold what we hold, by hand at the broker: the oldest position in the symbol ends, as `manual`.
fn fold_of_a_stranger(books: &mut Books, terms: &Terms, activity: &FillActivity) {
    let mut left = activity.quantity;
    while activity.side == Side::Sell && !left.is_zero() {
        let held = books.positions.iter_mut().find(|position| {
            position.instrument.symbol.to_string() == activity.symbol && !position.position.held().is_zero()
        });
        let Some(position) = held else { break };
        let quantity = left.min(position.position.held());
        left -= quantity;
        let fill = priced(&mut books.account, terms, activity, quantity, activity.price);
        let position_id = position.position_id.clone();
        apply(books, &position_id, PositionEvent::Sold(fill, ExitReason::Manual));
    }
    if !left.is_zero() {
        let what =
            format!("{:?} {left} {} at {} is by no order of ours", activity.side, activity.symbol, activity.price);
        books.account.note_trouble(format!("fill {}", activity.id), what.to_lowercase());
    }
}

fn apply(books: &mut Books, position_id: &str, event: PositionEvent) {
    let Some(position) = books.positions.iter_mut().find(|position| position.position_id == position_id) else {
        return;
    };
    let was_pending = position.position.state() == PositionState::Pending;
    // Less than this cannot be sold: what is left counts as nothing.
    let dust = position.rules.step_size;
    if let Err(error) = position.position.apply(event, dust) {
        books.account.note_trouble(format!("position {position_id}"), error.to_string());
        return;
    }
    position.refresh();
    if was_pending {
        books.signals.insert(position.signal_id.clone(), SignalState::Filled);
    }
    if matches!(position.position.state(), PositionState::Closed(_)) {
        close(&mut books.account, position);
    }
}

/// Leaves behind what the lane must remember.
fn close(account: &mut Account, position: &mut LivePosition) {
    for order in &mut position.orders {
        order.done |= order.broker_order_id.is_none();
        // Nothing is left to look after; what was said of the order stays with it.
        account.troubles.remove(&order.client_order_id);
    }
    let unused = || LaneState { instrument: position.instrument.clone(), exit_time_last: None, dust: Decimal::ZERO };
    let lane = account.lanes.entry(position.lane().key()).or_insert_with(unused);
    lane.exit_time_last = position.exit_time;
    lane.dust += position.position.held();
}

/// Returns the fill with the fee that the schedule has for it: the broker's own comes a day later.
fn priced(
    account: &mut Account,
    terms: &Terms,
    activity: &FillActivity,
    quantity: Decimal,
    reference: Decimal,
) -> Fill {
    let rate = terms.fees.rate.taker(account.volume.sum_since(activity.time));
    let notional = round_money(quantity * activity.price);
    if terms.fees.rate.depends_on_volume() {
        account.volume.add(activity.time, notional);
    }
    let fee = match activity.side {
        Side::Buy => terms.fees.of_buy(quantity, notional, rate),
        Side::Sell => terms.fees.of_sale(notional, rate),
    };
    Fill { time: activity.time, price: activity.price, reference, quantity, notional, fee }
}
