//! What ends a position without its strategy's say: looked at candle by candle, as the backtest does.

use rust_decimal::Decimal;
use sentinel_domain::candles::Candles;
use sentinel_domain::documents::StoreError;
use sentinel_domain::fill::{FillModel, StopOutcome};
use sentinel_domain::live::{LiveOrder, LivePosition, OrderPurpose};
use sentinel_domain::money::{decimal_price, to_f64};
use sentinel_domain::position::{PositionEvent, PositionState};
use sentinel_domain::risk::ExitPlan;
use sentinel_domain::timeframe::{Timeframe, UnixMillis};
use sentinel_domain::trade::ExitReason;
use sentinel_function_runtime::RunContext;

use crate::orders::intend;
use crate::series::session_until;

/// Makes the plan of a position whose entry was filled, and decides the stop that rests at the broker.
pub(crate) fn plan(position: &mut LivePosition, now: UnixMillis) {
    let entry_is_over = position.orders.iter().all(|order| order.purpose != OrderPurpose::Entry || order.done);
    if position.plan.is_some() || position.position.state() != PositionState::Open || !entry_is_over {
        return;
    }
    // A fill whose price the broker has not told yet is no base for a plan; the price patch heals it.
    if position.orders.iter().flat_map(|order| &order.legs).any(|leg| leg.fill.price.is_zero()) {
        return;
    }
    let bought = *position.position.bought();
    let plan = ExitPlan::new(
        &position.risk_params,
        &position.rules,
        position.intent.stop_loss,
        position.intent.take_profit,
        bought.price,
        bought.time,
        position.timeframe.millis(),
    );
    position.plan = Some(plan);
    position.best_close = Some(to_f64(bought.price));
    position.watched_until = bought.time;
    position.current_stop = plan.stop.map(|stop| stop.stop_price);
    guard(position, now);
}

/// Lets the stop of the plan rest at the broker where it does not yet, or not any more: the broker may have rejected it,
/// or a person taken it back.
pub(crate) fn guard(position: &mut LivePosition, now: UnixMillis) {
    let Some(stop) = position.plan.and_then(|plan| plan.stop) else { return };
    let is_needed = position.position.state() == PositionState::Open && position.resting_stop().is_none();
    let quantity = position.rules.round_quantity_down(position.position.held());
    if is_needed && !quantity.is_zero() {
        let purpose = OrderPurpose::Stop { stop_price: stop.stop_price, limit_price: stop.limit_price };
        if may_try_again(position, |order| matches!(order.purpose, OrderPurpose::Stop { .. }), now) {
            intend(position, purpose, quantity, stop.stop_price, now);
        }
    }
}

/// Refusals after which the next try waits.
const REFUSED_MAX: usize = 3;
const WAIT_MS: i64 = 60_000;
const WAIT_MAX_MS: i64 = 3_600_000;

/// Returns whether an order of a kind that the broker keeps refusing may be tried once more: at once, and after a few
/// times only after a minute, two, four, up to an hour, so that orders do not pile up.
pub(crate) fn may_try_again(position: &LivePosition, is_kind: impl Fn(&LiveOrder) -> bool, now: UnixMillis) -> bool {
    let tries = || position.orders.iter().rev().filter(|order| is_kind(order));
    let refused = tries().take_while(|order| order.trouble.is_some()).count();
    tries().next().is_none_or(|last| now >= last.decided_at + wait_after(refused))
}

/// Returns how long to wait after so many refusals in a row, in milliseconds.
fn wait_after(refused: usize) -> i64 {
    match refused.checked_sub(REFUSED_MAX) {
        None => 0,
        Some(more) => (WAIT_MS << more.min(6)).min(WAIT_MAX_MS),
    }
}

/// Looks at the candles that closed since the last time, up to `now`, and orders the exit that one of them asks for.
pub(crate) async fn watch(
    ctx: &RunContext,
    position: &mut LivePosition,
    finest: Timeframe,
    fill_model: &FillModel,
    now: UnixMillis,
) -> Result<(), StoreError> {
    let Some(plan) = position.plan.filter(|_| position.position.state() == PositionState::Open) else { return Ok(()) };
    if position.watched_until >= now {
        return Ok(());
    }
    let sessions_back = usize::try_from((now - position.watched_until) / finest.millis()).unwrap_or(0);
    let Some(series) = session_until(ctx, &position.instrument, finest, now, sessions_back).await? else {
        return Ok(());
    };
    let candles = &series.candles;
    let first = candles.columns().open_time.partition_point(|open| finest.close_time(*open) <= position.watched_until);
    for row in first..candles.len() {
        position.watched_until = candles.close_time(row);
        if let Some(reason) = at_candle(position, &plan, fill_model, candles, row) {
            order_exit(position, reason, candles.columns().close[row], now);
            break;
        }
    }
    Ok(())
}

/// Returns why to sell after the candle at `row`. A stop that was filled within it is the broker's to tell, unless none
/// rests there.
fn at_candle(
    position: &mut LivePosition,
    plan: &ExitPlan,
    fill_model: &FillModel,
    candles: &Candles,
    row: usize,
) -> Option<ExitReason> {
    let close = candles.columns().close[row];
    let best = position.best_close.map_or(close, |best| best.max(close));
    position.best_close = Some(best);
    match plan.stop.map(|stop| fill_model.stop(&stop, &candles.candle(row))) {
        Some(StopOutcome::GappedBeyond) => Some(ExitReason::Stop),
        Some(StopOutcome::Filled { .. }) => position.resting_stop().is_none().then_some(ExitReason::Stop),
        Some(StopOutcome::Untouched) | None => {
            plan.exit_at_close(decimal_price(close), decimal_price(best), candles.close_time(row))
        }
    }
}

/// Orders the sale of all that is held.
pub(crate) fn order_exit(position: &mut LivePosition, reason: ExitReason, close: f64, now: UnixMillis) {
    if let Err(error) = position.position.apply(PositionEvent::ExitOrdered(reason), Decimal::ZERO) {
        panic!("only an open position is sold: {error}");
    }
    position.refresh();
    let quantity = position.rules.round_quantity_down(position.position.held());
    intend(position, OrderPurpose::Exit, quantity, decimal_price(close), now);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_is_tried_less_and_less_often() {
        let minutes = [0, 1, 2, 3, 4, 5, 8, 9, 10, 1_000].map(|refused| wait_after(refused) / WAIT_MS);
        assert_eq!(minutes, [0, 0, 0, 1, 2, 4, 32, 60, 60, 60]);
    }
}
