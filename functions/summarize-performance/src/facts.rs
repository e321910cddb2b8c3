//! What the warehouse holds of an account's trades, signals and equity.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use sentinel_archive::{table, warehouse_failed};
use sentinel_domain::live::Account;
use sentinel_domain::tables::{AccountSnapshot, Cell, FactTrade, SignalRow, Table};
use sentinel_domain::warehouse::{Warehouse, WarehouseExt};
use sentinel_function_runtime::{FunctionError, RunContext};

/// A strategy's id and version.
pub(crate) type VersionKey = (String, String);

/// How many signals became what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct SignalCounts {
    pub(crate) given: i64,
    pub(crate) rejected: i64,
    pub(crate) expired: i64,
}

/// All of it, up to the end of the run's day.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) trades: BTreeMap<VersionKey, Vec<FactTrade>>,
    pub(crate) signals: BTreeMap<VersionKey, SignalCounts>,
    equity: BTreeMap<NaiveDate, Decimal>,
    equity_initial: Decimal,
}

impl Facts {
    pub(crate) async fn read(
        ctx: &RunContext,
        warehouse: &Arc<dyn Warehouse>,
        account_id: &str,
    ) -> Result<Self, FunctionError> {
        let parameters = [Cell::Date(ctx.ds()), Cell::Text(account_id.to_owned())];
        let snapshots: Vec<AccountSnapshot> = select(ctx, warehouse, &parameters).await?;
        let mut trades: BTreeMap<VersionKey, Vec<FactTrade>> = BTreeMap::new();
        for trade in select::<FactTrade>(ctx, warehouse, &parameters).await? {
            trades.entry((trade.strategy_id.clone(), trade.strategy_version.clone())).or_default().push(trade);
        }
        let account = ctx.records::<Account>().get(account_id).await?;
        let first = snapshots.first().map(|row| row.last_equity.unwrap_or(row.equity));
        Ok(Self {
            trades,
            signals: signal_counts(ctx, warehouse, &parameters).await?,
            equity: snapshots.into_iter().map(|row| (row.ds, row.equity)).collect(),
            equity_initial: account.map(|stored| stored.record.cash_initial).or(first).unwrap_or_default(),
        })
    }

    /// Returns the account's equity at the beginning of `day`: that of the last snapshot before it, else what it began
    /// with.
    pub(crate) fn equity_before(&self, day: NaiveDate) -> Decimal {
        self.equity.range(..day).next_back().map_or(self.equity_initial, |(_, equity)| *equity)
    }
}

async fn select<T: Table>(
    ctx: &RunContext,
    warehouse: &Arc<dyn Warehouse>,
    parameters: &[Cell],
) -> Result<Vec<T>, FunctionError> {
    let table = table::<T>(ctx.environment());
    warehouse.ensure(&table).await.map_err(warehouse_failed("make a table"))?;
    let rows = warehouse.select::<T>(&table, "t.ds <= ? AND t.account_id = ?", parameters).await;
    rows.map_err(warehouse_failed("read the account's rows"))
}

async fn signal_counts(
    ctx: &RunContext,
    warehouse: &Arc<dyn Warehouse>,
    parameters: &[Cell],
) -> Result<BTreeMap<VersionKey, SignalCounts>, FunctionError> {
    let table = table::<SignalRow>(ctx.environment());
    warehouse.ensure(&table).await.map_err(warehouse_failed("make a table"))?;
    let sql = format!(
        "SELECT t.strategy_id, t.strategy_version, t.status, COUNT(*) AS signal_count FROM {table} AS t \
         WHERE t.ds <= ? AND t.account_id = ? AND t.is_backtest = FALSE \
         GROUP BY t.strategy_id, t.strategy_version, t.status"
    );
    let answer = warehouse.query(&sql, parameters).await.map_err(warehouse_failed("count signals"))?;
    let mut counts: BTreeMap<VersionKey, SignalCounts> = BTreeMap::new();
    for row in answer.rows {
        let [Cell::Text(strategy), Cell::Text(version), Cell::Text(status), Cell::Integer(count)] = row.as_slice()
        else {
            continue;
        };
        let known = counts.entry((strategy.clone(), version.clone())).or_default();
        known.given += count;
        match status.as_str() {
            "REJECTED" => known.rejected += count,
            "EXPIRED" => known.expired += count,
            _ => {}
        }
    }
    Ok(counts)
}
