//! The trade that a rejected signal would have been, by the rules of the backtest.
//!
//! Bought at the next open while the signal was valid, with slippage and fee; then, candle by candle: the resting stop
//! meets it, the exit plan decides at its close, the strategy's own sales of those days count, and what was decided is
//! sold at the next open. Still held at the end of the window, it is marked at the last close and called open. Fees are
//! those of the lowest tier: what else was traded in those days cannot be known of a trade that was not made.

use std::collections::BTreeMap;
use std::sync::Arc;

use rust_decimal::Decimal;
use sentinel_archive::time::date_of;
use sentinel_archive::{table, warehouse_failed};
use sentinel_domain::candles::Columns;
use sentinel_domain::fill::{Side, StopOutcome};
use sentinel_domain::live::LiveSignal;
use sentinel_domain::money::{decimal_price, to_f64};
use sentinel_domain::position::{Position, PositionError, PositionEvent};
use sentinel_domain::risk::ExitPlan;
use sentinel_domain::settlement::{Quote, buy, sale};
use sentinel_domain::tables::{Cell, SignalRow};
use sentinel_domain::timeframe::{Timeframe, UnixMillis};
use sentinel_domain::trade::ExitReason;
use sentinel_domain::warehouse::{Warehouse, WarehouseExt};
use sentinel_function_runtime::{FunctionError, RunContext};
use sentinel_trading::Terms;

const NO_CANDLE: &str = "no candle opened while it was valid";

/// What happened in the days after the signal.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Market<'a> {
    /// Candles from the signal's close to the end of the window.
    pub(crate) columns: &'a Columns,
    pub(crate) timeframe: Timeframe,
    /// Closes at which the strategy said sell, in rising order.
    pub(crate) sales: Option<&'a [UnixMillis]>,
}

/// A trade that was not made.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Theory {
    pub(crate) quantity: Decimal,
    pub(crate) entry_time: UnixMillis,
    pub(crate) entry_price: Decimal,
    pub(crate) exit_time: UnixMillis,
    pub(crate) exit_price: Decimal,
    /// `None` while it would still be held.
    pub(crate) exit_reason: Option<ExitReason>,
    pub(crate) fees: Decimal,
    pub(crate) pnl: Decimal,
    pub(crate) cost: Decimal,
}

/// How it would have been sold.
#[derive(Debug, Clone, Copy)]
struct Sale {
    quote: Quote,
    reason: ExitReason,
}

/// Follows the trade, or says why there is none.
pub(crate) fn follow(
    signal: &LiveSignal,
    quantity: Decimal,
    market: &Market<'_>,
    terms: &Terms,
) -> Result<Theory, &'static str> {
    let columns = market.columns;
    let row = columns.open_time.partition_point(|open| *open < signal.close_time);
    let open_time = *columns.open_time.get(row).ok_or(NO_CANDLE)?;
    if open_time >= signal.expiration_at {
        return Err(NO_CANDLE);
    }
    let rate = terms.fees.rate.taker(Decimal::ZERO);
    let reference = decimal_price(columns.open[row]);
    let price = terms.fill_model.market(Side::Buy, reference);
    let bought = buy(quantity, Quote { time: open_time, price, reference }, &terms.fees, rate);
    let plan = ExitPlan::new(
        &signal.risk_params,
        &signal.rules,
        signal.stop_loss.map(decimal_price),
        signal.take_profit.map(decimal_price),
        price,
        open_time,
        signal.timeframe.millis(),
    );
    let mut position = Position::default();
    apply(&mut position, PositionEvent::Bought(bought), Decimal::ZERO)?;
    let Some(Sale { quote, reason }) = sold(market, &plan, row, price, terms) else {
        return Ok(still_open(&position, market));
    };
    let coins = signal.rules.round_quantity_down(position.held());
    let fill = sale(coins, quote, &terms.fees, rate);
    apply(&mut position, PositionEvent::Sold(fill, reason), signal.rules.step_size)?;
    let (bought, sold) = (position.bought(), position.sold());
    Ok(Theory {
        quantity: sold.quantity,
        entry_time: bought.time,
        entry_price: bought.price,
        exit_time: sold.time,
        exit_price: sold.price,
        exit_reason: Some(reason),
        fees: bought.fees + sold.fees,
        pnl: position.pnl(),
        cost: position.cost_of_sold(),
    })
}

fn apply(position: &mut Position, event: PositionEvent, dust: Decimal) -> Result<(), &'static str> {
    position.apply(event, dust).map_err(|_: PositionError| "less than the smallest order would have been held")
}

/// Marks what is held at the last close.
fn still_open(position: &Position, market: &Market<'_>) -> Theory {
    let last = market.columns.open_time.len() - 1;
    let mark = decimal_price(market.columns.close[last]);
    let bought = position.bought();
    Theory {
        quantity: position.held(),
        entry_time: bought.time,
        entry_price: bought.price,
        exit_time: market.timeframe.close_time(market.columns.open_time[last]),
        exit_price: mark,
        exit_reason: None,
        fees: bought.fees,
        pnl: position.pnl_open(mark),
        cost: bought.notional + bought.fees_cash,
    }
}

/// Returns how a position bought at the open of `entry` is sold within the window.
fn sold(market: &Market<'_>, plan: &ExitPlan, entry: usize, entry_price: Decimal, terms: &Terms) -> Option<Sale> {
    let columns = market.columns;
    let mut best = to_f64(entry_price);
    for row in entry..columns.open_time.len() {
        let candle = columns.candle(row);
        let close_time = market.timeframe.close_time(candle.open_time);
        best = best.max(candle.close);
        let reason = match plan.stop.map(|stop| terms.fill_model.stop(&stop, &candle)) {
            Some(StopOutcome::Filled { price, reference }) => {
                let at_open = reference == decimal_price(candle.open);
                let time = if at_open { candle.open_time } else { close_time };
                return Some(Sale { quote: Quote { time, price, reference }, reason: ExitReason::Stop });
            }
            Some(StopOutcome::GappedBeyond) => Some(ExitReason::Stop),
            Some(StopOutcome::Untouched) | None => {
                plan.exit_at_close(decimal_price(candle.close), decimal_price(best), close_time)
            }
        };
        let opened = candle.open_time;
        let advised = market.sales.unwrap_or_default().iter().any(|time| opened < *time && *time <= close_time);
        if let Some(reason) = reason.or(advised.then_some(ExitReason::Signal)) {
            let reference = decimal_price(*columns.open.get(row + 1)?);
            let price = terms.fill_model.market(Side::Sell, reference);
            let time = columns.open_time[row + 1];
            return Some(Sale { quote: Quote { time, price, reference }, reason });
        }
    }
    None
}

/// Returns, for each of `signals`, when its strategy said sell in the same instrument within the window.
pub(crate) async fn sales(
    ctx: &RunContext,
    warehouse: &Arc<dyn Warehouse>,
    signals: Vec<&LiveSignal>,
) -> Result<BTreeMap<String, Vec<UnixMillis>>, FunctionError> {
    let times = signals.iter().map(|signal| signal.close_time);
    let (Some(first), Some(last)) = (times.clone().min(), times.max()) else { return Ok(BTreeMap::new()) };
    let table = table::<SignalRow>(ctx.environment());
    warehouse.ensure(&table).await.map_err(warehouse_failed("make a table"))?;
    let last = last + super::VALIDITY_WINDOW_DAYS * Timeframe::D1.millis();
    let condition = "t.ds BETWEEN ? AND ? AND t.is_backtest = FALSE AND t.signal_type IN ('SELL', 'STRONG_SELL')";
    let parameters = [Cell::Date(date_of(first)), Cell::Date(date_of(last))];
    let rows = warehouse.select::<SignalRow>(&table, condition, &parameters).await;
    let rows = rows.map_err(warehouse_failed("read the sales of those days"))?;
    let mut by_lane: BTreeMap<[String; 5], Vec<UnixMillis>> = BTreeMap::new();
    for row in rows {
        let account = row.account_id.unwrap_or_default();
        let lane = [account, row.strategy_id, row.exchange, row.symbol, row.timeframe];
        by_lane.entry(lane).or_default().push(row.timestamp.timestamp_millis());
    }
    let of = |signal: &LiveSignal| {
        let from = signal.close_time;
        let until = super::window_end(signal);
        let times = by_lane.get(&lane_of(signal)).into_iter().flatten().copied();
        times.filter(|time| from < *time && *time <= until).collect::<Vec<_>>()
    };
    Ok(signals.into_iter().map(|signal| (signal.signal_id.clone(), of(signal))).collect())
}

fn lane_of(signal: &LiveSignal) -> [String; 5] {
    [
        signal.account_id.clone(),
        signal.strategy_id.clone(),
        signal.instrument.exchange.to_string(),
        signal.instrument.symbol.to_string(),
        signal.timeframe.as_str().to_owned(),
    ]
}
