//! Backtests in the warehouse, beside what was really traded: `is_backtest` tells them apart.

use anyhow::{Result, anyhow};
use sentinel_backtest::rows::RunRows;
use sentinel_domain::environment::Environment;
use sentinel_domain::guardian::Guardian;
use sentinel_domain::tables::Table;
use sentinel_domain::warehouse::{TableId, WarehouseExt};
use sentinel_embedded::warehouse::DuckWarehouse;

use crate::home::Home;
use crate::laptop::{Laptop, block_on};

/// Rows of one `MERGE`: more only take more memory at once.
const MERGE_ROWS: usize = 20_000;

/// Writes a run: what others refer to first, so that a run that was cut short is completed by saving it again. The same
/// run saved twice changes nothing.
pub(crate) fn save(home: &Home, rows: &RunRows) -> Result<()> {
    let laptop = Laptop::open(home, "sentinel backtest --save")?;
    let (warehouse, environment) = (&laptop.warehouse, laptop.environment);
    block_on(async {
        merge(warehouse, environment, std::slice::from_ref(&rows.run)).await?;
        merge(warehouse, environment, &rows.signals).await?;
        merge(warehouse, environment, &rows.positions).await?;
        merge(warehouse, environment, &rows.equity).await
    })
}

async fn merge<T: Table>(warehouse: &DuckWarehouse, environment: Environment, rows: &[T]) -> Result<()> {
    for row in rows {
        if let Err(violations) = Guardian::check(row) {
            let reasons: Vec<_> = violations.iter().map(ToString::to_string).collect();
            return Err(anyhow!("a row of {} is refused: {}", T::schema().name, reasons.join("; ")));
        }
    }
    let table = TableId::of::<T>(environment.table(T::schema().name));
    sentinel_domain::warehouse::Warehouse::ensure(warehouse, &table).await?;
    for rows in rows.chunks(MERGE_ROWS) {
        warehouse.merge_rows(&table, rows).await?;
    }
    Ok(())
}
