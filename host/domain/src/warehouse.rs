//! The warehouse port: tables partitioned by logical date, written by `MERGE`, asked in SQL.
//!
//! An adapter implements [`Warehouse`] and passes the contract suite; callers hand over typed rows through
//! [`WarehouseExt`]. Tables come as a [`TableId`], the schema with the name that the environment gives it, so that a
//! test cannot name a production table by accident. What is absent: SQL of any one warehouse, and validation of rows,
//! which is the [guardian](crate::guardian)'s and comes before.

mod batch;
mod error;
pub mod sql;

use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};

use crate::tables::{self, Cell, Field, PARTITION, Reference, Row, Table, TableSchema, ViewSchema};

pub use batch::check_batch;
pub use error::{ColumnDrift, WarehouseError};
pub use sql::EVERY_DAY;

/// A table under the name it has in one environment: `fact_trades` or `fact_trades_test`.
#[derive(Debug, Clone)]
pub struct TableId {
    /// What the table is.
    pub schema: &'static TableSchema,
    /// The name that the warehouse knows it by.
    pub physical_name: String,
}

impl TableId {
    /// Names a table by `physical_name`, which turns a production name into the environment's.
    #[must_use]
    pub fn new(schema: &'static TableSchema, physical_name: impl Fn(&str) -> String) -> Self {
        Self { schema, physical_name: physical_name(schema.name) }
    }

    /// Names the table of `T`.
    #[must_use]
    pub fn of<T: Table>(physical_name: impl Into<String>) -> Self {
        Self { schema: T::schema(), physical_name: physical_name.into() }
    }
}

impl fmt::Display for TableId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.physical_name)
    }
}

/// A view under the name it has in one environment, with its query over that environment's tables.
#[derive(Debug, Clone)]
pub struct ViewId {
    /// What the view is.
    pub schema: &'static ViewSchema,
    /// The name that the warehouse knows it by.
    pub physical_name: String,
    /// The query.
    pub query: String,
    /// The names of the tables it reads, in the order of [`ViewSchema::sources`].
    pub sources: Vec<String>,
}

impl ViewId {
    /// Names a view and the tables it reads by `physical_name`, which turns a production name into the environment's.
    #[must_use]
    pub fn new(schema: &'static ViewSchema, physical_name: impl Fn(&str) -> String) -> Self {
        let sources = schema.sources.iter().map(|source| physical_name(source)).collect();
        Self { schema, physical_name: physical_name(schema.name), query: schema.query(&physical_name), sources }
    }

    /// Returns the query with what `written` makes of each table's name in its place, for a warehouse in which a view has
    /// to say more of a table than its name.
    #[must_use]
    pub fn query_over(&self, written: impl Fn(&str) -> String) -> String {
        self.schema.query(|source| {
            let known = self.schema.sources.iter().zip(&self.sources).find(|(name, _)| **name == source);
            written(known.map_or(source, |(_, physical)| physical))
        })
    }
}

/// What tells one row of a table from all others: its logical date and its business key.
#[derive(Debug, Clone, PartialEq)]
pub struct RowKey {
    /// The logical date.
    pub ds: NaiveDate,
    /// The values of the key columns, in the order of [`TableSchema::key`].
    pub values: Vec<Cell>,
    /// When the row is of, in a table that grows ([`TableSchema::grows_by`]) and as far as that is known. It tells no rows
    /// apart, and spares whoever looks the rows of other times.
    pub grown_at: Option<DateTime<Utc>>,
}

impl RowKey {
    /// Returns the key of a row of which nothing else is known.
    #[must_use]
    pub const fn new(ds: NaiveDate, values: Vec<Cell>) -> Self {
        Self { ds, values, grown_at: None }
    }

    /// Returns the key of a typed row.
    #[must_use]
    pub fn of<T: Table>(row: &T) -> Self {
        let cells = row.cells();
        let cell = |name: &str| T::schema().position(name).and_then(|place| cells.get(place)).unwrap_or(&Cell::Null);
        let ds = NaiveDate::from_cell(cell(PARTITION).clone()).unwrap_or_default();
        let grown_at = match T::schema().grows_by.map(cell) {
            Some(Cell::Timestamp(time)) => Some(*time),
            Some(_) | None => None,
        };
        Self { ds, values: T::schema().key.iter().map(|name| cell(name).clone()).collect(), grown_at }
    }
}

/// What a `MERGE` did. The counts add up to the rows that were handed over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Merged {
    /// Rows that were new.
    pub inserted: u64,
    /// Rows that were there and differed.
    pub updated: u64,
    /// Rows that were there just so, or settled and therefore kept.
    pub unchanged: u64,
}

/// What a query answered.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ResultSet {
    /// Names of the columns, in order.
    pub columns: Vec<String>,
    /// The rows; each has a value for each column.
    pub rows: Vec<Row>,
}

impl ResultSet {
    /// Returns the rows as JSON objects.
    #[must_use]
    pub fn to_json(&self) -> Vec<BTreeMap<&str, serde_json::Value>> {
        let object = |row: &Row| self.columns.iter().map(String::as_str).zip(row.iter().map(Cell::to_json)).collect();
        self.rows.iter().map(object).collect()
    }

    /// Returns the only value of an answer with one row and one column.
    #[must_use]
    pub fn single(&self) -> Option<&Cell> {
        match self.rows.as_slice() {
            [row] if row.len() == 1 => row.first(),
            _ => None,
        }
    }
}

/// A warehouse. Every call is one short session: it finishes or changes nothing, and may be repeated.
#[async_trait]
pub trait Warehouse: Send + Sync {
    /// Makes a table where there is none, and checks it where there is.
    ///
    /// # Errors
    /// [`WarehouseError::Drift`] when the table is there with other columns.
    async fn ensure(&self, table: &TableId) -> Result<(), WarehouseError>;

    /// Makes or replaces a view.
    ///
    /// # Errors
    /// When a table it reads is not there.
    async fn ensure_view(&self, view: &ViewId) -> Result<(), WarehouseError>;

    /// Checks that a table has exactly the columns of its schema.
    ///
    /// # Errors
    /// [`WarehouseError::Drift`] names every column that differs; [`WarehouseError::NoTable`] when there is none.
    async fn check(&self, table: &TableId) -> Result<(), WarehouseError>;

    /// Writes rows by business key and logical date: new ones are inserted, others replaced where they differ. All of
    /// the batch is written, or nothing. The table is checked before.
    ///
    /// # Errors
    /// [`WarehouseError::DuplicateKey`] when two rows of the batch have one key.
    async fn merge(&self, table: &TableId, rows: &[Row]) -> Result<Merged, WarehouseError>;

    /// Returns for each key whether its row is there.
    ///
    /// # Errors
    /// When the warehouse cannot be asked.
    async fn existing_keys(&self, table: &TableId, keys: &[RowKey]) -> Result<Vec<bool>, WarehouseError>;

    /// Asks in SQL; a `?` in the text stands for the next parameter. Nothing can be written this way.
    ///
    /// # Errors
    /// When the SQL is wrong.
    async fn query(&self, sql: &str, parameters: &[Cell]) -> Result<ResultSet, WarehouseError>;
}

/// Typed rows in and out of any warehouse.
#[async_trait]
pub trait WarehouseExt: Warehouse {
    /// Makes every table and view of the project under the environment's names, as [`Warehouse::ensure`] does.
    ///
    /// # Errors
    /// At the first table that is there with other columns.
    async fn ensure_all<F>(&self, physical_name: F) -> Result<(), WarehouseError>
    where
        F: for<'a> Fn(&'a str) -> String + Send + Sync,
    {
        for table in tables::all() {
            self.ensure(&TableId::new(table, &physical_name)).await?;
        }
        for view in tables::views() {
            self.ensure_view(&ViewId::new(view, &physical_name)).await?;
        }
        Ok(())
    }

    /// Writes typed rows as [`Warehouse::merge`] does.
    ///
    /// # Errors
    /// As [`Warehouse::merge`]; [`WarehouseError::Schema`] when the table is one of other rows.
    async fn merge_rows<T: Table>(&self, table: &TableId, rows: &[T]) -> Result<Merged, WarehouseError> {
        require::<T>(table)?;
        let rows: Vec<Row> = rows.iter().map(Table::cells).collect();
        self.merge(table, &rows).await
    }

    /// Returns typed rows; `condition` is what stands behind `WHERE`, such as `ds = ? AND t.strategy_id = ?` with
    /// `t` for the table. They come in the order of logical date and key.
    ///
    /// # Errors
    /// When the SQL is wrong or a row is not what the table declares.
    async fn select<T: Table>(
        &self,
        table: &TableId,
        condition: &str,
        parameters: &[Cell],
    ) -> Result<Vec<T>, WarehouseError> {
        require::<T>(table)?;
        let answer = self.query(&select_sql(table, condition), parameters).await?;
        let row = |(row, cells)| {
            T::from_cells(cells).map_err(|source| WarehouseError::Row { table: table.to_string(), row, source })
        };
        answer.rows.into_iter().enumerate().map(row).collect()
    }

    /// Returns the values of a reference that stand in `table` on these logical dates and are not in `target`: rows
    /// that name what does not exist.
    ///
    /// # Errors
    /// When the warehouse cannot be asked.
    async fn orphans(
        &self,
        table: &TableId,
        reference: &Reference,
        target: &TableId,
        from: NaiveDate,
        to: NaiveDate,
    ) -> Result<Vec<Row>, WarehouseError> {
        let answer = self.query(&orphans_sql(table, reference, target), &[Cell::Date(from), Cell::Date(to)]).await?;
        Ok(answer.rows)
    }
}

impl<W: Warehouse + ?Sized> WarehouseExt for W {}

fn require<T: Table>(table: &TableId) -> Result<(), WarehouseError> {
    if T::schema().name == table.schema.name {
        return Ok(());
    }
    Err(WarehouseError::Schema { table: table.to_string(), expected: table.schema.name, found: T::schema().name })
}

/// Columns are always named behind their table: there, even a word that SQL reserves (`interval`) is a name in every
/// warehouse, whichever way it quotes.
fn select_sql(table: &TableId, condition: &str) -> String {
    let columns = names("t", table.schema.columns.iter().map(|column| column.name));
    let order = names("t", table.schema.matched().map(|column| column.name));
    format!("SELECT {columns} FROM {table} AS t WHERE {condition} ORDER BY {order}")
}

fn orphans_sql(table: &TableId, reference: &Reference, target: &TableId) -> String {
    let selected = names("o", reference.columns.iter().copied());
    let filled = join(reference.columns.iter().map(|column| format!("o.{column} IS NOT NULL")), " AND ");
    let pairs = reference.columns.iter().zip(reference.to);
    let equal = join(pairs.map(|(column, to)| format!("t.{to} = o.{column}")), " AND ");
    format!(
        "SELECT DISTINCT {selected} FROM {table} AS o WHERE o.{PARTITION} BETWEEN ? AND ? AND {filled} \
         AND NOT EXISTS (SELECT 1 FROM {target} AS t WHERE {EVERY_DAY} AND {equal}) ORDER BY {selected}"
    )
}

fn names<'a>(table: &str, columns: impl Iterator<Item = &'a str>) -> String {
    join(columns.map(|column| format!("{table}.{column}")), ", ")
}

fn join(parts: impl Iterator<Item = String>, separator: &str) -> String {
    parts.collect::<Vec<_>>().join(separator)
}
