//! The signals that other documents name: hot, or in the warehouse already.

use std::collections::BTreeMap;
use std::sync::Arc;

use sentinel_domain::guardian::Violation;
use sentinel_domain::live::{LiveSignal, RejectedSignal};
use sentinel_domain::tables::{Cell, SignalRow};
use sentinel_domain::timeframe::UnixMillis;
use sentinel_domain::warehouse::{Warehouse, WarehouseExt};
use sentinel_function_runtime::{FunctionError, RunContext};

use crate::archive::table;
use crate::failure::warehouse_failed;
use crate::time::date_of;

/// How many documents are asked for at once.
const LOOK_UP_MAX: usize = 500;

/// Signals by their id.
#[derive(Debug, Default)]
pub struct Signals {
    hot: BTreeMap<String, LiveSignal>,
    cold: BTreeMap<String, SignalRow>,
}

impl Signals {
    /// Looks for the signals of these ids and bar closes: live ones first, then rejected ones, then the warehouse.
    ///
    /// # Errors
    /// When a store cannot be read.
    pub async fn read(
        ctx: &RunContext,
        warehouse: &Arc<dyn Warehouse>,
        named: impl IntoIterator<Item = (&str, UnixMillis)>,
    ) -> Result<Self, FunctionError> {
        let mut missing: BTreeMap<String, UnixMillis> =
            named.into_iter().map(|(id, close_time)| (id.to_owned(), close_time)).collect();
        let mut found = Self::default();
        for ids in ids_of(&missing) {
            let live = ctx.records::<LiveSignal>().get_many(&ids).await?;
            found.hot.extend(live.into_iter().map(|stored| (stored.record.signal_id.clone(), stored.record)));
        }
        missing.retain(|id, _| !found.hot.contains_key(id));
        for ids in ids_of(&missing) {
            let rejected = ctx.records::<RejectedSignal>().get_many(&ids).await?;
            let signals = rejected.into_iter().map(|stored| stored.record.signal);
            found.hot.extend(signals.map(|signal| (signal.signal_id.clone(), signal)));
        }
        missing.retain(|id, _| !found.hot.contains_key(id));
        found.cold = cold(ctx, warehouse, &missing).await?;
        Ok(found)
    }

    /// Returns a signal that the hot store has.
    #[must_use]
    pub fn hot(&self, id: &str) -> Option<&LiveSignal> {
        self.hot.get(id)
    }

    /// Returns the row of a signal that only the warehouse has.
    #[must_use]
    pub fn cold(&self, id: &str) -> Option<&SignalRow> {
        self.cold.get(id)
    }

    /// Returns what is wrong with naming `id`: nothing where there is such a signal in either store.
    #[must_use]
    pub fn check(&self, id: &str) -> Option<Violation> {
        let exists = self.hot.contains_key(id) || self.cold.contains_key(id);
        let allowed = || "a signal that is in the hot store or in the warehouse".to_owned();
        (!exists).then(|| Violation { column: "signal_id".to_owned(), found: id.to_owned(), allowed: allowed() })
    }
}

fn ids_of(missing: &BTreeMap<String, UnixMillis>) -> Vec<Vec<String>> {
    let ids: Vec<String> = missing.keys().cloned().collect();
    ids.chunks(LOOK_UP_MAX).map(<[String]>::to_vec).collect()
}

async fn cold(
    ctx: &RunContext,
    warehouse: &Arc<dyn Warehouse>,
    missing: &BTreeMap<String, UnixMillis>,
) -> Result<BTreeMap<String, SignalRow>, FunctionError> {
    let days = missing.values().map(|close_time| date_of(*close_time));
    let (Some(first), Some(last)) = (days.clone().min(), days.max()) else { return Ok(BTreeMap::new()) };
    let table = table::<SignalRow>(ctx.environment());
    warehouse.ensure(&table).await.map_err(warehouse_failed("make a table"))?;
    let condition = "t.ds BETWEEN ? AND ? AND t.is_backtest = FALSE";
    let rows = warehouse.select::<SignalRow>(&table, condition, &[Cell::Date(first), Cell::Date(last)]).await;
    let rows = rows.map_err(warehouse_failed("read signals"))?;
    let named = rows.into_iter().filter(|row| missing.contains_key(&row.signal_id));
    Ok(named.map(|row| (row.signal_id.clone(), row)).collect())
}
