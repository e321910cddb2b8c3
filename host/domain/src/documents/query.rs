//! Questions to one collection: what every store behind the port can answer, and nothing else.
//!
//! A filter compares values of its own type only: `less("price", 5)` matches no text. A document that lacks a field
//! that is filtered or ordered by is not in the answer; one that holds `null` there is equal to `null`, is in no
//! range, and comes first in an ascending order. Ties are in the order of ids, in the direction of the order.

use serde_json::Value;

use super::error::StoreError;
use super::index::NeededIndex;
use super::limits::{IN_VALUES_MAX, OWN_FIELDS};
use super::{CollectionName, Document};

/// How a field is compared.
#[derive(Debug, Clone, PartialEq)]
pub enum Operator {
    /// Is this text, number, truth value or `null`.
    Equal(Value),
    /// Is less than this text or number.
    Less(Value),
    /// Is at most this text or number.
    LessOrEqual(Value),
    /// Is greater than this text or number.
    Greater(Value),
    /// Is at least this text or number.
    GreaterOrEqual(Value),
    /// Is one of these texts or numbers.
    In(Vec<Value>),
}

impl Operator {
    /// Returns whether this asks for a range.
    #[must_use]
    pub const fn is_range(&self) -> bool {
        matches!(self, Self::Less(_) | Self::LessOrEqual(_) | Self::Greater(_) | Self::GreaterOrEqual(_))
    }
}

/// A condition on one field.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter {
    /// The field, `status`, or one within it, `order.state`.
    pub field: String,
    /// What must hold of it.
    pub operator: Operator,
}

/// Which way an order goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Smallest first.
    Ascending,
    /// Largest first.
    Descending,
}

/// A place between two documents of an ordered answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Cursor {
    /// The order field's value in the document before, `None` when the order is by id alone.
    pub value: Option<Value>,
    /// That document's id.
    pub id: String,
}

/// A question to one collection: all filters must hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// The collection asked.
    pub collection: CollectionName,
    /// What must hold, all of it.
    pub filters: Vec<Filter>,
    /// The field ordered by, if any; see [`order`](Self::order) for what holds without.
    pub ordered_by: Option<(String, Direction)>,
    /// How many documents at most.
    pub limit: Option<u32>,
    /// Where the answer goes on.
    pub after: Option<Cursor>,
}

impl Query {
    /// Returns the question for everything in `collection`, in the order of ids.
    #[must_use]
    pub const fn of(collection: CollectionName) -> Self {
        Self { collection, filters: Vec::new(), ordered_by: None, limit: None, after: None }
    }

    /// Returns the question narrowed by one more condition.
    #[must_use]
    pub fn filter(mut self, field: &str, operator: Operator) -> Self {
        self.filters.push(Filter { field: field.to_owned(), operator });
        self
    }

    /// Asks for `field` to be `value`.
    #[must_use]
    pub fn equal(self, field: &str, value: impl Into<Value>) -> Self {
        self.filter(field, Operator::Equal(value.into()))
    }

    /// Asks for `field` to be one of `values`.
    #[must_use]
    pub fn one_of<V: Into<Value>>(self, field: &str, values: impl IntoIterator<Item = V>) -> Self {
        self.filter(field, Operator::In(values.into_iter().map(Into::into).collect()))
    }

    /// Asks for `field` to be less than `value`.
    #[must_use]
    pub fn less(self, field: &str, value: impl Into<Value>) -> Self {
        self.filter(field, Operator::Less(value.into()))
    }

    /// Asks for `field` to be at most `value`.
    #[must_use]
    pub fn at_most(self, field: &str, value: impl Into<Value>) -> Self {
        self.filter(field, Operator::LessOrEqual(value.into()))
    }

    /// Asks for `field` to be greater than `value`.
    #[must_use]
    pub fn greater(self, field: &str, value: impl Into<Value>) -> Self {
        self.filter(field, Operator::Greater(value.into()))
    }

    /// Asks for `field` to be at least `value`.
    #[must_use]
    pub fn at_least(self, field: &str, value: impl Into<Value>) -> Self {
        self.filter(field, Operator::GreaterOrEqual(value.into()))
    }

    /// Orders the answer by `field`.
    #[must_use]
    pub fn order_by(self, field: &str, direction: Direction) -> Self {
        Self { ordered_by: Some((field.to_owned(), direction)), ..self }
    }

    /// Asks for at most `limit` documents.
    #[must_use]
    pub fn limit(self, limit: u32) -> Self {
        Self { limit: Some(limit), ..self }
    }

    /// Goes on after `document`, the last of an earlier answer to this question.
    #[must_use]
    pub fn start_after(mut self, document: &Document) -> Self {
        let value = self.order().map(|(field, _)| value_at(&document.body, field).cloned().unwrap_or(Value::Null));
        self.after = Some(Cursor { value, id: document.id.clone() });
        self
    }

    /// Returns the field and direction of the answer's order: what was asked for, else the field of a range,
    /// ascending, else `None`: by id.
    #[must_use]
    pub fn order(&self) -> Option<(&str, Direction)> {
        let asked = self.ordered_by.as_ref().map(|(field, direction)| (field.as_str(), *direction));
        asked.or_else(|| self.range_field().map(|field| (field, Direction::Ascending)))
    }

    /// Checks that the cloud can answer this, and has the index for it.
    ///
    /// # Errors
    ///
    /// As [`check_form`](Self::check_form), and [`StoreError::InvalidQuery`] for a combination of fields that no
    /// index of [`Collection::indexes`](super::Collection::indexes) answers.
    pub fn check(&self) -> Result<(), StoreError> {
        self.check_form()?;
        let Some(needed) = NeededIndex::of(self) else { return Ok(()) };
        if needed.is_among(self.collection.collection().indexes()) {
            return Ok(());
        }
        let reason =
            format!("it needs the index {needed}: declare it in Collection::indexes and firestore-indexes.json");
        Err(StoreError::InvalidQuery { collection: self.collection, reason })
    }

    /// Checks that the cloud can answer this, given the index for it.
    ///
    /// # Errors
    ///
    /// [`StoreError::InvalidQuery`] for ranges on two fields, an order by another field than the range's, a field name
    /// of other characters than letters, digits and `_`, a value that cannot be compared, more than one `in` or more
    /// than [`IN_VALUES_MAX`] values in it, a limit of zero, a cursor that does not fit the order, a field that
    /// belongs to the store, or one of [`Collection::unindexed`](super::Collection::unindexed).
    pub fn check_form(&self) -> Result<(), StoreError> {
        self.fault().map_or(Ok(()), |reason| Err(StoreError::InvalidQuery { collection: self.collection, reason }))
    }

    fn range_field(&self) -> Option<&str> {
        self.filters.iter().find(|filter| filter.operator.is_range()).map(|filter| filter.field.as_str())
    }

    fn fields(&self) -> impl Iterator<Item = &str> {
        let filtered = self.filters.iter().map(|filter| filter.field.as_str());
        filtered.chain(self.ordered_by.iter().map(|(field, _)| field.as_str()))
    }

    fn fault(&self) -> Option<String> {
        self.fields()
            .filter(|field| !is_field(field))
            .map(|field| format!("field \"{field}\": use letters, digits and _, with dots between levels"))
            .chain(self.own_field_fault())
            .chain(self.unindexed_fault())
            .chain(self.filters.iter().filter_map(filter_fault))
            .chain(self.shape_fault())
            .next()
    }

    fn own_field_fault(&self) -> Option<String> {
        let own = self.fields().find(|field| OWN_FIELDS.iter().any(|own| field.split('.').next() == Some(own)))?;
        Some(format!("field \"{own}\" belongs to the store, and has no index"))
    }

    fn unindexed_fault(&self) -> Option<String> {
        let unindexed = self.collection.collection().unindexed();
        let field = self.fields().find(|field| unindexed.iter().any(|of| field.split('.').next() == Some(of)))?;
        Some(format!("field \"{field}\" has no index: Collection::unindexed and firestore-indexes.json take it out"))
    }

    fn shape_fault(&self) -> Option<String> {
        let range = self.range_field();
        let other = self.filters.iter().find(|f| f.operator.is_range() && Some(f.field.as_str()) != range);
        if let (Some(range), Some(other)) = (range, other) {
            return Some(format!("ranges on both {range} and {}: only one field can have a range", other.field));
        }
        if let (Some(range), Some((order, _))) = (range, &self.ordered_by)
            && range != order
        {
            return Some(format!("a range on {range} is ordered by {range}, not by {order}"));
        }
        if self.filters.iter().filter(|filter| matches!(filter.operator, Operator::In(_))).count() > 1 {
            return Some("more than one `in`: only one field can have a list".to_owned());
        }
        if self.limit == Some(0) {
            return Some("a limit of 0: ask for at least one document".to_owned());
        }
        let fits = self.after.as_ref().is_none_or(|cursor| cursor.value.is_some() == self.order().is_some());
        (!fits).then(|| "its cursor is from a question with another order".to_owned())
    }
}

/// Returns the value at a dotted path.
fn value_at<'a>(body: &'a Value, field: &str) -> Option<&'a Value> {
    field.split('.').try_fold(body, |value, name| value.get(name))
}

/// Field names go into SQL and into the cloud's field paths: plain ones need no quoting in either.
fn is_field(field: &str) -> bool {
    field.split('.').all(|name| {
        name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}

fn filter_fault(filter: &Filter) -> Option<String> {
    let field = &filter.field;
    match &filter.operator {
        Operator::Equal(value) if is_orderable(value) || value.is_null() || value.is_boolean() => None,
        Operator::Equal(value) => Some(format!("{field} = {value}: compare with a text, number, truth value or null")),
        Operator::In(values) if values.is_empty() || values.len() > IN_VALUES_MAX => {
            Some(format!("{field} in a list of {}: use 1 to {IN_VALUES_MAX} values", values.len()))
        }
        Operator::In(values) => {
            let odd = values.iter().find(|value| !is_orderable(value))?;
            Some(format!("{field} in a list with {odd}: use texts and numbers"))
        }
        Operator::Less(value)
        | Operator::LessOrEqual(value)
        | Operator::Greater(value)
        | Operator::GreaterOrEqual(value) => {
            (!is_orderable(value)).then(|| format!("a range of {field} at {value}: use a text or a number"))
        }
    }
}

fn is_orderable(value: &Value) -> bool {
    value.is_string() || value.as_number().is_some_and(|number| number.is_i64() || number.is_f64())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::documents::{Collection, DocumentVersion};
    use crate::environment::Environment;

    fn all() -> Query {
        Query::of(Environment::Test.collection(Collection::LiveSignals))
    }

    fn refused(query: Query, part: &str) {
        let error = query.check().unwrap_err().to_string();
        assert!(error.starts_with("cannot query test_signals: ") && error.contains(part), "{error}");
    }

    #[test]
    fn what_the_cloud_answers_passes() {
        let ordered = all().equal("status", "NEW").less("expiration_at", 5).at_least("expiration_at", 1);
        for query in [
            all(),
            ordered.clone(),
            ordered.order_by("expiration_at", Direction::Descending).limit(3),
            all().equal("a.b", Value::Null).equal("done", true).one_of("x", ["a", "b"]),
        ] {
            query.check_form().unwrap();
        }
    }

    #[test]
    fn what_the_cloud_refuses_is_refused_with_its_reason() {
        refused(all().less("a", 1).greater("b", 1), "ranges on both a and b");
        refused(all().less("a", 1).order_by("b", Direction::Ascending), "ordered by a, not by b");
        refused(all().one_of("a", 0..31), "use 1 to 30 values");
        refused(all().one_of("a", Vec::<i64>::new()), "use 1 to 30 values");
        refused(all().one_of("a", [1]).one_of("b", [1]), "more than one `in`");
        refused(all().equal("a", json!([1])), "compare with a text");
        refused(all().less("a", true), "use a text or a number");
        refused(all().equal("a'; drop table x", 1), "use letters");
        refused(all().equal("a..b", 1), "use letters");
        refused(all().equal("expire_at", 1), "belongs to the store");
        refused(all().order_by("_commit", Direction::Ascending), "belongs to the store");
        refused(all().equal("risk_params.priority", 1), "has no index");
        refused(all().order_by("warnings", Direction::Ascending), "has no index");
        refused(all().limit(0), "a limit of 0");
        let cursor = Some(Cursor { value: None, id: "x".to_owned() });
        refused(Query { after: cursor, ..all().less("a", 1) }, "another order");
    }

    /// The emulator answers these, production does not.
    #[test]
    fn a_question_without_its_index_is_refused_with_what_to_declare() {
        all().equal("status", "NEW").at_most("expiration_at", 5).check().unwrap();
        let descending = all().equal("status", "NEW").order_by("expiration_at", Direction::Descending);
        refused(descending, "it needs the index (status, expiration_at desc): declare it in Collection::indexes");
        refused(all().equal("timeframe", "1h").less("close_time", 5), "it needs the index (timeframe, close_time)");
    }

    #[test]
    fn a_cursor_holds_the_value_of_the_order() {
        let document = Document {
            id: "x".to_owned(),
            version: DocumentVersion::new("1"),
            body: json!({ "a": { "b": 7 } }),
            expire_at: None,
        };
        let query = all().greater("a.b", 1).start_after(&document);
        assert_eq!(query.after, Some(Cursor { value: Some(json!(7)), id: "x".to_owned() }));
        assert_eq!(all().start_after(&document).after, Some(Cursor { value: None, id: "x".to_owned() }));
    }
}
