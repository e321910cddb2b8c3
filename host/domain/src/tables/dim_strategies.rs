//! `dim_strategies`: which version of a strategy was active when.

use chrono::{DateTime, NaiveDate, Utc};

use crate::guardian::Report;
use crate::hash::ContentHash;
use crate::strategy::strategy_version;
use crate::tables::Field;

crate::table! {
    /// Strategies and their versions over time (slowly changing dimension, type 2). A change of component or config
    /// closes the current row and opens the next; history is replayed against the version that was active then.
    pub struct DimStrategy in "dim_strategies" {
        grain: "one strategy version over one stretch of time in which it was current",
        key: ["strategy_id", "version", "valid_from"],
        laws: DimStrategy::check_validity,
    }
    columns {
        /// The strategy's name, as its manifest says it.
        strategy_id: String [; Rule::NotEmpty],
        /// Identity of the version: SHA-256 over the component's bytes and the canonical config.
        version: String [; Rule::Hash],
        /// SHA-256 of the component's bytes.
        component_hash: String [; Rule::Hash],
        /// SHA-256 of the canonical config.
        config_hash: String [; Rule::Hash],
        /// Commit that the component was built from; metadata, no part of the identity.
        git_hash: Option<String> [; Rule::NotEmpty],
        /// Whether it may open positions.
        active: bool,
        /// Length of the candles it decides on.
        timeframe: String [; Rule::OneOf(crate::tables::TIMEFRAMES)],
        /// What it trades, as exchange:symbol.
        assets: Vec<String>,
        /// Sizing, stops, targets and the risk gate's limits.
        risk_params: serde_json::Value,
        /// Values of its parameters, by name.
        parameters: serde_json::Value,
        /// Limits of its sandbox.
        limits: serde_json::Value,
        /// Its rank at the gate; lower goes first.
        priority: i64,
        /// Idea, when it works, when it fails.
        description: String,
        /// Version of the contract that the component speaks.
        wit_version: String [; Rule::NotEmpty],
        /// From when it decides.
        valid_from: DateTime<Utc>,
        /// Until when it decides; empty while it is the current one.
        valid_to: Option<DateTime<Utc>> [; Rule::NotBefore("valid_from")],
        /// Whether it is the current version.
        is_current: bool,
        /// The moment the row is about: valid_from.
        timestamp: DateTime<Utc> [; Rule::SameAs("valid_from")],
        /// Logical date: the UTC date of valid_from.
        ds: NaiveDate [; Rule::DateOf("valid_from")],
    }
}

impl DimStrategy {
    fn check_validity(&self, report: &mut Report) {
        let is_open = self.valid_to.is_none();
        report.expect(self.is_current == is_open, "is_current", self.is_current, "true where valid_to is empty");
        let parts = (self.component_hash.parse::<ContentHash>(), self.config_hash.parse::<ContentHash>());
        if let (Ok(component), Ok(config)) = parts {
            let version = strategy_version(component, config).to_string();
            let allowed = format!("{version}, the hash over component_hash and config_hash");
            report.expect(self.version == version, "version", &self.version, allowed);
        }
        if self.assets.is_empty() {
            report.add("assets", &self.assets.to_cell(), "at least one exchange:symbol");
        }
    }
}
