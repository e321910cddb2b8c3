//! Which functions there are, what each needs, and how one is made.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sentinel_archive_decisions::ArchiveDecisions;
use sentinel_archive_expirations::ArchiveExpirations;
use sentinel_archive_rejections::ArchiveRejections;
use sentinel_archive_trades::ArchiveTrades;
use sentinel_cleanup_hot_store::CleanupHotStore;
use sentinel_domain::broker::Broker;
use sentinel_domain::components::{ComponentStore, Uploads};
use sentinel_domain::instrument::Instrument;
use sentinel_domain::market_data::MarketData;
use sentinel_domain::warehouse::Warehouse;
use sentinel_evaluate_strategies::{EvaluateStrategies, Library};
use sentinel_execute_signals::ExecuteSignals;
use sentinel_expire_signals::ExpireSignals;
use sentinel_function_runtime::Function;
use sentinel_ingest_candles::{IngestCandles, LANES_PER_SHARD};
use sentinel_patch_fees::PatchFees;
use sentinel_patch_prices::PatchPrices;
use sentinel_register_strategy::{RegisterStrategy, nearest};
use sentinel_runtime::LazyRuntime;
use sentinel_snapshot_accounts::SnapshotAccounts;
use sentinel_summarize_performance::SummarizePerformance;
use sentinel_sync_positions::SyncPositions;
use sentinel_trading::{Desk, Terms};
use thiserror::Error;

/// Something outside that a function may need beside the hot store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Port {
    /// The account at the broker.
    Broker,
    /// Prices.
    MarketData,
    /// The cold tables.
    Warehouse,
    /// The bytes of verified components.
    Components,
    /// What people put into the strategies bucket.
    Uploads,
    /// The place where components run.
    Sandbox,
    /// The carrier of events.
    Events,
}

/// What functions are made of; a function needs those that [`FunctionName::ports`] names.
#[derive(Clone)]
#[expect(missing_debug_implementations, reason = "ports need not say what they are")]
pub struct Parts {
    /// The account.
    pub terms: Terms,
    /// What performance is measured against.
    pub benchmark: Option<Instrument>,
    /// How long a candle is waited for that is late.
    pub patience: Duration,
    /// The broker.
    pub broker: Option<Arc<dyn Broker>>,
    /// Where candles come from.
    pub data: Option<Arc<dyn MarketData>>,
    /// The cold tables.
    pub warehouse: Option<Arc<dyn Warehouse>>,
    /// The bytes of components.
    pub components: Option<Arc<dyn ComponentStore>>,
    /// Where uploads are read.
    pub uploads: Option<Arc<dyn Uploads>>,
    /// The sandbox.
    pub sandbox: Option<Arc<LazyRuntime>>,
}

/// A function was to be made without something that it needs.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{function} needs {port:?}, which is not there")]
pub struct MissingPart {
    /// The function.
    pub function: FunctionName,
    /// What it needs.
    pub port: Port,
}

/// A text that names no function.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("there is no function {name:?}{}: there are {}",
    meant.map_or_else(String::new, |meant| format!(" (did you mean {meant}?)")), FunctionName::ALL.map(FunctionName::as_str).join(", "))]
pub struct UnknownFunction {
    name: String,
    meant: Option<&'static str>,
}

macro_rules! functions {
    ($($name:ident = $text:literal needs [$($port:ident),*];)*) => {
        /// One of the functions.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        #[expect(missing_docs, reason = "each says itself what it does, in its descriptor")]
        pub enum FunctionName {
            $($name,)*
        }

        impl FunctionName {
            /// Every function, by name.
            pub const ALL: [Self; [$($text),*].len()] = [$(Self::$name),*];

            /// Returns verb and noun: `archive-trades`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            /// Returns what it needs beside the hot store. The rights of its account in the cloud are held to this.
            #[must_use]
            pub const fn ports(self) -> &'static [Port] {
                match self {
                    $(Self::$name => &[$(Port::$port),*],)*
                }
            }
        }
    };
}

functions! {
    ArchiveDecisions = "archive-decisions" needs [Warehouse];
    ArchiveExpirations = "archive-expirations" needs [Warehouse];
    ArchiveRejections = "archive-rejections" needs [Warehouse];
    ArchiveTrades = "archive-trades" needs [Warehouse, Broker];
    CleanupHotStore = "cleanup-hot-store" needs [Warehouse];
    EvaluateStrategies = "evaluate-strategies" needs [Components, Sandbox, Events];
    ExecuteSignals = "execute-signals" needs [Broker, Events];
    ExpireSignals = "expire-signals" needs [];
    IngestCandles = "ingest-candles" needs [MarketData, Events];
    PatchFees = "patch-fees" needs [Warehouse, Broker];
    PatchPrices = "patch-prices" needs [Broker];
    RegisterStrategy = "register-strategy" needs [Components, Uploads, Sandbox, Events];
    SnapshotAccounts = "snapshot-accounts" needs [Warehouse, Broker];
    SummarizePerformance = "summarize-performance" needs [Warehouse];
    SyncPositions = "sync-positions" needs [Broker, Events];
}

impl FunctionName {
    /// From a closed candle to a position.
    pub(crate) const TRADING: [Self; 5] =
        [Self::IngestCandles, Self::EvaluateStrategies, Self::ExecuteSignals, Self::SyncPositions, Self::ExpireSignals];
    /// Loops, patches and the broom.
    pub(crate) const ARCHIVE: [Self; 9] = [
        Self::SnapshotAccounts,
        Self::ArchiveTrades,
        Self::ArchiveExpirations,
        Self::ArchiveRejections,
        Self::ArchiveDecisions,
        Self::SummarizePerformance,
        Self::PatchPrices,
        Self::PatchFees,
        Self::CleanupHotStore,
    ];

    /// Returns whether it needs `port`.
    #[must_use]
    pub fn needs(self, port: Port) -> bool {
        self.ports().contains(&port)
    }

    /// Returns whether it delivers, for all functions, what an outbox still holds: it runs each minute whatever happens.
    #[must_use]
    pub const fn delivers_for_all(self) -> bool {
        matches!(self, Self::IngestCandles)
    }

    /// Makes the function.
    ///
    /// # Errors
    /// When a part is not there that it needs.
    pub fn build(self, parts: &Parts) -> Result<Arc<dyn Function>, MissingPart> {
        let parts = Taken { function: self, parts };
        let terms = || parts.parts.terms.clone();
        let desk = || Ok(Desk { broker: parts.broker()?, terms: terms() });
        Ok(match self {
            Self::ArchiveDecisions => Arc::new(ArchiveDecisions::new(parts.warehouse()?)),
            Self::ArchiveExpirations => Arc::new(ArchiveExpirations::new(parts.warehouse()?, terms())),
            Self::ArchiveRejections => Arc::new(ArchiveRejections::new(parts.warehouse()?, terms())),
            Self::ArchiveTrades => Arc::new(ArchiveTrades::new(parts.warehouse()?, parts.broker()?, terms())),
            Self::CleanupHotStore => Arc::new(CleanupHotStore::new(parts.warehouse()?)),
            Self::EvaluateStrategies => {
                let library = Arc::new(Library::new(parts.components()?, parts.sandbox()?));
                Arc::new(EvaluateStrategies { library, terms: terms() })
            }
            Self::ExecuteSignals => Arc::new(ExecuteSignals { desk: desk()? }),
            Self::ExpireSignals => Arc::new(ExpireSignals),
            Self::IngestCandles => {
                let (data, patience) = (parts.data()?, parts.parts.patience);
                Arc::new(IngestCandles { data, terms: terms(), patience, lanes_per_shard: LANES_PER_SHARD })
            }
            Self::PatchFees => Arc::new(PatchFees::new(parts.warehouse()?, parts.broker()?, terms())),
            Self::PatchPrices => Arc::new(PatchPrices::new(parts.broker()?, terms())),
            Self::RegisterStrategy => {
                let (uploads, components) = (parts.uploads()?, parts.components()?);
                Arc::new(RegisterStrategy { uploads, components, sandbox: parts.sandbox()? })
            }
            Self::SnapshotAccounts => Arc::new(SnapshotAccounts::new(parts.warehouse()?, parts.broker()?, terms())),
            Self::SummarizePerformance => {
                Arc::new(SummarizePerformance::new(parts.warehouse()?, terms(), parts.parts.benchmark.clone()))
            }
            Self::SyncPositions => Arc::new(SyncPositions { desk: desk()? }),
        })
    }
}

impl Parts {
    /// Returns the parts of a function that needs nothing outside but the hot store.
    #[must_use]
    pub const fn of(terms: Terms) -> Self {
        Self {
            terms,
            benchmark: None,
            patience: Duration::ZERO,
            broker: None,
            data: None,
            warehouse: None,
            components: None,
            uploads: None,
            sandbox: None,
        }
    }
}

/// The parts, as one function takes from them.
#[derive(Clone, Copy)]
struct Taken<'a> {
    function: FunctionName,
    parts: &'a Parts,
}

impl Taken<'_> {
    fn take<T: ?Sized>(self, port: Port, part: Option<&Arc<T>>) -> Result<Arc<T>, MissingPart> {
        part.cloned().ok_or(MissingPart { function: self.function, port })
    }

    fn broker(self) -> Result<Arc<dyn Broker>, MissingPart> {
        self.take(Port::Broker, self.parts.broker.as_ref())
    }

    fn data(self) -> Result<Arc<dyn MarketData>, MissingPart> {
        self.take(Port::MarketData, self.parts.data.as_ref())
    }

    fn warehouse(self) -> Result<Arc<dyn Warehouse>, MissingPart> {
        self.take(Port::Warehouse, self.parts.warehouse.as_ref())
    }

    fn components(self) -> Result<Arc<dyn ComponentStore>, MissingPart> {
        self.take(Port::Components, self.parts.components.as_ref())
    }

    fn uploads(self) -> Result<Arc<dyn Uploads>, MissingPart> {
        self.take(Port::Uploads, self.parts.uploads.as_ref())
    }

    fn sandbox(self) -> Result<Arc<LazyRuntime>, MissingPart> {
        self.take(Port::Sandbox, self.parts.sandbox.as_ref())
    }
}

impl fmt::Display for FunctionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for FunctionName {
    type Err = UnknownFunction;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|function| function.as_str() == text)
            .ok_or_else(|| UnknownFunction { name: text.to_owned(), meant: nearest(text, Self::ALL.map(Self::as_str)) })
    }
}
