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

/// Returns what DuckDB gave as a cell; what no column of ours holds becomes its text.
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
        Value::List(values) | Value::Array(values) => Cell::Texts(values.into_iter().map(text).collect()),
        other => Cell::Text(format!("{other:?}")),
    }
}

fn text(value: Value) -> String {
    to_cell(value, false).to_string()
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
    fn wide_sums_stay_exact() {
        assert_eq!(to_cell(Value::HugeInt(5), false), Cell::Integer(5));
        assert_eq!(to_cell(Value::HugeInt(i128::MAX), false), Cell::Text(i128::MAX.to_string()));
    }
}
