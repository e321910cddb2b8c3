//! A closed position as a row of `fact_trades`.

use rust_decimal::Decimal;
use sentinel_archive::Tape;
use sentinel_archive::rows::filled;
use sentinel_archive::time::{date_of, utc};
use sentinel_domain::candles::{Columns, format_time};
use sentinel_domain::excursion::excursions;
use sentinel_domain::guardian::Violation;
use sentinel_domain::hash::ContentHasher;
use sentinel_domain::live::{LiveOrder, LivePosition, OrderPurpose};
use sentinel_domain::money::{decimal_price, to_f64};
use sentinel_domain::tables::FactTrade;
use sentinel_domain::timeframe::Timeframe;
use sentinel_function_runtime::FunctionError;

/// Returns the trade, and what is wrong with it: nothing, or candles that are missing.
pub(crate) async fn row(
    live: &LivePosition,
    tape: &mut Tape<'_>,
) -> Result<(FactTrade, Option<Violation>), FunctionError> {
    let (position, bought, sold) = (&live.position, live.position.bought(), live.position.sold());
    let cost = position.cost_of_sold();
    let pnl = position.pnl();
    let seller = seller(live);
    let (excursion, missing) = excursion(live, tape).await?;
    let row = FactTrade {
        trade_id: ContentHasher::new("trade").text(&live.position_id).finish().to_string(),
        position_id: live.position_id.clone(),
        signal_id: live.signal_id.clone(),
        account_id: live.account_id.clone(),
        strategy_id: live.strategy_id.clone(),
        strategy_version: live.strategy_version.to_string(),
        exchange: live.instrument.exchange.to_string(),
        symbol: live.instrument.symbol.to_string(),
        timeframe: live.timeframe.as_str().to_owned(),
        side: "long".to_owned(),
        pattern_name: filled(&live.pattern_name),
        confidence_score: live.confidence,
        signal_time: utc(live.signal_time),
        entry_time: utc(bought.time),
        exit_time: utc(sold.time),
        entry_date: date_of(bought.time),
        exit_date: date_of(sold.time),
        quantity: sold.quantity,
        entry_reference_price: Some(decimal_price(live.signal_price)),
        entry_fill_price: bought.price,
        exit_reference_price: seller.map(|order| order.reference),
        exit_fill_price: sold.price,
        // So that profit, notionals and fees are exactly one another's sum, dust and fees in coins included.
        entry_notional_usd: cost - bought.fees,
        exit_notional_usd: sold.notional,
        entry_cost_usd: cost,
        estimated_fee_usd: bought.fees + sold.fees,
        actual_fee_usd: None,
        fee_finalized: false,
        pnl_usd: pnl,
        pnl_pct: if cost.is_zero() { 0.0 } else { to_f64(pnl) / to_f64(cost) * 100.0 },
        slippage_pct: Some(position.slippage_pct()),
        max_favorable_excursion: excursion.0,
        max_adverse_excursion: excursion.1,
        exit_reason: live.exit_reason.map_or("", |reason| reason.as_str()).to_owned(),
        bars_held: (sold.time - bought.time) / live.timeframe.millis(),
        stop_loss: live.plan.and_then(|plan| plan.stop).map(|stop| stop.stop_price),
        take_profit: live.plan.and_then(|plan| plan.target),
        entry_client_order_id: entry_order(live).map(|order| order.client_order_id.clone()).unwrap_or_default(),
        exit_client_order_id: seller.map(|order| order.client_order_id.clone()),
        timestamp: utc(sold.time),
        ds: date_of(sold.time),
    };
    Ok((row, missing))
}

fn entry_order(live: &LivePosition) -> Option<&LiveOrder> {
    live.orders.iter().find(|order| order.purpose == OrderPurpose::Entry)
}

/// Returns the order whose fill was the last sale; `None` when that was nobody's of ours.
fn seller(live: &LivePosition) -> Option<&LiveOrder> {
    let last = live.position.sold().time;
    let sales = live.orders.iter().filter(|order| order.purpose != OrderPurpose::Entry);
    sales.rev().find(|order| order.legs.iter().any(|leg| leg.fill.time == last))
}

/// Returns MFE and MAE, by the finest candles from entry to exit.
async fn excursion(live: &LivePosition, tape: &mut Tape<'_>) -> Result<((f64, f64), Option<Violation>), FunctionError> {
    let (entry, exit) = (live.position.bought(), live.position.sold());
    let (timeframe, columns) = tape.between(&live.instrument, live.timeframe, entry.time, exit.time).await?;
    let held = held(live, timeframe, &columns);
    let found = excursions(&columns, 0..held, to_f64(entry.price), to_f64(exit.price));
    // Sold within the candle it was bought in: no candle was held to its close.
    let is_within_one = timeframe.candle_open(entry.time) == timeframe.candle_open(exit.time);
    if !columns.open_time.is_empty() || is_within_one {
        return Ok((found, None));
    }
    let (from, until) = (format_time(entry.time), format_time(exit.time));
    let allowed = format!("what candles of {} from {from} to {until} say, and there are none", live.instrument);
    let column = "max_favorable_excursion".to_owned();
    Ok((found, Some(Violation { column, found: "unknown".to_owned(), allowed })))
}

/// Returns how many of the candles that closed by the exit were held to their close. The one in which a resting stop
/// sold was not: of it only the fall to the fill is known to have happened before.
fn held(live: &LivePosition, timeframe: Timeframe, columns: &Columns) -> usize {
    let all = columns.open_time.len();
    let Some(last) = all.checked_sub(1) else { return 0 };
    let stop_price = seller(live).and_then(|order| match order.purpose {
        OrderPurpose::Stop { stop_price, .. } => Some(stop_price),
        OrderPurpose::Entry | OrderPurpose::Exit => None,
    });
    let ended_with_it = timeframe.close_time(columns.open_time[last]) == live.position.sold().time;
    let was_touched = stop_price.is_some_and(|stop: Decimal| decimal_price(columns.low[last]) <= stop);
    if ended_with_it && was_touched { last } else { all }
}
