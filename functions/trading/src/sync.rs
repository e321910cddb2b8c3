//! Bringing the books up to a close.

use rust_decimal::Decimal;
use sentinel_domain::broker::{BrokerError, OrderQuery, OrderState};
use sentinel_domain::instrument::Instrument;
use sentinel_domain::live::{LiveOrder, LivePosition, OrderPurpose, PositionStatus};
use sentinel_domain::money::to_f64;
use sentinel_domain::position::PositionState;
use sentinel_domain::signal::SignalState;
use sentinel_domain::timeframe::{Timeframe, UnixMillis};
use sentinel_function_runtime::{FunctionError, Report, RunContext};

use crate::books::Books;
use crate::desk::{Desk, broker_failed};
use crate::orders::{folded, intend, kill_entry, send, settle};
use crate::series::{Series, session_until};
use crate::{exits, fills};

/// Brings the books up to `now`: sends what was decided and not sent, folds fills, plans and decides exits, sends those.
/// Returns them as they stand in the store then.
///
/// # Errors
/// When store or broker fail; what was committed before stays, and the next run goes on from there.
pub async fn sync(ctx: &RunContext, desk: &Desk, now: UnixMillis) -> Result<(Report, Books), FunctionError> {
    let mut report = Report::default();
    let mut books = Books::load(ctx, desk).await?;
    report.rows_in = books.positions.len() as u64;
    // What an interrupted run decided goes out first: without its broker's id no fill could be told apart.
    if send(&mut books, desk).await? > 0 {
        books = books.save(ctx, desk).await?;
    }
    report.rows_out += fills::fold(&mut books, desk).await?;
    look_at_orders(&mut books, desk).await?;
    take_back_the_rest(&mut books, desk).await?;
    for position in &mut books.positions {
        exits::plan(position, now);
    }
    for position in &mut books.positions {
        exits::watch(ctx, position, desk.terms.finest, &desk.terms.fill_model, now).await?;
        retry_exit(position, now);
        exits::guard(position, now);
    }
    give_up_entries(&mut books, desk, now).await?;
    mark(ctx, &mut books, desk, now).await?;
    books = books.save(ctx, desk).await?;
    send(&mut books, desk).await?;
    // What was refused is kept too.
    Ok((report, books.save(ctx, desk).await?))
}

/// Finds the orders of which nothing more can come.
async fn look_at_orders(books: &mut Books, desk: &Desk) -> Result<(), FunctionError> {
    let is_out = |order: &&mut LiveOrder| !order.done && order.broker_order_id.is_some();
    let mut orders: Vec<_> =
        books.positions.iter_mut().flat_map(|position| &mut position.orders).filter(is_out).collect();
    if orders.is_empty() {
        return Ok(());
    }
    let open = desk
        .broker
        .orders(&OrderQuery { working: Some(true), ..OrderQuery::default() })
        .await
        .map_err(broker_failed("ask the broker for open orders"))?;
    for order in &mut orders {
        let Some(id) = order.broker_order_id.clone() else { continue };
        if open.iter().any(|known| known.id == id && known.status.state() == OrderState::Working) {
            continue;
        }
        let state = desk.broker.order(&id).await.map_err(broker_failed("look an order up"))?;
        if let Some(trouble) = settle(order, &state) {
            books.account.note_trouble(order.client_order_id.clone(), trouble);
        }
    }
    for position in &mut books.positions {
        let died = position.position.state() == PositionState::Pending
            && position.orders.iter().all(|order| order.done && order.legs.is_empty());
        if died {
            kill_entry(position);
            books.signals.insert(position.signal_id.clone(), SignalState::Abandoned);
        }
    }
    Ok(())
}

/// Takes back what still works of a position that is over: a person has sold it, and the next coins in the account are
/// none of its own.
async fn take_back_the_rest(books: &mut Books, desk: &Desk) -> Result<(), FunctionError> {
    let is_over = |position: &&mut LivePosition| matches!(position.position.state(), PositionState::Closed(_));
    for position in books.positions.iter_mut().filter(is_over) {
        for order in position.orders.iter_mut().filter(|order| !order.done) {
            if let Some(id) = &order.broker_order_id {
                match desk.broker.cancel_order(id).await {
                    Ok(()) | Err(BrokerError::NotFound { .. } | BrokerError::NotCancelable { .. }) => {}
                    Err(error) => return Err(broker_failed("take an order back")(error)),
                }
            }
            order.done = true;
        }
    }
    Ok(())
}

/// Sells again what an exit order that died left over.
fn retry_exit(position: &mut LivePosition, now: UnixMillis) {
    let is_closing = matches!(position.position.state(), PositionState::Closing(_));
    if !is_closing || position.orders_alive().any(|order| order.purpose == OrderPurpose::Exit) {
        return;
    }
    if !exits::may_try_again(position, |order| order.purpose == OrderPurpose::Exit, now) {
        return;
    }
    let quantity = position.rules.round_quantity_down(position.position.held());
    let reference = position.orders.last().map_or(Decimal::ZERO, |order| order.reference);
    if !quantity.is_zero() {
        intend(position, OrderPurpose::Exit, quantity, reference, now);
    }
}

/// Takes back entries that were not filled in time, or what is left of them; while the account is paused, all of them.
pub(crate) async fn give_up_entries(books: &mut Books, desk: &Desk, now: UnixMillis) -> Result<(), FunctionError> {
    let paused = books.account.paused.is_some();
    for position in &mut books.positions {
        let is_entering = matches!(position.position.state(), PositionState::Pending | PositionState::Open);
        if !is_entering || (now < position.intent.expiration_at && !paused) {
            continue;
        }
        // An order that arrives at an open fills there: only one that met none by the next close is too late.
        let entry = position.orders_alive().find(|order| order.purpose == OrderPurpose::Entry);
        let Some((id, folded)) = entry.and_then(|order| Some((order.broker_order_id.clone()?, folded(order)))) else {
            continue;
        };
        if desk.broker.cancel_order(&id).await.is_err() {
            continue;
        }
        // It may have bought something since the fills were folded: then the next sync sees it.
        let state = desk.broker.order(&id).await.map_err(broker_failed("look an order up"))?;
        if position.position.state() == PositionState::Pending && state.filled_quantity == folded {
            kill_entry(position);
            books.signals.insert(position.signal_id.clone(), SignalState::Abandoned);
        }
    }
    Ok(())
}

/// Marks equity at the last close, where a limit asks for it.
async fn mark(ctx: &RunContext, books: &mut Books, desk: &Desk, now: UnixMillis) -> Result<(), FunctionError> {
    let limits = &desk.terms.limits;
    if limits.daily_loss_max_pct.is_none() && limits.drawdown_max_pct.is_none() {
        return Ok(());
    }
    // A sync comes some seconds after the close whose equity it marks.
    let now = desk.terms.finest.candle_open(now);
    if books.account.marked_at.is_some_and(|last| now <= last) {
        return Ok(());
    }
    let cash = desk.broker.account().await.map_err(broker_failed("ask the broker for the account"))?.cash;
    let mut equity = to_f64(cash);
    let mut priced_at = None;
    for holding in holdings(books) {
        let Some((closed, close)) = last_close_at(ctx, desk.terms.finest, &holding.instrument, now).await? else {
            continue;
        };
        priced_at = priced_at.max(Some(closed));
        equity += to_f64(holding.coins) * close;
    }
    // What is held is worth what its last candle says: before the candles of this close have come, it is still the close
    // before that is marked, and this one by whoever looks after them.
    let holds = books.positions.iter().any(|position| !position.position.held().is_zero());
    let now = priced_at.filter(|_| holds).unwrap_or(now);
    if books.account.marked_at.is_some_and(|last| now <= last) {
        return Ok(());
    }
    let account = &mut books.account;
    let midnight = Timeframe::D1.candle_open(now);
    let is_new_day = account.marked_at.is_none_or(|last| last < midnight);
    if is_new_day || now == midnight {
        let before = account.equity.unwrap_or_else(|| to_f64(account.cash_initial));
        account.equity_day_start = Some(if now == midnight { equity } else { before });
    }
    account.equity = Some(equity);
    account.equity_peak = Some(account.equity_peak.map_or(equity, |peak| peak.max(equity)));
    account.marked_at = Some(now);
    Ok(())
}

/// Coins of one lane.
#[derive(Debug, Clone)]
pub(crate) struct LaneHolding {
    pub(crate) instrument: Instrument,
    pub(crate) coins: Decimal,
}

/// Returns what each lane holds, dust included, in the order of the gate.
pub(crate) fn holdings(books: &Books) -> Vec<LaneHolding> {
    let mut positions: Vec<&LivePosition> = books
        .positions
        .iter()
        .filter(|position| !matches!(position.status, PositionStatus::Closed | PositionStatus::Abandoned))
        .collect();
    positions.sort_by(|a, b| a.rank().cmp(&b.rank()));
    let held = positions.iter().map(|position| {
        let dust = books.account.lanes.get(&position.lane().key()).map_or(Decimal::ZERO, |lane| lane.dust);
        LaneHolding { instrument: position.instrument.clone(), coins: position.position.held() + dust }
    });
    let occupied: Vec<String> = positions.iter().map(|position| position.lane().key()).collect();
    let dusty = books.account.lanes.iter().filter(|(key, lane)| !lane.dust.is_zero() && !occupied.contains(key));
    let dusty = dusty.map(|(_, lane)| LaneHolding { instrument: lane.instrument.clone(), coins: lane.dust });
    held.chain(dusty).filter(|holding| !holding.coins.is_zero()).collect()
}

/// Returns the last close at or before `now`, in quote currency.
pub(crate) async fn last_close(
    ctx: &RunContext,
    finest: Timeframe,
    instrument: &Instrument,
    now: UnixMillis,
) -> Result<Option<f64>, FunctionError> {
    Ok(last_close_at(ctx, finest, instrument, now).await?.map(|(_, close)| close))
}

/// Returns when the last candle closed that has by `now`, and at what price.
async fn last_close_at(
    ctx: &RunContext,
    finest: Timeframe,
    instrument: &Instrument,
    now: UnixMillis,
) -> Result<Option<(UnixMillis, f64)>, FunctionError> {
    let series = session_until(ctx, instrument, finest, now, 1).await?;
    let last = |series: Series| {
        Some((
            series.candles.close_time(series.candles.len().checked_sub(1)?),
            series.candles.columns().close.last().copied()?,
        ))
    };
    Ok(series.and_then(last))
}
