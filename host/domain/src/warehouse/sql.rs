//! SQL that every warehouse is told in one shape; where they differ, a [`Dialect`] says how.
//!
//! Here `t` is the table and `s` the rows on their way in. What is absent: where those rows stand, and the words of any
//! one warehouse.

use super::TableId;
use crate::tables::{Column, PARTITION, TableSchema};

/// A condition that is true of every row of a table `t`. Tables that are partitioned by `ds` may refuse a question that
/// does not say which days it reads; this one says: all since the first that a candle can have.
pub const EVERY_DAY: &str = "t.ds >= DATE '1970-01-01'";

/// How one warehouse writes what all of them understand.
pub trait Dialect {
    /// Returns a name in quotes, so that words of SQL may be names.
    fn quoted(&self, name: &str) -> String;

    /// Returns the expression that takes a column from the rows on their way in, under its own name.
    fn taken(&self, column: &Column) -> String;

    /// Returns the condition that a column of `t` and `s` differs; empty values are alike.
    fn differs(&self, column: &Column) -> String {
        format!("t.{0} IS DISTINCT FROM s.{0}", self.quoted(column.name))
    }
}

/// What a `MERGE` works on.
#[derive(Debug, Clone, Copy)]
pub struct MergeParts<'a> {
    /// The table, as the warehouse names it.
    pub target: &'a str,
    /// The rows on their way in: what stands behind `FROM`.
    pub source: &'a str,
    /// The condition on the days of `t`, written out so that other days are not read.
    pub days: &'a str,
}

/// Returns the statement that writes rows by logical date and business key: new ones are inserted, others replaced where
/// they differ, settled ones kept from those that are not. Of a table that only grows, new ones are inserted and the others
/// left alone: then no more of it is read than what tells rows apart.
#[must_use]
pub fn merge_sql(dialect: &impl Dialect, schema: &TableSchema, parts: MergeParts<'_>) -> String {
    let quoted = |column: &Column| dialect.quoted(column.name);
    let names = list(schema.columns.iter().map(quoted));
    let taken = list(schema.columns.iter().map(|column| dialect.taken(column)));
    let values = list(schema.columns.iter().map(|column| format!("s.{}", quoted(column))));
    let MergeParts { target, source, days } = parts;
    let update = match schema.grows_by {
        Some(_) => String::new(),
        None => format!("WHEN MATCHED AND {} THEN UPDATE SET {} ", differs_sql(dialect, schema), set(dialect, schema)),
    };
    format!(
        "MERGE INTO {target} AS t USING (SELECT {taken} FROM {source}) AS s ON {days} AND {equal} \
         {update}WHEN NOT MATCHED THEN INSERT ({names}) VALUES ({values})",
        equal = matched_sql(dialect, schema),
    )
}

/// Returns the condition that `t` and `s` are the same row: logical date and business key.
#[must_use]
pub fn matched_sql(dialect: &impl Dialect, schema: &TableSchema) -> String {
    let equal = schema.matched().map(|column| format!("t.{0} = s.{0}", dialect.quoted(column.name)));
    equal.collect::<Vec<_>>().join(" AND ")
}

/// Returns the condition that `s` replaces `t`: rows that are there just so are left alone, and settled ones by those that
/// are not.
#[must_use]
pub fn differs_sql(dialect: &impl Dialect, schema: &TableSchema) -> String {
    let changed: Vec<_> = updated(schema).map(|column| dialect.differs(column)).collect();
    let changed = if changed.is_empty() { "FALSE".to_owned() } else { format!("({})", changed.join(" OR ")) };
    match schema.settled {
        Some(settled) => format!("NOT (t.{0} AND NOT s.{0}) AND {changed}", dialect.quoted(settled)),
        None => changed,
    }
}

fn set(dialect: &impl Dialect, schema: &TableSchema) -> String {
    let pairs = list(updated(schema).map(|column| format!("{0} = s.{0}", dialect.quoted(column.name))));
    // A table of keys alone has nothing to update; MERGE wants an assignment all the same.
    if pairs.is_empty() { format!("{0} = s.{0}", dialect.quoted(PARTITION)) } else { pairs }
}

fn updated(schema: &TableSchema) -> impl Iterator<Item = &'static Column> {
    let is_updated = |column: &&Column| column.name != PARTITION && !schema.is_key(column.name);
    schema.columns.iter().filter(is_updated)
}

fn list(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}

/// Returns the condition that a row `t` is of the last day that its table has.
#[must_use]
pub fn last_day(table: &TableId) -> String {
    format!("{EVERY_DAY} AND t.{PARTITION} = (SELECT MAX(t.{PARTITION}) FROM {table} AS t WHERE {EVERY_DAY})")
}

/// Returns the question for all rows of a table about a signal; the parameter is its id, or the beginning of it.
#[must_use]
pub fn about_signal(table: &TableId) -> String {
    format!("SELECT t.* FROM {table} AS t WHERE {EVERY_DAY} AND STARTS_WITH(t.signal_id, ?)")
}
