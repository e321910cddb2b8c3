//! Facts about questions: filters, orders, pages, and records.

use sentinel_domain::documents::Direction::{Ascending, Descending};
use sentinel_domain::documents::{
    Collection, Document, DocumentStore, Precondition, Query, Record, Records, StoreError, Write,
};
use sentinel_domain::environment::Environment;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{positions, put};

fn all() -> Query {
    Query::of(positions())
}

/// Asks without asking for an index: these are facts about answers, of questions that nobody else has.
pub(super) async fn answer(store: &dyn DocumentStore, query: &Query) -> Vec<Document> {
    query.check_form().unwrap();
    store.select(query).await.unwrap()
}

async fn ids(store: &dyn DocumentStore, query: Query) -> String {
    let found = answer(store, &query).await;
    found.iter().map(|document| document.id.as_str()).collect::<Vec<_>>().join(" ")
}

/// Stores `values` as field `v` of the documents `a`, `b`, …; `None` leaves the field out.
async fn letters(store: &dyn DocumentStore, values: impl IntoIterator<Item = Option<Value>>) {
    for (letter, value) in ('a'..).zip(values) {
        let body = value.map_or_else(|| json!({}), |value| json!({ "v": value }));
        put(store, &letter.to_string(), body).await;
    }
}

async fn one_of_each_type(store: &dyn DocumentStore) {
    let values = [json!(1), json!(1.5), json!("1"), json!(true), json!(null), json!([1]), json!({ "x": 1 })];
    letters(store, values.into_iter().map(Some).chain([None, Some(json!(0)), Some(json!("x"))])).await;
}

/// 1 is neither "1" nor true.
pub async fn equality_compares_within_one_type(store: &dyn DocumentStore) {
    one_of_each_type(store).await;
    assert_eq!(ids(store, all().equal("v", 1)).await, "a");
    assert_eq!(ids(store, all().equal("v", 1.0)).await, "a");
    assert_eq!(ids(store, all().equal("v", 1.5)).await, "b");
    assert_eq!(ids(store, all().equal("v", "1")).await, "c");
    assert_eq!(ids(store, all().equal("v", "[1]")).await, "");
    assert_eq!(ids(store, all().equal("missing", "1")).await, "");
}

/// `null` is a value and not the lack of one.
pub async fn equality_finds_null_and_truth(store: &dyn DocumentStore) {
    one_of_each_type(store).await;
    assert_eq!(ids(store, all().equal("v", Value::Null)).await, "e");
    assert_eq!(ids(store, all().equal("v", true)).await, "d");
    assert_eq!(ids(store, all().equal("v", false)).await, "");
}

/// A range of numbers holds no text, and one of texts no number.
pub async fn ranges_compare_within_one_type(store: &dyn DocumentStore) {
    one_of_each_type(store).await;
    assert_eq!(ids(store, all().greater("v", 0)).await, "a b");
    assert_eq!(ids(store, all().at_least("v", 0)).await, "i a b");
    assert_eq!(ids(store, all().less("v", 1.5)).await, "i a");
    assert_eq!(ids(store, all().at_most("v", 1.5)).await, "i a b");
    assert_eq!(ids(store, all().greater("v", "")).await, "c j");
    assert_eq!(ids(store, all().greater("v", "1").at_most("v", "x")).await, "j");
}

/// `in`, over texts and numbers.
pub async fn a_list_finds_each_of_its_values(store: &dyn DocumentStore) {
    one_of_each_type(store).await;
    assert_eq!(ids(store, all().one_of("v", [json!("1"), json!(1), json!("nothing")])).await, "a c");
    assert_eq!(ids(store, all().one_of("v", ["x", "1"]).order_by("v", Descending)).await, "j c");
}

/// Equality, range, order and limit at once.
pub async fn filters_must_all_hold(store: &dyn DocumentStore) {
    for n in 0..40 {
        let status = if n % 2 == 0 { "NEW" } else { "EXPIRED" };
        let symbol = if n % 4 < 2 { "BTC-USD" } else { "ETH-USD" };
        put(store, &format!("{n:02}"), json!({ "status": status, "symbol": symbol, "expiration_at": 100 - n })).await;
    }
    let new = || all().equal("status", "NEW").less("expiration_at", 90);
    assert_eq!(ids(store, new().limit(3)).await, "38 36 34");
    assert_eq!(ids(store, new().order_by("expiration_at", Descending).limit(3)).await, "12 14 16");
    assert_eq!(ids(store, new().equal("symbol", "BTC-USD").at_least("expiration_at", 80)).await, "20 16 12");
    assert_eq!(ids(store, all().equal("status", "NEW").equal("symbol", "BTC-USD").limit(2)).await, "00 04");
}

/// By a dotted path.
pub async fn fields_within_fields_are_found(store: &dyn DocumentStore) {
    put(store, "a", json!({ "order": { "state": "new", "leg": { "n": 2 } } })).await;
    put(store, "b", json!({ "order": { "state": "filled", "leg": { "n": 1 } } })).await;
    put(store, "c", json!({ "order": null })).await;
    assert_eq!(ids(store, all().equal("order.state", "filled")).await, "b");
    assert_eq!(ids(store, all().order_by("order.leg.n", Ascending)).await, "b a");
}

/// Ties follow the direction of the order.
pub async fn an_order_has_ties_by_id_and_leaves_out_what_lacks_the_field(store: &dyn DocumentStore) {
    letters(store, [Some(json!(2)), Some(json!(1)), None, Some(json!(2)), Some(json!(1))]).await;
    assert_eq!(ids(store, all()).await, "a b c d e");
    assert_eq!(ids(store, all().order_by("v", Ascending)).await, "b e a d");
    assert_eq!(ids(store, all().order_by("v", Descending)).await, "d a e b");
    assert_eq!(ids(store, all().order_by("v", Descending).limit(2)).await, "d a");
}

/// In ascending order, and is in no range.
pub async fn null_comes_first(store: &dyn DocumentStore) {
    letters(store, [Some(json!(2)), Some(json!(null)), Some(json!(-1))]).await;
    assert_eq!(ids(store, all().order_by("v", Ascending)).await, "b c a");
    assert_eq!(ids(store, all().less("v", 5)).await, "c a");
}

/// Every document on one page, whatever the ties, the page size and the direction.
pub async fn a_cursor_goes_through_all_pages_once(store: &dyn DocumentStore) {
    letters(store, (0..11).map(|n| Some(json!(n / 3)))).await;
    for query in [
        all(),
        all().order_by("v", Ascending),
        all().order_by("v", Descending),
        all().at_least("v", 1),
        all().greater("v", 0).less("v", 9).order_by("v", Descending),
    ] {
        let expected = ids(store, query.clone()).await;
        for size in 1..=4 {
            assert_eq!(paged(store, query.clone(), size).await, expected, "{query:?} by {size}");
        }
    }
}

/// Also where documents with `null` in the order's field begin or end the answer.
pub async fn a_cursor_passes_null_in_both_directions(store: &dyn DocumentStore) {
    letters(store, [json!(2), json!(null), json!(-1), json!(null), json!(2)].map(Some)).await;
    assert_eq!(paged(store, all().order_by("v", Ascending), 1).await, "b d c a e");
    assert_eq!(paged(store, all().order_by("v", Descending), 1).await, "e a c d b");
}

async fn paged(store: &dyn DocumentStore, query: Query, size: u32) -> String {
    let mut query = query.limit(size);
    let mut found: Vec<String> = Vec::new();
    loop {
        let page = answer(store, &query).await;
        assert!(page.len() <= size as usize);
        let Some(last) = page.last() else { return found.join(" ") };
        query = query.start_after(last);
        found.extend(page.iter().map(|document| document.id.clone()));
    }
}

/// Here and not only in the cloud.
pub async fn a_question_the_cloud_refuses_is_refused(store: &dyn DocumentStore) {
    let error = store.query(&all().less("a", 1).greater("b", 1)).await.unwrap_err();
    assert!(matches!(error, StoreError::InvalidQuery { .. }), "{error}");
    let error = store.query(&all().equal("a') or 1=1 --", 1)).await.unwrap_err();
    assert!(matches!(error, StoreError::InvalidQuery { .. }), "{error}");
}

/// The cloud refuses it, so that every other store does.
pub async fn a_question_without_its_index_is_refused(store: &dyn DocumentStore) {
    store.query(&all().equal("status", "OPEN").at_least("exit_time", 5)).await.unwrap();
    let descending = all().equal("status", "OPEN").order_by("exit_time", Descending);
    let error = store.query(&descending).await.unwrap_err();
    assert!(matches!(error, StoreError::InvalidQuery { .. }), "{error}");
    assert!(error.to_string().contains("it needs the index (status, exit_time desc)"), "{error}");
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Position {
    position_id: String,
    entry: Entry,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Entry {
    quantity: i64,
}

/// With filters, an order and a limit, as the documents themselves would be counted.
pub async fn a_count_is_that_of_the_answer(store: &dyn DocumentStore) {
    for number in 0..30 {
        put(store, &format!("{number:02}"), json!({ "n": number, "even": number % 2 == 0 })).await;
    }
    let all = Query::of(positions());
    for (query, count) in [
        (all.clone(), 30),
        (all.clone().equal("even", true), 15),
        (all.clone().at_least("n", 20), 10),
        (all.clone().equal("n", 99), 0),
        (all.clone().limit(7), 7),
    ] {
        assert_eq!(store.count(&query).await.unwrap(), count, "{query:?}");
        assert_eq!(store.query(&query).await.unwrap().len(), count, "{query:?}");
    }
}

impl Record for Position {
    const COLLECTION: Collection = Collection::LivePositions;

    fn id(&self) -> String {
        self.position_id.clone()
    }
}

fn position(number: i64) -> Position {
    Position { position_id: format!("{number:05}"), entry: Entry { quantity: number } }
}

/// The error names the document, the field and the fault.
pub async fn records_are_read_with_their_field_named_when_they_do_not_read(store: &dyn DocumentStore) {
    let records = Records::<Position>::of(store, Environment::Test);
    store.commit(vec![records.put(&position(7), Precondition::Absent).unwrap()]).await.unwrap();
    let mut stored = records.get("00007").await.unwrap().unwrap();
    assert_eq!(stored.record, position(7));
    stored.record.entry.quantity = 8;
    store.commit(vec![records.put_back(&stored).unwrap()]).await.unwrap();
    let error = store.commit(vec![records.put_back(&stored).unwrap()]).await.unwrap_err();
    assert!(error.is_conflict_on(positions(), "00007"), "{error}");
    put(store, "odd", json!({ "position_id": "odd", "entry": { "quantity": "many" } })).await;
    let error = records.get("odd").await.unwrap_err().to_string();
    assert!(error.starts_with("test_positions/odd does not read as Position at `entry.quantity`: "), "{error}");
}

/// More than one page of them.
pub async fn all_pages_of_records_are_read(store: &dyn DocumentStore) {
    let records = Records::<Position>::of(store, Environment::Test);
    let writes: Vec<Write> = (0..1_200).map(|n| records.put(&position(n), Precondition::Any).unwrap()).collect();
    for batch in writes.chunks(400) {
        store.commit(batch.to_vec()).await.unwrap();
    }
    let read = records.all(records.select()).await.unwrap();
    assert!(read.iter().map(|stored| stored.record.entry.quantity).eq(0..1_200));
    let read = records.all(records.select().at_least("entry.quantity", 500)).await.unwrap();
    assert_eq!(read.len(), 700);
}
