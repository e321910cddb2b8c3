//! What can go wrong at the warehouse.

use std::time::Duration;

use thiserror::Error;

use crate::tables::RowError;

/// A column that is not what the schema says.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ColumnDrift {
    /// The table lacks it.
    #[error("{0} is missing")]
    Missing(String),
    /// The table has one that the schema does not know.
    #[error("{0} is unknown")]
    Unknown(String),
    /// It has another type, or may be empty where it must not, or the reverse.
    #[error("{column} is {found}, expected {expected}")]
    Different {
        /// The column.
        column: String,
        /// What the schema says.
        expected: String,
        /// What the table has.
        found: String,
    },
}

impl ColumnDrift {
    /// Returns the column's name.
    #[must_use]
    pub fn column(&self) -> &str {
        match self {
            Self::Missing(column) | Self::Unknown(column) | Self::Different { column, .. } => column,
        }
    }
}

/// What can go wrong at the warehouse.
#[derive(Debug, Error)]
pub enum WarehouseError {
    /// A live table has other columns than its schema.
    #[error("table {table} is not what its schema says: {}; nothing was written", list(columns))]
    Drift {
        /// The table.
        table: String,
        /// Every column that differs.
        columns: Vec<ColumnDrift>,
    },
    /// There is no such table.
    #[error("there is no table {table}; make it first")]
    NoTable {
        /// The table.
        table: String,
    },
    /// Two rows of one batch have the same key.
    #[error("row {row} for {table} repeats the key {key} of an earlier row; nothing was written")]
    DuplicateKey {
        /// The table.
        table: String,
        /// Logical date and business key.
        key: String,
        /// The later row, counted from 0.
        row: usize,
    },
    /// A row does not fit its table.
    #[error("row {row} of {table}: {source}")]
    Row {
        /// The table.
        table: String,
        /// The row, counted from 0.
        row: usize,
        /// What is wrong.
        source: RowError,
    },
    /// Rows of one table were handed over for another.
    #[error("{table} holds rows of {expected}, not of {found}")]
    Schema {
        /// The table.
        table: String,
        /// Whose rows it holds.
        expected: &'static str,
        /// Whose rows they are.
        found: &'static str,
    },
    /// Somebody else is writing and did not finish in time.
    #[error("{store} is in use by {holder}; waited {:.1} s", waited.as_secs_f64())]
    Busy {
        /// The store.
        store: String,
        /// Who holds it, with process id and what it does.
        holder: String,
        /// How long it was waited for.
        waited: Duration,
    },
    /// The store was made by later software.
    #[error("{store} is of format {found}, this version knows up to {known}: use a newer sentinel")]
    NewerStore {
        /// The store.
        store: String,
        /// Its format.
        found: String,
        /// The highest format known.
        known: String,
    },
    /// The SQL is wrong, or asks for what a query may not do.
    #[error("the query failed: {message}")]
    Query {
        /// What the warehouse says.
        message: String,
    },
    /// The warehouse failed or cannot be reached.
    #[error("cannot {operation} {store}: {message}")]
    Store {
        /// What was being done.
        operation: &'static str,
        /// The store.
        store: String,
        /// What it says.
        message: String,
        /// Whether the same call may succeed later.
        retryable: bool,
    },
}

impl WarehouseError {
    /// Returns whether the same call may succeed later.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Busy { .. } => true,
            Self::Store { retryable, .. } => *retryable,
            Self::Drift { .. }
            | Self::NoTable { .. }
            | Self::DuplicateKey { .. }
            | Self::Row { .. }
            | Self::Schema { .. }
            | Self::NewerStore { .. }
            | Self::Query { .. } => false,
        }
    }
}

fn list(columns: &[ColumnDrift]) -> String {
    columns.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
