//! The way into the warehouse: guardian, quarantine, merge, verify.

use std::collections::BTreeMap;
use std::sync::Arc;

use sentinel_domain::environment::Environment;
use sentinel_domain::tables::{Row, Table, TableSchema};
use sentinel_domain::timeframe::{Timeframe, UnixMillis};
use sentinel_domain::warehouse::{RowKey, TableId, Warehouse};
use sentinel_function_runtime::{FunctionError, Report, RunContext};

use crate::entry::{CheckedRow, Entry, Source};
use crate::failure::warehouse_failed;
use crate::quarantine;

/// How long a document stays in the hot store once its rows are verified.
pub const HOT_DAYS: i64 = 30;

/// Rows of one `MERGE`: more only take more memory at once.
const MERGE_ROWS: usize = 20_000;

/// Returns when a document may go by itself that was found in the warehouse at `at`.
#[must_use]
pub const fn expires_at(at: UnixMillis) -> UnixMillis {
    at + HOT_DAYS * Timeframe::D1.millis()
}

/// Returns the table of `T` under its name in `environment`.
#[must_use]
pub fn table<T: Table>(environment: Environment) -> TableId {
    TableId::of::<T>(environment.table(T::schema().name))
}

/// The warehouse as one run sees it.
#[derive(Clone)]
pub struct Archive<'a> {
    ctx: &'a RunContext,
    warehouse: &'a Arc<dyn Warehouse>,
}

impl std::fmt::Debug for Archive<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Archive").field("ctx", self.ctx).finish_non_exhaustive()
    }
}

impl<'a> Archive<'a> {
    /// Opens the warehouse for a run.
    #[must_use]
    pub const fn new(ctx: &'a RunContext, warehouse: &'a Arc<dyn Warehouse>) -> Self {
        Self { ctx, warehouse }
    }

    /// Writes entries and returns the sources of those whose every row was found in the warehouse afterwards; bad ones go
    /// to quarantine and are counted in `report`.
    ///
    /// # Errors
    /// When store or warehouse fail; what was merged until then stays and is merged again by the next run.
    pub async fn store(&self, entries: Vec<Entry>, report: &mut Report) -> Result<Vec<Source>, FunctionError> {
        let (bad, good): (Vec<Entry>, Vec<Entry>) = entries.into_iter().partition(|entry| !entry.violations.is_empty());
        let sources: Vec<Source> = good.iter().map(|entry| entry.source.clone()).collect();
        for (schema, rows) in by_table(good) {
            let table = TableId { schema, physical_name: self.ctx.environment().table(schema.name) };
            report.rows_out += self.merge(&table, rows).await?;
        }
        report.rows_quarantined += bad.len() as u64;
        self.ctx.commit_in_batches(quarantine::writes(self.ctx, &bad, &sources).await?).await?;
        Ok(sources)
    }

    /// Merges rows and looks them up again. Returns how many were new or different.
    async fn merge(&self, table: &TableId, rows: Vec<Arc<CheckedRow>>) -> Result<u64, FunctionError> {
        self.warehouse.ensure(table).await.map_err(warehouse_failed("make a table"))?;
        let mut written = 0;
        let mut rows = rows.into_iter().map(|row| {
            let CheckedRow { key, cells, .. } = Arc::unwrap_or_clone(row);
            (key, cells)
        });
        while rows.len() > 0 {
            let (keys, cells): (Vec<RowKey>, Vec<Row>) = rows.by_ref().take(MERGE_ROWS).unzip();
            let merged = self.warehouse.merge(table, &cells).await.map_err(warehouse_failed("merge rows"))?;
            let found = self.warehouse.existing_keys(table, &keys).await.map_err(warehouse_failed("verify rows"))?;
            if let Some(missing) = found.iter().position(|found| !found) {
                let what = format!("find again what was merged into {table}");
                return Err(FunctionError::unavailable(what, format!("{:?} is not there", keys[missing])));
            }
            written += merged.inserted + merged.updated;
        }
        Ok(written)
    }

    /// Returns for each key whether its row stands in the table of `T`; a table that was never made holds nothing.
    ///
    /// # Errors
    /// When the warehouse cannot be asked.
    pub async fn holds<T: Table>(&self, keys: &[RowKey]) -> Result<Vec<bool>, FunctionError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let table = table::<T>(self.ctx.environment());
        self.warehouse.ensure(&table).await.map_err(warehouse_failed("make a table"))?;
        self.warehouse.existing_keys(&table, keys).await.map_err(warehouse_failed("look rows up"))
    }
}

/// Sorts rows by table, tables in the order in which entries hold them; a row that comes twice is kept once.
fn by_table(entries: Vec<Entry>) -> Vec<(&'static TableSchema, Vec<Arc<CheckedRow>>)> {
    let mut tables: Vec<(&'static TableSchema, BTreeMap<String, Arc<CheckedRow>>)> = Vec::new();
    for row in entries.into_iter().flat_map(|entry| entry.rows) {
        let known = tables.iter().position(|(schema, _)| schema.name == row.schema.name);
        let place = known.unwrap_or_else(|| {
            tables.push((row.schema, BTreeMap::new()));
            tables.len() - 1
        });
        let key = row.key.values.iter().map(ToString::to_string).collect::<Vec<_>>().join("|");
        tables[place].1.insert(format!("{}|{key}", row.key.ds), row);
    }
    tables.into_iter().map(|(schema, rows)| (schema, rows.into_values().collect())).collect()
}
