//! The port to a broker: what the functions may ask of it, in the words of the domain.
//!
//! [`Broker`] is implemented by the client of a real broker and is the only way to an account. Orders carry an id of
//! our own making ([`ClientOrderId`]), so that sending one twice is harmless: an implementation that gets no answer, or
//! hears that the id is taken, looks the order up and compares it field by field. What is absent: no clock, no retry
//! policy that a caller would have to know of, no opinion on what to trade.

mod account;
mod activity;
mod error;
mod order;
mod updates;

use async_trait::async_trait;

use crate::instrument::Symbol;
pub use account::{AccountState, BrokerAsset, BrokerPosition, HistoryQuery, PortfolioHistory};
pub use activity::{Activity, ActivityKind, ActivityQuery, CryptoFee, Direction, FillActivity, OtherActivity, Page};
pub use error::BrokerError;
pub use order::{
    BrokerOrder, BrokerOrderId, BrokerOrderStatus, ClientOrderId, InvalidClientOrderId, OrderKind, OrderQuery,
    OrderRequest, OrderSize, OrderState, TimeInForce, UnknownStatus,
};

pub use updates::{TradeUpdate, TradeUpdates, TradeWord};

use rust_decimal::Decimal;

/// How much of a position to close.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClosePortion {
    /// All of it.
    Whole,
    /// So many base units.
    Quantity(Decimal),
    /// So many per cent, above 0 and up to 100.
    Percentage(Decimal),
}

/// An account at a broker.
#[async_trait]
pub trait Broker: Send + Sync {
    /// Returns cash, equity and what else the account is worth now.
    async fn account(&self) -> Result<AccountState, BrokerError>;

    /// Returns the equity over time.
    async fn portfolio_history(&self, query: &HistoryQuery) -> Result<PortfolioHistory, BrokerError>;

    /// Submits an order and returns it as the broker knows it.
    ///
    /// Submitting the same order again returns the one that is there already, whatever became of it. An error for which
    /// [`BrokerError::is_ambiguous`] holds says that the order may have been accepted.
    async fn submit_order(&self, request: &OrderRequest) -> Result<BrokerOrder, BrokerError>;

    /// Returns an order by the broker's id.
    async fn order(&self, id: &BrokerOrderId) -> Result<BrokerOrder, BrokerError>;

    /// Returns an order by our own id.
    async fn order_by_client_id(&self, id: &ClientOrderId) -> Result<BrokerOrder, BrokerError>;

    /// Returns all orders that match, however many pages they take.
    async fn orders(&self, query: &OrderQuery) -> Result<Vec<BrokerOrder>, BrokerError>;

    /// Takes an order back. One that is taken back already is no error; one that was filled is
    /// [`BrokerError::NotCancelable`].
    async fn cancel_order(&self, id: &BrokerOrderId) -> Result<(), BrokerError>;

    /// Returns the open positions.
    async fn positions(&self) -> Result<Vec<BrokerPosition>, BrokerError>;

    /// Returns the position in a symbol, or `None` without one.
    async fn position(&self, symbol: &Symbol) -> Result<Option<BrokerPosition>, BrokerError>;

    /// Sells a position, or part of it, at market. Not tried again when the answer is lost: it has no id of ours.
    async fn close_position(&self, symbol: &Symbol, portion: ClosePortion) -> Result<BrokerOrder, BrokerError>;

    /// Returns one page of fills, fees and other activities; see [`all_activities`].
    async fn activities(&self, query: &ActivityQuery) -> Result<Page<Activity>, BrokerError>;

    /// Returns how orders in a symbol are rounded and whether it may be traded.
    async fn asset(&self, symbol: &Symbol) -> Result<BrokerAsset, BrokerError>;

    /// Returns every pair of coins that the broker has, by symbol; those on which it takes no orders any more may be
    /// left out.
    async fn assets(&self) -> Result<Vec<BrokerAsset>, BrokerError>;
}

/// Returns the activities of all pages, in the order asked for.
///
/// # Errors
/// When a page cannot be had.
pub async fn all_activities(broker: &dyn Broker, query: &ActivityQuery) -> Result<Vec<Activity>, BrokerError> {
    let mut query = query.clone();
    let mut all = Vec::new();
    loop {
        let page = broker.activities(&query).await?;
        all.extend(page.items);
        match page.next {
            Some(next) => query.page_token = Some(next),
            None => return Ok(all),
        }
    }
}
