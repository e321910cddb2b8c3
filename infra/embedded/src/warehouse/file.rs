//! Which file a store is, and how its failures are told.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use sentinel_domain::environment::Environment;
use sentinel_domain::warehouse::WarehouseError;

/// The file of a store, and how it is waited for.
#[derive(Debug, Clone)]
pub(super) struct StoreFile {
    pub(super) path: PathBuf,
    /// What others are told while this process holds it.
    pub(super) purpose: String,
    pub(super) wait: Duration,
    /// The environment whose tables are there from the beginning, asked for or not.
    pub(super) tables_of: Option<Environment>,
}

impl StoreFile {
    pub(super) const fn new(path: PathBuf, purpose: String, wait: Duration) -> Self {
        Self { path, purpose, wait, tables_of: None }
    }

    /// Returns the file beside the store with this ending added: `.lock`, `.wal`.
    pub(super) fn beside(&self, ending: &str) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(ending);
        name.into()
    }

    /// Returns the error of an operation on the store.
    pub(super) fn failed(&self, operation: &'static str, error: impl fmt::Display, retryable: bool) -> WarehouseError {
        WarehouseError::Store { operation, store: self.to_string(), message: error.to_string(), retryable }
    }
}

impl fmt::Display for StoreFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())
    }
}
