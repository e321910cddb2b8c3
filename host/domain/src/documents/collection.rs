//! The collections there are, and what they are asked by.

use super::index::Index;

/// A hot collection. Its name depends on the environment: [`crate::environment::Environment::collection`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Collection {
    /// Versions of strategies, SCD2.
    DimStrategies,
    /// Tradable instruments and their rules.
    DimAssets,
    /// Signals on their way to an order, and those that expired.
    LiveSignals,
    /// Signals that the gate turned down, each with its reason.
    RejectedSignals,
    /// Positions from the order intent to the archive.
    LivePositions,
    /// What the gate reserves: cash, exposure, counts.
    Accounts,
    /// One column chunk for each exchange, symbol, timeframe and session.
    Candles,
    /// One chunk of recorded decisions for each bar close and shard.
    Decisions,
    /// One row for each run of a function.
    JobMetadata,
    /// Leases with fencing tokens.
    JobLocks,
    /// Rows that the Guardian held back, with every reason.
    Quarantine,
    /// Events committed together with the state they tell of, until they are delivered.
    Outbox,
}

impl Collection {
    /// Every collection.
    pub const ALL: [Self; 12] = [
        Self::DimStrategies,
        Self::DimAssets,
        Self::LiveSignals,
        Self::RejectedSignals,
        Self::LivePositions,
        Self::Accounts,
        Self::Candles,
        Self::Decisions,
        Self::JobMetadata,
        Self::JobLocks,
        Self::Quarantine,
        Self::Outbox,
    ];

    /// Returns the name in PROD.
    #[must_use]
    pub const fn production_name(self) -> &'static str {
        self.names().0
    }

    /// Returns the name in DEV and TEST: `live_` becomes `test_`, any other name has `test_` put before it.
    #[must_use]
    pub const fn rehearsal_name(self) -> &'static str {
        self.names().1
    }

    /// Returns the combinations of fields that queries ask by.
    ///
    /// The one source for the indexes of every adapter. A question that needs a combination which is not here is
    /// refused. A filter on one field needs no entry in the cloud; it is listed where it must be fast on a laptop too.
    #[must_use]
    pub const fn indexes(self) -> &'static [Index] {
        const fn by(fields: &'static [&'static str]) -> Index {
            Index::ascending(fields)
        }
        match self {
            Self::DimStrategies => {
                const { &[by(&["strategy_id", "valid_from"]), by(&["valid_from"]), by(&["is_current"])] }
            }
            Self::DimAssets => const { &[by(&["symbol"])] },
            Self::LiveSignals => {
                const {
                    &[
                        by(&["status", "expiration_at"]),
                        by(&["status", "close_time"]),
                        by(&["strategy_id", "status"]),
                        by(&["symbol", "status"]),
                    ]
                }
            }
            Self::RejectedSignals => const { &[by(&["close_time"]), by(&["strategy_id"])] },
            Self::LivePositions => {
                const {
                    &[
                        by(&["status", "exit_time"]),
                        by(&["strategy_id", "status"]),
                        by(&["symbol", "status"]),
                        by(&["account_id", "status"]),
                        by(&["archived", "status"]),
                    ]
                }
            }
            Self::Candles => {
                const {
                    &[
                        by(&["exchange", "symbol", "timeframe", "session_open"]),
                        by(&["archived", "timeframe", "session_open"]),
                    ]
                }
            }
            Self::Decisions => const { &[by(&["close_time"]), by(&["archived", "close_time"])] },
            Self::JobMetadata => {
                const {
                    &[
                        by(&["job_name", "ds", "status"]),
                        Index::descending(&["job_name", "at"]),
                        by(&["ds"]),
                        by(&["started"]),
                    ]
                }
            }
            Self::Quarantine => const { &[by(&["table"]), by(&["job_name"])] },
            Self::Outbox => const { &[by(&["position"])] },
            Self::Accounts | Self::JobLocks => &[],
        }
    }

    /// Returns the fields that the cloud keeps no index of: lists, maps and long texts, which no query asks by.
    ///
    /// The cloud indexes each field of a document by itself, each item of a list and each field of a map, of a text its
    /// first 1,500 bytes. An account of many lanes would have more of these entries than a document may
    /// ([`INDEX_ENTRIES_MAX`](super::limits::INDEX_ENTRIES_MAX)), and each write of a chunk would pay for entries that
    /// nobody reads. A query by one of these fields, or by a part of it, is refused everywhere.
    #[must_use]
    pub const fn unindexed(self) -> &'static [&'static str] {
        match self {
            Self::DimStrategies => &["assets", "config", "description"],
            Self::DimAssets => &["rules"],
            Self::LiveSignals | Self::RejectedSignals => &["reasons", "rejection", "risk_params", "rules", "warnings"],
            Self::LivePositions => &["intent", "orders", "plan", "position", "risk_params", "rules"],
            Self::Accounts => &["lanes", "paused", "troubles", "volume"],
            Self::Candles => &["columns", "received"],
            Self::Decisions => &["decided"],
            Self::JobMetadata => &["error", "event", "notes"],
            Self::Quarantine => &["reasons", "row"],
            Self::Outbox => &["event", "last_error"],
            Self::JobLocks => &[],
        }
    }

    const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::DimStrategies => ("dim_strategies", "test_dim_strategies"),
            Self::DimAssets => ("dim_assets", "test_dim_assets"),
            Self::LiveSignals => ("live_signals", "test_signals"),
            Self::RejectedSignals => ("rejected_signals", "test_rejected_signals"),
            Self::LivePositions => ("live_positions", "test_positions"),
            Self::Accounts => ("accounts", "test_accounts"),
            Self::Candles => ("candles", "test_candles"),
            Self::Decisions => ("decisions", "test_decisions"),
            Self::JobMetadata => ("job_metadata", "test_job_metadata"),
            Self::JobLocks => ("job_locks", "test_job_locks"),
            Self::Quarantine => ("quarantine", "test_quarantine"),
            Self::Outbox => ("outbox", "test_outbox"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rehearsal_name_follows_the_rule() {
        for collection in Collection::ALL {
            let name = collection.production_name();
            assert_eq!(collection.rehearsal_name(), format!("test_{}", name.strip_prefix("live_").unwrap_or(name)));
        }
    }

    #[test]
    fn no_declared_index_needs_a_field_without_one() {
        for collection in Collection::ALL {
            let declared = collection.indexes().iter().flat_map(|index| index.fields());
            for field in declared {
                assert!(!collection.unindexed().contains(field), "{collection:?}: {field}");
            }
        }
    }

    /// "Maximum number of single-field index configurations for a database" in Firestore's documentation.
    #[test]
    fn there_are_no_more_exemptions_than_a_database_may_have() {
        let own = 2 * Collection::ALL.len();
        let fields = Collection::ALL.map(|collection| collection.unindexed().len()).iter().sum::<usize>();
        assert!(own + fields <= 200, "{own} + {fields}");
    }
}
