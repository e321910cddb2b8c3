//! Cells as BigQuery takes and gives them.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use gcp_bigquery_client::model::field_type::FieldType;
use gcp_bigquery_client::model::query_parameter::QueryParameter;
use gcp_bigquery_client::model::query_parameter_type::QueryParameterType;
use gcp_bigquery_client::model::query_parameter_type_struct_types::QueryParameterTypeStructTypes;
use gcp_bigquery_client::model::query_parameter_value::QueryParameterValue;
use gcp_bigquery_client::model::table_field_schema::TableFieldSchema;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use sentinel_domain::tables::{Cell, Column, Kind};
use serde_json::Value;

/// Returns a value as a parameter of its own.
pub(super) fn parameter(cell: &Cell) -> QueryParameter {
    QueryParameter {
        name: None,
        parameter_type: Some(parameter_type(cell.kind().unwrap_or(Kind::Text))),
        parameter_value: Some(value(cell)),
    }
}

/// Returns rows as one parameter: a list of records.
pub(super) fn records(name: &str, columns: &[&Column], rows: Vec<QueryParameterValue>) -> QueryParameter {
    let field = |column: &&Column| QueryParameterTypeStructTypes {
        name: Some(column.name.to_owned()),
        r#type: Some(parameter_type(column.kind)),
        description: None,
    };
    let record = QueryParameterType {
        r#type: "STRUCT".to_owned(),
        struct_types: Some(columns.iter().map(field).collect()),
        array_type: None,
    };
    QueryParameter {
        name: Some(name.to_owned()),
        parameter_type: Some(list_of(record)),
        parameter_value: Some(QueryParameterValue { array_values: Some(rows), ..QueryParameterValue::default() }),
    }
}

/// Returns one row as a record.
pub(super) fn record<'a>(columns: &[&Column], row: impl IntoIterator<Item = &'a Cell>) -> QueryParameterValue {
    let fields: HashMap<_, _> =
        columns.iter().zip(row).map(|(column, cell)| (column.name.to_owned(), value(cell))).collect();
    QueryParameterValue { struct_values: Some(fields), ..QueryParameterValue::default() }
}

/// Documents travel as text, which the SQL beside it turns back.
fn parameter_type(kind: Kind) -> QueryParameterType {
    let name = match kind {
        Kind::Text | Kind::Json => "STRING",
        Kind::Integer => "INT64",
        Kind::Real => "FLOAT64",
        Kind::Decimal => "NUMERIC",
        Kind::Boolean => "BOOL",
        Kind::Date => "DATE",
        Kind::Timestamp => "TIMESTAMP",
        Kind::Texts => return list_of(parameter_type(Kind::Text)),
    };
    QueryParameterType { r#type: name.to_owned(), array_type: None, struct_types: None }
}

fn list_of(element: QueryParameterType) -> QueryParameterType {
    QueryParameterType { r#type: "ARRAY".to_owned(), array_type: Some(Box::new(element)), struct_types: None }
}

fn value(cell: &Cell) -> QueryParameterValue {
    let text = |text: String| QueryParameterValue { value: Some(text), ..QueryParameterValue::default() };
    match cell {
        Cell::Null => QueryParameterValue::default(),
        // The shortest text that is read back as the same number.
        Cell::Real(value) => text(format!("{value:?}")),
        Cell::Timestamp(time) => text(time.format("%Y-%m-%d %H:%M:%S%.6f+00:00").to_string()),
        Cell::Texts(texts) => QueryParameterValue {
            array_values: Some(texts.iter().map(|it| text(it.clone())).collect()),
            ..QueryParameterValue::default()
        },
        Cell::Text(_) | Cell::Integer(_) | Cell::Decimal(_) | Cell::Boolean(_) | Cell::Date(_) | Cell::Json(_) => {
            text(cell.to_string())
        }
    }
}

/// Returns what BigQuery gave as a cell; what no column of ours holds becomes a document or its text.
pub(super) fn to_cell(field: &TableFieldSchema, value: Option<Value>) -> Cell {
    let value = value.unwrap_or(Value::Null);
    if field.mode.as_deref() == Some("REPEATED") {
        return list(field, value);
    }
    match value {
        Value::Null => Cell::Null,
        Value::String(text) => from_text(&field.r#type, text),
        Value::Object(record) => Cell::Json(from_record(field, &record)),
        other => Cell::Json(other),
    }
}

/// A list of texts is what our columns hold; any other comes from a question and becomes a document.
fn list(field: &TableFieldSchema, value: Value) -> Cell {
    let element = TableFieldSchema { mode: None, ..field.clone() };
    let Value::Array(items) = value else { return Cell::Texts(Vec::new()) };
    let cells = items.into_iter().map(|mut item| to_cell(&element, item.get_mut("v").map(Value::take)));
    if matches!(field.r#type, FieldType::String) {
        Cell::Texts(cells.map(|cell| cell.to_string()).collect())
    } else {
        Cell::Json(cells.map(|cell| cell.to_json()).collect())
    }
}

fn from_record(field: &TableFieldSchema, record: &serde_json::Map<String, Value>) -> Value {
    let values = record.get("f").and_then(Value::as_array).into_iter().flatten();
    let fields = field.fields.iter().flatten().zip(values);
    fields.map(|(field, value)| (field.name.clone(), to_cell(field, value.get("v").cloned()).to_json())).collect()
}

fn from_text(kind: &FieldType, text: String) -> Cell {
    let read = match kind {
        FieldType::Integer | FieldType::Int64 => text.parse().ok().map(Cell::Integer),
        FieldType::Float | FieldType::Float64 => text.parse().ok().map(Cell::Real),
        FieldType::Numeric | FieldType::Bignumeric => {
            text.parse::<Decimal>().ok().map(|value| Cell::Decimal(value.normalize()))
        }
        FieldType::Boolean | FieldType::Bool => text.parse().ok().map(Cell::Boolean),
        FieldType::Date => text.parse().ok().map(Cell::Date),
        FieldType::Timestamp => moment(&text).map(Cell::Timestamp),
        FieldType::Json => serde_json::from_str(&text).ok().map(Cell::Json),
        FieldType::String
        | FieldType::Bytes
        | FieldType::Time
        | FieldType::Datetime
        | FieldType::Record
        | FieldType::Struct
        | FieldType::Geography
        | FieldType::Interval => None,
    };
    read.unwrap_or(Cell::Text(text))
}

/// Reads seconds since 1970, as BigQuery writes a moment: `1.7114628E9`.
fn moment(text: &str) -> Option<DateTime<Utc>> {
    let seconds = text.parse::<Decimal>().or_else(|_| Decimal::from_scientific(text)).ok()?;
    let micros = (seconds * Decimal::from(1_000_000)).round().to_i64()?;
    DateTime::from_timestamp_micros(micros)
}

#[cfg(test)]
mod tests {
    use rust_decimal::dec;
    use serde_json::json;

    use super::*;

    fn read(kind: FieldType, value: Value) -> Cell {
        to_cell(&TableFieldSchema::new("x", kind), Some(value))
    }

    #[test]
    fn moments_are_read_to_the_microsecond() {
        let cases = [
            ("1.711848600123456E9", "2024-03-31T01:30:00.123456Z"),
            ("1704067200.000001", "2024-01-01T00:00:00.000001Z"),
            ("-1e-06", "1969-12-31T23:59:59.999999Z"),
            ("0.0", "1970-01-01T00:00:00Z"),
        ];
        for (text, expected) in cases {
            assert_eq!(read(FieldType::Timestamp, json!(text)), Cell::Timestamp(expected.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn numbers_are_exact() {
        assert_eq!(read(FieldType::Numeric, json!("12345678901234567.123456789")), {
            Cell::Decimal(dec!(12345678901234567.123456789))
        });
        assert_eq!(read(FieldType::Float, json!("0.30000000000000004")), Cell::Real(0.1 + 0.2));
        assert_eq!(value(&Cell::Real(0.1 + 0.2)).value.as_deref(), Some("0.30000000000000004"));
        assert_eq!(value(&Cell::Real(1e300)).value.as_deref(), Some("1e300"));
    }

    #[test]
    fn what_no_column_holds_is_still_readable() {
        let inner = vec![TableFieldSchema::integer("n"), TableFieldSchema::string("s")];
        let field = TableFieldSchema::record("x", inner);
        let cell = to_cell(&field, Some(json!({"f": [{"v": "1"}, {"v": null}]})));
        assert_eq!(cell, Cell::Json(json!({"n": 1, "s": null})));
        let numbers = TableFieldSchema { mode: Some("REPEATED".to_owned()), ..TableFieldSchema::integer("x") };
        assert_eq!(to_cell(&numbers, Some(json!([{"v": "1"}, {"v": "2"}]))), Cell::Json(json!([1, 2])));
        assert_eq!(
            read(FieldType::Datetime, json!("2024-01-01T00:00:00")),
            Cell::Text("2024-01-01T00:00:00".to_owned())
        );
    }
}
