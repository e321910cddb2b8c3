//! Orders: kept before they are sent, sent until the broker is known to have them.

use rust_decimal::Decimal;
use sentinel_domain::broker::{
    BrokerError, BrokerOrder, BrokerOrderStatus, ClientOrderId, OrderKind, OrderRequest, OrderSize, OrderState,
    TimeInForce,
};
use sentinel_domain::fill::{RestingStop, Side};
use sentinel_domain::live::{LiveOrder, LivePosition, OrderPurpose};
use sentinel_domain::position::{PositionEvent, PositionState};
use sentinel_domain::signal::SignalState;
use sentinel_domain::timeframe::UnixMillis;
use sentinel_function_runtime::FunctionError;

use crate::books::Books;
use crate::desk::{Desk, broker_failed};

/// Decides an order; it is sent once the books are saved.
pub(crate) fn intend(
    position: &mut LivePosition,
    purpose: OrderPurpose,
    quantity: Decimal,
    reference: Decimal,
    decided_at: UnixMillis,
) {
    let client_order_id = position.next_client_order_id(purpose);
    position.orders.push(LiveOrder {
        client_order_id,
        broker_order_id: None,
        purpose,
        quantity,
        reference,
        decided_at,
        done: false,
        legs: Vec::new(),
        trouble: None,
    });
}

/// Sends every order that is kept and not known to be at the broker, and takes back what has to be. Returns how many
/// were sent.
pub(crate) async fn send(books: &mut Books, desk: &Desk) -> Result<u64, FunctionError> {
    let mut sent = 0;
    for index in sending_order(books) {
        let position = &mut books.positions[index.position];
        if position.orders[index.order].done {
            continue;
        }
        if books.account.paused.is_some() && position.orders[index.order].purpose == OrderPurpose::Entry {
            hold_back(books, index, desk).await?;
            continue;
        }
        if is_exit(&position.orders[index.order]) && !take_back_others(position, desk).await? {
            continue;
        }
        let request = request(position, &position.orders[index.order])?;
        let order = &mut position.orders[index.order];
        match desk.broker.submit_order(&request).await {
            Ok(accepted) => {
                order.broker_order_id = Some(accepted.id);
                sent += 1;
            }
            Err(error) if error.is_retryable() => return Err(broker_failed("send an order")(error)),
            Err(error) => refuse(books, index, &error),
        }
    }
    Ok(sent)
}

/// Lets an entry die that was decided before a person paused the account and is not known to be at the broker. One that
/// got there all the same, sent by a run that did not live to note it, is taken back with those that work.
async fn hold_back(books: &mut Books, index: Index, desk: &Desk) -> Result<(), FunctionError> {
    let position = &mut books.positions[index.position];
    let client_order_id = client_id(&position.orders[index.order])?;
    let order = &mut position.orders[index.order];
    match desk.broker.order_by_client_id(&client_order_id).await {
        Ok(known) => order.broker_order_id = Some(known.id),
        Err(BrokerError::NotFound { .. }) => {
            order.done = true;
            if position.position.state() == PositionState::Pending {
                kill_entry(position);
                books.signals.insert(position.signal_id.clone(), SignalState::Abandoned);
            }
        }
        Err(error) => return Err(broker_failed("look an order up")(error)),
    }
    Ok(())
}

#[derive(Debug, Clone, Copy)]
struct Index {
    position: usize,
    order: usize,
}

/// Sales first, since they free cash; then in the order in which they were decided.
fn sending_order(books: &Books) -> Vec<Index> {
    let mut found: Vec<(bool, UnixMillis, Index)> = Vec::new();
    for (position, record) in books.positions.iter().enumerate() {
        for (order, kept) in record.orders.iter().enumerate() {
            if !kept.done && kept.broker_order_id.is_none() {
                found.push((kept.purpose == OrderPurpose::Entry, kept.decided_at, Index { position, order }));
            }
        }
    }
    found.sort_by(|a, b| {
        let rank = |index: &Index| books.positions[index.position].rank();
        (a.0, a.1).cmp(&(b.0, b.1)).then_with(|| rank(&a.2).cmp(&rank(&b.2)))
    });
    found.into_iter().map(|(_, _, index)| index).collect()
}

fn is_exit(order: &LiveOrder) -> bool {
    order.purpose == OrderPurpose::Exit
}

/// Takes back the resting stop, whose coins are about to be sold, and an entry that is still being filled. Returns
/// `false` when it is too late for the stop: then it has sold the coins itself.
async fn take_back_others(position: &mut LivePosition, desk: &Desk) -> Result<bool, FunctionError> {
    for order in &mut position.orders {
        if order.done || order.purpose == OrderPurpose::Exit {
            continue;
        }
        let Some(id) = &order.broker_order_id else {
            order.done = true;
            continue;
        };
        match desk.broker.cancel_order(id).await {
            Ok(()) | Err(BrokerError::NotFound { .. }) => order.done = true,
            Err(BrokerError::NotCancelable { .. }) => {
                let state = desk.broker.order(id).await.map_err(broker_failed("look an order up"))?.status.state();
                // What an entry bought meanwhile is sold by the next exit.
                if state == OrderState::Filled && order.purpose != OrderPurpose::Entry {
                    return Ok(false);
                }
                order.done = true;
            }
            Err(error) => return Err(broker_failed("take an order back")(error)),
        }
    }
    Ok(true)
}

/// What the broker will never take: an entry dies of it, anything else is named for a person to look at.
fn refuse(books: &mut Books, index: Index, error: &BrokerError) {
    let position = &mut books.positions[index.position];
    let order = &mut position.orders[index.order];
    order.done = true;
    order.trouble = Some(error.to_string());
    let is_entry = order.purpose == OrderPurpose::Entry;
    let about = order.client_order_id.clone();
    if is_entry && position.position.state() == PositionState::Pending {
        kill_entry(position);
        books.signals.insert(position.signal_id.clone(), SignalState::Abandoned);
    }
    books.account.note_trouble(about, error.to_string());
}

/// Ends a position whose entry was never filled.
pub(crate) fn kill_entry(position: &mut LivePosition) {
    if let Err(error) = position.position.apply(PositionEvent::EntryDied, Decimal::ZERO) {
        panic!("only an entry without a fill dies: {error}");
    }
    position.orders.iter_mut().for_each(|order| order.done = true);
    position.refresh();
}

fn client_id(order: &LiveOrder) -> Result<ClientOrderId, FunctionError> {
    order.client_order_id.parse().map_err(|error| {
        FunctionError::failed("name an order", Box::new(error) as Box<dyn std::error::Error + Send + Sync>)
    })
}

fn request(position: &LivePosition, order: &LiveOrder) -> Result<OrderRequest, FunctionError> {
    let client_order_id = client_id(order)?;
    let (side, kind) = match order.purpose {
        OrderPurpose::Entry => (Side::Buy, OrderKind::Market),
        OrderPurpose::Exit => (Side::Sell, OrderKind::Market),
        OrderPurpose::Stop { stop_price, limit_price } => (Side::Sell, RestingStop { stop_price, limit_price }.into()),
    };
    Ok(OrderRequest {
        client_order_id,
        symbol: position.instrument.symbol.clone(),
        side,
        size: OrderSize::Quantity(order.quantity),
        kind,
        time_in_force: TimeInForce::Gtc,
    })
}

/// Marks orders of which nothing more can come, and returns what is odd about one.
pub(crate) fn settle(order: &mut LiveOrder, state: &BrokerOrder) -> Option<String> {
    order.done = match state.status.state() {
        OrderState::Working => false,
        OrderState::Filled | OrderState::Dead => folded(order) >= state.filled_quantity,
    };
    if order.done && state.status == BrokerOrderStatus::Rejected {
        order.trouble = Some("the broker took the order and then rejected it".to_owned());
    }
    order.trouble.clone()
}

/// Returns how much of an order was folded, in base units.
pub(crate) fn folded(order: &LiveOrder) -> Decimal {
    order.legs.iter().map(|leg| leg.fill.quantity).sum()
}
