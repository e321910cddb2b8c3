//! Questions of the port as Firestore's.

use firestore::gcloud_sdk::google::firestore::v1::run_query_request::QueryType;
use firestore::gcloud_sdk::google::firestore::v1::structured_query::filter::FilterType;
use firestore::gcloud_sdk::google::firestore::v1::structured_query::{
    CollectionSelector, CompositeFilter, Direction as Way, FieldFilter, FieldReference, Filter as Where, Order,
    UnaryFilter, composite_filter, field_filter, unary_filter,
};
use firestore::gcloud_sdk::google::firestore::v1::value::ValueType;
use firestore::gcloud_sdk::google::firestore::v1::{
    ArrayValue, Cursor as Place, RunQueryRequest, StructuredQuery, Value as Stored,
};
use sentinel_domain::documents::{Cursor, Direction, Filter, Operator, Query};
use serde_json::Value;

use crate::value::to_value;

/// What Firestore calls a document's id in an order.
const NAME: &str = "__name__";

/// Returns the request for a checked query to the documents under `parent`.
pub(crate) fn request(parent: &str, query: &Query) -> RunQueryRequest {
    let order = query.order();
    let from = CollectionSelector { collection_id: query.collection.as_str().to_owned(), all_descendants: false };
    let asked = StructuredQuery {
        from: vec![from],
        r#where: all_of(query.filters.iter().map(filter).collect()),
        order_by: orders(order),
        start_at: query.after.as_ref().map(|cursor| place(parent, query, cursor)),
        limit: query.limit.map(|limit| i32::try_from(limit).unwrap_or(i32::MAX)),
        ..Default::default()
    };
    let query_type = Some(QueryType::StructuredQuery(asked));
    RunQueryRequest { parent: parent.to_owned(), query_type, ..Default::default() }
}

/// Ties are in the order of ids, in the direction of the order: what Firestore does by itself, said for the cursor.
fn orders(order: Option<(&str, Direction)>) -> Vec<Order> {
    let by = |name: &str, direction: Direction| {
        let direction = match direction {
            Direction::Ascending => Way::Ascending,
            Direction::Descending => Way::Descending,
        };
        Order { field: Some(field(name)), direction: direction.into() }
    };
    match order {
        None => vec![by(NAME, Direction::Ascending)],
        Some((name, direction)) => vec![by(name, direction), by(NAME, direction)],
    }
}

fn place(parent: &str, query: &Query, cursor: &Cursor) -> Place {
    let name = format!("{parent}/{}/{}", query.collection, cursor.id);
    let name = Stored { value_type: Some(ValueType::ReferenceValue(name)) };
    Place { values: cursor.value.as_ref().map(to_value).into_iter().chain([name]).collect(), before: false }
}

fn all_of(mut filters: Vec<Where>) -> Option<Where> {
    if filters.len() <= 1 {
        return filters.pop();
    }
    let all = CompositeFilter { op: composite_filter::Operator::And.into(), filters };
    Some(Where { filter_type: Some(FilterType::CompositeFilter(all)) })
}

fn filter(filter: &Filter) -> Where {
    use field_filter::Operator as Is;
    let name = filter.field.as_str();
    match &filter.operator {
        Operator::Equal(Value::Null) => null(name),
        Operator::Equal(value) => compared(name, Is::Equal, to_value(value)),
        Operator::Less(value) => compared(name, Is::LessThan, to_value(value)),
        Operator::LessOrEqual(value) => compared(name, Is::LessThanOrEqual, to_value(value)),
        Operator::Greater(value) => compared(name, Is::GreaterThan, to_value(value)),
        Operator::GreaterOrEqual(value) => compared(name, Is::GreaterThanOrEqual, to_value(value)),
        Operator::In(values) => {
            let values = ArrayValue { values: values.iter().map(to_value).collect() };
            compared(name, Is::In, Stored { value_type: Some(ValueType::ArrayValue(values)) })
        }
    }
}

fn compared(name: &str, operator: field_filter::Operator, value: Stored) -> Where {
    let filter = FieldFilter { field: Some(field(name)), op: operator.into(), value: Some(value) };
    Where { filter_type: Some(FilterType::FieldFilter(filter)) }
}

fn null(name: &str) -> Where {
    let operand_type = Some(unary_filter::OperandType::Field(field(name)));
    let filter = UnaryFilter { op: unary_filter::Operator::IsNull.into(), operand_type };
    Where { filter_type: Some(FilterType::UnaryFilter(filter)) }
}

fn field(name: &str) -> FieldReference {
    FieldReference { field_path: name.to_owned() }
}
