//! The rules that stand beside the columns, and those that hold for every column of a kind.

use chrono::{DateTime, Duration, NaiveDate, Utc};
use rust_decimal::{Decimal, dec};

use super::Report;
use crate::hash::ContentHash;
use crate::instrument::Symbol;
use crate::money::MONEY_SCALE;
use crate::tables::{Cell, Column, Row, Rule, TableSchema};

/// 10^28: a decimal here has fewer digits before the point, and a warehouse's `NUMERIC` keeps one more.
const DECIMAL_LIMIT: Decimal = dec!(10000000000000000000000000000);

/// Checks every cell of a row against its column.
pub(super) fn check(schema: &TableSchema, row: &Row, report: &mut Report) {
    for (column, cell) in schema.columns.iter().zip(row) {
        check_kind(column, cell, report);
        if cell.is_null() {
            continue;
        }
        for rule in column.rules {
            if !obeys(*rule, cell, schema, row) {
                report.add(column.name, cell, rule.allowed());
            }
        }
    }
}

/// Checks what holds for every column of its kind: numbers that a warehouse can keep as they are.
fn check_kind(column: &Column, cell: &Cell, report: &mut Report) {
    match cell {
        Cell::Null if !column.nullable => report.add(column.name, cell, "a value"),
        Cell::Real(value) if !value.is_finite() => report.add(column.name, cell, "a finite number"),
        Cell::Decimal(value) if value.normalize().scale() > MONEY_SCALE => {
            report.add(column.name, cell, format!("at most {MONEY_SCALE} decimal places"));
        }
        Cell::Decimal(value) if value.abs() >= DECIMAL_LIMIT => {
            report.add(column.name, cell, "at most 28 digits before the point");
        }
        _ => {}
    }
}

fn obeys(rule: Rule, cell: &Cell, schema: &TableSchema, row: &Row) -> bool {
    let other = |name: &str| schema.position(name).and_then(|place| row.get(place)).unwrap_or(&Cell::Null);
    match rule {
        Rule::Above(bound) => compare(cell, bound, |number, bound| number > bound, |real, bound| real > bound),
        Rule::AtLeast(bound) => compare(cell, bound, |number, bound| number >= bound, |real, bound| real >= bound),
        Rule::AtMost(bound) => compare(cell, bound, |number, bound| number <= bound, |real, bound| real <= bound),
        Rule::OneOf(names) => text(cell).is_some_and(|text| names.contains(&text)),
        Rule::NotEmpty => text(cell).is_some_and(|text| !text.trim().is_empty()),
        Rule::Hash => {
            text(cell).is_some_and(|text| text.parse::<ContentHash>().is_ok_and(|hash| hash.to_string() == text))
        }
        Rule::Symbol => {
            text(cell).is_some_and(|text| text.parse::<Symbol>().is_ok_and(|symbol| symbol.to_string() == text))
        }
        Rule::NotBefore(name) => not_before(cell, other(name)),
        Rule::SameAs(name) => cell == other(name),
        Rule::DateOf(name) => is_date_of(cell, other(name), Duration::zero()),
        Rule::DayEndedAt(name) => is_date_of(cell, other(name), Duration::milliseconds(1)),
    }
}

/// Compares a number with a bound. A number that is none was reported before, by its kind.
fn compare(cell: &Cell, bound: i32, exact: impl Fn(Decimal, Decimal) -> bool, real: impl Fn(f64, f64) -> bool) -> bool {
    match cell {
        Cell::Integer(value) => exact((*value).into(), bound.into()),
        Cell::Decimal(value) => exact(*value, bound.into()),
        Cell::Real(value) => value.is_nan() || real(*value, bound.into()),
        _ => true,
    }
}

fn text(cell: &Cell) -> Option<&str> {
    match cell {
        Cell::Text(text) => Some(text),
        _ => None,
    }
}

/// Returns whether a moment or day is not earlier than another; with nothing to compare to, it is not.
fn not_before(cell: &Cell, other: &Cell) -> bool {
    match (cell, other) {
        (Cell::Timestamp(later), Cell::Timestamp(earlier)) => later >= earlier,
        (Cell::Date(later), Cell::Date(earlier)) => later >= earlier,
        _ => true,
    }
}

/// Returns whether a day is the UTC date of a moment less `back`, or of a day.
fn is_date_of(cell: &Cell, other: &Cell, back: Duration) -> bool {
    let date_of =
        |time: &DateTime<Utc>| -> Option<NaiveDate> { time.checked_sub_signed(back).map(|time| time.date_naive()) };
    match (cell, other) {
        (Cell::Date(date), Cell::Timestamp(time)) => date_of(time) == Some(*date),
        (Cell::Date(date), Cell::Date(other)) => date == other,
        _ => false,
    }
}
