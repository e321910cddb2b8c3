//! A broker that is looked for when it is first asked: most runs of a function have nothing to ask it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use sentinel_alpaca::AlpacaClient;
use sentinel_domain::broker::{
    AccountState, Activity, ActivityQuery, Broker, BrokerAsset, BrokerError, BrokerOrder, BrokerOrderId,
    BrokerPosition, ClientOrderId, ClosePortion, HistoryQuery, OrderQuery, OrderRequest, Page, PortfolioHistory,
};
use sentinel_domain::instrument::Symbol;
use sentinel_domain::market_data::{BarsPage, BarsQuery, LatestTrade, MarketData, OrderBook};
use tokio::sync::OnceCell;

/// Finds the broker. What keeps it alive may be kept by the closure.
type Find = dyn Fn() -> Result<AlpacaClient, BrokerError> + Send + Sync;

/// The way to a broker that may have to be started.
#[derive(Clone)]
pub struct LateBroker {
    find: Arc<Find>,
    client: Arc<OnceCell<AlpacaClient>>,
}

impl LateBroker {
    /// Returns the way to the broker that `find` finds, or starts, on the first call.
    #[must_use]
    pub fn new(find: impl Fn() -> Result<AlpacaClient, BrokerError> + Send + Sync + 'static) -> Self {
        Self { find: Arc::new(find), client: Arc::default() }
    }

    async fn client(&self) -> Result<&AlpacaClient, BrokerError> {
        self.client.get_or_try_init(async || (self.find)()).await
    }
}

impl fmt::Debug for LateBroker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LateBroker").field("is_found", &self.client.initialized()).finish_non_exhaustive()
    }
}

#[async_trait]
impl Broker for LateBroker {
    async fn account(&self) -> Result<AccountState, BrokerError> {
        self.client().await?.account().await
    }

    async fn portfolio_history(&self, query: &HistoryQuery) -> Result<PortfolioHistory, BrokerError> {
        self.client().await?.portfolio_history(query).await
    }

    async fn submit_order(&self, request: &OrderRequest) -> Result<BrokerOrder, BrokerError> {
        self.client().await?.submit_order(request).await
    }

    async fn order(&self, id: &BrokerOrderId) -> Result<BrokerOrder, BrokerError> {
        self.client().await?.order(id).await
    }

    async fn order_by_client_id(&self, id: &ClientOrderId) -> Result<BrokerOrder, BrokerError> {
        self.client().await?.order_by_client_id(id).await
    }

    async fn orders(&self, query: &OrderQuery) -> Result<Vec<BrokerOrder>, BrokerError> {
        self.client().await?.orders(query).await
    }

    async fn cancel_order(&self, id: &BrokerOrderId) -> Result<(), BrokerError> {
        self.client().await?.cancel_order(id).await
    }

    async fn positions(&self) -> Result<Vec<BrokerPosition>, BrokerError> {
        self.client().await?.positions().await
    }

    async fn position(&self, symbol: &Symbol) -> Result<Option<BrokerPosition>, BrokerError> {
        self.client().await?.position(symbol).await
    }

    async fn close_position(&self, symbol: &Symbol, portion: ClosePortion) -> Result<BrokerOrder, BrokerError> {
        self.client().await?.close_position(symbol, portion).await
    }

    async fn activities(&self, query: &ActivityQuery) -> Result<Page<Activity>, BrokerError> {
        self.client().await?.activities(query).await
    }

    async fn asset(&self, symbol: &Symbol) -> Result<BrokerAsset, BrokerError> {
        self.client().await?.asset(symbol).await
    }

    async fn assets(&self) -> Result<Vec<BrokerAsset>, BrokerError> {
        self.client().await?.assets().await
    }
}

#[async_trait]
impl MarketData for LateBroker {
    async fn bars(&self, query: &BarsQuery) -> Result<BarsPage, BrokerError> {
        self.client().await?.bars(query).await
    }

    async fn latest_trades(&self, symbols: &[Symbol]) -> Result<BTreeMap<Symbol, LatestTrade>, BrokerError> {
        self.client().await?.latest_trades(symbols).await
    }

    async fn order_books(&self, symbols: &[Symbol]) -> Result<BTreeMap<Symbol, OrderBook>, BrokerError> {
        self.client().await?.order_books(symbols).await
    }
}
