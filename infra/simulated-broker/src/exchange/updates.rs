//! What happens to orders, told as it happens.

use rust_decimal::Decimal;
use sentinel_domain::broker::{BrokerOrder, BrokerOrderStatus};
use sentinel_domain::timeframe::UnixMillis;

use super::Exchange;
use crate::ids;

/// What happened to an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happening {
    /// It was taken.
    New,
    /// It was refused after it had been taken.
    Rejected,
    /// It was taken back, or what was left of it.
    Canceled,
    /// A part of it was filled.
    PartialFill,
    /// The last of it was filled.
    Fill,
}

impl Happening {
    /// Returns the broker's word: `partial_fill`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Rejected => "rejected",
            Self::Canceled => "canceled",
            Self::PartialFill => "partial_fill",
            Self::Fill => "fill",
        }
    }
}

/// Price and quantity of one fill, as they are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Execution {
    /// Quote currency for a coin; 0 while it is hidden.
    pub price: Decimal,
    /// Base units.
    pub quantity: Decimal,
    /// What is held in the symbol after it.
    pub held: Decimal,
}

/// One update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderUpdate {
    /// What happened.
    pub happening: Happening,
    /// Its id.
    pub execution_id: String,
    /// When.
    pub time: UnixMillis,
    /// The order after it.
    pub order: BrokerOrder,
    /// What was filled, where something was.
    pub execution: Option<Execution>,
}

impl Exchange {
    /// Returns what has happened to orders since this was asked last.
    pub fn take_updates(&mut self) -> Vec<OrderUpdate> {
        std::mem::take(&mut self.updates)
    }

    /// Tells of an order that nothing was filled of.
    pub(super) fn tell(&mut self, index: usize, happening: Happening, time: UnixMillis) {
        let order = self.shown(self.book.get(index));
        let execution_id = ids::uuid("update", &order.id.0, happening.as_str(), 0);
        self.updates.push(OrderUpdate { happening, execution_id, time, order, execution: None });
    }

    /// Tells of a fill, which is in the books already.
    pub(super) fn tell_fill(&mut self, index: usize, execution_id: String, time: UnixMillis, execution: Execution) {
        let mut order = self.shown(self.book.get(index));
        let happening = if order.status == BrokerOrderStatus::Filled {
            Happening::Fill
        } else {
            // What nothing pays for is taken back, which is the next thing that is told.
            order.status = BrokerOrderStatus::PartiallyFilled;
            order.canceled_at = None;
            Happening::PartialFill
        };
        self.updates.push(OrderUpdate { happening, execution_id, time, order, execution: Some(execution) });
    }
}
