//! What a table is: columns with unit, meaning and rules, key, partition, references.
//!
//! These are plain data, made at compile time by [`crate::table!`]. Whatever depends on the shape of a table (DDL,
//! catalog, checks of rows, `MERGE`) is derived from here and nowhere else.

use super::cell::Kind;

/// The column that every table is partitioned by: the logical date, never the date of a run.
pub const PARTITION: &str = "ds";

/// One table.
#[derive(Debug)]
pub struct TableSchema {
    /// The name in production.
    pub name: &'static str,
    /// What it is, as the doc comment says it; see [`Self::description`].
    pub doc: &'static str,
    /// What one row is.
    pub grain: &'static str,
    /// The columns, in order.
    pub columns: &'static [Column],
    /// The columns that tell rows apart; with [`PARTITION`] they are what `MERGE` matches on.
    pub key: &'static [&'static str],
    /// A boolean column: a row in which it is true is never overwritten by one in which it is false.
    pub settled: Option<&'static str>,
    /// A column of times by which the table grows: rows are only ever added, and one that is there is never changed. The
    /// key determines the time, and a batch is about few of them, so that a store that sorts by it need not read the rest.
    pub grows_by: Option<&'static str>,
    /// Rows of other tables that rows of this one name.
    pub references: &'static [Reference],
}

/// One column.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// The name.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether a row may leave it empty.
    pub nullable: bool,
    /// What a value of 1 means, where that needs saying.
    pub unit: Option<&'static str>,
    /// What it means, as the doc comment says it; see [`Self::description`].
    pub doc: &'static str,
    /// What its values obey.
    pub rules: &'static [Rule],
}

/// What the values of a column obey. An empty value obeys every rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Greater than the number.
    Above(i32),
    /// The number or more.
    AtLeast(i32),
    /// The number or less.
    AtMost(i32),
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// Not the empty text.
    NotEmpty,
    /// 64 lower-case hexadecimal digits.
    Hash,
    /// A symbol such as `BTC/USD`.
    Symbol,
    /// Not earlier than the other column of the same row.
    NotBefore(&'static str),
    /// The same as the other column of the same row.
    SameAs(&'static str),
    /// The UTC date of the other column of the same row.
    DateOf(&'static str),
    /// The UTC day of the other column of the same row, midnight being the end of the day before.
    DayEndedAt(&'static str),
}

impl Rule {
    /// Returns what is allowed, for people and for the catalog: `above 0`.
    #[must_use]
    pub fn allowed(&self) -> String {
        match self {
            Self::Above(bound) => format!("above {bound}"),
            Self::AtLeast(bound) => format!("{bound} or more"),
            Self::AtMost(bound) => format!("{bound} or less"),
            Self::OneOf(names) => format!("one of {}", names.join(", ")),
            Self::NotEmpty => "not empty".to_owned(),
            Self::Hash => "64 lower-case hexadecimal digits".to_owned(),
            Self::Symbol => "a symbol such as BTC/USD".to_owned(),
            Self::NotBefore(other) => format!("not before {other}"),
            Self::SameAs(other) => format!("the same as {other}"),
            Self::DateOf(other) => format!("the UTC date of {other}"),
            Self::DayEndedAt(other) => format!("the UTC day of {other}, midnight being the end of the day before"),
        }
    }
}

/// Rows of another table that must exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reference {
    /// Columns here.
    pub columns: &'static [&'static str],
    /// The other table.
    pub table: &'static str,
    /// Its columns, in the same order.
    pub to: &'static [&'static str],
}

/// A named query that others read like a table.
#[derive(Debug)]
pub struct ViewSchema {
    /// The name in production.
    pub name: &'static str,
    /// What it shows.
    pub description: &'static str,
    /// What one row is.
    pub grain: &'static str,
    /// Tables it reads, by their names in production.
    pub sources: &'static [&'static str],
    /// What it returns.
    pub columns: &'static [Column],
    /// The query, in the SQL that every warehouse understands; `{name}` stands where a source's name belongs.
    pub sql: &'static str,
}

impl TableSchema {
    /// Returns what the table is, in one paragraph.
    #[must_use]
    pub fn description(&self) -> String {
        paragraph(self.doc)
    }

    /// Returns the place of a column, or `None` when there is no such column.
    #[must_use]
    pub fn position(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|other| other.name == column)
    }

    /// Returns whether the column is part of the business key.
    #[must_use]
    pub fn is_key(&self, column: &str) -> bool {
        self.key.contains(&column)
    }

    /// Returns the columns that `MERGE` matches on: the partition, then the key.
    pub fn matched(&self) -> impl Iterator<Item = &'static Column> {
        let names = std::iter::once(PARTITION).chain(self.key.iter().copied());
        names.filter_map(|name| self.columns.iter().find(|column| column.name == name))
    }
}

impl Column {
    /// Returns what the column means, in one paragraph.
    #[must_use]
    pub fn description(&self) -> String {
        paragraph(self.doc)
    }
}

impl ViewSchema {
    /// Returns the query with each source's name as `physical_name` gives it.
    #[must_use]
    pub fn query(&self, physical_name: impl Fn(&str) -> String) -> String {
        self.sources
            .iter()
            .fold(self.sql.to_owned(), |sql, source| sql.replace(&format!("{{{source}}}"), &physical_name(source)))
    }
}

/// Joins the lines of a doc comment.
fn paragraph(doc: &str) -> String {
    doc.split_whitespace().collect::<Vec<_>>().join(" ")
}
