//! Strategies and their versions over time (SCD2): which one decides at a moment, one and only one.
//!
//! A version is the hash of component and config. Registering opens a row and closes the one before; nothing is ever
//! rewritten, so that history can be replayed against the version that was active then. The laws are pure functions
//! over a strategy's [`History`]; storing the rows is somebody else's work.
//!
//! Start with [`History::register`] and [`History::as_of`].

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::candles::format_time;
use crate::documents::{Collection, Record};
use crate::hash::{ContentHash, NotAHash};
use crate::instrument::{Instrument, texts};
use crate::strategy::{StrategyConfig, strategy_version};
use crate::timeframe::UnixMillis;

/// One version of one strategy over one stretch of time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StrategyVersion {
    /// The strategy.
    pub strategy_id: String,
    /// Its place in the strategy's history, from 1.
    pub ordinal: u32,
    /// Hash over component and config.
    pub version: ContentHash,
    /// Hash of the component's bytes.
    pub component_hash: ContentHash,
    /// Hash of the config.
    pub config_hash: ContentHash,
    /// The commit it was built from; metadata, no part of the identity.
    pub git_hash: Option<String>,
    /// Whether it may open positions.
    pub active: bool,
    /// Parameters, timeframe, gaps, limits and risk.
    pub config: StrategyConfig,
    /// What it trades.
    #[serde(with = "texts")]
    pub assets: Vec<Instrument>,
    /// Idea, when it works, when it fails.
    pub description: String,
    /// Version of the contract that the component speaks.
    pub wit_version: String,
    /// From when it decides.
    pub valid_from: UnixMillis,
    /// Until when; `None` while it is the current one.
    pub valid_to: Option<UnixMillis>,
    /// Whether it is the current one.
    pub is_current: bool,
}

impl StrategyVersion {
    /// Returns whether it decides at `time`.
    #[must_use]
    pub fn holds(&self, time: UnixMillis) -> bool {
        self.valid_from <= time && self.valid_to.is_none_or(|end| time < end)
    }
}

impl Record for StrategyVersion {
    const COLLECTION: Collection = Collection::DimStrategies;

    /// Derives from the place in the history and not from the time, so that of two registrations at once only one
    /// finds its place free.
    fn id(&self) -> String {
        format!("{}.{:06}", self.strategy_id, self.ordinal)
    }
}

/// What is asked to be registered.
#[derive(Debug, Clone, PartialEq)]
pub struct Registration {
    /// Hash of the component's bytes.
    pub component_hash: ContentHash,
    /// The commit it was built from.
    pub git_hash: Option<String>,
    /// Whether it may open positions.
    pub active: bool,
    /// Parameters, timeframe, gaps, limits and risk.
    pub config: StrategyConfig,
    /// What it trades.
    pub assets: Vec<Instrument>,
    /// Idea, when it works, when it fails.
    pub description: String,
    /// Version of the contract.
    pub wit_version: String,
}

/// What a registration changes.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// The current version is this one already.
    Unchanged,
    /// A row is opened, and the one before is closed.
    Opened {
        /// The row before, now closed; `None` for a strategy's first version.
        closed: Option<Box<StrategyVersion>>,
        /// The new row.
        opened: Box<StrategyVersion>,
    },
}

/// Why a registration is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RegistryError {
    /// It would change what had been decided.
    #[error(
        "a version of {strategy_id} from {} on would rewrite history: the current one is valid from {} on; choose a \
         later time",
        format_time(*wanted),
        format_time(*current)
    )]
    RewritesHistory {
        /// The strategy.
        strategy_id: String,
        /// From when the new version was to be valid, in Unix milliseconds.
        wanted: UnixMillis,
        /// From when the current one is.
        current: UnixMillis,
    },
    /// Another version has decided since.
    #[error(
        "a version of {strategy_id} from {} on would rewrite history: the one before decided at the close of {}; choose \
         a later time",
        format_time(*wanted),
        format_time(*decided)
    )]
    DecidedSince {
        /// The strategy.
        strategy_id: String,
        /// From when the new version was to be valid, in Unix milliseconds.
        wanted: UnixMillis,
        /// The last close that is decided.
        decided: UnixMillis,
    },
    /// Nothing was registered yet.
    #[error("no strategy {strategy_id} is registered; register it with `sentinel strategy register FILE`")]
    Unknown {
        /// What was asked for.
        strategy_id: String,
    },
    /// No such version.
    #[error(transparent)]
    NotAHash(#[from] NotAHash),
}

/// The versions of one strategy, oldest first.
#[derive(Debug, Clone, PartialEq)]
pub struct History {
    strategy_id: String,
    versions: Vec<StrategyVersion>,
}

impl History {
    /// Returns the history that `versions` make, in any order.
    #[must_use]
    pub fn new(strategy_id: impl Into<String>, mut versions: Vec<StrategyVersion>) -> Self {
        versions.sort_by_key(|version| version.ordinal);
        Self { strategy_id: strategy_id.into(), versions }
    }

    /// Returns the versions, oldest first.
    #[must_use]
    pub fn versions(&self) -> &[StrategyVersion] {
        &self.versions
    }

    /// Returns the version that decides now.
    #[must_use]
    pub fn current(&self) -> Option<&StrategyVersion> {
        self.versions.last()
    }

    /// Returns the version that decides at `time`, the close of a bar.
    #[must_use]
    pub fn as_of(&self, time: UnixMillis) -> Option<&StrategyVersion> {
        let after = self.versions.partition_point(|version| version.valid_from <= time);
        self.versions[..after].last()
    }

    /// Returns what registering `wanted` from `valid_from` on changes. The same component and config again, from
    /// whenever on, changes nothing; a former version opens a new row.
    ///
    /// # Errors
    /// When it would begin no later than the current version.
    pub fn register(&self, wanted: Registration, valid_from: UnixMillis) -> Result<Change, RegistryError> {
        let config_hash = wanted.config.config_hash();
        let version = strategy_version(wanted.component_hash, config_hash);
        let current = self.current();
        if current.is_some_and(|row| (row.version, row.active, &row.assets) == (version, wanted.active, &wanted.assets))
        {
            return Ok(Change::Unchanged);
        }
        if let Some(row) = current.filter(|row| valid_from <= row.valid_from) {
            return Err(RegistryError::RewritesHistory {
                strategy_id: self.strategy_id.clone(),
                wanted: valid_from,
                current: row.valid_from,
            });
        }
        let closed = current
            .map(|row| Box::new(StrategyVersion { valid_to: Some(valid_from), is_current: false, ..row.clone() }));
        let opened = StrategyVersion {
            strategy_id: self.strategy_id.clone(),
            ordinal: current.map_or(1, |row| row.ordinal + 1),
            version,
            component_hash: wanted.component_hash,
            config_hash,
            git_hash: wanted.git_hash,
            active: wanted.active,
            config: wanted.config,
            assets: wanted.assets,
            description: wanted.description,
            wit_version: wanted.wit_version,
            valid_from,
            valid_to: None,
            is_current: true,
        };
        Ok(Change::Opened { closed, opened: Box::new(opened) })
    }

    /// Returns what letting the strategy open positions, or not any more, changes from `valid_from` on.
    ///
    /// # Errors
    /// When nothing is registered, or as [`History::register`].
    pub fn set_active(&self, active: bool, valid_from: UnixMillis) -> Result<Change, RegistryError> {
        let row = self.current().ok_or_else(|| RegistryError::Unknown { strategy_id: self.strategy_id.clone() })?;
        let wanted = Registration {
            component_hash: row.component_hash,
            git_hash: row.git_hash.clone(),
            active,
            config: row.config.clone(),
            assets: row.assets.clone(),
            description: row.description.clone(),
            wit_version: row.wit_version.clone(),
        };
        self.register(wanted, valid_from)
    }

    /// Takes in a change, as it was stored.
    pub fn apply(&mut self, change: Change) {
        let Change::Opened { closed, opened } = change else { return };
        if let (Some(closed), Some(last)) = (closed, self.versions.last_mut()) {
            *last = *closed;
        }
        self.versions.push(*opened);
    }
}

#[cfg(test)]
mod property_tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::strategy::ParameterValue;
    use crate::timeframe::Timeframe;

    fn registration(component: u8, parameter: i64, active: bool) -> Registration {
        Registration {
            component_hash: ContentHash::of(&[component]),
            git_hash: None,
            active,
            config: StrategyConfig {
                parameters: BTreeMap::from([("fast".to_owned(), ParameterValue::Integer(parameter))]),
                timeframe: Timeframe::H1,
                gaps: "refuse".to_owned(),
                limits: serde_json::json!({}),
                risk_params: serde_json::json!({}),
            },
            assets: vec![Instrument { exchange: "binance".parse().unwrap(), symbol: "BTC/USDT".parse().unwrap() }],
            description: String::new(),
            wit_version: "0.1.0".to_owned(),
        }
    }

    proptest! {
        #[test]
        fn versions_never_overlap_and_one_is_current(
            steps in prop::collection::vec((0_u8..3, 0_i64..3, prop::bool::ANY, 0_i64..50), 1..40),
        ) {
            let mut history = History::new("any", Vec::new());
            for (component, parameter, active, time) in steps {
                let wanted = registration(component, parameter, active);
                let before = history.clone();
                match history.register(wanted.clone(), time) {
                    Ok(change) => history.apply(change),
                    Err(_) => {
                        prop_assert!(before.current().is_some_and(|row| time <= row.valid_from));
                        continue;
                    }
                }
                // The same again changes nothing, whenever.
                prop_assert_eq!(history.register(wanted, 0), Ok(Change::Unchanged));
                prop_assert_eq!(history.versions().iter().filter(|row| row.is_current).count(), 1);
                prop_assert_eq!(history.current().and_then(|row| row.valid_to), None);
                for pair in history.versions().windows(2) {
                    prop_assert_eq!(pair[0].valid_to, Some(pair[1].valid_from));
                    prop_assert!(pair[0].valid_from < pair[1].valid_from);
                }
                for time in -1..52 {
                    let holding: Vec<_> = history.versions().iter().filter(|row| row.holds(time)).collect();
                    prop_assert!(holding.len() <= 1);
                    prop_assert_eq!(history.as_of(time), holding.first().copied());
                }
            }
        }
    }

    #[test]
    fn a_former_version_opens_a_new_row() {
        let mut history = History::new("any", Vec::new());
        for (parameter, time) in [(1, 10), (2, 20), (1, 30)] {
            let change = history.register(registration(0, parameter, true), time).unwrap();
            history.apply(change);
        }
        assert_eq!(history.versions().len(), 3);
        assert_eq!(history.versions()[0].version, history.versions()[2].version);
    }

    #[test]
    fn history_is_not_rewritten() {
        let mut history = History::new("any", Vec::new());
        let change = history.register(registration(0, 1, true), 10).unwrap();
        history.apply(change);
        let refused = history.register(registration(0, 2, true), 10).unwrap_err();
        assert!(refused.to_string().contains("would rewrite history"), "{refused}");
        assert_eq!(history.set_active(true, 5), Ok(Change::Unchanged));
        assert!(matches!(history.set_active(false, 11), Ok(Change::Opened { .. })));
    }
}
