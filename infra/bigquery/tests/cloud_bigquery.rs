//! The warehouse on BigQuery: the port's contract, and what only this adapter promises.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

mod contract {
    use sentinel_bigquery::BigQueryWarehouse;

    async fn fresh() -> Option<((), BigQueryWarehouse)> {
        Some(((), super::open(super::settings()?).await))
    }

    sentinel_contracts::warehouse_contract!(fresh);
}

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use sentinel_bigquery::{BigQuerySettings, BigQueryWarehouse, Credentials, Statements, Tables};
use sentinel_contracts::counterpart::Counterpart;
use sentinel_contracts::warehouse::{Probe, Tick, all, count, made, probe, tick};
use sentinel_domain::environment::Environment;
use sentinel_domain::tables::{AGG_STRATEGY_DAILY, Cell, FactTrade, Table};
use sentinel_domain::warehouse::{TableId, ViewId, Warehouse, WarehouseError, WarehouseExt};

/// Names a dataset that nobody else has; `None` where there is no counterpart.
fn settings() -> Option<BigQuerySettings> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let address = Counterpart::BigQuery.address()?;
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    Some(BigQuerySettings::counterpart(&address, "sentinel", format!("t{}_{number}", std::process::id())))
}

async fn open(settings: BigQuerySettings) -> BigQueryWarehouse {
    BigQueryWarehouse::connect(settings).await.unwrap()
}

/// Functions hold the port, not the adapter.
#[tokio::test]
async fn typed_rows_go_through_the_port() {
    let Some(settings) = settings() else { return };
    let warehouse: Arc<dyn Warehouse> = Arc::new(open(settings).await);
    let table = TableId::of::<Probe>("probe_test");
    warehouse.ensure(&table).await.unwrap();
    warehouse.merge_rows(&table, &[probe(1)]).await.unwrap();
    let found: Vec<Probe> = warehouse.select(&table, "t.ds = ?", &[Cell::Date(probe(1).ds)]).await.unwrap();
    assert_eq!(found, [probe(1)]);
}

/// Where somebody else makes the tables, they are looked at and never made.
#[tokio::test]
async fn tables_are_only_looked_at_where_they_are_made_elsewhere() {
    let Some(settings) = settings() else { return };
    let deployed = open(BigQuerySettings { tables: Tables::CheckOnly, ..settings.clone() }).await;
    let table = TableId::of::<FactTrade>(Environment::Test.table(FactTrade::schema().name));
    let view = ViewId::new(&AGG_STRATEGY_DAILY, |name| Environment::Test.table(name));
    for error in [deployed.ensure(&table).await.unwrap_err(), deployed.ensure_view(&view).await.unwrap_err()] {
        assert!(matches!(error, WarehouseError::NoTable { .. }), "{error}");
    }
    let maker = open(settings).await;
    maker.ensure(&table).await.unwrap();
    maker.ensure_view(&view).await.unwrap();
    deployed.ensure(&table).await.unwrap();
    deployed.ensure_view(&view).await.unwrap();
}

/// A batch that is larger than a request travels in several, and the counts are of all of them.
#[tokio::test]
async fn a_batch_over_one_request_is_written_in_several() {
    let Some(mut settings) = settings() else { return };
    settings.limits.request_max_bytes = 20_000;
    let statements = Statements::default();
    settings.statements = Some(statements.clone());
    let warehouse = open(settings).await;
    let table = made(&warehouse).await;
    // Four days, so that pieces are about different days.
    let rows: Vec<_> = (0..60).map(|n| probe(n * 97)).collect();
    let merged = warehouse.merge_rows(&table, &rows).await.unwrap();
    assert_eq!((merged.inserted, merged.updated, merged.unchanged), (60, 0, 0));
    let sent = statements.all().into_iter().filter(|it| it.sql.starts_with("MERGE")).count();
    assert!(sent > 1, "{sent} requests");
    let again = warehouse.merge_rows(&table, &rows).await.unwrap();
    assert_eq!(again.unchanged, 60);
    assert_eq!(all(&warehouse, &table).await, rows);
}

/// The days stand in the statement itself, as constants, so that BigQuery reads no others.
#[tokio::test]
async fn statements_name_the_days_of_their_rows() {
    let Some(mut settings) = settings() else { return };
    let statements = Statements::default();
    settings.statements = Some(statements.clone());
    let warehouse = open(settings).await;
    let table = made(&warehouse).await;
    let rows = [probe(0), probe(3 * 1_440)];
    warehouse.merge_rows(&table, &rows).await.unwrap();
    let keys = rows.each_ref().map(sentinel_domain::warehouse::RowKey::of);
    warehouse.existing_keys(&table, &keys).await.unwrap();
    let sent = statements.all();
    let days = "t.ds BETWEEN DATE '2024-01-01' AND DATE '2024-01-04'";
    assert_eq!(sent.iter().filter(|it| it.sql.contains(days)).count(), 2, "{sent:?}");
}

/// Of a table that grows, also the times: its blocks are sorted by them.
#[tokio::test]
async fn statements_name_the_times_by_which_a_table_grows() {
    let Some(mut settings) = settings() else { return };
    let statements = Statements::default();
    settings.statements = Some(statements.clone());
    let warehouse = open(settings).await;
    let table = TableId::of::<Tick>("ticks_test");
    warehouse.ensure(&table).await.unwrap();
    let rows = [tick(2), tick(5)];
    warehouse.merge_rows(&table, &rows).await.unwrap();
    let keys = rows.each_ref().map(sentinel_domain::warehouse::RowKey::of);
    warehouse.existing_keys(&table, &keys).await.unwrap();
    let times = "t.`ticked_at` BETWEEN TIMESTAMP '2024-01-01 02:00:00.000000+00:00' \
                 AND TIMESTAMP '2024-01-01 05:00:00.000000+00:00'";
    let sent = statements.all();
    assert_eq!(sent.iter().filter(|it| it.sql.contains(times)).count(), 2, "{sent:?}");
    assert!(!sent.iter().any(|it| it.sql.contains("UPDATE SET")), "{sent:?}");
}

/// A question that forgot its days is refused before it costs anything.
#[tokio::test]
async fn a_question_without_days_is_refused() {
    let Some(settings) = settings() else { return };
    let warehouse = open(settings).await;
    let table = TableId::of::<FactTrade>("fact_trades_test");
    warehouse.ensure(&table).await.unwrap();
    let error = warehouse.query("SELECT COUNT(*) FROM fact_trades_test", &[]).await.unwrap_err();
    assert!(error.to_string().contains("add a condition on ds"), "{error}");
    assert_eq!(count(&warehouse, &table).await, 0);
}

/// What reads like a question and is none is recognised by the service.
#[tokio::test]
async fn a_script_is_no_question() {
    let Some(settings) = settings() else { return };
    let warehouse = open(settings).await;
    let table = made(&warehouse).await;
    warehouse.merge_rows(&table, &[probe(1)]).await.unwrap();
    let error = warehouse.query("SELECT 1; DELETE FROM probe_test WHERE TRUE", &[]).await.unwrap_err();
    assert!(matches!(error, WarehouseError::Query { .. }), "{error}");
    let answer = warehouse.query("SELECT 'a; b' AS text", &[]).await.unwrap();
    assert_eq!(answer.single(), Some(&Cell::Text("a; b".to_owned())));
    assert_eq!(count(&warehouse, &table).await, 1);
}

/// Nobody answers there: that is told, with the name of the warehouse, and may be tried again later.
#[tokio::test]
async fn a_warehouse_that_cannot_be_reached_is_named() {
    let mut settings = BigQuerySettings::counterpart("http://127.0.0.1:9", "p", "d");
    settings.limits.retries = 1;
    settings.limits.delay_min = std::time::Duration::from_millis(1);
    let warehouse = open(settings).await;
    let error = warehouse.query("SELECT 1", &[]).await.unwrap_err();
    assert!(error.is_retryable());
    assert!(error.to_string().starts_with("cannot ask BigQuery p.d: no answer"), "{error}");
}

/// Making the warehouse asks nobody for anything.
#[tokio::test]
async fn connecting_takes_no_time() {
    let before = tokio::time::Instant::now();
    for _ in 0..10 {
        open(BigQuerySettings::counterpart("http://127.0.0.1:9", "p", "d")).await;
    }
    assert!(before.elapsed().as_millis() < 1_000, "{:?} for ten", before.elapsed());
    assert_eq!(format!("{:?}", Credentials::ApplicationDefault), "ApplicationDefault");
}
