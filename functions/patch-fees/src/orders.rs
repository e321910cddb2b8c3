//! The orders behind trades, as far as their fees are concerned.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use sentinel_archive::broker_failed;
use sentinel_domain::broker::{
    Activity, ActivityKind, ActivityQuery, Broker, BrokerError, BrokerOrderId, all_activities,
};
use sentinel_domain::fill::Side;
use sentinel_domain::live::{LivePosition, OrderPurpose};
use sentinel_domain::tables::FactTrade;
use sentinel_domain::timeframe::{Timeframe, UnixMillis};
use sentinel_domain::trade::ExitReason;
use sentinel_function_runtime::{FunctionError, RunContext};

/// How many documents are asked for at once.
const LOOK_UP_MAX: usize = 500;

/// What one order traded on one day.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct DayOfOrder {
    pub(crate) order_id: BrokerOrderId,
    pub(crate) side: Side,
    /// Without a slash.
    pub(crate) symbol: String,
    /// 00:00 UTC of the day.
    pub(crate) day: UnixMillis,
    pub(crate) quantity: Decimal,
    pub(crate) notional: Decimal,
}

/// The orders of each trade.
#[derive(Debug, Default)]
pub(crate) struct TradeOrders(BTreeMap<String, Vec<DayOfOrder>>);

impl TradeOrders {
    /// Reads them from the hot positions, and asks the broker for those of positions that are gone.
    pub(crate) async fn read(
        ctx: &RunContext,
        broker: &dyn Broker,
        trades: &[FactTrade],
    ) -> Result<Self, FunctionError> {
        let records = ctx.records::<LivePosition>();
        let ids: Vec<String> = trades.iter().map(|trade| trade.position_id.clone()).collect();
        let mut hot: BTreeMap<String, LivePosition> = BTreeMap::new();
        for ids in ids.chunks(LOOK_UP_MAX) {
            let found = records.get_many(ids).await?;
            hot.extend(found.into_iter().map(|stored| (stored.record.position_id.clone(), stored.record)));
        }
        let mut orders = Self::default();
        for trade in trades {
            let days = match hot.get(&trade.position_id) {
                Some(position) if position.exit_reason == Some(ExitReason::Manual) => {
                    let mut days = of_position(position);
                    days.extend(by_hand(broker, position, &days).await?);
                    days
                }
                Some(position) => of_position(position),
                None => of_broker(broker, trade).await?,
            };
            orders.0.insert(trade.trade_id.clone(), days);
        }
        Ok(orders)
    }

    /// Returns the orders of a trade, day by day; none where they cannot be found any more.
    pub(crate) fn of(&self, trade_id: &str) -> &[DayOfOrder] {
        self.0.get(trade_id).map_or(&[], Vec::as_slice)
    }
}

fn of_position(position: &LivePosition) -> Vec<DayOfOrder> {
    let mut days: Vec<DayOfOrder> = Vec::new();
    for order in &position.orders {
        let Some(order_id) = &order.broker_order_id else { continue };
        let side = if order.purpose == OrderPurpose::Entry { Side::Buy } else { Side::Sell };
        for leg in &order.legs {
            let day = Timeframe::D1.candle_open(leg.fill.time);
            let symbol = position.instrument.symbol.to_string().replace('/', "");
            let (quantity, notional) = (leg.fill.quantity, leg.fill.notional);
            match days.iter_mut().find(|known| known.order_id == *order_id && known.day == day) {
                Some(known) => {
                    known.quantity += quantity;
                    known.notional += notional;
                }
                None => days.push(DayOfOrder { order_id: order_id.clone(), side, symbol, day, quantity, notional }),
            }
        }
    }
    days
}

/// Returns the sale by which a person closed the position: an order at the broker that is none of ours.
async fn by_hand(
    broker: &dyn Broker,
    position: &LivePosition,
    ours: &[DayOfOrder],
) -> Result<Vec<DayOfOrder>, FunctionError> {
    /// Fills are told to the millisecond, moments of a list with less care.
    const AROUND: i64 = 1_000;
    let time = position.position.sold().time;
    let symbol = position.instrument.symbol.to_string().replace('/', "");
    let query = ActivityQuery {
        kinds: vec![ActivityKind::Fill],
        after: Some(time - AROUND),
        until: Some(time + AROUND),
        ..ActivityQuery::default()
    };
    let activities = all_activities(broker, &query).await.map_err(broker_failed("list fills"))?;
    let theirs = activities.into_iter().filter_map(|activity| match activity {
        Activity::Fill(fill) if fill.side == Side::Sell && fill.symbol.replace('/', "") == symbol => Some(fill),
        _ => None,
    });
    let strange = theirs.filter(|fill| ours.iter().all(|order| order.order_id != fill.order_id));
    Ok(strange
        .map(|fill| DayOfOrder {
            side: Side::Sell,
            symbol: symbol.clone(),
            day: Timeframe::D1.candle_open(fill.time),
            quantity: fill.quantity,
            notional: fill.quantity * fill.price,
            order_id: fill.order_id,
        })
        .collect())
}

/// Asks for the two orders that a trade names.
async fn of_broker(broker: &dyn Broker, trade: &FactTrade) -> Result<Vec<DayOfOrder>, FunctionError> {
    let mut days = Vec::new();
    let named = std::iter::once(&trade.entry_client_order_id).chain(&trade.exit_client_order_id);
    for id in named {
        let Ok(id) = id.parse() else { continue };
        let order = match broker.order_by_client_id(&id).await {
            Ok(order) => order,
            Err(BrokerError::NotFound { .. }) => continue,
            Err(error) => return Err(broker_failed("look an order up")(error)),
        };
        days.push(DayOfOrder {
            side: order.request.side,
            symbol: order.request.symbol.to_string().replace('/', ""),
            day: Timeframe::D1.candle_open(order.filled_at.unwrap_or(order.updated_at)),
            quantity: order.filled_quantity,
            notional: order.filled_quantity * order.filled_avg_price.unwrap_or_default(),
            order_id: order.id,
        });
    }
    Ok(days)
}
