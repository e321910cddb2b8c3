//! Making tables and finding them changed.

use chrono::NaiveDate;
use sentinel_domain::tables::{self, Cell};
use sentinel_domain::warehouse::{ColumnDrift, TableId, ViewId, Warehouse, WarehouseError, WarehouseExt};

use super::{Probe, all, count, made, probe};

/// The same names, declared otherwise: what a table looks like after somebody changed it by hand.
mod changed {
    use super::NaiveDate;

    sentinel_domain::table! {
        /// The probe table of another time.
        pub struct Changed in "probe" {
            grain: "one trial",
            key: ["probe_id"],
        }
        columns {
            /// As in the probe.
            probe_id: String,
            /// Another type than in the probe.
            series: String,
            /// May not be empty here.
            note: String,
            /// Not in the probe.
            surprise: Option<i64>,
            /// As in the probe.
            ds: NaiveDate,
        }
    }
}

fn named(table: &str) -> String {
    format!("{table}_test")
}

/// Every table of the project, and every view, is made; doing it again is no error.
pub async fn every_table_and_view_can_be_made_twice(warehouse: &impl Warehouse) {
    for _ in 0..2 {
        warehouse.ensure_all(named).await.unwrap();
        for schema in tables::all() {
            let table = TableId::new(schema, named);
            warehouse.check(&table).await.unwrap();
            assert_eq!(count(warehouse, &table).await, 0, "{table}");
        }
        for view in tables::views() {
            let view = ViewId::new(view, named);
            let answer = warehouse.query(&format!("SELECT * FROM {}", view.physical_name), &[]).await.unwrap();
            let declared: Vec<_> = view.schema.columns.iter().map(|column| column.name).collect();
            assert_eq!(answer.columns, declared);
        }
    }
}

/// Checking, writing to and looking into a table that is not there names it.
pub async fn a_table_that_is_not_there_is_named(warehouse: &impl Warehouse) {
    let table = TableId::of::<Probe>("nowhere_test");
    let is_no_table = |error: WarehouseError| match error {
        WarehouseError::NoTable { table } => table == "nowhere_test",
        other => panic!("{other}"),
    };
    assert!(is_no_table(warehouse.check(&table).await.unwrap_err()));
    assert!(is_no_table(warehouse.merge_rows(&table, &[probe(0)]).await.unwrap_err()));
    assert!(is_no_table(warehouse.existing_keys(&table, &[]).await.unwrap_err()));
}

/// A live table with other columns is refused with the name of each, and nothing is written.
pub async fn drift_is_refused_with_every_column_before_anything_is_written(warehouse: &impl Warehouse) {
    let changed = TableId::of::<changed::Changed>("probe_test");
    warehouse.ensure(&changed).await.unwrap();
    let table = TableId::of::<Probe>("probe_test");
    let expected = [
        "day",
        "document",
        "is_settled",
        "labels",
        "money",
        "note",
        "real",
        "seen_at",
        "series",
        "surprise",
        "timestamp",
        "whole",
    ];
    for error in [
        warehouse.check(&table).await.unwrap_err(),
        warehouse.merge_rows(&table, &[probe(0)]).await.unwrap_err(),
        warehouse.existing_keys(&table, &[]).await.unwrap_err(),
    ] {
        assert!(!error.is_retryable());
        let text = error.to_string();
        let WarehouseError::Drift { columns, .. } = error else { panic!("{text}") };
        let mut names: Vec<_> = columns.iter().map(ColumnDrift::column).collect();
        names.sort_unstable();
        assert_eq!(names, expected, "{text}");
        assert!(text.contains("surprise is unknown") && text.contains("money is missing"), "{text}");
    }
    assert_eq!(count(warehouse, &table).await, 0);
}

/// Making a table whose name another table has changes nothing.
pub async fn a_table_of_another_schema_is_not_made_over(warehouse: &impl Warehouse) {
    let table = made(warehouse).await;
    warehouse.merge_rows(&table, &[probe(1)]).await.unwrap();
    let error = warehouse.ensure(&TableId::of::<changed::Changed>("probe_test")).await.unwrap_err();
    assert!(matches!(error, WarehouseError::Drift { .. }), "{error}");
    assert_eq!(all(warehouse, &table).await, [probe(1)]);
    let day = Cell::Date(probe(1).ds);
    assert_eq!(warehouse.select::<Probe>(&table, "t.ds = ?", &[day]).await.unwrap().len(), 1);
}
