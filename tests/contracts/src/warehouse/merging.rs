//! Writing rows.

use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::{Decimal, dec};
use sentinel_domain::tables::{Cell, Table};
use sentinel_domain::warehouse::{EVERY_DAY, Merged, RowKey, TableId, Warehouse, WarehouseError, WarehouseExt};

use super::probe::{Tick, bare, tick};
use super::{Probe, all, count, made, probe};

fn merged(inserted: u64, updated: u64, unchanged: u64) -> Merged {
    Merged { inserted, updated, unchanged }
}

/// Every kind of value comes back as it went.
pub async fn rows_come_back_as_they_went(warehouse: &impl Warehouse) {
    let table = made(warehouse).await;
    let rows: Vec<_> = (0..5).map(probe).collect();
    assert_eq!(warehouse.merge_rows(&table, &rows).await.unwrap(), merged(5, 0, 0));
    assert_eq!(all(warehouse, &table).await, rows);
}

/// What is absent stays absent and is not 0; an empty list stays one; and both can be filled and emptied again.
pub async fn absent_values_and_empty_lists_come_back(warehouse: &impl Warehouse) {
    let table = made(warehouse).await;
    assert_eq!(warehouse.merge_rows(&table, &[bare(3)]).await.unwrap(), merged(1, 0, 0));
    assert_eq!(warehouse.merge_rows(&table, &[bare(3)]).await.unwrap(), merged(0, 0, 1));
    assert_eq!(all(warehouse, &table).await, [bare(3)]);
    assert_eq!(warehouse.merge_rows(&table, &[probe(3)]).await.unwrap(), merged(0, 1, 0));
    assert_eq!(all(warehouse, &table).await, [probe(3)]);
    assert_eq!(warehouse.merge_rows(&table, &[bare(3)]).await.unwrap(), merged(0, 1, 0));
    assert_eq!(all(warehouse, &table).await, [bare(3)]);
}

/// Money keeps nine places, is summed without loss, and differs by its last digit.
pub async fn decimals_are_exact_to_nine_places(warehouse: &impl Warehouse) {
    let table = made(warehouse).await;
    let sums = [dec!(0.000000001), dec!(-0.000000001), dec!(12345678901234567.123456789), dec!(0.1), dec!(0.2)];
    let rows: Vec<_> = (0..).zip(sums).map(|(n, sum)| Probe { money: Some(sum), ..probe(n) }).collect();
    warehouse.merge_rows(&table, &rows).await.unwrap();
    let read: Vec<_> = all(warehouse, &table).await.into_iter().filter_map(|row| row.money).collect();
    assert_eq!(read, sums);
    let answer = warehouse.query(&format!("SELECT SUM(money) AS total FROM {table}"), &[]).await.unwrap();
    assert_eq!(answer.single(), Some(&Cell::Decimal(sums.iter().sum::<Decimal>())));
    let next = Probe { money: Some(dec!(0.000000002)), ..rows[0].clone() };
    assert_eq!(warehouse.merge_rows(&table, &[next]).await.unwrap(), merged(0, 1, 0));
}

/// Moments are UTC, whatever the machine's zone, down to the microsecond and on both sides of the epoch.
pub async fn times_are_utc_to_the_microsecond(warehouse: &impl Warehouse) {
    let table = made(warehouse).await;
    let times = ["1969-12-31T23:59:59.999999Z", "2024-03-31T01:30:00Z", "2024-12-31T23:59:59.000001Z"];
    let times = times.map(|text| text.parse::<DateTime<Utc>>().unwrap());
    let rows: Vec<_> = (0..).zip(times).map(|(n, time)| Probe { seen_at: Some(time), ..probe(n) }).collect();
    warehouse.merge_rows(&table, &rows).await.unwrap();
    let read: Vec<_> = all(warehouse, &table).await.into_iter().filter_map(|row| row.seen_at).collect();
    assert_eq!(read, times);
    let condition = "t.seen_at >= ? AND DATE(t.seen_at) = ?";
    let parameters = [Cell::Timestamp(times[2]), Cell::Date("2024-12-31".parse().unwrap())];
    assert_eq!(warehouse.select::<Probe>(&table, condition, &parameters).await.unwrap().len(), 1);
}

/// The same row again changes nothing; a changed one replaces it.
pub async fn a_row_is_inserted_then_left_alone_then_updated(warehouse: &impl Warehouse) {
    let table = made(warehouse).await;
    let row = probe(1);
    let changed = Probe { note: Some("changed".to_owned()), labels: vec!["new".to_owned()], ..row.clone() };
    assert_eq!(warehouse.merge_rows(&table, std::slice::from_ref(&row)).await.unwrap(), merged(1, 0, 0));
    assert_eq!(warehouse.merge_rows(&table, std::slice::from_ref(&row)).await.unwrap(), merged(0, 0, 1));
    assert_eq!(warehouse.merge_rows(&table, std::slice::from_ref(&changed)).await.unwrap(), merged(0, 1, 0));
    assert_eq!(all(warehouse, &table).await, [changed]);
}

/// What happens to each row of a batch is its own affair.
pub async fn one_batch_inserts_updates_and_leaves_alone(warehouse: &impl Warehouse) {
    let table = made(warehouse).await;
    warehouse.merge_rows(&table, &[probe(1), probe(2)]).await.unwrap();
    let batch = [probe(1), Probe { whole: None, ..probe(2) }, probe(3), probe(1_441)];
    assert_eq!(warehouse.merge_rows(&table, &batch).await.unwrap(), merged(2, 1, 1));
    assert_eq!(all(warehouse, &table).await, batch);
}

/// The logical date is part of what tells rows apart.
pub async fn the_same_key_on_another_day_is_another_row(warehouse: &impl Warehouse) {
    let table = made(warehouse).await;
    let today = probe(1);
    let tomorrow =
        Probe { timestamp: today.timestamp + TimeDelta::days(1), ds: today.ds.succ_opt().unwrap(), ..today.clone() };
    warehouse.merge_rows(&table, std::slice::from_ref(&today)).await.unwrap();
    assert_eq!(warehouse.merge_rows(&table, std::slice::from_ref(&tomorrow)).await.unwrap(), merged(1, 0, 0));
    assert_eq!(all(warehouse, &table).await, [today, tomorrow]);
}

/// Nothing to write is nothing to do.
pub async fn an_empty_batch_changes_nothing(warehouse: &impl Warehouse) {
    let table = made(warehouse).await;
    assert_eq!(warehouse.merge(&table, &[]).await.unwrap(), Merged::default());
    assert_eq!(count(warehouse, &table).await, 0);
}

/// Two rows with one key in one batch: which of them counts is not the warehouse's to say.
pub async fn a_key_that_comes_twice_is_refused_and_nothing_written(warehouse: &impl Warehouse) {
    let table = made(warehouse).await;
    let batch = [probe(1), probe(2), Probe { note: None, ..probe(1) }];
    let error = warehouse.merge_rows(&table, &batch).await.unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, WarehouseError::DuplicateKey { row: 2, .. }), "{text}");
    assert!(text.contains("probe-000001") && text.contains("probe_test"), "{text}");
    assert_eq!(count(warehouse, &table).await, 0);
}

/// A row with a value of another kind, without a value that must be there, or of another width stops its batch.
pub async fn a_row_that_does_not_fit_is_refused_and_nothing_written(warehouse: &impl Warehouse) {
    let table = made(warehouse).await;
    let good = probe(1).cells();
    let spoiled = |place: usize, cell: Cell| {
        let mut row = probe(2).cells();
        row[place] = cell;
        row
    };
    let cases = [
        (spoiled(3, Cell::Text("five".to_owned())), "row 1 of probe_test: probe.whole: expected integer, found text"),
        (spoiled(11, Cell::Null), "row 1 of probe_test: probe.timestamp: expected timestamp, found NULL"),
        (vec![Cell::Null], "row 1 of probe_test: a row of probe has 13 columns, found 1"),
    ];
    for (bad, expected) in cases {
        let error = warehouse.merge(&table, &[good.clone(), bad]).await.unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
    assert_eq!(count(warehouse, &table).await, 0);
}

/// Rows of one table do not get into another.
pub async fn rows_of_another_table_are_refused(warehouse: &impl Warehouse) {
    let table = made(warehouse).await;
    let row = sentinel_domain::tables::BacktestEquityPoint {
        backtest_id: "run".to_owned(),
        timestamp: probe(0).timestamp,
        equity: Decimal::ONE,
        drawdown: 0.0,
        ds: probe(0).ds,
    };
    let error = warehouse.merge_rows(&table, &[row]).await.unwrap_err();
    assert_eq!(error.to_string(), "probe_test holds rows of probe, not of backtest_equity_curve");
}

/// A row that is settled is kept when one comes that is not; a settled one replaces it.
pub async fn a_settled_row_is_not_taken_back(warehouse: &impl Warehouse) {
    let table = made(warehouse).await;
    let estimate = probe(1);
    let settled = Probe { is_settled: true, money: Some(dec!(2)), ..estimate.clone() };
    let corrected = Probe { money: Some(dec!(3)), ..settled.clone() };
    warehouse.merge_rows(&table, std::slice::from_ref(&estimate)).await.unwrap();
    assert_eq!(warehouse.merge_rows(&table, std::slice::from_ref(&settled)).await.unwrap(), merged(0, 1, 0));
    assert_eq!(warehouse.merge_rows(&table, std::slice::from_ref(&estimate)).await.unwrap(), merged(0, 0, 1));
    assert_eq!(all(warehouse, &table).await, [settled]);
    assert_eq!(warehouse.merge_rows(&table, std::slice::from_ref(&corrected)).await.unwrap(), merged(0, 1, 0));
    assert_eq!(all(warehouse, &table).await, [corrected]);
}

/// A large batch over several days is written whole, and again without a change.
pub async fn ten_thousand_rows_are_merged_and_merged_again(warehouse: &impl Warehouse) {
    let table = made(warehouse).await;
    let rows: Vec<_> = (0..10_000).map(probe).collect();
    assert_eq!(warehouse.merge_rows(&table, &rows).await.unwrap(), merged(10_000, 0, 0));
    assert_eq!(warehouse.merge_rows(&table, &rows).await.unwrap(), merged(0, 0, 10_000));
    let changed: Vec<_> = rows[5_000..].iter().map(|row| Probe { whole: None, ..row.clone() }).collect();
    assert_eq!(warehouse.merge_rows(&table, &changed).await.unwrap(), merged(0, 5_000, 0));
    assert_eq!(count(warehouse, &table).await, 10_000);
}

/// Writers of different rows do not get into each other's way for good.
pub async fn merges_at_once_lose_nothing(warehouse: &impl Warehouse) {
    let table = made(warehouse).await;
    let writes = (0..4).map(|writer| {
        let table = &table;
        async move {
            for n in 0..5 {
                warehouse.merge_rows(table, &[probe(writer * 100 + n)]).await.unwrap();
            }
        }
    });
    let mut writes: Vec<_> = writes.map(Box::pin).collect();
    let [first, second, third, fourth] = writes.as_mut_slice() else { unreachable!("there are four") };
    tokio::join!(first, second, third, fourth);
    assert_eq!(count(warehouse, &table).await, 20);
}

/// Two runs of one job at once write each row once.
pub async fn the_same_batch_at_once_is_written_once(warehouse: &impl Warehouse) {
    let table = made(warehouse).await;
    let rows: Vec<_> = (0..200).map(probe).collect();
    let (one, other) = tokio::join!(warehouse.merge_rows(&table, &rows), warehouse.merge_rows(&table, &rows));
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!((one.inserted + other.inserted, one.unchanged + other.unchanged), (200, 200));
    assert_eq!(all(warehouse, &table).await, rows);
}

/// New rows are added at any time, also between others, and found whether or not it is known when they are of; those that
/// are there stay as they are.
pub async fn a_row_of_a_table_that_grows_is_never_changed(warehouse: &impl Warehouse) {
    let table = TableId::of::<Tick>("ticks_test");
    warehouse.ensure(&table).await.unwrap();
    let first = [tick(1), tick(3), tick(30)];
    assert_eq!(warehouse.merge_rows(&table, &first).await.unwrap(), merged(3, 0, 0));
    assert_eq!(warehouse.merge_rows(&table, &first).await.unwrap(), merged(0, 0, 3));
    let changed = Tick { note: Some("changed".to_owned()), ..tick(3) };
    assert_eq!(warehouse.merge_rows(&table, &[tick(2), changed]).await.unwrap(), merged(1, 0, 1));
    let there: Vec<Tick> = warehouse.select(&table, EVERY_DAY, &[]).await.unwrap();
    assert_eq!(there, [tick(1), tick(2), tick(3), tick(30)]);
    let known = [30, 4, 2, 31].map(|n| RowKey::of(&tick(n)));
    let unknown = known.clone().map(|key| RowKey::new(key.ds, key.values));
    for keys in [known, unknown] {
        assert_eq!(warehouse.existing_keys(&table, &keys).await.unwrap(), [true, false, true, false]);
    }
}
