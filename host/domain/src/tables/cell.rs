//! One value of one column, and how the fields of a row become values.
//!
//! A [`Cell`] is what crosses the warehouse port: typed, so that money stays exact and no adapter has to guess what a
//! text means. Which Rust types may stand in a row is the list of [`Field`] implementations below.

use std::fmt;

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The values of one row, in the order of its table's columns.
pub type Row = Vec<Cell>;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// UTF-8 text.
    Text,
    /// A whole number of 64 bits.
    Integer,
    /// A floating-point number of 64 bits, always finite.
    Real,
    /// An exact number with up to 9 decimal places: money and quantities.
    Decimal,
    /// True or false.
    Boolean,
    /// A calendar day in UTC.
    Date,
    /// A moment in UTC, to the microsecond.
    Timestamp,
    /// A list of texts, never absent, possibly empty.
    Texts,
    /// A JSON document.
    Json,
}

impl Kind {
    /// Returns the name for people: `text`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "integer",
            Self::Real => "real",
            Self::Decimal => "decimal",
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::Timestamp => "timestamp",
            Self::Texts => "list of texts",
            Self::Json => "json",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One value.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// No value.
    Null,
    /// UTF-8 text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A floating-point number.
    Real(f64),
    /// An exact number.
    Decimal(Decimal),
    /// True or false.
    Boolean(bool),
    /// A calendar day in UTC.
    Date(NaiveDate),
    /// A moment in UTC.
    Timestamp(DateTime<Utc>),
    /// A list of texts.
    Texts(Vec<String>),
    /// A JSON document.
    Json(serde_json::Value),
}

impl Cell {
    /// Returns what kind of value it is, or `None` for [`Cell::Null`].
    #[must_use]
    pub const fn kind(&self) -> Option<Kind> {
        Some(match self {
            Self::Null => return None,
            Self::Text(_) => Kind::Text,
            Self::Integer(_) => Kind::Integer,
            Self::Real(_) => Kind::Real,
            Self::Decimal(_) => Kind::Decimal,
            Self::Boolean(_) => Kind::Boolean,
            Self::Date(_) => Kind::Date,
            Self::Timestamp(_) => Kind::Timestamp,
            Self::Texts(_) => Kind::Texts,
            Self::Json(_) => Kind::Json,
        })
    }

    /// Returns whether there is no value.
    #[must_use]
    pub const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Returns the value as JSON: money as text, days and moments in RFC 3339 form.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Null => serde_json::Value::Null,
            Self::Integer(value) => (*value).into(),
            Self::Real(value) => (*value).into(),
            Self::Boolean(value) => (*value).into(),
            Self::Texts(values) => values.clone().into(),
            Self::Json(value) => value.clone(),
            Self::Text(_) | Self::Decimal(_) | Self::Date(_) | Self::Timestamp(_) => self.to_string().into(),
        }
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("NULL"),
            Self::Text(text) => f.write_str(text),
            Self::Integer(value) => write!(f, "{value}"),
            Self::Real(value) => write!(f, "{value}"),
            Self::Decimal(value) => write!(f, "{value}"),
            Self::Boolean(value) => write!(f, "{value}"),
            Self::Date(date) => write!(f, "{date}"),
            Self::Timestamp(time) => f.write_str(&time.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
            Self::Texts(texts) => f.write_str(&texts.join(", ")),
            Self::Json(value) => write!(f, "{value}"),
        }
    }
}

/// A value that is not of its column's kind.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("expected {expected}, found {found}")]
pub struct WrongKind {
    /// What the column holds.
    pub expected: Kind,
    /// What was there.
    pub found: String,
}

/// A Rust type that may stand in a row.
pub trait Field: Sized {
    /// What its column holds.
    const KIND: Kind;
    /// Whether its column may be empty.
    const NULLABLE: bool = false;

    /// Returns the value.
    fn to_cell(&self) -> Cell;

    /// Takes a value back.
    ///
    /// # Errors
    /// When the value is of another kind.
    fn from_cell(cell: Cell) -> Result<Self, WrongKind>;
}

fn wrong(expected: Kind, cell: &Cell) -> WrongKind {
    let found = cell.kind().map_or_else(|| "NULL".to_owned(), |kind| format!("{kind} {cell}"));
    WrongKind { expected, found }
}

/// Implements [`Field`] for a type that is the content of one case of [`Cell`].
macro_rules! field {
    ($($rust:ty => $case:ident),+ $(,)?) => {$(
        impl Field for $rust {
            const KIND: Kind = Kind::$case;

            fn to_cell(&self) -> Cell {
                Cell::$case(self.clone())
            }

            fn from_cell(cell: Cell) -> Result<Self, WrongKind> {
                match cell {
                    Cell::$case(value) => Ok(value),
                    other => Err(wrong(Kind::$case, &other)),
                }
            }
        }
    )+};
}

field! {
    String => Text,
    i64 => Integer,
    f64 => Real,
    Decimal => Decimal,
    bool => Boolean,
    NaiveDate => Date,
    DateTime<Utc> => Timestamp,
    Vec<String> => Texts,
    serde_json::Value => Json,
}

impl<T: Field> Field for Option<T> {
    const KIND: Kind = T::KIND;
    const NULLABLE: bool = true;

    fn to_cell(&self) -> Cell {
        self.as_ref().map_or(Cell::Null, Field::to_cell)
    }

    fn from_cell(cell: Cell) -> Result<Self, WrongKind> {
        if cell.is_null() { Ok(None) } else { T::from_cell(cell).map(Some) }
    }
}

#[cfg(test)]
mod tests {
    use rust_decimal::dec;

    use super::*;

    #[test]
    fn absent_value_is_null_and_comes_back_absent() {
        let absent: Option<Decimal> = None;
        assert!(absent.to_cell().is_null());
        assert_eq!(Option::<Decimal>::from_cell(Cell::Null), Ok(None));
        assert_eq!(Option::<Decimal>::from_cell(Cell::Decimal(dec!(1.5))), Ok(Some(dec!(1.5))));
    }

    #[test]
    fn wrong_kind_says_what_was_there() {
        let error = i64::from_cell(Cell::Text("twelve".to_owned())).unwrap_err();
        assert_eq!(error.to_string(), "expected integer, found text twelve");
        assert_eq!(String::from_cell(Cell::Null).unwrap_err().to_string(), "expected text, found NULL");
    }

    #[test]
    fn json_keeps_money_exact_and_times_in_utc() {
        let time = DateTime::<Utc>::from_timestamp_millis(1_704_067_200_500).unwrap();
        assert_eq!(Cell::Decimal(dec!(0.100000001)).to_json(), "0.100000001");
        assert_eq!(Cell::Timestamp(time).to_json(), "2024-01-01T00:00:00.500Z");
    }
}
