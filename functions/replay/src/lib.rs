//! Replay: takes recorded decisions again, each with the version that was active at its close, and compares bit for bit.
//!
//! A decision depends on a component, a config and candles; all three are named by hashes in its record. So whatever was
//! tampered with since is found and named: a candle by the hash of what was shown, a component by its own, a config by
//! the version it no longer gives. What is the same is the same code as live: [`sentinel_evaluate_strategies`] prepares
//! and decides. What is absent: writing. Replay changes nothing anywhere.
//!
//! Start with [`replay_archived`].

mod compare;
mod recorded;
mod verdict;

use std::collections::BTreeMap;
use std::sync::Arc;

use sentinel_archive::WithArchive;
use sentinel_archive::candles::candle_table;
use sentinel_domain::documents::{Direction, StoreError};
use sentinel_domain::live::{Decided, DecisionChunk, LiveSignal, RejectedSignal};
use sentinel_domain::registry::{History, StrategyVersion};
use sentinel_domain::strategy::strategy_version;
use sentinel_domain::timeframe::UnixMillis;
use sentinel_domain::warehouse::Warehouse;
use sentinel_evaluate_strategies::{Evaluated, Library, evaluate_again, prepare};
use sentinel_function_runtime::{Reads, StoreReader};
use sentinel_trading::lanes::DecidingLane;
use thiserror::Error;

use recorded::Recorded;

pub use recorded::RecordedError;
pub use verdict::{Difference, DifferenceKind, ReplayVerdict};

/// Which decisions are taken again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReplayRange {
    /// Of bars that closed at or after this time.
    pub from: Option<UnixMillis>,
    /// Of bars that closed before this time.
    pub to: Option<UnixMillis>,
    /// Of this strategy alone.
    pub strategy_id: Option<String>,
}

/// Why a replay could not be made, as opposed to one that found differences.
#[derive(Debug, Error)]
pub enum ReplayError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// One of the stores.
    #[error(transparent)]
    Recorded(#[from] RecordedError),
    /// The work was interrupted.
    #[error("the replay was interrupted: {0}")]
    Interrupted(String),
}

/// Takes the recorded decisions of `range` again, close by close, and calls `progress` after each chunk with the close
/// and how many decisions were taken so far. Days that the hot store has forgotten are looked for in `warehouse`, their
/// candles too.
///
/// # Errors
/// When a store cannot be read. A component that is gone, a config or a candle that was changed are differences.
pub async fn replay_archived(
    reader: &StoreReader,
    warehouse: Option<&Arc<dyn Warehouse>>,
    library: &Library,
    range: &ReplayRange,
    mut progress: impl FnMut(UnixMillis, usize),
) -> Result<ReplayVerdict, ReplayError> {
    let reader = &match warehouse {
        Some(warehouse) => with_archive(reader, warehouse).await?,
        None => reader.clone(),
    };
    let histories = histories(reader).await?;
    let mut recorded = Recorded::open(reader, warehouse, range).await?;
    let mut verdict = ReplayVerdict::default();
    while let Some(chunk) = recorded.next().await? {
        let sitting = Sitting { reader, library, histories: &histories, chunk: &chunk };
        sitting.take_again(range.strategy_id.as_deref(), &mut verdict).await?;
        progress(chunk.close_time, verdict.decisions);
    }
    Ok(verdict)
}

/// The same with what the hot store remembers alone.
///
/// # Errors
/// As [`replay_archived`].
pub async fn replay(
    reader: &StoreReader,
    library: &Library,
    range: &ReplayRange,
    progress: impl FnMut(UnixMillis, usize),
) -> Result<ReplayVerdict, ReplayError> {
    replay_archived(reader, None, library, range, progress).await
}

async fn with_archive(reader: &StoreReader, warehouse: &Arc<dyn Warehouse>) -> Result<StoreReader, RecordedError> {
    warehouse.ensure(&candle_table(reader.environment)).await?;
    let store = WithArchive::new(Arc::clone(&reader.store), Arc::clone(warehouse), reader.environment);
    Ok(StoreReader { store: Arc::new(store), environment: reader.environment })
}

/// Returns the last close of which decisions are recorded, for those who show how far a replay is.
///
/// # Errors
/// When the store cannot be read.
pub async fn last_close(
    reader: &StoreReader,
    warehouse: Option<&Arc<dyn Warehouse>>,
) -> Result<Option<UnixMillis>, RecordedError> {
    let chunks = reader.records::<DecisionChunk>();
    let last = chunks.select().order_by("close_time", Direction::Descending).limit(1);
    let hot = chunks.query(&last).await?.first().map(|chunk| chunk.record.close_time);
    match warehouse {
        Some(warehouse) if hot.is_none() => Ok(recorded::last_cold_close(reader, warehouse).await?),
        _ => Ok(hot),
    }
}

async fn histories(reader: &StoreReader) -> Result<BTreeMap<String, History>, StoreError> {
    let rows = sentinel_register_strategy::history::all(reader.store.as_ref(), reader.environment).await?;
    let mut by_id: BTreeMap<String, Vec<StrategyVersion>> = BTreeMap::new();
    for row in rows {
        by_id.entry(row.strategy_id.clone()).or_default().push(row);
    }
    Ok(by_id.into_iter().map(|(id, rows)| (id.clone(), History::new(id, rows))).collect())
}

/// The decisions of one chunk, taken again.
struct Sitting<'a> {
    reader: &'a StoreReader,
    library: &'a Library,
    histories: &'a BTreeMap<String, History>,
    chunk: &'a DecisionChunk,
}

impl Sitting<'_> {
    async fn take_again(&self, strategy_id: Option<&str>, verdict: &mut ReplayVerdict) -> Result<(), ReplayError> {
        let wanted = |decided: &&Decided| strategy_id.is_none_or(|id| decided.strategy_id == id);
        let recorded: Vec<_> = self.chunk.decided.iter().filter(wanted).collect();
        let mut lanes = Vec::new();
        let mut comparable = Vec::new();
        for decided in recorded {
            verdict.decisions += 1;
            match self.version_of(decided) {
                Ok(version) => {
                    lanes.push(DecidingLane { version, instrument: &decided.instrument });
                    comparable.push(decided);
                }
                Err(kind) => verdict.differences.push(self.difference(decided, kind)),
            }
        }
        let again = self.decide(lanes).await?;
        for decided in comparable {
            let kinds = match again.get(&key(decided)) {
                Some(evaluated) => {
                    let compared = compare::compare(decided, &self.chunk.engine_version, evaluated);
                    verdict.count(&compared);
                    compared.differences
                }
                None => vec![DifferenceKind::CandleGone],
            };
            for kind in kinds {
                let kind = self.with_recorded_signal(decided, kind).await?;
                verdict.differences.push(self.difference(decided, kind));
            }
        }
        Ok(())
    }

    /// Returns the version that was active at the close, if it is still what the record names.
    fn version_of(&self, decided: &Decided) -> Result<&StrategyVersion, DifferenceKind> {
        let found = self.histories.get(&decided.strategy_id).and_then(|history| history.as_of(self.chunk.close_time));
        let Some(version) = found else {
            return Err(DifferenceKind::NoVersion);
        };
        // The row's own words are not believed: its config is hashed again.
        let config_hash = version.config.config_hash();
        let is_consistent = config_hash == version.config_hash
            && strategy_version(version.component_hash, version.config_hash) == version.version;
        if !is_consistent || (version.version == decided.version && config_hash != decided.config_hash) {
            return Err(DifferenceKind::Config { recorded: decided.config_hash, found: config_hash });
        }
        if version.version != decided.version {
            return Err(DifferenceKind::Version { recorded: decided.version, found: version.version });
        }
        Ok(version)
    }

    async fn decide(&self, lanes: Vec<DecidingLane<'_>>) -> Result<BTreeMap<(String, String), Evaluated>, ReplayError> {
        let close_time = self.chunk.close_time;
        let tasks = prepare(self.reader, self.library, lanes.into_iter(), close_time).await?;
        let namespace = self.chunk.namespace.clone();
        let evaluated = tokio::task::spawn_blocking(move || evaluate_again(&tasks, &namespace, close_time))
            .await
            .map_err(|error| ReplayError::Interrupted(error.to_string()))?;
        Ok(evaluated.into_iter().map(|evaluated| (key(&evaluated.decision), evaluated)).collect())
    }

    /// Adds the signal of that time, which the record names by its id alone, where a store still has it.
    async fn with_recorded_signal(
        &self,
        decided: &Decided,
        kind: DifferenceKind,
    ) -> Result<DifferenceKind, StoreError> {
        let (DifferenceKind::Output { recorded, found, found_signal, .. }, Some(id)) = (&kind, &decided.signal_id)
        else {
            return Ok(kind);
        };
        let live = self.reader.records::<LiveSignal>().get(id).await?.map(|stored| stored.record);
        let signal = match live {
            Some(signal) => Some(signal),
            None => self.reader.records::<RejectedSignal>().get(id).await?.map(|stored| stored.record.signal),
        };
        let recorded_signal = Some(signal.as_ref().map_or_else(|| format!("signal {id}"), compare::said));
        Ok(DifferenceKind::Output {
            recorded: *recorded,
            found: *found,
            recorded_signal,
            found_signal: found_signal.clone(),
        })
    }

    fn difference(&self, decided: &Decided, kind: DifferenceKind) -> Difference {
        Difference {
            close_time: self.chunk.close_time,
            strategy_id: decided.strategy_id.clone(),
            instrument: decided.instrument.to_string(),
            timeframe: decided.timeframe,
            kind,
        }
    }
}

fn key(decided: &Decided) -> (String, String) {
    (decided.strategy_id.clone(), decided.instrument.to_string())
}
