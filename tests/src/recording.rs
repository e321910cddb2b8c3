//! Ports that note every name they are asked for, around the real ones.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use sentinel_domain::documents::{CollectionName, Commit, Committed, Document, DocumentStore, Query, StoreError};
use sentinel_domain::tables::{Cell, Row};
use sentinel_domain::warehouse::{Merged, ResultSet, RowKey, TableId, ViewId, Warehouse, WarehouseError};

/// Names, as they were seen.
#[derive(Debug, Clone, Default)]
pub struct Names(Arc<Mutex<BTreeSet<String>>>);

impl Names {
    /// Returns all of them.
    #[must_use]
    pub fn all(&self) -> BTreeSet<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, name: impl Into<String>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name.into());
    }
}

/// A hot store whose collections are noted.
#[derive(Debug, Clone)]
pub struct RecordingStore {
    /// The store.
    pub store: Arc<dyn DocumentStore>,
    /// Collections that were read, asked or written.
    pub names: Names,
}

#[async_trait]
impl DocumentStore for RecordingStore {
    async fn get_many(&self, collection: CollectionName, ids: &[String]) -> Result<Vec<Document>, StoreError> {
        self.names.note(collection.as_str());
        self.store.get_many(collection, ids).await
    }

    async fn select(&self, query: &Query) -> Result<Vec<Document>, StoreError> {
        self.names.note(query.collection.as_str());
        self.store.select(query).await
    }

    async fn apply(&self, commit: Commit) -> Result<Committed, StoreError> {
        for write in commit.writes() {
            self.names.note(write.collection.as_str());
        }
        self.store.apply(commit).await
    }
}

/// A warehouse whose tables are noted.
#[derive(Clone)]
pub struct RecordingWarehouse {
    /// The warehouse.
    pub warehouse: Arc<dyn Warehouse>,
    /// Tables and views that were made, asked or written, and those that SQL names.
    pub names: Names,
}

/// Words after which SQL names a table.
const BEFORE_TABLES: [&str; 5] = ["FROM", "JOIN", "INTO", "TABLE", "UPDATE"];

impl RecordingWarehouse {
    fn note_sql(&self, sql: &str) {
        let words: Vec<&str> =
            sql.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|it| !it.is_empty()).collect();
        for pair in words.windows(2) {
            if BEFORE_TABLES.contains(&pair[0].to_uppercase().as_str()) && pair[1].to_uppercase() != "SELECT" {
                self.names.note(pair[1]);
            }
        }
    }
}

#[async_trait]
impl Warehouse for RecordingWarehouse {
    async fn ensure(&self, table: &TableId) -> Result<(), WarehouseError> {
        self.names.note(&table.physical_name);
        self.warehouse.ensure(table).await
    }

    async fn ensure_view(&self, view: &ViewId) -> Result<(), WarehouseError> {
        self.names.note(&view.physical_name);
        self.note_sql(&view.query);
        self.warehouse.ensure_view(view).await
    }

    async fn check(&self, table: &TableId) -> Result<(), WarehouseError> {
        self.names.note(&table.physical_name);
        self.warehouse.check(table).await
    }

    async fn merge(&self, table: &TableId, rows: &[Row]) -> Result<Merged, WarehouseError> {
        self.names.note(&table.physical_name);
        self.warehouse.merge(table, rows).await
    }

    async fn existing_keys(&self, table: &TableId, keys: &[RowKey]) -> Result<Vec<bool>, WarehouseError> {
        self.names.note(&table.physical_name);
        self.warehouse.existing_keys(table, keys).await
    }

    async fn query(&self, sql: &str, parameters: &[Cell]) -> Result<ResultSet, WarehouseError> {
        self.note_sql(sql);
        self.warehouse.query(sql, parameters).await
    }
}
