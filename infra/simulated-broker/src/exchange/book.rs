//! All orders there ever were, by the sequence in which they came, and which of them still work.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use sentinel_domain::broker::{BrokerOrder, BrokerOrderId, BrokerOrderStatus, ClientOrderId, OrderRequest, OrderSize};
use sentinel_domain::fill::Side;
use sentinel_domain::instrument::Symbol;
use sentinel_domain::timeframe::UnixMillis;

use crate::faults::Sufferings;
use crate::ids;
use crate::moment::Moment;

/// An order and what only the broker knows of it.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    pub(crate) shown: BrokerOrder,
    pub(crate) submitted: Moment,
    /// Cash set aside for what is not filled yet.
    pub(crate) reserved: Decimal,
    pub(crate) filled_notional: Decimal,
    /// Of a stop: whether its price was reached.
    pub(crate) is_awake: bool,
    /// Whether it has been in the book while a candle ran, and so makes a price instead of taking one.
    pub(crate) has_rested: bool,
    /// The open of the candle in which it was last filled.
    pub(crate) filled_in: Option<UnixMillis>,
    pub(crate) sufferings: Sufferings,
}

impl Order {
    /// Returns what is left of an order for a quantity, or what is left of a sum at `price`.
    pub(crate) fn quantity_left(&self, price: Decimal, round_down: impl Fn(Decimal) -> Decimal) -> Decimal {
        match self.shown.request.size {
            OrderSize::Quantity(quantity) => quantity - self.shown.filled_quantity,
            OrderSize::Notional(sum) => round_down((sum - self.filled_notional).max(Decimal::ZERO) / price),
        }
    }
}

#[derive(Debug, Clone, Default)]
pub(crate) struct OrderBook {
    orders: Vec<Order>,
    open: BTreeSet<usize>,
    by_id: BTreeMap<BrokerOrderId, usize>,
    by_client_id: BTreeMap<ClientOrderId, usize>,
}

impl OrderBook {
    pub(crate) fn len(&self) -> usize {
        self.orders.len()
    }

    pub(crate) fn all(&self) -> &[Order] {
        &self.orders
    }

    pub(crate) fn get(&self, index: usize) -> &Order {
        &self.orders[index]
    }

    pub(crate) fn get_mut(&mut self, index: usize) -> &mut Order {
        &mut self.orders[index]
    }

    pub(crate) fn find(&self, id: &BrokerOrderId) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    pub(crate) fn find_by_client_id(&self, id: &ClientOrderId) -> Option<usize> {
        self.by_client_id.get(id).copied()
    }

    pub(crate) fn is_open(&self, index: usize) -> bool {
        self.open.contains(&index)
    }

    /// Returns the orders of one side that still work, in the sequence in which they came.
    pub(crate) fn open_on(&self, side: Side) -> Vec<usize> {
        self.open.iter().copied().filter(|index| self.orders[*index].shown.request.side == side).collect()
    }

    pub(crate) fn open(&self) -> impl Iterator<Item = &Order> {
        self.open.iter().map(|index| &self.orders[*index])
    }

    /// Returns the coins that open sales are about to sell.
    pub(crate) fn coins_bound(&self, symbol: &Symbol) -> Decimal {
        let sales =
            self.open().filter(|order| order.shown.request.side == Side::Sell && order.shown.request.symbol == *symbol);
        sales
            .map(|order| match order.shown.request.size {
                OrderSize::Quantity(quantity) => quantity - order.shown.filled_quantity,
                OrderSize::Notional(_) => order.reserved,
            })
            .sum()
    }

    /// Takes an order in. `reserved` is cash for a purchase; for a sale of a sum it is the coins it may take.
    pub(crate) fn place(
        &mut self,
        account: &str,
        request: OrderRequest,
        now: Moment,
        reserved: Decimal,
        sufferings: Sufferings,
    ) -> usize {
        let index = self.orders.len();
        let id = BrokerOrderId(ids::uuid("order", account, request.client_order_id.as_str(), index));
        self.by_id.insert(id.clone(), index);
        self.by_client_id.insert(request.client_order_id.clone(), index);
        let is_rejected = sufferings.is_rejected;
        let shown = BrokerOrder {
            id,
            request,
            status: if is_rejected { BrokerOrderStatus::Rejected } else { BrokerOrderStatus::New },
            filled_quantity: Decimal::ZERO,
            filled_avg_price: None,
            submitted_at: now.time,
            updated_at: now.time,
            filled_at: None,
            canceled_at: None,
            expired_at: None,
            failed_at: is_rejected.then_some(now.time),
        };
        self.orders.push(Order {
            shown,
            submitted: now,
            reserved: if is_rejected { Decimal::ZERO } else { reserved },
            filled_notional: Decimal::ZERO,
            is_awake: false,
            has_rested: false,
            filled_in: None,
            sufferings,
        });
        if !is_rejected {
            self.open.insert(index);
        }
        index
    }

    /// Takes back what is left of an order.
    pub(crate) fn cancel(&mut self, index: usize, time: UnixMillis) {
        let order = &mut self.orders[index];
        order.shown.status = BrokerOrderStatus::Canceled;
        order.shown.canceled_at = Some(time);
        order.shown.updated_at = time;
        order.reserved = Decimal::ZERO;
        self.open.remove(&index);
    }

    /// Closes an order that was filled to the end.
    pub(crate) fn complete(&mut self, index: usize) {
        let order = &mut self.orders[index];
        order.shown.status = BrokerOrderStatus::Filled;
        order.reserved = Decimal::ZERO;
        self.open.remove(&index);
    }
}
