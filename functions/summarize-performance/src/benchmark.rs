//! The coin that alpha and beta are taken against, out of the warehouse's candles.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::NaiveDate;
use sentinel_archive::time::{day_number, days_before};
use sentinel_archive::{table, warehouse_failed};
use sentinel_domain::instrument::Instrument;
use sentinel_domain::tables::{CandleRow, Cell};
use sentinel_domain::warehouse::Warehouse;
use sentinel_function_runtime::{FunctionError, RunContext};
use sentinel_metrics::Benchmark;

/// How many days before the first are looked at for a close to begin with.
const DAYS_BEFORE: u64 = 7;

/// Returns the coin's close of each day from the one before `first` to the run's; `None` without candles of it.
pub(crate) async fn read(
    ctx: &RunContext,
    warehouse: &Arc<dyn Warehouse>,
    instrument: Option<&Instrument>,
    first: NaiveDate,
) -> Result<Option<Benchmark>, FunctionError> {
    let Some(instrument) = instrument else { return Ok(None) };
    let table = table::<CandleRow>(ctx.environment());
    warehouse.ensure(&table).await.map_err(warehouse_failed("make a table"))?;
    // The last candles of each day, of whatever length: they close together.
    let sql = format!(
        "SELECT t.ds, t.close FROM {table} AS t JOIN (SELECT x.ds AS day, MAX(x.close_time) AS ended FROM {table} AS x \
         WHERE x.ds BETWEEN ? AND ? AND x.exchange = ? AND x.symbol = ? GROUP BY x.ds) AS d \
         ON t.ds = d.day AND t.close_time = d.ended \
         WHERE t.ds BETWEEN ? AND ? AND t.exchange = ? AND t.symbol = ? ORDER BY t.ds, t.revision"
    );
    let range = [
        Cell::Date(days_before(first, DAYS_BEFORE)),
        Cell::Date(ctx.ds()),
        Cell::Text(instrument.exchange.to_string()),
        Cell::Text(instrument.symbol.to_string()),
    ];
    let parameters: Vec<Cell> = range.iter().chain(&range).cloned().collect();
    let answer = warehouse.query(&sql, &parameters).await.map_err(warehouse_failed("read the benchmark"))?;
    let mut closes: BTreeMap<NaiveDate, f64> = BTreeMap::new();
    for row in answer.rows {
        if let [Cell::Date(day), Cell::Real(close)] = row.as_slice() {
            closes.insert(*day, *close);
        }
    }
    let daily: Vec<(i64, f64)> = closes.into_iter().map(|(day, close)| (day_number(day), close)).collect();
    Ok(daily.first().copied().map(|(_, initial)| Benchmark { name: instrument.to_string(), initial, daily }))
}

/// Returns the benchmark from `first` on, bought at the last close before it where there is one.
pub(crate) fn from(benchmark: &Benchmark, first: NaiveDate) -> Benchmark {
    let first = day_number(first);
    let begin = benchmark.daily.partition_point(|(day, _)| *day < first);
    let initial = begin.checked_sub(1).map_or(benchmark.initial, |before| benchmark.daily[before].1);
    Benchmark { name: benchmark.name.clone(), initial, daily: benchmark.daily[begin..].to_vec() }
}
