//! The config of a strategy, as a person writes it beside the component.
//!
//! ```toml
//! id = "sma-cross-btc"            # left out: as the component calls itself
//! timeframe = "1h"
//! assets = ["binance:BTC/USDT"]
//! gaps = "flat"                   # or "refuse" (default), "skip"
//! active = true                   # default
//! priority = 100                  # lower goes first at the gate
//! limits_class = "compiled"       # left out: the size of the component decides
//! git_hash = "3f2a91b"            # left out: unknown; no part of the version
//! parameters = { fast = 10, slow = 30 }
//! risk = { sizing = { equity_pct = 20 }, stop_loss_pct = 5 }
//! ```
//!
//! Keys are those of the strategies in a run file, so that what was backtested is what is registered: the same
//! component with the same settings is the same version in both. A key that is not known is refused with its line.

use std::collections::{BTreeMap, BTreeSet};

use sentinel_domain::candles::gaps::GapPolicy;
use sentinel_domain::instrument::{Instrument, InstrumentError};
use sentinel_domain::registry::Registration;
use sentinel_domain::risk::{RiskFault, RiskParams};
use sentinel_domain::strategy::{ParameterError, StrategyConfig};
use sentinel_domain::timeframe::Timeframe;
use sentinel_runtime::{Limits, LimitsClass, Strategy};
use serde::Deserialize;
use serde::de::Error as _;
use thiserror::Error;

use crate::nearest::nearest;

/// What is to be registered beside the component's bytes.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistrationConfig {
    /// What to call the strategy; without it, as its component calls itself.
    pub id: Option<String>,
    /// The candles it is shown.
    pub timeframe: Timeframe,
    /// What it trades.
    #[serde(deserialize_with = "instruments")]
    pub assets: Vec<Instrument>,
    /// What is done about missing candles.
    #[serde(default = "refuse")]
    pub gaps: GapPolicy,
    /// Whether it may open positions.
    #[serde(default = "yes")]
    pub active: bool,
    /// Its rank at the gate; the same as `priority` under `risk`.
    pub priority: Option<u32>,
    /// The sandbox's limits; without it, the size of the component decides.
    pub limits_class: Option<LimitsClass>,
    /// The commit it was built from.
    pub git_hash: Option<String>,
    /// Values of parameters that are not to have their default.
    #[serde(default)]
    pub parameters: BTreeMap<String, toml::Value>,
    /// How it may trade.
    #[serde(default)]
    pub risk: RiskParams,
}

/// A config that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{file}{}: {problem}", line.map_or_else(String::new, |line| format!(", line {line}")))]
pub struct ConfigError {
    /// The config's name.
    pub file: String,
    /// The line, from 1, where it is known.
    pub line: Option<usize>,
    /// What is wrong, and what is allowed.
    pub problem: String,
}

const fn refuse() -> GapPolicy {
    GapPolicy::Refuse
}

const fn yes() -> bool {
    true
}

fn instruments<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<Instrument>, D::Error> {
    let texts = Vec::<toml::Spanned<String>>::deserialize(deserializer)?;
    if texts.is_empty() {
        return Err(D::Error::custom("assets is empty: name at least one, such as \"binance:BTC/USDT\""));
    }
    let mut seen = BTreeSet::new();
    let read = |text: &toml::Spanned<String>| {
        let instrument = instrument(text.get_ref()).map_err(D::Error::custom)?;
        let text = text.get_ref();
        if seen.insert(instrument.clone()) {
            Ok(instrument)
        } else {
            Err(D::Error::custom(format_args!("asset \"{text}\" is there twice")))
        }
    };
    texts.iter().map(read).collect()
}

fn instrument(text: &str) -> Result<Instrument, String> {
    text.parse().map_err(|error| match error {
        InstrumentError::NoExchange(_) => format!("asset {error}"),
        error => format!("asset \"{text}\": {error}"),
    })
}

impl RegistrationConfig {
    /// Reads the config in `text`, which stands in `file`.
    ///
    /// # Errors
    /// Names the file, the line and what is allowed.
    pub fn parse(text: &str, file: &str) -> Result<Self, ConfigError> {
        let mut config: Self = toml::from_str(text).map_err(|error| {
            let line = error.span().map(|span| 1 + text[..span.start.min(text.len())].matches('\n').count());
            ConfigError { file: file.to_owned(), line, problem: explained(error.message()) }
        })?;
        let faulty =
            |key: &str, problem: String| ConfigError { file: file.to_owned(), line: line_of(text, key), problem };
        if let Some(priority) = config.priority {
            let usual = RiskParams::default().priority;
            if config.risk.priority != usual && config.risk.priority != priority {
                let problem = format!(
                    "priority is {priority} here and {} under risk: leave one of them out",
                    config.risk.priority
                );
                return Err(faulty("priority", problem));
            }
            config.risk.priority = priority;
        }
        config.risk.check().map_err(|fault| {
            let RiskFault { name, .. } = fault;
            faulty(name, fault.to_string())
        })?;
        Ok(config)
    }

    /// Returns the limits that the component is to be loaded with.
    #[must_use]
    pub fn limits(&self, component_bytes: u64) -> Limits {
        Limits::of(self.limits_class.unwrap_or_else(|| LimitsClass::suggest(component_bytes)))
    }

    /// Returns what is to be registered of a component that was loaded with these [`limits`](Self::limits).
    ///
    /// # Errors
    /// When a parameter is not one of the strategy's, or out of its range.
    pub fn registration(&self, strategy: &Strategy, wit_version: &str) -> Result<Registration, ParameterError> {
        let manifest = strategy.manifest();
        let given = self.parameters.iter().map(|(name, value)| (name.clone(), text_of(value))).collect();
        let values = manifest.resolve_parameters(&given)?;
        let names = manifest.parameters.iter().map(|spec| spec.name.clone());
        Ok(Registration {
            component_hash: strategy.component_hash(),
            git_hash: self.git_hash.clone(),
            active: self.active,
            config: StrategyConfig {
                parameters: names.zip(values).collect(),
                timeframe: self.timeframe,
                gaps: self.gaps.as_str().to_owned(),
                limits: serde_json::to_value(strategy.limits()).unwrap_or_default(),
                risk_params: serde_json::to_value(&self.risk).unwrap_or_default(),
            },
            assets: self.assets.clone(),
            description: manifest.description.clone(),
            wit_version: wit_version.to_owned(),
        })
    }
}

/// Returns the error of a parameter with its place in `text`, which stands in `file`.
pub(crate) fn parameter_error(error: &ParameterError, text: &str, file: &str) -> ConfigError {
    let (name, hint) = match error {
        ParameterError::Unknown { name, known, .. } => {
            let meant = nearest(name, known.split(", "));
            (name, meant.map_or_else(String::new, |meant| format!("; did you mean {meant}?")))
        }
        ParameterError::Type { name, .. } | ParameterError::Range { name, .. } => (name, String::new()),
    };
    ConfigError { file: file.to_owned(), line: line_of(text, name), problem: format!("{error}{hint}") }
}

/// Adds to what the parser says of an unknown key what was probably meant.
fn explained(message: &str) -> String {
    let message = message.trim();
    let mut quoted = message.split('`').skip(1).step_by(2);
    let meant = match (message.starts_with("unknown field") || message.starts_with("unknown variant"), quoted.next()) {
        (true, Some(unknown)) => nearest(unknown, quoted),
        _ => None,
    };
    meant.map_or_else(|| message.to_owned(), |meant| format!("{message}; did you mean {meant}?"))
}

/// Returns the first line of `text` that sets `key`.
fn line_of(text: &str, key: &str) -> Option<usize> {
    let sets = |line: &str| {
        let line = line.split('#').next().unwrap_or_default();
        line.match_indices(key).any(|(at, _)| {
            let is_start = !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '-');
            is_start && line[at + key.len()..].trim_start_matches('"').trim_start().starts_with('=')
        })
    };
    text.lines().position(sets).map(|line| line + 1)
}

/// Returns a value as the user would write it as an option.
fn text_of(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "timeframe = \"1h\"\nassets = [\"binance:BTC/USDT\"]\n";

    #[track_caller]
    fn refused(text: &str, line: usize, parts: &[&str]) {
        let error = RegistrationConfig::parse(text, "f.toml").unwrap_err().to_string();
        assert!(error.starts_with(&format!("f.toml, line {line}: ")), "{error}");
        for part in parts {
            assert!(error.contains(part), "\"{part}\" is missing in: {error}");
        }
    }

    #[test]
    fn what_is_left_out_has_a_default() {
        let config = RegistrationConfig::parse(GOOD, "f.toml").unwrap();
        assert_eq!((config.active, config.gaps, &config.risk), (true, GapPolicy::Refuse, &RiskParams::default()));
        let config = RegistrationConfig::parse(&format!("{GOOD}priority = 7\n"), "f.toml").unwrap();
        assert_eq!(config.risk.priority, 7);
    }

    #[test]
    fn unknown_key_is_refused_with_its_line_and_its_neighbour() {
        refused(&format!("{GOOD}activ = true\n"), 3, &["unknown field `activ`", "did you mean active?"]);
        refused(&format!("{GOOD}[risk]\nstop_los_pct = 5\n"), 4, &["stop_los_pct", "did you mean stop_loss_pct?"]);
    }

    #[test]
    fn wrong_values_are_refused_with_what_is_allowed() {
        refused("timeframe = \"2h\"\nassets = [\"a:B/C\"]\n", 1, &["2h"]);
        refused("timeframe = \"1h\"\nassets = []\n", 2, &["at least one"]);
        refused("timeframe = \"1h\"\nassets = [\"BTC/USDT\"]\n", 2, &["names no exchange", "binance:BTC/USDT"]);
        refused("timeframe = \"1h\"\nassets = [\"a:B/C\", \"a:B/C\"]\n", 2, &["twice"]);
        refused(&format!("{GOOD}risk = {{ stop_loss_pct = 120 }}\n"), 3, &["stop_loss_pct is 120", "below 100"]);
        refused(&format!("{GOOD}priority = 1\nrisk = {{ priority = 2 }}\n"), 3, &["leave one of them out"]);
        refused(&format!("{GOOD}gaps = \"flatt\"\n"), 3, &["flatt", "did you mean flat?"]);
        refused("timeframe = \n", 1, &[]);
    }

    #[test]
    fn missing_key_is_named() {
        let error = RegistrationConfig::parse("timeframe = \"1h\"\n", "f.toml").unwrap_err().to_string();
        assert!(error.contains("missing field `assets`"), "{error}");
    }
}
