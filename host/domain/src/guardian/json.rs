//! A row on its way in from JSON: each field is read by itself, so that one bad field does not hide the next.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::Violation;

/// The fields of a JSON object that have not been taken yet, and what was wrong with those that have.
#[derive(Debug)]
pub struct JsonFields {
    left: Map<String, Value>,
    violations: Vec<Violation>,
}

impl JsonFields {
    /// Takes the fields of an object; anything else is one violation.
    #[must_use]
    pub fn of(row: &Value) -> Self {
        match row {
            Value::Object(fields) => Self { left: fields.clone(), violations: Vec::new() },
            other => Self { left: Map::new(), violations: vec![violation("row", other, "a JSON object")] },
        }
    }

    /// Takes one field, or remembers why it cannot be read. An absent field is read as `null`.
    pub fn take<T: DeserializeOwned>(&mut self, name: &str) -> Option<T> {
        let value = self.left.remove(name).unwrap_or(Value::Null);
        match T::deserialize(&value) {
            Ok(field) => Some(field),
            Err(error) => {
                self.violations.push(violation(name, &value, &allowed(&error)));
                None
            }
        }
    }

    /// Returns what was wrong: fields that could not be read, and fields that the table does not have.
    ///
    /// # Errors
    /// When anything was wrong.
    pub fn finish(mut self) -> Result<(), Vec<Violation>> {
        let unknown = self.left.iter().map(|(name, value)| violation(name, value, "nothing: there is no such column"));
        self.violations.extend(unknown);
        if self.violations.is_empty() { Ok(()) } else { Err(self.violations) }
    }
}

fn violation(column: &str, found: &Value, allowed: &str) -> Violation {
    Violation { column: column.to_owned(), found: found.to_string(), allowed: allowed.to_owned() }
}

/// Takes what was expected out of serde's sentence.
fn allowed(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once("expected ").map_or_else(|| text.clone(), |(_, expected)| expected.to_owned())
}
