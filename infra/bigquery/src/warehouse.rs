//! The port, on BigQuery.

pub(crate) mod keys;
pub(crate) mod merge;
mod partitions;
mod query;
mod shape;
pub(crate) mod sql;
mod value;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use async_trait::async_trait;
use sentinel_domain::tables::{Cell, Row};
use sentinel_domain::warehouse::{Merged, ResultSet, RowKey, TableId, ViewId, Warehouse, WarehouseError, check_batch};

use crate::api::Api;
use crate::settings::{BigQuerySettings, Tables};

/// The warehouse in one dataset. Cheap to clone.
#[derive(Debug, Clone)]
pub struct BigQueryWarehouse {
    api: Arc<Api>,
    store: Arc<str>,
}

impl BigQueryWarehouse {
    /// Connects to a dataset; nothing is sent yet.
    ///
    /// # Errors
    /// When there are no credentials where the settings ask for some.
    pub async fn connect(settings: BigQuerySettings) -> Result<Self, WarehouseError> {
        let store: Arc<str> = settings.name().into();
        let api = Api::connect(settings).await.map_err(|failure| failure.of("connect to", &store))?;
        Ok(Self { api: Arc::new(api), store })
    }

    /// Returns the bytes that Google has charged for, of all questions and writes since it was connected.
    #[must_use]
    pub fn bytes_billed(&self) -> u64 {
        self.api.billed.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl Warehouse for BigQueryWarehouse {
    async fn ensure(&self, table: &TableId) -> Result<(), WarehouseError> {
        match (shape::check(&self.api, table).await, self.api.settings.tables) {
            (Err(WarehouseError::NoTable { .. }), Tables::Make) => {
                shape::make(&self.api, table).await?;
                shape::check(&self.api, table).await
            }
            (checked, _) => checked,
        }
    }

    async fn ensure_view(&self, view: &ViewId) -> Result<(), WarehouseError> {
        match self.api.settings.tables {
            Tables::Make => shape::make_view(&self.api, view).await,
            Tables::CheckOnly => shape::check_view(&self.api, view).await,
        }
    }

    async fn check(&self, table: &TableId) -> Result<(), WarehouseError> {
        shape::check(&self.api, table).await
    }

    async fn merge(&self, table: &TableId, rows: &[Row]) -> Result<Merged, WarehouseError> {
        check_batch(table, rows)?;
        if rows.is_empty() {
            return Ok(Merged::default());
        }
        shape::check(&self.api, table).await?;
        merge::merge(&self.api, table, rows).await.map_err(|failure| failure.of("write to", &self.store))
    }

    async fn existing_keys(&self, table: &TableId, keys: &[RowKey]) -> Result<Vec<bool>, WarehouseError> {
        shape::check(&self.api, table).await?;
        keys::existing(&self.api, table, keys).await.map_err(|failure| failure.of_query(&self.store))
    }

    async fn query(&self, sql: &str, parameters: &[Cell]) -> Result<ResultSet, WarehouseError> {
        partitions::require(sql)?;
        query::ask(&self.api, sql, parameters, &self.store).await
    }
}
