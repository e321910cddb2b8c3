//! Which version of a strategy was active when.

use std::collections::BTreeMap;
use std::sync::Arc;

use sentinel_domain::candles::format_time;
use sentinel_domain::guardian::Violation;
use sentinel_domain::hash::ContentHash;
use sentinel_domain::registry::{History, StrategyVersion};
use sentinel_domain::tables::DimStrategy;
use sentinel_domain::timeframe::UnixMillis;
use sentinel_function_runtime::{FunctionError, RunContext};
use serde_json::{Value, json};

use crate::entry::{CheckedRow, Entry};
use crate::time::{date_of, utc};

/// Every strategy's history.
#[derive(Debug, Clone, Default)]
pub struct Versions {
    histories: BTreeMap<String, History>,
    /// Each version as the warehouse holds it, by strategy and place in its history.
    rows: BTreeMap<(String, u32), Arc<CheckedRow>>,
}

impl Versions {
    /// Reads all of `dim_strategies`.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn read(ctx: &RunContext) -> Result<Self, FunctionError> {
        let records = ctx.records::<StrategyVersion>();
        let mut rows: BTreeMap<String, Vec<StrategyVersion>> = BTreeMap::new();
        for stored in records.all(records.select()).await? {
            rows.entry(stored.record.strategy_id.clone()).or_default().push(stored.record);
        }
        let checked = rows.values().flatten().map(|row| {
            let name = (row.strategy_id.clone(), row.ordinal);
            (name, Arc::new(CheckedRow::of(&row_of(row), false)))
        });
        let checked = checked.collect();
        let histories = rows.into_iter().map(|(id, versions)| (id.clone(), History::new(id, versions))).collect();
        Ok(Self { histories, rows: checked })
    }

    /// Returns every version of every strategy, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &StrategyVersion> {
        self.histories.values().flat_map(History::versions)
    }

    /// Returns the row whose version decided at `time`.
    #[must_use]
    pub fn as_of(&self, strategy_id: &str, time: UnixMillis) -> Option<&StrategyVersion> {
        self.histories.get(strategy_id)?.as_of(time)
    }

    /// Checks that `version` is the one that was active at `time`; the answer names both.
    #[must_use]
    pub fn check(&self, strategy_id: &str, version: ContentHash, time: UnixMillis) -> Option<Violation> {
        let active = self.as_of(strategy_id, time);
        if active.is_some_and(|row| row.version == version) {
            return None;
        }
        let (at, version) = (format_time(time), version.to_string());
        let allowed = match active {
            Some(row) => format!("{}, the version of {strategy_id} that was active at {at}", row.version),
            None => format!("a version of {strategy_id} that was active at {at}, and none was"),
        };
        Some(Violation { column: "strategy_version".to_owned(), found: version, allowed })
    }

    /// Returns what the guardian says of the row of the version active at `time`: what refers to it cannot pass before it.
    #[must_use]
    pub fn faults(&self, strategy_id: &str, time: UnixMillis) -> &[Violation] {
        let active = self.as_of(strategy_id, time);
        let row = active.and_then(|row| self.rows.get(&(row.strategy_id.clone(), row.ordinal)));
        row.map_or(&[], |row| &row.violations)
    }

    /// Adds the row of the version active at `time`, which facts refer to.
    pub fn add_to(&self, entry: &mut Entry, strategy_id: &str, time: UnixMillis) {
        if let Some(active) = self.as_of(strategy_id, time) {
            self.add(entry, active);
        }
    }

    /// Adds the row of one of the versions.
    pub fn add(&self, entry: &mut Entry, version: &StrategyVersion) {
        if let Some(row) = self.rows.get(&(version.strategy_id.clone(), version.ordinal)) {
            entry.add_checked(row);
        }
    }
}

/// Returns a version as the warehouse holds it.
fn row_of(row: &StrategyVersion) -> DimStrategy {
    let config = &row.config;
    let priority = config.risk_params.get("priority").and_then(Value::as_i64).unwrap_or(100);
    DimStrategy {
        strategy_id: row.strategy_id.clone(),
        version: row.version.to_string(),
        component_hash: row.component_hash.to_string(),
        config_hash: row.config_hash.to_string(),
        git_hash: row.git_hash.clone(),
        active: row.active,
        timeframe: config.timeframe.as_str().to_owned(),
        assets: row.assets.iter().map(ToString::to_string).collect(),
        risk_params: config.risk_params.clone(),
        parameters: json!(config.parameters),
        limits: config.limits.clone(),
        priority,
        description: row.description.clone(),
        wit_version: row.wit_version.clone(),
        valid_from: utc(row.valid_from),
        valid_to: row.valid_to.map(utc),
        is_current: row.is_current,
        timestamp: utc(row.valid_from),
        ds: date_of(row.valid_from),
    }
}
