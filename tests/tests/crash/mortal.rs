//! Ports around whose writes the process may end. What only reads passes through.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use sentinel_domain::broker::{
    AccountState, Activity, ActivityQuery, Broker, BrokerAsset, BrokerError, BrokerOrder, BrokerOrderId,
    BrokerPosition, ClientOrderId, ClosePortion, HistoryQuery, OrderQuery, OrderRequest, Page, PortfolioHistory,
};
use sentinel_domain::components::{ComponentStore, ComponentStoreError};
use sentinel_domain::documents::{CollectionName, Commit, Committed, Document, DocumentStore, Query, StoreError};
use sentinel_domain::hash::ContentHash;
use sentinel_domain::instrument::Symbol;
use sentinel_domain::tables::{Cell, Row};
use sentinel_domain::warehouse::{Merged, ResultSet, RowKey, TableId, ViewId, Warehouse, WarehouseError};

use crate::points::{Points, of_commit, of_rows};

/// A port, and the places around its writes.
pub(crate) struct Mortal<T: ?Sized> {
    pub(crate) port: Arc<T>,
    pub(crate) points: Arc<Points>,
}

impl<T: ?Sized> fmt::Debug for Mortal<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mortal").finish_non_exhaustive()
    }
}

#[async_trait]
impl DocumentStore for Mortal<dyn DocumentStore> {
    async fn get_many(&self, collection: CollectionName, ids: &[String]) -> Result<Vec<Document>, StoreError> {
        self.port.get_many(collection, ids).await
    }

    async fn select(&self, query: &Query) -> Result<Vec<Document>, StoreError> {
        self.port.select(query).await
    }

    async fn apply(&self, commit: Commit) -> Result<Committed, StoreError> {
        let place = of_commit(&commit);
        self.points.around(&place, self.port.apply(commit)).await
    }
}

#[async_trait]
impl Warehouse for Mortal<dyn Warehouse> {
    async fn ensure(&self, table: &TableId) -> Result<(), WarehouseError> {
        self.points.around_once(&format!("make {table}"), self.port.ensure(table)).await
    }

    async fn ensure_view(&self, view: &ViewId) -> Result<(), WarehouseError> {
        self.points.around_once(&format!("make {}", view.physical_name), self.port.ensure_view(view)).await
    }

    async fn check(&self, table: &TableId) -> Result<(), WarehouseError> {
        self.port.check(table).await
    }

    async fn merge(&self, table: &TableId, rows: &[Row]) -> Result<Merged, WarehouseError> {
        self.points.around(&of_rows(&table.physical_name, rows), self.port.merge(table, rows)).await
    }

    async fn existing_keys(&self, table: &TableId, keys: &[RowKey]) -> Result<Vec<bool>, WarehouseError> {
        self.port.existing_keys(table, keys).await
    }

    async fn query(&self, sql: &str, parameters: &[Cell]) -> Result<ResultSet, WarehouseError> {
        self.port.query(sql, parameters).await
    }
}

#[async_trait]
impl ComponentStore for Mortal<dyn ComponentStore> {
    async fn get(&self, hash: &ContentHash) -> Result<Option<Vec<u8>>, ComponentStoreError> {
        self.port.get(hash).await
    }

    async fn put(&self, component: &[u8]) -> Result<ContentHash, ComponentStoreError> {
        let place = format!("component {}", ContentHash::of(component).short());
        self.points.around(&place, self.port.put(component)).await
    }

    async fn list(&self) -> Result<Vec<ContentHash>, ComponentStoreError> {
        self.port.list().await
    }
}

#[async_trait]
impl Broker for Mortal<dyn Broker> {
    async fn submit_order(&self, request: &OrderRequest) -> Result<BrokerOrder, BrokerError> {
        let place = format!("order {}", request.client_order_id);
        self.points.around(&place, self.port.submit_order(request)).await
    }

    async fn cancel_order(&self, id: &BrokerOrderId) -> Result<(), BrokerError> {
        self.points.around(&format!("cancellation of {id}"), self.port.cancel_order(id)).await
    }

    async fn close_position(&self, symbol: &Symbol, portion: ClosePortion) -> Result<BrokerOrder, BrokerError> {
        self.points.around(&format!("closing of {symbol}"), self.port.close_position(symbol, portion)).await
    }

    async fn account(&self) -> Result<AccountState, BrokerError> {
        self.port.account().await
    }

    async fn portfolio_history(&self, query: &HistoryQuery) -> Result<PortfolioHistory, BrokerError> {
        self.port.portfolio_history(query).await
    }

    async fn order(&self, id: &BrokerOrderId) -> Result<BrokerOrder, BrokerError> {
        self.port.order(id).await
    }

    async fn order_by_client_id(&self, id: &ClientOrderId) -> Result<BrokerOrder, BrokerError> {
        self.port.order_by_client_id(id).await
    }

    async fn orders(&self, query: &OrderQuery) -> Result<Vec<BrokerOrder>, BrokerError> {
        self.port.orders(query).await
    }

    async fn positions(&self) -> Result<Vec<BrokerPosition>, BrokerError> {
        self.port.positions().await
    }

    async fn position(&self, symbol: &Symbol) -> Result<Option<BrokerPosition>, BrokerError> {
        self.port.position(symbol).await
    }

    async fn activities(&self, query: &ActivityQuery) -> Result<Page<Activity>, BrokerError> {
        self.port.activities(query).await
    }

    async fn asset(&self, symbol: &Symbol) -> Result<BrokerAsset, BrokerError> {
        self.port.asset(symbol).await
    }

    async fn assets(&self) -> Result<Vec<BrokerAsset>, BrokerError> {
        self.port.assets().await
    }
}
