//! What a broker says unasked: that something has happened to an order.
//!
//! A word is a hint that it is worth asking, and nothing else: whoever hears it asks the broker as if it had never been
//! said, so that words that are lost, late, doubled or out of order change nothing but when it is asked.

use std::time::Duration;

use async_trait::async_trait;

use super::BrokerOrderId;

/// Something happened to an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TradeUpdate {
    /// What, in the broker's word: `fill`, `canceled`.
    pub event: String,
    /// The broker's id of the order.
    pub order_id: BrokerOrderId,
    /// The broker's id of what happened, where it gives one.
    pub execution_id: Option<String>,
}

/// One word of a broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TradeWord {
    /// Updates come from now on; what happened before was missed.
    Listening,
    /// Something happened to an order.
    Update(TradeUpdate),
    /// Nothing is heard any more; it is tried again without being asked to.
    Lost {
        /// What stands in the way. Holds no key.
        reason: String,
        /// Whether the keys were refused: those that a process began with do not become right by waiting.
        keys_refused: bool,
        /// How long until it is tried again.
        again_in: Duration,
    },
}

/// The way to hear of updates.
#[async_trait]
pub trait TradeUpdates: Send {
    /// Waits for the next word. There is no last one: a connection that is lost is a word, and comes back.
    async fn next(&mut self) -> TradeWord;
}
