//! The speed of the hot store: `cargo bench -p sentinel-embedded --bench documents`.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench measures time, prints it, and may fail"
)]

use std::time::Instant;

use sentinel_domain::documents::{Collection, Direction, DocumentStore, Precondition, Query, Write};
use sentinel_domain::environment::Environment;
use sentinel_embedded::documents::{Durability, SqliteDocuments};
use serde_json::json;

const DOCUMENTS: usize = 10_000;
const BATCH: usize = 400;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    for durability in [Durability::PowerCut, Durability::ProcessEnd] {
        runtime.block_on(measure(durability));
    }
}

async fn measure(durability: Durability) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hot.sqlite");
    let begin = Instant::now();
    let store = SqliteDocuments::open(&path, Environment::Test, durability).unwrap();
    println!("{durability:?}: created in {:?}", begin.elapsed());
    let begin = Instant::now();
    drop(SqliteDocuments::open(&path, Environment::Test, durability).unwrap());
    println!("{durability:?}: opened in {:?}", begin.elapsed());

    let signals = Environment::Test.collection(Collection::LiveSignals);
    let body = |n: usize| {
        json!({
            "signal_id": format!("{n:064x}"), "strategy_id": format!("strategy-{}", n % 20), "symbol": format!("S{}-USD", n % 500),
            "status": if n.is_multiple_of(10) { "NEW" } else { "NO_ACTION" }, "pattern_name": "cross-up", "confidence_score": 71.5,
            "close_time": 1_700_000_000_000_u64, "expiration_at": 1_700_000_000_000_u64 + n as u64, "published": false,
        })
    };
    let writes: Vec<Write> =
        (0..DOCUMENTS).map(|n| Write::put(signals, format!("{n:064x}"), body(n), Precondition::Absent)).collect();
    let batches: Vec<Vec<Write>> = writes.chunks(BATCH).map(<[Write]>::to_vec).collect();
    let begin = Instant::now();
    for batch in batches {
        store.commit(batch).await.unwrap();
    }
    println!("{durability:?}: {DOCUMENTS} documents in commits of {BATCH}: {:?}", begin.elapsed());

    let begin = Instant::now();
    for n in 0..1_000 {
        store.commit(vec![Write::put(signals, "one", body(n), Precondition::Any)]).await.unwrap();
    }
    println!("{durability:?}: one commit of one document: {:?}", begin.elapsed() / 1_000);

    let begin = Instant::now();
    for n in 0..1_000 {
        store.get(signals, &format!("{n:064x}")).await.unwrap().unwrap();
    }
    println!("{durability:?}: one get: {:?}", begin.elapsed() / 1_000);

    let query = Query::of(signals).equal("status", "NEW").less("expiration_at", 1_700_000_005_000_i64);
    let query = query.order_by("expiration_at", Direction::Ascending).limit(100);
    let begin = Instant::now();
    for _ in 0..100 {
        assert_eq!(store.query(&query).await.unwrap().len(), 100);
    }
    println!("{durability:?}: 100 of {DOCUMENTS} by equality, range and order: {:?}", begin.elapsed() / 100);

    let candles = Environment::Test.collection(Collection::Candles);
    let column: Vec<f64> = (0..1_440).map(|n| 43_000.0 + f64::from(n) * 0.37).collect();
    let chunk = json!({ "exchange": "coinbase", "symbol": "BTC-USD", "timeframe": "1m", "session_open": 0,
        "open": column, "high": column, "low": column, "close": column, "volume": column, "open_time": column });
    let begin = Instant::now();
    for n in 0..100 {
        store.commit(vec![Write::put(candles, n.to_string(), chunk.clone(), Precondition::Any)]).await.unwrap();
    }
    println!("{durability:?}: one candle chunk of 1,440 bars written: {:?}", begin.elapsed() / 100);
    let begin = Instant::now();
    for n in 0..100 {
        store.get(candles, &n.to_string()).await.unwrap().unwrap();
    }
    println!("{durability:?}: one candle chunk read: {:?}", begin.elapsed() / 100);
}
