//! Bad rows: held back with every reason, healed by healing their cause.

use rust_decimal::dec;
use sentinel_archive::Quarantined;
use sentinel_domain::documents::{Precondition, Record};
use sentinel_domain::hash::ContentHash;
use sentinel_domain::live::{CandleChunk, LivePosition};
use sentinel_domain::signal::SignalType;
use sentinel_domain::tables::{FactTrade, PositionRow};
use sentinel_function_runtime::JobStatus;

use crate::world::{DAY, OPENED, World, signal};

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_trade_is_held_back_with_every_reason_and_passes_once_it_is_healed() {
    let world = World::new().await;
    let signals = [
        signal(2, SignalType::Buy),
        signal(9, SignalType::Sell),
        signal(11, SignalType::Buy),
        signal(20, SignalType::Sell),
    ];
    world.live(0..24, &signals).await;
    let mut positions = world.hot::<LivePosition>().await;
    positions.sort_by_key(|stored| stored.record.entry_time);
    let good = positions.remove(0).record;
    let mut bad = good.clone();
    // Another version than the one that was active, and another price than the broker's.
    bad.strategy_version = ContentHash::of(b"another");
    bad.orders[0].legs[0].fill.notional += dec!(1);
    world.put(&bad).await;

    let run = world.night(1).await.remove("archive-trades").unwrap();
    assert_eq!((run.status, run.rows_quarantined), (JobStatus::Partial, 1));
    let [held] = world.hot::<Quarantined>().await.try_into().unwrap();
    let held = held.record;
    assert_eq!((held.table.as_str(), held.source_id.as_str()), ("fact_trades", good.position_id.as_str()));
    let columns: Vec<_> = held.reasons.iter().map(|reason| reason.column.as_str()).collect();
    assert_eq!(columns, ["entry_fill_price", "strategy_version"]);
    let version = &held.reasons[1];
    assert!(version.found.contains(&bad.strategy_version.to_string()));
    assert!(version.allowed.contains(&good.strategy_version.to_string()), "{version}");
    assert_eq!(held.row["position_id"], good.position_id.as_str());
    // Nothing is lost: it is hot, and none of its rows is cold; the other trade went through.
    let kept = world.hot::<LivePosition>().await;
    assert!(kept.iter().any(|stored| stored.record == bad && stored.expire_at.is_none()));
    assert_eq!(world.rows::<FactTrade>().await.len(), 1);
    assert!(world.rows::<PositionRow>().await.iter().all(|row| row.position_id != good.position_id));

    world.put(&good).await;
    let run = world.night_at(OPENED + DAY + 10 * 60_000).await.remove("archive-trades").unwrap();
    assert_eq!(run.status, JobStatus::Succeeded);
    assert_eq!(world.rows::<FactTrade>().await.len(), 2);
    assert!(world.hot::<Quarantined>().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trade_without_candles_is_held_back() {
    let world = World::new().await;
    world.live(0..24, &[signal(2, SignalType::Buy), signal(9, SignalType::Sell)]).await;
    let chunks = world.records::<CandleChunk>();
    for chunk in world.hot::<CandleChunk>().await {
        let delete = chunks.delete(&chunk.record.id(), Precondition::Any);
        world.runtime.store.commit(vec![delete]).await.unwrap();
    }
    let run = world.run(&world.archive_trades(), OPENED + DAY).await;
    assert_eq!(run.status, JobStatus::Partial);
    let [held] = world.hot::<Quarantined>().await.try_into().unwrap();
    assert_eq!(held.record.reasons[0].column, "max_favorable_excursion");
}
