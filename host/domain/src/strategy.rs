//! What a strategy says about itself, its parameters, and the hash that is its version.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::hash::{ContentHash, ContentHasher};
use crate::timeframe::Timeframe;

/// What a strategy says about itself. Checked by the sandbox when the component is loaded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Lower-case words with dashes.
    pub id: String,
    /// Idea, when it works, when it fails.
    pub description: String,
    /// The timeframes it is written for, finest first.
    pub timeframes: Vec<Timeframe>,
    /// The columns it reads.
    pub columns: ColumnSet,
    /// Its parameters, in the order in which a session receives their values.
    pub parameters: Vec<ParameterSpec>,
    /// What it can recognise.
    pub patterns: Vec<Label>,
    /// What the bits of a signal's reasons mean.
    pub reasons: Vec<Label>,
    /// What the bits of a signal's warnings mean.
    pub warnings: Vec<Label>,
}

/// A name and what it means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// Lower-case words with dashes.
    pub name: String,
    /// One sentence.
    pub description: String,
}

impl Label {
    /// Returns the names of those of `labels` whose bits are set.
    #[must_use]
    pub fn names_of(labels: &[Self], bits: u64) -> Vec<String> {
        labels.iter().zip(0..64).filter(|(_, bit)| bits >> bit & 1 == 1).map(|(label, _)| label.name.clone()).collect()
    }
}

/// The columns of candles a strategy reads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "a set of columns, one switch for each")]
pub struct ColumnSet {
    /// Reads `open_time`.
    pub open_time: bool,
    /// Reads `open`.
    pub open: bool,
    /// Reads `high`.
    pub high: bool,
    /// Reads `low`.
    pub low: bool,
    /// Reads `close`.
    pub close: bool,
    /// Reads `volume`.
    pub volume: bool,
    /// Reads `volume_delta`.
    pub volume_delta: bool,
    /// Reads `imbalance`.
    pub imbalance: bool,
}

impl ColumnSet {
    /// Returns the names of the columns in the set, in the contract's order.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        [
            (self.open_time, "open_time"),
            (self.open, "open"),
            (self.high, "high"),
            (self.low, "low"),
            (self.close, "close"),
            (self.volume, "volume"),
            (self.volume_delta, "volume_delta"),
            (self.imbalance, "imbalance"),
        ]
        .into_iter()
        .filter_map(|(read, name)| read.then_some(name))
        .collect()
    }
}

/// A knob the user may turn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ParameterSpec {
    /// Lower-case words with dashes.
    pub name: String,
    /// One sentence with the unit.
    pub description: String,
    /// Type, range and default.
    #[serde(flatten)]
    pub kind: ParameterKind,
}

/// Type, range (both ends allowed) and default of a parameter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ParameterKind {
    /// A whole number.
    Integer {
        /// Used when the user says nothing.
        default: i64,
        /// Smallest value accepted.
        minimum: i64,
        /// Largest value accepted.
        maximum: i64,
    },
    /// A real number.
    Real {
        /// Used when the user says nothing.
        default: f64,
        /// Smallest value accepted.
        minimum: f64,
        /// Largest value accepted.
        maximum: f64,
    },
    /// Yes or no.
    Boolean {
        /// Used when the user says nothing.
        default: bool,
    },
    /// One of a list.
    Choice {
        /// Index of the value used when the user says nothing.
        default: u32,
        /// The values, as the user writes them.
        options: Vec<String>,
    },
}

/// The value of one parameter.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "value", rename_all = "snake_case")]
pub enum ParameterValue {
    /// Of an integer parameter.
    Integer(i64),
    /// Of a real parameter.
    Real(f64),
    /// Of a boolean parameter.
    Boolean(bool),
    /// Of a choice parameter: the index of the option.
    Choice(u32),
}

impl fmt::Display for ParameterValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(value) => write!(f, "{value}"),
            Self::Real(value) => write!(f, "{value}"),
            Self::Boolean(value) => write!(f, "{value}"),
            Self::Choice(index) => write!(f, "option {index}"),
        }
    }
}

/// A parameter that cannot be used as the user wrote it.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum ParameterError {
    /// The strategy has no such parameter.
    #[error("strategy {strategy} has no parameter \"{name}\"; it has: {known}")]
    Unknown {
        /// The strategy.
        strategy: String,
        /// What the user wrote.
        name: String,
        /// The parameters there are, with commas between.
        known: String,
    },
    /// Not of the parameter's type.
    #[error("parameter {name} of strategy {strategy}: \"{text}\" is not {expected}")]
    Type {
        /// The strategy.
        strategy: String,
        /// The parameter.
        name: String,
        /// What the user wrote.
        text: String,
        /// What is allowed.
        expected: String,
    },
    /// Outside the parameter's range.
    #[error("parameter {name} of strategy {strategy}: {text} is out of range; allowed is {minimum} to {maximum}")]
    Range {
        /// The strategy.
        strategy: String,
        /// The parameter.
        name: String,
        /// What the user wrote.
        text: String,
        /// Smallest value allowed.
        minimum: String,
        /// Largest value allowed.
        maximum: String,
    },
}

impl Manifest {
    /// Turns what the user wrote, by name, into one value for each parameter, in the manifest's order.
    /// A parameter the user does not name takes its default.
    ///
    /// # Errors
    /// Names the parameter, what was written and what is allowed.
    pub fn resolve_parameters(&self, given: &BTreeMap<String, String>) -> Result<Vec<ParameterValue>, ParameterError> {
        if let Some(name) = given.keys().find(|name| self.parameters.iter().all(|spec| spec.name != **name)) {
            let known: Vec<_> = self.parameters.iter().map(|spec| spec.name.as_str()).collect();
            return Err(ParameterError::Unknown {
                strategy: self.id.clone(),
                name: name.clone(),
                known: if known.is_empty() { "none".to_owned() } else { known.join(", ") },
            });
        }
        self.parameters
            .iter()
            .map(|spec| match given.get(&spec.name) {
                Some(text) => self.parse_parameter(spec, text),
                None => Ok(spec.kind.default_value()),
            })
            .collect()
    }

    /// Returns `values` by name, as the user would write them.
    #[must_use]
    pub fn describe_parameters(&self, values: &[ParameterValue]) -> BTreeMap<String, String> {
        let describe = |spec: &ParameterSpec, value: &ParameterValue| match (&spec.kind, value) {
            (ParameterKind::Choice { options, .. }, ParameterValue::Choice(index)) => {
                options.get(*index as usize).cloned().unwrap_or_else(|| value.to_string())
            }
            _ => value.to_string(),
        };
        self.parameters.iter().zip(values).map(|(spec, value)| (spec.name.clone(), describe(spec, value))).collect()
    }

    fn parse_parameter(&self, spec: &ParameterSpec, text: &str) -> Result<ParameterValue, ParameterError> {
        let wrong_type = |expected: &str| ParameterError::Type {
            strategy: self.id.clone(),
            name: spec.name.clone(),
            text: text.to_owned(),
            expected: expected.to_owned(),
        };
        let out_of_range = |minimum: String, maximum: String| ParameterError::Range {
            strategy: self.id.clone(),
            name: spec.name.clone(),
            text: text.to_owned(),
            minimum,
            maximum,
        };
        match &spec.kind {
            ParameterKind::Integer { minimum, maximum, .. } => {
                let value: i64 = text.parse().map_err(|_| wrong_type("a whole number"))?;
                if !(minimum..=maximum).contains(&&value) {
                    return Err(out_of_range(minimum.to_string(), maximum.to_string()));
                }
                Ok(ParameterValue::Integer(value))
            }
            ParameterKind::Real { minimum, maximum, .. } => {
                let value: f64 = text.parse().map_err(|_| wrong_type("a number"))?;
                if !(minimum..=maximum).contains(&&value) {
                    return Err(out_of_range(minimum.to_string(), maximum.to_string()));
                }
                Ok(ParameterValue::Real(value))
            }
            ParameterKind::Boolean { .. } => {
                text.parse().map(ParameterValue::Boolean).map_err(|_| wrong_type("true or false"))
            }
            ParameterKind::Choice { options, .. } => options
                .iter()
                .zip(0..)
                .find_map(|(option, index)| (option == text).then_some(ParameterValue::Choice(index)))
                .ok_or_else(|| wrong_type(&format!("one of {}", options.join(", ")))),
        }
    }
}

impl ParameterKind {
    /// Returns the value used when the user says nothing.
    #[must_use]
    pub const fn default_value(&self) -> ParameterValue {
        match self {
            Self::Integer { default, .. } => ParameterValue::Integer(*default),
            Self::Real { default, .. } => ParameterValue::Real(*default),
            Self::Boolean { default } => ParameterValue::Boolean(*default),
            Self::Choice { default, .. } => ParameterValue::Choice(*default),
        }
    }
}

/// What a version is made of besides the component: a change in any of it is a new version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StrategyConfig {
    /// One value for each parameter of the manifest, by name; a sorted map keeps the hash canonical.
    pub parameters: BTreeMap<String, ParameterValue>,
    /// The candles it is run on.
    pub timeframe: Timeframe,
    /// How missing candles are handled: `refuse`, `flat` or `skip`.
    pub gaps: String,
    /// The class of sandbox limits: `compiled` or `interpreted`, with any limit the user changed.
    pub limits: serde_json::Value,
    /// Sizing, stops, targets and the risk gate's limits, as written in the run's or the registry's config.
    pub risk_params: serde_json::Value,
}

impl StrategyConfig {
    /// Returns the hash of the config in canonical form: JSON with sorted keys.
    ///
    /// # Panics
    /// Never: every part serialises.
    #[must_use]
    pub fn config_hash(&self) -> ContentHash {
        // A JSON value sorts its object keys, whatever order the fields were written in.
        let canonical = serde_json::to_value(self).map_or_else(|error| error.to_string(), |value| value.to_string());
        ContentHasher::new("strategy-config").text(&canonical).finish()
    }
}

/// Returns the version of a strategy: the hash over the component's bytes and its config.
#[must_use]
pub fn strategy_version(component: ContentHash, config: ContentHash) -> ContentHash {
    ContentHasher::new("strategy-version").bytes(component.as_bytes()).bytes(config.as_bytes()).finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        let parameter = |name: &str, kind| ParameterSpec { name: name.into(), description: String::new(), kind };
        Manifest {
            id: "test".into(),
            description: String::new(),
            timeframes: vec![Timeframe::H1],
            columns: ColumnSet { close: true, ..ColumnSet::default() },
            parameters: vec![
                parameter("fast", ParameterKind::Integer { default: 10, minimum: 2, maximum: 50 }),
                parameter("threshold", ParameterKind::Real { default: 0.0, minimum: 0.0, maximum: 1.0 }),
                parameter("mode", ParameterKind::Choice { default: 0, options: vec!["a".into(), "b".into()] }),
            ],
            patterns: vec![],
            reasons: vec![],
            warnings: vec![],
        }
    }

    fn resolve(name: &str, text: &str) -> Result<Vec<ParameterValue>, ParameterError> {
        manifest().resolve_parameters(&BTreeMap::from([(name.to_owned(), text.to_owned())]))
    }

    #[test]
    fn unnamed_parameters_take_their_defaults() {
        let values = resolve("threshold", "0.00001").unwrap();
        assert_eq!(values, [ParameterValue::Integer(10), ParameterValue::Real(1e-5), ParameterValue::Choice(0)]);
    }

    #[test]
    fn errors_say_what_is_allowed() {
        let message = |name, text| resolve(name, text).unwrap_err().to_string();
        assert!(message("slow", "3").contains("it has: fast, threshold, mode"));
        assert!(message("fast", "ten").contains("\"ten\" is not a whole number"));
        assert!(message("fast", "99").contains("allowed is 2 to 50"));
        assert!(message("threshold", "NaN").contains("allowed is 0 to 1"));
        assert!(message("mode", "c").contains("one of a, b"));
    }

    #[test]
    fn version_changes_with_component_and_with_config() {
        let config = StrategyConfig {
            parameters: BTreeMap::from([("fast".into(), ParameterValue::Integer(10))]),
            timeframe: Timeframe::H1,
            gaps: "refuse".into(),
            limits: serde_json::json!({"class": "compiled"}),
            risk_params: serde_json::json!({"b": 1, "a": 2}),
        };
        let mut reordered = config.clone();
        reordered.risk_params = serde_json::json!({"a": 2, "b": 1});
        assert_eq!(config.config_hash(), reordered.config_hash());

        let mut changed = config.clone();
        changed.gaps = "flat".into();
        assert_ne!(config.config_hash(), changed.config_hash());

        let (a, b) = (ContentHash::of(b"a"), ContentHash::of(b"b"));
        assert_ne!(strategy_version(a, config.config_hash()), strategy_version(b, config.config_hash()));
    }
}
