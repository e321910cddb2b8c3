//! The guardian: no row reaches the warehouse unless everything that its table declares is true of it.
//!
//! Types are checked where a row is read ([`Guardian::admit`]), ranges and times by the rules beside each column, and
//! what connects several columns (a profit and its parts) by the laws in the table's own file. A bad row is answered
//! with every reason at once, so that whoever heals it does so once. What is absent: what happens to a bad row.

mod json;
mod rules;

use std::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::money::to_f64;
use crate::tables::{Cell, Table};

pub use json::JsonFields;

/// One reason why a row may not pass.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Violation {
    /// The column.
    pub column: String,
    /// What stands there.
    pub found: String,
    /// What may stand there.
    pub allowed: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}, allowed is {}", self.column, self.found, self.allowed)
    }
}

/// Lets good rows pass and names everything that is wrong with the others.
#[derive(Debug, Clone, Copy)]
pub struct Guardian;

impl Guardian {
    /// Checks a typed row.
    ///
    /// # Errors
    /// All reasons, in the order of the table's columns.
    pub fn check<T: Table>(row: &T) -> Result<(), Vec<Violation>> {
        let mut report = Report::default();
        rules::check(T::schema(), &row.cells(), &mut report);
        row.laws(&mut report);
        report.finish()
    }

    /// Reads a row from JSON and checks it.
    ///
    /// # Errors
    /// All reasons: every field that is missing, unknown or of a wrong type or, when the types are right, every rule
    /// and law that is broken.
    pub fn admit<T: Table>(row: &serde_json::Value) -> Result<T, Vec<Violation>> {
        let row = T::from_json(JsonFields::of(row))?;
        Self::check(&row).map(|()| row)
    }
}

/// Collects what is wrong with a row.
#[derive(Debug, Default)]
pub struct Report {
    violations: Vec<Violation>,
}

impl Report {
    /// Adds a violation.
    pub fn add(&mut self, column: &str, found: &Cell, allowed: impl Into<String>) {
        let violation = Violation { column: column.to_owned(), found: found.to_string(), allowed: allowed.into() };
        if !self.violations.contains(&violation) {
            self.violations.push(violation);
        }
    }

    /// Adds a violation unless `holds`.
    pub fn expect(&mut self, holds: bool, column: &str, found: impl fmt::Display, allowed: impl Into<String>) {
        if !holds {
            self.add(column, &Cell::Text(found.to_string()), allowed);
        }
    }

    /// Expects a sum to be exactly what its parts give.
    pub fn expect_sum(&mut self, column: &str, found: Decimal, parts: Decimal, formula: &str) {
        self.expect(found == parts, column, found, format!("{} = {formula}", parts.normalize()));
    }

    /// Expects a sum to be what its parts give, but for the rounding of an average price: a millionth of it or of 1.
    pub fn expect_product(&mut self, column: &str, found: Decimal, product: Decimal, formula: &str) {
        let allowed_off = Decimal::new(1, 6) * product.abs().max(Decimal::ONE);
        let holds = (found - product).abs() <= allowed_off;
        self.expect(holds, column, found, format!("{} = {formula}, to a millionth", product.normalize()));
    }

    /// Expects a rate to be `part` per cent of `whole`; without a whole it has to be 0.
    pub fn expect_percent(&mut self, column: &str, found: f64, part: Decimal, whole: Decimal, formula: &str) {
        const OFF_MAX: f64 = 1e-6;
        let expected = if whole.is_zero() { 0.0 } else { to_f64(part) / to_f64(whole) * 100.0 };
        let holds = (found - expected).abs() <= OFF_MAX * expected.abs().max(1.0);
        self.expect(holds, column, found, format!("{expected} = {formula}"));
    }

    /// Expects columns that stand for one thing to be all there or all empty.
    pub fn expect_together<const N: usize>(&mut self, columns: [(&str, Cell); N]) {
        let filled = columns.iter().filter(|(_, cell)| !cell.is_null()).count();
        if filled != 0 && filled != N {
            let names = columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
            for (column, cell) in columns.iter().filter(|(_, cell)| cell.is_null()) {
                self.add(column, cell, format!("a value, as {names} come together"));
            }
        }
    }

    fn finish(self) -> Result<(), Vec<Violation>> {
        if self.violations.is_empty() { Ok(()) } else { Err(self.violations) }
    }
}

#[cfg(test)]
mod tests;
