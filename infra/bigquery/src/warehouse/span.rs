//! Which days, and which times, a statement is about.

use chrono::{DateTime, NaiveDate, Utc};
use sentinel_domain::tables::{Cell, PARTITION, Row, TableSchema};
use sentinel_domain::warehouse::RowKey;

use super::sql::quoted;

/// The first and the last day of some rows; in a table that grows, the first and the last time too, if all are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    days: (NaiveDate, NaiveDate),
    times: Option<(DateTime<Utc>, DateTime<Utc>)>,
}

impl Span {
    pub(crate) fn new(day: NaiveDate, time: Option<DateTime<Utc>>) -> Self {
        Self { days: (day, day), times: time.map(|time| (time, time)) }
    }

    pub(super) fn of_row(schema: &TableSchema, row: &Row) -> Self {
        let cell = |name: &str| schema.position(name).and_then(|place| row.get(place));
        let day = match cell(PARTITION) {
            Some(Cell::Date(day)) => *day,
            _ => NaiveDate::default(),
        };
        let time = match schema.grows_by.and_then(cell) {
            Some(Cell::Timestamp(time)) => Some(*time),
            _ => None,
        };
        Self::new(day, time)
    }

    pub(super) fn of_key(key: &RowKey) -> Self {
        Self::new(key.ds, key.grown_at)
    }

    /// Returns the span of both.
    pub(super) fn with(self, other: Self) -> Self {
        let days = (self.days.0.min(other.days.0), self.days.1.max(other.days.1));
        let times = self.times.zip(other.times);
        Self { days, times: times.map(|(one, other)| (one.0.min(other.0), one.1.max(other.1))) }
    }

    /// Returns the condition that a row `t` is within it, written out as literals: what is not constant does not spare
    /// BigQuery the other days, nor the blocks of other times.
    pub(super) fn within(&self, schema: &TableSchema) -> String {
        let (first, last) = self.days;
        let days = format!("t.{PARTITION} BETWEEN DATE '{first}' AND DATE '{last}'");
        let (Some(column), Some((first, last))) = (schema.grows_by, self.times) else { return days };
        format!("{days} AND t.{} BETWEEN {} AND {}", quoted(column), timestamp(first), timestamp(last))
    }
}

fn timestamp(time: DateTime<Utc>) -> String {
    format!("TIMESTAMP '{}+00:00'", time.format("%Y-%m-%d %H:%M:%S%.6f"))
}

#[cfg(test)]
mod tests {
    use sentinel_domain::tables::{DecisionRow, FactTrade, Table};

    use super::*;

    fn span(day: &str, time: Option<&str>) -> Span {
        Span::new(day.parse().unwrap(), time.map(|time| time.parse().unwrap()))
    }

    #[test]
    fn times_are_named_where_all_are_known_and_the_table_grows_by_them() {
        let noon = span("2024-01-01", Some("2024-01-01T12:00:00Z"));
        let next = span("2024-01-02", Some("2024-01-02T00:00:00.000001Z"));
        let days = "t.ds BETWEEN DATE '2024-01-01' AND DATE '2024-01-02'";
        let times = "t.`close_time` BETWEEN TIMESTAMP '2024-01-01 12:00:00.000000+00:00' \
                     AND TIMESTAMP '2024-01-02 00:00:00.000001+00:00'";
        assert_eq!(next.with(noon).within(DecisionRow::schema()), format!("{days} AND {times}"));
        assert_eq!(next.with(noon).within(FactTrade::schema()), days);
        assert_eq!(noon.with(span("2024-01-02", None)).with(noon).within(DecisionRow::schema()), days);
    }
}
