//! Answers of the trading interface.

use rust_decimal::{Decimal, dec};
use sentinel_domain::broker::{
    Activity, BrokerOrder, BrokerOrderStatus, BrokerPosition, CryptoFee, FillActivity, OrderSize, TimeInForce,
};
use sentinel_domain::fill::Side;
use sentinel_domain::instrument::Symbol;
use sentinel_domain::money::to_f64;
use sentinel_domain::timeframe::{Timeframe, UnixMillis};
use serde_json::{Value, json};

use super::{asset_id, compact, date, text, time};
use crate::exchange::{Exchange, HistoryWindow, OrderUpdate};

pub(crate) fn account(exchange: &Exchange) -> Value {
    let account = exchange.account();
    json!({
        "id": account.id,
        "account_number": account.id.replace('-', "")[..12].to_uppercase(),
        "status": "ACTIVE",
        "crypto_status": "ACTIVE",
        "currency": account.currency,
        "cash": text(account.cash),
        "equity": text(account.equity),
        "last_equity": text(account.last_equity),
        "portfolio_value": text(account.equity),
        "buying_power": text(account.buying_power),
        "non_marginable_buying_power": text(account.buying_power),
        "regt_buying_power": text(account.buying_power),
        "daytrading_buying_power": "0",
        "options_buying_power": "0",
        "accrued_fees": text(account.accrued_fees),
        "long_market_value": text(account.long_market_value),
        "short_market_value": "0",
        "position_market_value": text(account.long_market_value),
        "initial_margin": text(account.initial_margin),
        "maintenance_margin": text(account.maintenance_margin),
        "last_maintenance_margin": "0",
        "multiplier": "1",
        "sma": "0",
        "balance_asof": date(exchange.now().time - Timeframe::D1.millis()),
        "intraday_adjustments": "0",
        "pending_transfer_in": "0",
        "pending_transfer_out": "0",
        "pending_reg_taf_fees": "0",
        "daytrade_count": 0,
        "options_approved_level": 0,
        "options_trading_level": 0,
        "pattern_day_trader": false,
        "trading_blocked": account.trading_blocked,
        "transfers_blocked": false,
        "account_blocked": false,
        "trade_suspended_by_user": false,
        "shorting_enabled": false,
        "created_at": time(account.created_at),
    })
}

pub(crate) fn clock(exchange: &Exchange) -> Value {
    let now = exchange.now().time;
    let tomorrow = Timeframe::D1.close_time(Timeframe::D1.candle_open(now));
    json!({ "timestamp": time(now), "is_open": true, "next_open": time(tomorrow), "next_close": time(tomorrow) })
}

pub(crate) fn order(order: &BrokerOrder) -> Value {
    let request = &order.request;
    let (quantity, notional) = match request.size {
        OrderSize::Quantity(quantity) => (Some(text(quantity)), None),
        OrderSize::Notional(sum) => (None, Some(text(sum))),
    };
    let (side, intent) = match request.side {
        Side::Buy => ("buy", "buy_to_open"),
        Side::Sell => ("sell", "sell_to_close"),
    };
    let optional_time = |value: Option<UnixMillis>| value.map(time);
    json!({
        "id": order.id,
        "client_order_id": request.client_order_id,
        "created_at": time(order.submitted_at),
        "updated_at": time(order.updated_at),
        "submitted_at": time(order.submitted_at),
        "filled_at": optional_time(order.filled_at),
        "expired_at": optional_time(order.expired_at),
        "canceled_at": optional_time(order.canceled_at),
        "failed_at": optional_time(order.failed_at),
        "replaced_at": null,
        "replaced_by": null,
        "replaces": null,
        "asset_id": asset_id(&request.symbol),
        "symbol": request.symbol,
        "asset_class": "crypto",
        "notional": notional,
        "qty": quantity,
        "filled_qty": text(order.filled_quantity),
        "filled_avg_price": order.filled_avg_price.map(text),
        "order_class": "",
        "order_type": request.kind.as_str(),
        "type": request.kind.as_str(),
        "side": side,
        "position_intent": intent,
        "time_in_force": match request.time_in_force { TimeInForce::Gtc => "gtc", TimeInForce::Ioc => "ioc" },
        "limit_price": request.kind.limit_price().map(text),
        "stop_price": request.kind.stop_price().map(text),
        "status": order.status.as_str(),
        "extended_hours": false,
        "legs": null,
        "trail_percent": null,
        "trail_price": null,
        "hwm": null,
        "ratio_qty": null,
    })
}

/// Returns an update as the stream tells it: symbols are without slash there.
pub(crate) fn order_update(update: &OrderUpdate) -> Value {
    let mut shown = order(&update.order);
    shown["symbol"] = json!(compact(&update.order.request.symbol));
    let mut data = json!({
        "event": update.happening.as_str(),
        "execution_id": update.execution_id,
        "timestamp": time(update.time),
        "order": shown,
    });
    if let Some(execution) = update.execution {
        data["price"] = json!(text(execution.price));
        data["qty"] = json!(text(execution.quantity));
        data["position_qty"] = json!(text(execution.held));
    }
    json!({ "stream": "trade_updates", "data": data })
}

/// Returns an order as the answer to its submission: taken, and nothing more is known yet, as with a real broker.
pub(crate) fn accepted(shown: &BrokerOrder) -> Value {
    order(&BrokerOrder {
        status: BrokerOrderStatus::PendingNew,
        filled_quantity: Decimal::ZERO,
        filled_avg_price: None,
        updated_at: shown.submitted_at,
        filled_at: None,
        canceled_at: None,
        failed_at: None,
        ..shown.clone()
    })
}

pub(crate) fn position(exchange: &Exchange, position: &BrokerPosition) -> Value {
    let market = exchange.markets().get(&position.symbol);
    let midnight = Timeframe::D1.candle_open(exchange.now().time);
    let price = position.current_price.unwrap_or(position.entry_price_avg);
    let lastday_price = market.and_then(|market| market.close_at(midnight)).unwrap_or(price);
    let unrealized = position.unrealized_pnl.unwrap_or_default();
    let today = ((price - lastday_price) * position.quantity).round_dp(9);
    let yesterday = (lastday_price * position.quantity).round_dp(9);
    json!({
        "asset_id": asset_id(&position.symbol),
        "symbol": compact(&position.symbol),
        "exchange": "CRYPTO",
        "asset_class": "crypto",
        "asset_marginable": false,
        "qty": text(position.quantity),
        "qty_available": text(position.quantity_available),
        "side": "long",
        "avg_entry_price": text(position.entry_price_avg),
        "market_value": text(position.market_value.unwrap_or_default()),
        "cost_basis": text(position.cost_basis),
        "unrealized_pl": text(unrealized),
        "unrealized_plpc": text(fraction(unrealized, position.cost_basis)),
        "unrealized_intraday_pl": text(today),
        "unrealized_intraday_plpc": text(fraction(today, yesterday)),
        "current_price": text(price),
        "lastday_price": text(lastday_price),
        "change_today": text(fraction(price - lastday_price, lastday_price)),
    })
}

fn fraction(part: Decimal, whole: Decimal) -> Decimal {
    if whole.is_zero() { dec!(0) } else { (part / whole).round_dp(9) }
}

pub(crate) fn activity(exchange: &Exchange, activity: &Activity) -> Value {
    match exchange.shown_activity(activity) {
        Activity::Fill(fill) => fill_activity(&fill),
        Activity::CryptoFee(fee) => crypto_fee(&fee),
        Activity::Other(other) => json!({
            "id": other.id,
            "activity_type": other.kind,
            "date": other.date.map(date),
            "net_amount": text(other.net_amount),
        }),
    }
}

fn fill_activity(fill: &FillActivity) -> Value {
    let (kind, status) = if fill.is_partial { ("partial_fill", "partially_filled") } else { ("fill", "filled") };
    json!({
        "id": fill.id,
        "activity_type": "FILL",
        "type": kind,
        "transaction_time": time(fill.time),
        "symbol": fill.symbol,
        "side": match fill.side { Side::Buy => "buy", Side::Sell => "sell" },
        "qty": text(fill.quantity),
        "price": text(fill.price),
        "cum_qty": text(fill.quantity_cumulative),
        "leaves_qty": text(fill.quantity_left),
        "order_id": fill.order_id,
        "order_status": status,
    })
}

fn crypto_fee(fee: &CryptoFee) -> Value {
    let currency = if fee.quantity.is_zero() { "USD" } else { "Non USD" };
    json!({
        "id": fee.id,
        "activity_type": "CFEE",
        "activity_sub_type": "",
        "date": date(fee.date),
        "created_at": time(posted_at(&fee.id).unwrap_or(fee.date)),
        "symbol": fee.symbol.as_ref().map(|symbol| symbol.replace('/', "")),
        "qty": text(fee.quantity),
        "net_amount": text(fee.net_amount),
        "price": fee.price.map(text),
        "per_share_amount": "0",
        "currency": "USD",
        "description": format!("Coin Pair Transaction Fee ({currency})"),
        "group_id": fee.order_id,
        "status": "executed",
    })
}

/// Returns when an entry was written, which is the beginning of its id.
pub(crate) fn posted_at(id: &str) -> Option<UnixMillis> {
    let digits = id.split("::").next()?;
    let (seconds, millis) = digits.split_at_checked(14)?;
    let time = chrono::NaiveDateTime::parse_from_str(seconds, "%Y%m%d%H%M%S").ok()?;
    Some(time.and_utc().timestamp_millis() + millis.parse::<i64>().ok()?)
}

pub(crate) fn asset(exchange: &Exchange, symbol: &Symbol) -> Value {
    let rules = exchange.markets().get(symbol).map(|market| *market.rules()).unwrap_or_default();
    json!({
        "id": asset_id(symbol),
        "class": "crypto",
        "exchange": "CRYPTO",
        "symbol": symbol,
        "name": format!("{} / {}", symbol.base(), symbol.quote()),
        "status": if rules.tradable { "active" } else { "inactive" },
        "tradable": rules.tradable,
        "marginable": false,
        "maintenance_margin_requirement": 100,
        "margin_requirement_long": "100",
        "margin_requirement_short": "100",
        "shortable": false,
        "easy_to_borrow": false,
        "fractionable": true,
        "attributes": [],
        "min_order_size": text(rules.quantity_min),
        "min_trade_increment": text(rules.step_size),
        "price_increment": text(rules.tick_size),
    })
}

pub(crate) fn history(windows: &[HistoryWindow], base: Decimal, timeframe: Timeframe, from: UnixMillis) -> Value {
    let profit = |window: &HistoryWindow| window.equity - base;
    json!({
        "timestamp": windows.iter().map(|window| window.open_time / 1000).collect::<Vec<_>>(),
        "equity": windows.iter().map(|window| to_f64(window.equity)).collect::<Vec<_>>(),
        "profit_loss": windows.iter().map(|window| to_f64(profit(window))).collect::<Vec<_>>(),
        "profit_loss_pct": windows.iter().map(|window| to_f64(fraction(profit(window), base))).collect::<Vec<_>>(),
        "base_value": to_f64(base),
        "base_value_asof": date(from),
        "timeframe": super::queries::history_name(timeframe),
        "cashflow": {},
    })
}
