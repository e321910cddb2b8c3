//! The contract of [`Warehouse`]. Where `fresh` returns an `Option`, `None` skips the fact.
//!
//! ```text
//! mod contract {
//!     async fn fresh() -> (TempDir, MyWarehouse) { … }      // without a table; the first is kept alive
//!     sentinel_contracts::warehouse_contract!(fresh);
//! }
//! ```

mod keys;
mod merging;
mod probe;
mod queries;
mod shape;

use sentinel_domain::tables::Cell;
use sentinel_domain::warehouse::{EVERY_DAY, TableId, Warehouse, WarehouseExt};

pub use self::keys::*;
pub use self::merging::*;
pub use self::probe::{Probe, Tick, probe, tick};
pub use self::queries::*;
pub use self::shape::*;

/// Makes one test of each fact of the contract; `$fresh` is an async function that returns (what keeps it alive,
/// warehouse).
#[macro_export]
macro_rules! warehouse_contract {
    ($fresh:path) => {
        $crate::warehouse_contract! { $fresh:
            every_table_and_view_can_be_made_twice
            a_table_that_is_not_there_is_named
            drift_is_refused_with_every_column_before_anything_is_written
            a_table_of_another_schema_is_not_made_over
            rows_come_back_as_they_went
            absent_values_and_empty_lists_come_back
            decimals_are_exact_to_nine_places
            times_are_utc_to_the_microsecond
            a_row_is_inserted_then_left_alone_then_updated
            one_batch_inserts_updates_and_leaves_alone
            the_same_key_on_another_day_is_another_row
            an_empty_batch_changes_nothing
            a_key_that_comes_twice_is_refused_and_nothing_written
            a_row_that_does_not_fit_is_refused_and_nothing_written
            rows_of_another_table_are_refused
            a_settled_row_is_not_taken_back
            a_row_of_a_table_that_grows_is_never_changed
            ten_thousand_rows_are_merged_and_merged_again
            merges_at_once_lose_nothing
            the_same_batch_at_once_is_written_once
            keys_are_found_in_the_order_asked_for
            a_key_of_another_day_is_not_there
            key_columns_of_every_kind_are_found
            a_query_has_names_and_parameters
            an_answer_without_rows_has_its_columns
            a_query_writes_nothing
            wrong_sql_is_told
            a_column_named_like_a_word_of_sql_is_read
            rows_that_name_what_is_not_there_are_found
            the_daily_view_adds_up_trades
        }
    };
    ($fresh:path: $($fact:ident)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $fact() {
                let Some((alive, warehouse)) = $crate::counterpart::Fresh::opened($fresh().await) else { return };
                $crate::warehouse::$fact(&warehouse).await;
                drop(alive);
            }
        )+
    };
}

/// Returns the table that most of the suite writes to, made in `warehouse`.
///
/// # Panics
/// When it cannot be made.
pub async fn made(warehouse: &impl Warehouse) -> TableId {
    let table = TableId::of::<Probe>("probe_test");
    warehouse.ensure(&table).await.unwrap();
    table
}

/// Returns how many rows a table has.
///
/// # Panics
/// When it cannot be asked.
pub async fn count(warehouse: &impl Warehouse, table: &TableId) -> i64 {
    let sql = format!("SELECT COUNT(*) AS row_count FROM {table} AS t WHERE {EVERY_DAY}");
    let answer = warehouse.query(&sql, &[]).await.unwrap();
    match answer.single() {
        Some(Cell::Integer(count)) => *count,
        other => panic!("a count is {other:?}"),
    }
}

/// Returns all rows of the probe table, by day and key.
///
/// # Panics
/// When they cannot be read.
pub async fn all(warehouse: &impl Warehouse, table: &TableId) -> Vec<Probe> {
    warehouse.select(table, EVERY_DAY, &[]).await.unwrap()
}
