//! The port, on BigQuery.

pub(crate) mod keys;
pub(crate) mod merge;
mod partitions;
mod query;
mod shape;
pub(crate) mod span;
pub(crate) mod sql;
mod value;

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use sentinel_domain::tables::{Cell, Row};
use sentinel_domain::warehouse::{Merged, ResultSet, RowKey, TableId, ViewId, Warehouse, WarehouseError, check_batch};

use crate::api::Api;
use crate::failure::Failure;
use crate::settings::{BigQuerySettings, Tables};

/// The warehouse in one dataset. Cheap to clone.
#[derive(Debug, Clone)]
pub struct BigQueryWarehouse {
    api: Arc<Api>,
    store: Arc<str>,
    /// Tables that were what their schemas say when this process looked, by name and schema.
    known: Arc<Mutex<BTreeSet<(String, usize)>>>,
}

impl BigQueryWarehouse {
    /// Connects to a dataset; nothing is sent yet.
    ///
    /// # Errors
    /// When there are no credentials where the settings ask for some.
    pub async fn connect(settings: BigQuerySettings) -> Result<Self, WarehouseError> {
        let store: Arc<str> = settings.name().into();
        let api = Api::connect(settings).await.map_err(|failure| failure.of("connect to", &store))?;
        Ok(Self { api: Arc::new(api), store, known: Arc::default() })
    }

    /// Returns the bytes that Google has charged for, of all questions and writes since it was connected.
    #[must_use]
    pub fn bytes_billed(&self) -> u64 {
        self.api.billed.load(Ordering::Relaxed)
    }

    /// Compares a live table with its schema, unless this process has: nobody changes tables under jobs that run, and
    /// what somebody has changed all the same shows when a statement fails.
    async fn is_known(&self, table: &TableId) -> Result<(), WarehouseError> {
        if self.known().contains(&name_of(table)) { Ok(()) } else { self.look(table).await }
    }

    /// Compares a live table with its schema.
    async fn look(&self, table: &TableId) -> Result<(), WarehouseError> {
        self.known().remove(&name_of(table));
        shape::check(&self.api, table).await?;
        self.known().insert(name_of(table));
        Ok(())
    }

    /// Returns why a statement about a table failed: where it was about the SQL, perhaps because the table has changed.
    async fn why(
        &self,
        table: &TableId,
        failure: Failure,
        told: impl FnOnce(Failure) -> WarehouseError,
    ) -> WarehouseError {
        if failure.is_about_sql()
            && let Err(changed @ (WarehouseError::Drift { .. } | WarehouseError::NoTable { .. })) =
                self.look(table).await
        {
            return changed;
        }
        told(failure)
    }

    fn known(&self) -> MutexGuard<'_, BTreeSet<(String, usize)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A schema is where it stands: two of one name are two.
fn name_of(table: &TableId) -> (String, usize) {
    (table.physical_name.clone(), std::ptr::from_ref(table.schema).addr())
}

#[async_trait]
impl Warehouse for BigQueryWarehouse {
    async fn ensure(&self, table: &TableId) -> Result<(), WarehouseError> {
        match (self.is_known(table).await, self.api.settings.tables) {
            (Err(WarehouseError::NoTable { .. }), Tables::Make) => {
                shape::make(&self.api, table).await?;
                self.look(table).await
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
        self.look(table).await
    }

    async fn merge(&self, table: &TableId, rows: &[Row]) -> Result<Merged, WarehouseError> {
        check_batch(table, rows)?;
        if rows.is_empty() {
            return Ok(Merged::default());
        }
        self.is_known(table).await?;
        match merge::merge(&self.api, table, rows).await {
            Ok(merged) => Ok(merged),
            Err(failure) => Err(self.why(table, failure, |failure| failure.of("write to", &self.store)).await),
        }
    }

    async fn existing_keys(&self, table: &TableId, keys: &[RowKey]) -> Result<Vec<bool>, WarehouseError> {
        self.is_known(table).await?;
        match keys::existing(&self.api, table, keys).await {
            Ok(found) => Ok(found),
            Err(failure) => Err(self.why(table, failure, |failure| failure.of_query(&self.store)).await),
        }
    }

    async fn query(&self, sql: &str, parameters: &[Cell]) -> Result<ResultSet, WarehouseError> {
        partitions::require(sql)?;
        query::ask(&self.api, sql, parameters, &self.store).await
    }
}
