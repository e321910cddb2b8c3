//! What one hot document becomes.

use std::sync::Arc;

use sentinel_domain::documents::{Record, Stored};
use sentinel_domain::guardian::{Guardian, Violation};
use sentinel_domain::tables::{Row, Table, TableSchema};
use sentinel_domain::warehouse::RowKey;
use serde_json::Value;

/// The hot document that rows are made of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Source {
    /// Its collection, by its name in production.
    pub collection: &'static str,
    /// Its name there.
    pub id: String,
}

impl Source {
    /// Names the document of a record.
    #[must_use]
    pub fn of<T: Record>(record: &T) -> Self {
        Self { collection: T::COLLECTION.production_name(), id: record.id() }
    }

    /// Names the document that was read.
    #[must_use]
    pub fn read<T: Record>(stored: &Stored<T>) -> Self {
        Self::of(&stored.record)
    }
}

/// The rows that one hot document becomes, in the order in which they are written: what a row refers to comes before
/// it. They pass the guardian together or not at all.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The document.
    pub source: Source,
    pub(crate) rows: Vec<Arc<CheckedRow>>,
    pub(crate) violations: Vec<Violation>,
}

/// A row of any table, looked at by the guardian.
#[derive(Debug, Clone)]
pub(crate) struct CheckedRow {
    pub(crate) schema: &'static TableSchema,
    pub(crate) key: RowKey,
    pub(crate) cells: Row,
    pub(crate) violations: Vec<Violation>,
    /// The row for whoever heals it; null of a good row.
    pub(crate) json: Value,
}

impl CheckedRow {
    /// Looks at a row; it is kept for people if it is bad, or said to be.
    pub(crate) fn of<T: Table>(row: &T, is_bad: bool) -> Self {
        let violations = Guardian::check(row).err().unwrap_or_default();
        let is_shown = is_bad || !violations.is_empty();
        let json = if is_shown { serde_json::to_value(row).unwrap_or(Value::Null) } else { Value::Null };
        Self { schema: T::schema(), key: RowKey::of(row), cells: row.cells(), violations, json }
    }
}

impl Entry {
    /// Begins the entry of a document.
    #[must_use]
    pub const fn new(source: Source) -> Self {
        Self { source, rows: Vec::new(), violations: Vec::new() }
    }

    /// Adds a row, and what the guardian says of it.
    pub fn add<T: Table>(&mut self, row: &T) {
        let is_bad = !self.violations.is_empty();
        self.add_checked(&Arc::new(CheckedRow::of(row, is_bad)));
    }

    /// Adds a row that many entries refer to, and that was looked at once.
    pub(crate) fn add_checked(&mut self, row: &Arc<CheckedRow>) {
        self.violations.extend(row.violations.iter().cloned());
        self.rows.push(Arc::clone(row));
    }

    /// Adds a row that was found wanting beyond what the guardian can see.
    pub fn add_with<T: Table>(&mut self, row: &T, violations: impl IntoIterator<Item = Violation>) {
        self.violations.extend(violations);
        self.add(row);
    }

    /// Returns the row that is shown to whoever heals the entry: the last, which depends on all others.
    pub(crate) fn shown(&self) -> Option<&CheckedRow> {
        self.rows.last().map(Arc::as_ref)
    }
}
