//! The contract of [`DocumentStore`]. Where `fresh` returns an `Option`, `None` skips the fact.
//!
//! ```text
//! mod contract {
//!     async fn fresh() -> (TempDir, MyStore) { … }      // empty, of Environment::Test; the first is kept alive
//!     sentinel_contracts::document_store_contract!(fresh);
//! }
//! ```

mod commits;
mod concurrency;
mod model;
mod queries;

use sentinel_domain::documents::{Collection, CollectionName, DocumentStore, Precondition, StoreError, Write};
use sentinel_domain::environment::Environment;
use serde_json::{Value, json};

pub use self::commits::*;
pub use self::concurrency::*;
pub use self::model::*;
pub use self::queries::*;

/// Makes one test of each fact of the contract; `$fresh` is an async function that returns (what keeps it alive, store).
#[macro_export]
macro_rules! document_store_contract {
    ($fresh:path) => {
        $crate::document_store_contract! { $fresh:
            a_document_is_read_as_it_was_written
            what_is_not_there_is_none
            many_are_read_in_the_order_asked_for
            a_put_replaces_the_whole_document
            every_write_changes_the_version
            a_commit_tells_the_versions_of_what_it_put
            a_version_does_not_come_back_after_a_delete
            absent_holds_once
            present_holds_of_what_is_there
            a_version_holds_until_the_next_write
            keep_changes_nothing_and_holds_the_commit
            a_commit_that_fails_leaves_nothing
            an_empty_commit_is_made
            a_full_commit_is_made_and_a_larger_one_refused
            what_the_cloud_cannot_hold_is_refused
            collections_do_not_share_ids
            the_names_of_another_environment_are_refused
            expiry_is_kept_and_replaced
            equality_compares_within_one_type
            equality_finds_null_and_truth
            ranges_compare_within_one_type
            a_list_finds_each_of_its_values
            filters_must_all_hold
            fields_within_fields_are_found
            an_order_has_ties_by_id_and_leaves_out_what_lacks_the_field
            null_comes_first
            a_cursor_goes_through_all_pages_once
            a_cursor_passes_null_in_both_directions
            a_question_the_cloud_refuses_is_refused
            a_count_is_that_of_the_answer
            a_question_without_its_index_is_refused
            questions_are_answered_as_a_plain_model_answers_them
            records_are_read_with_their_field_named_when_they_do_not_read
            all_pages_of_records_are_read
            concurrent_updates_lose_nothing
            one_of_many_creators_wins
            readers_see_whole_commits
        }
    };
    ($fresh:path: $($fact:ident)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $fact() {
                let Some((alive, store)) = $crate::counterpart::Fresh::opened($fresh().await) else { return };
                $crate::documents::$fact(&store).await;
                drop(alive);
            }
        )+
    };
}

/// Returns the collection that the suite writes to.
#[must_use]
pub fn positions() -> CollectionName {
    Environment::Test.collection(Collection::LivePositions)
}

/// Commits `body` under `id`.
pub async fn put(store: &dyn DocumentStore, id: &str, body: Value) {
    store.commit(vec![Write::put(positions(), id, body, Precondition::Any)]).await.unwrap();
}

async fn number(store: &dyn DocumentStore, id: &str) -> Option<i64> {
    store.get(positions(), id).await.unwrap().map(|document| document.body["n"].as_i64().unwrap())
}

fn put_number(id: &str, number: i64, precondition: Precondition) -> Write {
    Write::put(positions(), id, json!({ "n": number }), precondition)
}

async fn conflict_on(store: &dyn DocumentStore, writes: Vec<Write>, id: &str) {
    let error = store.commit(writes).await.unwrap_err();
    assert!(error.is_conflict_on(positions(), id), "expected a conflict on {id}, got: {error}");
    assert!(!error.is_retryable(), "{error}");
}

/// Adds one to the number under `id`, as often as somebody else comes in between; returns how often that was.
pub async fn increment(store: &dyn DocumentStore, id: &str) -> u32 {
    for conflicts in 0.. {
        let read = store.get(positions(), id).await.unwrap();
        let value = read.as_ref().map_or(0, |document| document.body["n"].as_i64().unwrap());
        match store.commit(vec![put_number(id, value + 1, Precondition::unchanged(read.as_ref()))]).await {
            Ok(()) => return conflicts,
            Err(StoreError::PreconditionFailed { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
    unreachable!("the loop above ends by returning")
}
