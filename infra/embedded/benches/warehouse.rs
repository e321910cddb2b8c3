//! What the warehouse costs: a session, one row, ten thousand rows, ten thousand keys.

#![expect(clippy::print_stdout, reason = "a bench prints what it measures")]
#![expect(clippy::disallowed_methods, reason = "a bench measures")]
#![expect(clippy::unwrap_used, reason = "a bench may fail")]

use std::time::{Duration, Instant};

use sentinel_contracts::warehouse::{Probe, made, probe};
use sentinel_domain::warehouse::{RowKey, Warehouse, WarehouseExt};
use sentinel_embedded::warehouse::DuckWarehouse;

#[tokio::main]
async fn main() {
    let folder = tempfile::tempdir().unwrap();
    let warehouse = DuckWarehouse::new(folder.path().join("warehouse.duckdb"), "bench");
    let table = made(&warehouse).await;
    let rows: Vec<Probe> = (0..10_000).map(probe).collect();
    let changed: Vec<Probe> = rows.iter().map(|row| Probe { whole: None, ..row.clone() }).collect();
    let keys: Vec<RowKey> = rows.iter().map(RowKey::of).collect();

    report("merge 10,000 new rows", timed(async || warehouse.merge_rows(&table, &rows).await.unwrap()).await);
    report("merge them again, unchanged", timed(async || warehouse.merge_rows(&table, &rows).await.unwrap()).await);
    report(
        "merge them again, all changed",
        timed(async || warehouse.merge_rows(&table, &changed).await.unwrap()).await,
    );
    report("look 10,000 keys up", timed(async || warehouse.existing_keys(&table, &keys).await.unwrap()).await);
    let mut times = Vec::new();
    for n in 0..20 {
        times.push(timed(async || warehouse.merge_rows(&table, &[probe(20_000 + n)]).await.unwrap()).await);
    }
    report("merge one row (median of 20)", median(&mut times));
    times.clear();
    for _ in 0..20 {
        times.push(timed(async || warehouse.query("SELECT 1", &[]).await.unwrap()).await);
    }
    report("ask a small question (median of 20)", median(&mut times));
}

async fn timed<T>(work: impl AsyncFnOnce() -> T) -> Duration {
    let start = Instant::now();
    work().await;
    start.elapsed()
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn report(what: &str, time: Duration) {
    println!("{what:<40} {:>9.1} ms", time.as_secs_f64() * 1e3);
}
