//! What the broker says of a position's orders, against what was folded into it.

use std::collections::BTreeMap;

use rust_decimal::{Decimal, dec};
use sentinel_domain::broker::{
    Activity, ActivityKind, ActivityQuery, Broker, BrokerError, BrokerOrder, BrokerOrderId, FillActivity, OrderQuery,
    all_activities,
};
use sentinel_domain::candles::format_time;
use sentinel_domain::fill::Side;
use sentinel_domain::guardian::Violation;
use sentinel_domain::live::{LiveOrder, LivePosition, OrderPurpose};
use sentinel_domain::timeframe::{Timeframe, UnixMillis};
use sentinel_domain::trade::ExitReason;
use sentinel_function_runtime::FunctionError;
use sentinel_trading::broker_failed;

/// Up to so many orders are asked for one by one; more come as lists.
const SINGLE_MAX: usize = 20;

/// How far the broker's own average may be from that of its fills: it rounds.
const PRICE_OFF: Decimal = dec!(0.000001);

/// How far the time of an order's last fill may be from that of the fill itself, in milliseconds.
const TIME_OFF: i64 = 1_000;

/// What comparing a position with the broker gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// All of it is what the broker says.
    Agrees,
    /// The broker tells no price of a fill yet; this order waits for the price patch.
    Waits(String),
    /// The broker says something else.
    Differs(Vec<Violation>),
}

/// Orders, and fills by nobody's order, as the broker knows them.
#[derive(Debug, Clone, Default)]
pub struct BrokerOrders {
    orders: BTreeMap<BrokerOrderId, BrokerOrder>,
    /// Sales of the time in which positions were closed by hand.
    sales: Vec<FillActivity>,
}

impl BrokerOrders {
    /// Asks for all orders of `positions`: as lists where they are many.
    ///
    /// # Errors
    /// When the broker cannot be asked; an order that it does not know is no error.
    pub async fn of(broker: &dyn Broker, positions: &[&LivePosition]) -> Result<Self, FunctionError> {
        let mut found = Self::default();
        let wanted: Vec<&LiveOrder> = positions.iter().flat_map(|position| filled_orders(position)).collect();
        if wanted.len() > SINGLE_MAX {
            found.list(broker, &wanted).await?;
        }
        for order in wanted {
            let Some(id) = order.broker_order_id.as_ref().filter(|id| !found.orders.contains_key(*id)) else {
                continue;
            };
            match broker.order(id).await {
                Ok(order) => drop(found.orders.insert(id.clone(), order)),
                Err(BrokerError::NotFound { .. }) => {}
                Err(error) => return Err(broker_failed("look an order up")(error)),
            }
        }
        found.list_sales(broker, positions).await?;
        Ok(found)
    }

    /// Returns an order, or `None` where the broker knows no such order.
    #[must_use]
    pub fn get(&self, id: &BrokerOrderId) -> Option<&BrokerOrder> {
        self.orders.get(id)
    }

    async fn list(&mut self, broker: &dyn Broker, wanted: &[&LiveOrder]) -> Result<(), FunctionError> {
        let first = wanted.iter().map(|order| order.decided_at).min().unwrap_or_default();
        let last = wanted.iter().flat_map(|order| &order.legs).map(|leg| leg.fill.time).max().unwrap_or_default();
        let query = OrderQuery {
            working: Some(false),
            after: Some(first - Timeframe::D1.millis()),
            until: Some(last),
            ..OrderQuery::default()
        };
        let orders = broker.orders(&query).await.map_err(broker_failed("list orders"))?;
        self.orders.extend(orders.into_iter().map(|order| (order.id.clone(), order)));
        Ok(())
    }

    /// Positions that a person closed were sold by no order of ours: there, only the fills tell.
    async fn list_sales(&mut self, broker: &dyn Broker, positions: &[&LivePosition]) -> Result<(), FunctionError> {
        let by_hand = positions.iter().filter(|position| position.exit_reason == Some(ExitReason::Manual));
        let times: Vec<UnixMillis> = by_hand.filter_map(|position| position.exit_time).collect();
        let (Some(first), Some(last)) = (times.iter().min(), times.iter().max()) else { return Ok(()) };
        let query = ActivityQuery {
            kinds: vec![ActivityKind::Fill],
            after: Some(first - TIME_OFF),
            until: Some(last + TIME_OFF),
            ..ActivityQuery::default()
        };
        let activities = all_activities(broker, &query).await.map_err(broker_failed("list fills"))?;
        let sales = activities.into_iter().filter_map(|activity| match activity {
            Activity::Fill(fill) if fill.side == Side::Sell => Some(fill),
            _ => None,
        });
        self.sales = sales.collect();
        Ok(())
    }

    /// Compares a closed position with what the broker says: quantities, prices and times of its fills.
    #[must_use]
    pub fn word_on(&self, position: &LivePosition) -> Word {
        let mut violations = Vec::new();
        for order in filled_orders(position) {
            match self.compare(order) {
                Word::Agrees => {}
                Word::Waits(order) => return Word::Waits(order),
                Word::Differs(found) => violations.extend(found),
            }
        }
        if position.exit_reason == Some(ExitReason::Manual) {
            violations.extend(self.compare_by_hand(position));
        }
        if violations.is_empty() { Word::Agrees } else { Word::Differs(violations) }
    }

    fn compare(&self, order: &LiveOrder) -> Word {
        let side = column_prefix(order);
        let id = &order.client_order_id;
        if order.legs.iter().any(|leg| leg.fill.price <= Decimal::ZERO) {
            return Word::Waits(id.clone());
        }
        let Some(theirs) = order.broker_order_id.as_ref().and_then(|id| self.get(id)) else {
            let allowed = "an order that the broker knows".to_owned();
            let column = format!("{side}_client_order_id");
            return Word::Differs(vec![Violation { column, found: id.clone(), allowed }]);
        };
        let Some(price) = theirs.filled_avg_price.filter(|price| *price > Decimal::ZERO) else {
            return Word::Waits(id.clone());
        };
        let mut violations = Vec::new();
        let mut expect = |holds: bool, column: String, found: String, theirs: String| {
            if !holds {
                let allowed = format!("{theirs}, as the broker says of {id}");
                violations.push(Violation { column, found, allowed });
            }
        };
        let quantity: Decimal = order.legs.iter().map(|leg| leg.fill.quantity).sum();
        let notional: Decimal = order.legs.iter().map(|leg| leg.fill.notional).sum();
        let ours = notional / quantity;
        let (bought, filled) = (quantity.normalize(), theirs.filled_quantity.normalize());
        expect(bought == filled, "quantity".to_owned(), bought.to_string(), filled.to_string());
        let is_near = (ours - price).abs() <= PRICE_OFF * price.max(Decimal::ONE);
        let price = price.normalize().to_string();
        expect(is_near, format!("{side}_fill_price"), ours.round_dp(9).normalize().to_string(), price);
        let time = order.legs.iter().map(|leg| leg.fill.time).max().unwrap_or_default();
        if let Some(filled_at) = theirs.filled_at {
            let is_same = (filled_at - time).abs() <= TIME_OFF;
            expect(is_same, format!("{side}_time"), format_time(time), format_time(filled_at));
        }
        if violations.is_empty() { Word::Agrees } else { Word::Differs(violations) }
    }

    /// Looks for the sale by hand that ended a position.
    fn compare_by_hand(&self, position: &LivePosition) -> Option<Violation> {
        let sold = position.position.sold();
        let symbol = position.instrument.symbol.to_string();
        let is_it = |fill: &&FillActivity| {
            (fill.symbol == symbol || fill.symbol == symbol.replace('/', ""))
                && (fill.time - sold.time).abs() <= TIME_OFF
        };
        let theirs: Decimal = self.sales.iter().filter(is_it).map(|fill| fill.quantity).sum();
        (theirs.is_zero()).then(|| Violation {
            column: "exit_time".to_owned(),
            found: format_time(sold.time),
            allowed: format!("the time of a sale of {symbol} that the broker knows"),
        })
    }
}

/// Returns the orders of which anything was filled.
fn filled_orders(position: &LivePosition) -> impl Iterator<Item = &LiveOrder> {
    position.orders.iter().filter(|order| order.legs.iter().any(|leg| !leg.fill.quantity.is_zero()))
}

const fn column_prefix(order: &LiveOrder) -> &'static str {
    match order.purpose {
        OrderPurpose::Entry => "entry",
        OrderPurpose::Stop { .. } | OrderPurpose::Exit => "exit",
    }
}
