//! What ends a position without its strategy's say: looked at candle by candle, as the backtest does.

use rust_decimal::Decimal;
use sentinel_domain::candles::Candles;
use sentinel_domain::documents::StoreError;
use sentinel_domain::fill::{FillModel, StopOutcome};
use sentinel_domain::live::{LivePosition, OrderPurpose};
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
    let bought = *position.position.bought();
    // A fill whose price the broker has not told yet is no base for a plan; the price patch heals it.
    if bought.price.is_zero() {
        return;
    }
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
    if let Some(stop) = plan.stop {
        let quantity = position.rules.round_quantity_down(position.position.held());
        let purpose = OrderPurpose::Stop { stop_price: stop.stop_price, limit_price: stop.limit_price };
        intend(position, purpose, quantity, stop.stop_price, now);
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

/// Returns why to sell after the candle at `row`. A stop that was filled within it is the broker's to tell.
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
        Some(StopOutcome::Filled { .. }) => None,
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
