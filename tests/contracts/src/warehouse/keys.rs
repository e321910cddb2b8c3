//! Asking which rows are there: what a clean-up trusts before it deletes.

use sentinel_domain::tables::CandleRow;
use sentinel_domain::warehouse::{RowKey, TableId, Warehouse, WarehouseExt};

use super::{made, probe};

/// The answer comes in the order of the question, whichever way the rows lie.
pub async fn keys_are_found_in_the_order_asked_for(warehouse: &impl Warehouse) {
    let table = made(warehouse).await;
    let there: Vec<_> = (0..3_000).step_by(2).map(probe).collect();
    warehouse.merge_rows(&table, &there).await.unwrap();
    let keys: Vec<_> = (0..3_000).rev().map(|n| RowKey::of(&probe(n))).collect();
    let answer = warehouse.existing_keys(&table, &keys).await.unwrap();
    let expected: Vec<_> = (0..3_000).rev().map(|n| n % 2 == 0).collect();
    assert_eq!(answer, expected);
    assert_eq!(warehouse.existing_keys(&table, &[]).await.unwrap(), Vec::<bool>::new());
    // The same key asked twice is answered twice.
    let twice = [RowKey::of(&probe(2)), RowKey::of(&probe(1)), RowKey::of(&probe(2))];
    assert_eq!(warehouse.existing_keys(&table, &twice).await.unwrap(), [true, false, true]);
}

/// A row is there on its own logical date only.
pub async fn a_key_of_another_day_is_not_there(warehouse: &impl Warehouse) {
    let table = made(warehouse).await;
    warehouse.merge_rows(&table, &[probe(1)]).await.unwrap();
    let key = RowKey::of(&probe(1));
    let tomorrow = RowKey { ds: key.ds.succ_opt().unwrap(), ..key.clone() };
    assert_eq!(warehouse.existing_keys(&table, &[tomorrow, key]).await.unwrap(), [false, true]);
}

/// Keys of texts, moments and numbers together.
pub async fn key_columns_of_every_kind_are_found(warehouse: &impl Warehouse) {
    let table = TableId::of::<CandleRow>("candles_test");
    warehouse.ensure(&table).await.unwrap();
    let first = candle();
    let corrected = CandleRow { revision: 1, ..first.clone() };
    warehouse.merge_rows(&table, std::slice::from_ref(&first)).await.unwrap();
    let keys = [RowKey::of(&corrected), RowKey::of(&first)];
    assert_eq!(warehouse.existing_keys(&table, &keys).await.unwrap(), [false, true]);
}

/// Returns a candle of one hour.
pub(super) fn candle() -> CandleRow {
    let open_time = probe(0).timestamp;
    let close_time = open_time + chrono::TimeDelta::hours(1);
    CandleRow {
        exchange: "binance".to_owned(),
        symbol: "BTC/USD".to_owned(),
        interval: "1h".to_owned(),
        open_time,
        close_time,
        revision: 0,
        open: 1.0,
        high: 2.0,
        low: 0.5,
        close: 1.5,
        volume: 10.0,
        vwap: None,
        trade_count: Some(3),
        volume_delta: None,
        imbalance: None,
        is_filler: false,
        time_received: close_time,
        timestamp: open_time,
        ds: open_time.date_naive(),
    }
}
