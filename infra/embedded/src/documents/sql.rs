//! Questions of the port as SQL.
//!
//! Field names have been checked to be letters, digits and `_`, and are written into the statement, because an
//! expression index is used only where its very expression stands. Values are always bound.

use rusqlite::types::Value as Bound;
use sentinel_domain::documents::{CollectionName, Cursor, Direction, Filter, Operator, Query};
use serde_json::Value;

/// Returns the expression for a field's value; the one that indexes are made of.
pub(super) fn extract(field: &str) -> String {
    format!("json_extract(body, '$.{field}')")
}

/// Returns the statement that reads one document by its id.
pub(super) fn get(collection: CollectionName) -> String {
    format!("SELECT id, version, body, expire_at FROM {collection} WHERE id = ?1")
}

/// Returns the statement for a checked query, and the values to bind.
pub(super) fn select(query: &Query) -> (String, Vec<Bound>) {
    let mut statement = Statement::default();
    for filter in &query.filters {
        statement.filter(filter);
    }
    let order = query.order();
    if let Some((field, _)) = order {
        // Not `null` but nothing there: such documents are in no order.
        statement.conditions.push(format!("{} IS NOT NULL", kind(field)));
    }
    if let Some(cursor) = &query.after {
        statement.after(order, cursor);
    }
    statement.finish(query, order)
}

/// Returns the statement that counts what `query` matches.
pub(super) fn count(query: &Query) -> (String, Vec<Bound>) {
    let (sql, values) = select(query);
    (format!("SELECT count(*) FROM ({sql})"), values)
}

#[derive(Default)]
struct Statement {
    conditions: Vec<String>,
    values: Vec<Bound>,
}

impl Statement {
    fn filter(&mut self, Filter { field, operator }: &Filter) {
        match operator {
            Operator::Equal(Value::Null) => self.conditions.push(format!("{} = 'null'", kind(field))),
            Operator::Equal(Value::Bool(value)) => self.conditions.push(format!("{} = '{value}'", kind(field))),
            Operator::Equal(value) => self.compare(field, "=", value),
            Operator::Less(value) => self.compare(field, "<", value),
            Operator::LessOrEqual(value) => self.compare(field, "<=", value),
            Operator::Greater(value) => self.compare(field, ">", value),
            Operator::GreaterOrEqual(value) => self.compare(field, ">=", value),
            Operator::In(values) => self.one_of(field, values),
        }
    }

    /// The type is asked for too: to SQLite every text is greater than every number, and `true` is 1.
    fn compare(&mut self, field: &str, operator: &str, value: &Value) {
        let kinds = if value.is_string() { "= 'text'" } else { "IN ('integer', 'real')" };
        let place = self.bind(value);
        self.conditions.push(format!("{} {operator} {place}", extract(field)));
        self.conditions.push(format!("{} {kinds}", kind(field)));
    }

    fn one_of(&mut self, field: &str, values: &[Value]) {
        let places: Vec<String> = values.iter().map(|value| self.bind(value)).collect();
        self.conditions.push(format!("{} IN ({})", extract(field), places.join(", ")));
        self.conditions.push(format!("{} IN ('text', 'integer', 'real')", kind(field)));
    }

    fn after(&mut self, order: Option<(&str, Direction)>, cursor: &Cursor) {
        let id = self.bind(&Value::String(cursor.id.clone()));
        let (Some((field, direction)), Some(value)) = (order, &cursor.value) else {
            self.conditions.push(format!("id > {id}"));
            return;
        };
        let field = extract(field);
        let condition = match (direction, value.is_null()) {
            (Direction::Ascending, true) => format!("({field} IS NOT NULL OR id > {id})"),
            (Direction::Descending, true) => format!("({field} IS NULL AND id < {id})"),
            (Direction::Ascending, false) => format!("({field}, id) > ({}, {id})", self.bind(value)),
            (Direction::Descending, false) => {
                format!("(({field}, id) < ({}, {id}) OR {field} IS NULL)", self.bind(value))
            }
        };
        self.conditions.push(condition);
    }

    fn bind(&mut self, value: &Value) -> String {
        self.values.push(match value {
            Value::String(text) => Bound::Text(text.clone()),
            Value::Bool(value) => Bound::Integer(i64::from(*value)),
            Value::Number(number) => match number.as_i64() {
                Some(integer) => Bound::Integer(integer),
                None => number.as_f64().map_or(Bound::Null, Bound::Real),
            },
            Value::Null | Value::Array(_) | Value::Object(_) => Bound::Null,
        });
        format!("?{}", self.values.len())
    }

    fn finish(self, query: &Query, order: Option<(&str, Direction)>) -> (String, Vec<Bound>) {
        let mut sql = format!("SELECT id, version, body, expire_at FROM {}", query.collection);
        if !self.conditions.is_empty() {
            sql += &format!(" WHERE {}", self.conditions.join(" AND "));
        }
        sql += &match order {
            None => " ORDER BY id".to_owned(),
            Some((field, Direction::Ascending)) => format!(" ORDER BY {}, id", extract(field)),
            Some((field, Direction::Descending)) => format!(" ORDER BY {} DESC, id DESC", extract(field)),
        };
        if let Some(limit) = query.limit {
            sql += &format!(" LIMIT {limit}");
        }
        (sql, self.values)
    }
}

/// Returns the expression for a field's type as JSON; NULL where there is no such field.
fn kind(field: &str) -> String {
    format!("json_type(body, '$.{field}')")
}
