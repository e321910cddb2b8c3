//! Cells as DuckDB takes and gives them.

use chrono::{DateTime, Days, NaiveDate, Utc};
use duckdb::types::{Decimal as DuckDecimal, TimeUnit, Value};
use rust_decimal::Decimal;
use sentinel_domain::money::MONEY_SCALE;
use sentinel_domain::tables::Cell;

/// Digits of `DECIMAL(38,9)`.
const DECIMAL_WIDTH: u8 = 38;

/// Returns a cell as a parameter. Lists and documents go as JSON text, which the SQL beside it turns back.
pub(super) fn to_value(cell: &Cell) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Text(text) => Value::Text(text.clone()),
        Cell::Integer(value) => Value::BigInt(*value),
        Cell::Real(value) => Value::Double(*value),
        Cell::Decimal(value) => to_decimal(*value),
        Cell::Boolean(value) => Value::Boolean(*value),
        Cell::Date(date) => Value::Date32(days_since_epoch(*date)),
        Cell::Timestamp(time) => Value::Timestamp(TimeUnit::Microsecond, time.timestamp_micros()),
        Cell::Texts(_) | Cell::Json(_) => Value::Text(cell.to_json().to_string()),
    }
}

/// Keeps every digit: what has more places than a column is refused by the guardian, and by DuckDB rounded.
fn to_decimal(value: Decimal) -> Value {
    let value = value.normalize();
    let scale = u8::try_from(value.scale()).unwrap_or(0);
    DuckDecimal::new(DECIMAL_WIDTH, scale, value.mantissa())
        .map_or_else(|_| Value::Text(value.to_string()), Value::Decimal)
}

fn days_since_epoch(date: NaiveDate) -> i32 {
    let days = date.signed_duration_since(NaiveDate::default()).num_days();
    // A chrono date lies within 262,000 years of the epoch.
    i32::try_from(days).unwrap_or(i32::MAX)
}

/// Returns what DuckDB gave as a cell; what no column of ours holds becomes a document or its text.
pub(super) fn to_cell(value: Value, is_json: bool) -> Cell {
    match value {
        Value::Null => Cell::Null,
        Value::Boolean(value) => Cell::Boolean(value),
        Value::TinyInt(value) => Cell::Integer(value.into()),
        Value::SmallInt(value) => Cell::Integer(value.into()),
        Value::Int(value) => Cell::Integer(value.into()),
        Value::BigInt(value) => Cell::Integer(value),
        Value::UTinyInt(value) => Cell::Integer(value.into()),
        Value::USmallInt(value) => Cell::Integer(value.into()),
        Value::UInt(value) => Cell::Integer(value.into()),
        Value::UBigInt(value) => wide(value.into()),
        Value::HugeInt(value) => wide(value),
        Value::Float(value) => Cell::Real(value.into()),
        Value::Double(value) => Cell::Real(value),
        Value::Decimal(value) => from_decimal(value),
        Value::Timestamp(unit, count) => {
            DateTime::<Utc>::from_timestamp_micros(unit.to_micros(count)).map_or(Cell::Null, Cell::Timestamp)
        }
        Value::Date32(days) => from_days(days),
        Value::Text(text) if is_json => serde_json::from_str(&text).map_or_else(|_| Cell::Text(text), Cell::Json),
        Value::Text(text) | Value::Enum(text) => Cell::Text(text),
        Value::List(values) | Value::Array(values) => list(values),
        Value::Struct(fields) => {
            let field = |(name, value): &(String, Value)| (name.clone(), to_json(value.clone()));
            Cell::Json(fields.iter().map(field).collect())
        }
        Value::Map(entries) => {
            let entry =
                |(key, value): &(Value, Value)| (to_cell(key.clone(), false).to_string(), to_json(value.clone()));
            Cell::Json(entries.iter().map(entry).collect())
        }
        Value::Union(value) => to_cell(*value, is_json),
        Value::Time64(unit, count) => Cell::Text(time_of_day(unit.to_micros(count))),
        Value::Interval { months, days, nanos } => {
            Cell::Text(format!("{months} months {days} days {}", time_of_day(nanos / 1_000)))
        }
        Value::Blob(bytes) | Value::Geometry(bytes) => {
            Cell::Text(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
        }
        other => Cell::Text(format!("{other:?}")),
    }
}

fn to_json(value: Value) -> serde_json::Value {
    to_cell(value, false).to_json()
}

/// A list of texts is what our columns hold; any other comes from a question and becomes a document.
fn list(values: Vec<Value>) -> Cell {
    let is_texts = values.iter().all(|value| matches!(value, Value::Text(_)));
    if is_texts {
        Cell::Texts(values.into_iter().map(|value| to_cell(value, false).to_string()).collect())
    } else {
        Cell::Json(values.into_iter().map(to_json).collect())
    }
}

fn time_of_day(micros: i64) -> String {
    let (seconds, micros) = (micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000));
    let fraction = if micros == 0 { String::new() } else { format!(".{micros:06}") };
    format!("{:02}:{:02}:{:02}{fraction}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

/// Sums of whole numbers come wider than the numbers were.
fn wide(value: i128) -> Cell {
    i64::try_from(value).map_or_else(|_| Cell::Text(value.to_string()), Cell::Integer)
}

fn from_decimal(value: DuckDecimal) -> Cell {
    let (mantissa, scale) = (value.value(), u32::from(value.scale()));
    Decimal::try_from_i128_with_scale(mantissa, scale)
        .map_or_else(|_| Cell::Text(value.to_string()), |value| Cell::Decimal(value.normalize()))
}

fn from_days(days: i32) -> Cell {
    let epoch = NaiveDate::default();
    let span = Days::new(days.unsigned_abs().into());
    let date = if days < 0 { epoch.checked_sub_days(span) } else { epoch.checked_add_days(span) };
    date.map_or(Cell::Null, Cell::Date)
}

const _: () = assert!(MONEY_SCALE == 9, "the columns are DECIMAL(38,9)");

#[cfg(test)]
mod tests {
    use rust_decimal::dec;

    use super::*;

    #[test]
    fn cells_come_back_as_they_went() {
        let time = "2024-02-29T23:59:59.123456Z".parse().unwrap();
        let cells = [
            Cell::Null,
            Cell::Text("a 'quoted' \"text\"".to_owned()),
            Cell::Integer(i64::MIN),
            Cell::Real(0.1 + 0.2),
            Cell::Decimal(dec!(-12345678901234567.123456789)),
            Cell::Boolean(true),
            Cell::Date("1969-12-31".parse().unwrap()),
            Cell::Timestamp(time),
        ];
        for cell in cells {
            assert_eq!(to_cell(to_value(&cell), false), cell);
        }
    }

    #[test]
    fn what_no_column_holds_is_still_readable() {
        let numbers = Value::List(vec![Value::Int(1), Value::Null]);
        assert_eq!(to_cell(numbers, false), Cell::Json(serde_json::json!([1, null])));
        let pair = Value::Struct(vec![("n".to_owned(), Value::Int(1))].into());
        assert_eq!(to_cell(pair, false), Cell::Json(serde_json::json!({"n": 1})));
        let time = Value::Time64(TimeUnit::Microsecond, 3_723_000_500);
        assert_eq!(to_cell(time, false), Cell::Text("01:02:03.000500".to_owned()));
        assert_eq!(to_cell(Value::Blob(vec![1, 255]), false), Cell::Text("01ff".to_owned()));
    }

    #[test]
    fn wide_sums_stay_exact() {
        assert_eq!(to_cell(Value::HugeInt(5), false), Cell::Integer(5));
        assert_eq!(to_cell(Value::HugeInt(i128::MAX), false), Cell::Text(i128::MAX.to_string()));
    }
}
