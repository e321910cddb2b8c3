//! Questions against a plain model of what the answer is: every store orders, filters and cuts like this.

use std::cmp::Ordering;

use sentinel_domain::documents::{Direction, Document, DocumentStore, Filter, Operator, Precondition, Query, Write};
use serde_json::{Value, json};

use super::positions;
use super::queries::answer;

const DOCUMENTS: u64 = 60;
const QUESTIONS: u64 = 300;

/// A small generator, so that the same questions are asked of every store: SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % bound
    }

    fn comparable(&mut self) -> Value {
        match self.below(3) {
            0 => json!(self.below(6) as i64 - 3),
            1 => json!(self.below(12) as f64 / 2.0 - 3.0),
            _ => json!(["", "a", "B", "b", "ä", "10", "9"][self.below(7) as usize]),
        }
    }

    /// Returns the fields of a document, each there three times in four.
    fn body(&mut self) -> Value {
        let mut body = json!({});
        for field in ["v", "w"] {
            match self.below(8) {
                0 | 1 => {}
                2 => body[field] = Value::Null,
                _ => body[field] = self.comparable(),
            }
        }
        body["truth"] = json!(self.below(2) == 0);
        body
    }

    fn query(&mut self) -> Query {
        let mut query = Query::of(positions());
        if self.below(3) == 0 {
            query = query.equal("truth", self.below(2) == 0);
        }
        query = match self.below(5) {
            0 => query.equal("w", self.comparable()),
            1 => query.equal("w", Value::Null),
            2 => query.one_of("w", [self.comparable(), self.comparable(), self.comparable()]),
            _ => query,
        };
        for _ in 0..self.below(3) {
            let value = self.comparable();
            query = match self.below(4) {
                0 => query.less("v", value),
                1 => query.at_most("v", value),
                2 => query.greater("v", value),
                _ => query.at_least("v", value),
            };
        }
        match self.below(3) {
            0 => query,
            1 => query.order_by("v", Direction::Ascending),
            _ => query.order_by("v", Direction::Descending),
        }
    }
}

/// `null` before numbers before texts; numbers by value, texts by their bytes.
fn compare(a: &Value, b: &Value) -> Ordering {
    let rank = |value: &Value| {
        if value.is_null() {
            0
        } else if value.is_number() {
            1
        } else {
            2
        }
    };
    rank(a).cmp(&rank(b)).then_with(|| match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => a.total_cmp(&b),
        _ => a.as_str().cmp(&b.as_str()),
    })
}

fn holds(filter: &Filter, body: &Value) -> bool {
    let Some(found) = body.get(&filter.field) else { return false };
    let is = |value: &Value, accepted: fn(Ordering) -> bool| {
        let same_type = found.is_number() == value.is_number() && found.is_string() == value.is_string();
        same_type && found.is_null() == value.is_null() && accepted(compare(found, value))
    };
    match &filter.operator {
        Operator::Equal(Value::Bool(truth)) => found == &json!(truth),
        Operator::Equal(value) => is(value, Ordering::is_eq),
        Operator::Less(value) => is(value, Ordering::is_lt),
        Operator::LessOrEqual(value) => is(value, Ordering::is_le),
        Operator::Greater(value) => is(value, Ordering::is_gt),
        Operator::GreaterOrEqual(value) => is(value, Ordering::is_ge),
        Operator::In(values) => values.iter().any(|value| is(value, Ordering::is_eq)),
    }
}

fn expected(query: &Query, documents: &[(String, Value)]) -> Vec<String> {
    let order = query.order();
    let mut found: Vec<_> = documents
        .iter()
        .filter(|(_, body)| query.filters.iter().all(|filter| holds(filter, body)))
        .filter(|(_, body)| order.is_none_or(|(field, _)| body.get(field).is_some()))
        .collect();
    found.sort_by(|(a_id, a), (b_id, b)| match order {
        None => a_id.cmp(b_id),
        Some((field, Direction::Ascending)) => compare(&a[field], &b[field]).then_with(|| a_id.cmp(b_id)),
        Some((field, Direction::Descending)) => compare(&b[field], &a[field]).then_with(|| b_id.cmp(a_id)),
    });
    found.into_iter().map(|(id, _)| id.clone()).collect()
}

/// Random documents, random questions, whole and by pages of random size; one seed, so that a failure comes again.
pub async fn questions_are_answered_as_a_plain_model_answers_them(store: &dyn DocumentStore) {
    let mut random = Random(7);
    let documents: Vec<_> = (0..DOCUMENTS).map(|n| (format!("{:02}", n * 37 % 60), random.body())).collect();
    let put = |(id, body): &(String, Value)| Write::put(positions(), id, body.clone(), Precondition::Any);
    store.commit(documents.iter().map(put).collect()).await.unwrap();
    let mut found_any = 0;
    for number in 0..QUESTIONS {
        let query = random.query();
        let expected = expected(&query, &documents);
        found_any += u32::from(!expected.is_empty());
        let size = u32::try_from(1 + random.below(9)).unwrap();
        let ids = |found: &[Document]| found.iter().map(|document| document.id.clone()).collect::<Vec<_>>();
        let whole = answer(store, &query).await;
        assert_eq!(ids(&whole), expected, "question {number}: {query:?}");
        let (mut paged, mut next) = (Vec::new(), query.clone().limit(size));
        loop {
            let page = answer(store, &next).await;
            let Some(last) = page.last() else { break };
            next = next.start_after(last);
            paged.extend(ids(&page));
        }
        assert_eq!(paged, expected, "question {number} by pages of {size}: {query:?}");
    }
    assert!(found_any > 100, "only {found_any} questions had an answer");
}
