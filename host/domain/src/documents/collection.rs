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
}
