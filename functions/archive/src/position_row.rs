//! Positions as rows of `positions`.

use rust_decimal::Decimal;
use sentinel_domain::live::{LivePosition, PositionStatus};
use sentinel_domain::money::to_f64;
use sentinel_domain::position::PositionState;
use sentinel_domain::tables::PositionRow;
use sentinel_domain::trade::ExitReason;

use crate::time::{date_of, utc};

/// Returns the row of a position as it stands.
#[must_use]
pub fn position_row(live: &LivePosition) -> PositionRow {
    let (position, bought, sold) = (&live.position, live.position.bought(), live.position.sold());
    let entry = (!bought.quantity.is_zero()).then_some(bought);
    let closed = match position.state() {
        PositionState::Closed(reason) => Some((sold, reason)),
        _ => None,
    };
    let pnl = closed.map(|_| position.pnl());
    let quantity = match (closed, entry) {
        (Some((sold, _)), _) => sold.quantity,
        (None, Some(bought)) => bought.quantity,
        (None, None) => live.intent.quantity,
    };
    let on_grid = |price: Option<Decimal>| price.map(|price| live.rules.round_price(price));
    PositionRow {
        position_id: live.position_id.clone(),
        signal_id: live.signal_id.clone(),
        account_id: Some(live.account_id.clone()),
        is_backtest: false,
        backtest_id: None,
        strategy_id: live.strategy_id.clone(),
        strategy_name: live.strategy_id.clone(),
        strategy_version: live.strategy_version.to_string(),
        exchange: live.instrument.exchange.to_string(),
        symbol: live.instrument.symbol.to_string(),
        timeframe: live.timeframe.as_str().to_owned(),
        side: "long".to_owned(),
        status: status_name(live).to_owned(),
        signal_time: utc(live.signal_time),
        entry_timestamp: entry.map(|leg| utc(leg.time)),
        entry_fill_price: entry.map(|leg| leg.price),
        exit_timestamp: closed.map(|(leg, _)| utc(leg.time)),
        exit_fill_price: closed.map(|(leg, _)| leg.price),
        exit_reason: closed.map(|(_, reason)| reason.as_str().to_owned()),
        quantity,
        stop_loss: live
            .plan
            .and_then(|plan| plan.stop)
            .map(|stop| stop.stop_price)
            .or_else(|| on_grid(live.intent.stop_loss)),
        current_stop: live.current_stop,
        take_profit: live.plan.and_then(|plan| plan.target).or_else(|| on_grid(live.intent.take_profit)),
        fee_usd: bought.fees + sold.fees,
        pnl,
        pnl_pct: pnl.map(|pnl| percent_of(pnl, position.cost_of_sold())),
        entry_date: entry.map(|leg| date_of(leg.time)),
        exit_date: closed.map(|(leg, _)| date_of(leg.time)),
        timestamp: utc(live.signal_time),
        ds: date_of(live.signal_time),
    }
}

/// Returns `part` per cent of `whole`; 0 of nothing.
#[must_use]
pub(crate) fn percent_of(part: Decimal, whole: Decimal) -> f64 {
    if whole.is_zero() { 0.0 } else { to_f64(part) / to_f64(whole) * 100.0 }
}

fn status_name(live: &LivePosition) -> &'static str {
    match live.status {
        PositionStatus::Pending => "pending",
        PositionStatus::Open => "open",
        PositionStatus::Closing => "closing",
        PositionStatus::Closed if live.exit_reason == Some(ExitReason::Stop) => "stopped",
        PositionStatus::Closed => "closed",
        PositionStatus::Abandoned => "abandoned",
    }
}
