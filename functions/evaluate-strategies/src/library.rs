//! Strategies by version: compiled once for each process, asked once for their warm-up.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use sentinel_domain::components::{CodeName, ComponentStore, ComponentStoreError};
use sentinel_domain::hash::ContentHash;
use sentinel_domain::instrument::{Instrument, InstrumentRules};
use sentinel_domain::registry::StrategyVersion;
use sentinel_domain::strategy::ParameterValue;
use sentinel_runtime::{LazyRuntime, Limits, RuntimeError, Strategy};
use thiserror::Error;

/// Why a version cannot be run.
#[derive(Debug, Error)]
pub enum LibraryError {
    /// Its component is not there.
    #[error("component {hash} of {strategy_id} is not in the store; register the strategy again from its file")]
    Missing {
        /// The strategy.
        strategy_id: String,
        /// Its component.
        hash: ContentHash,
    },
    /// Its component cannot be read.
    #[error(transparent)]
    Store(#[from] ComponentStoreError),
    /// Its config is not one that this program writes.
    #[error("the config of {strategy_id} cannot be read: {reason}")]
    Config {
        /// The strategy.
        strategy_id: String,
        /// What is wrong.
        reason: String,
    },
    /// The sandbox refuses it.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
}

/// A version that is ready to decide. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The component under its limits.
    pub strategy: Strategy,
    /// One value for each parameter of its manifest.
    pub parameters: Arc<[ParameterValue]>,
}

/// Loaded versions.
pub struct Library {
    components: Arc<dyn ComponentStore>,
    /// Set up when the first strategy is asked for: a run that has nothing to evaluate needs none.
    sandbox: Arc<LazyRuntime>,
    loaded: Mutex<BTreeMap<ContentHash, Loaded>>,
    warm_ups: Mutex<BTreeMap<(ContentHash, Instrument), u32>>,
}

impl fmt::Debug for Library {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Library").field("components", &self.components).finish_non_exhaustive()
    }
}

impl Library {
    /// Returns an empty library over `components`.
    #[must_use]
    pub fn new(components: Arc<dyn ComponentStore>, sandbox: Arc<LazyRuntime>) -> Self {
        Self { components, sandbox, loaded: Mutex::default(), warm_ups: Mutex::default() }
    }

    /// Returns a version, loading it where this process has not yet.
    ///
    /// # Errors
    /// When its component is gone or refused, or its config does not fit it.
    pub async fn load(&self, version: &StrategyVersion) -> Result<Loaded, LibraryError> {
        if let Some(loaded) = self.known(&version.version) {
            return Ok(loaded);
        }
        let missing =
            || LibraryError::Missing { strategy_id: version.strategy_id.clone(), hash: version.component_hash };
        let component = self.components.get(&version.component_hash).await?.ok_or_else(missing)?;
        let unreadable = |reason: String| LibraryError::Config { strategy_id: version.strategy_id.clone(), reason };
        let limits: Limits =
            serde_json::from_value(version.config.limits.clone()).map_err(|error| unreadable(error.to_string()))?;
        let sandbox = self.sandbox.get()?;
        let code = self.code(&sandbox.code_name(version.component_hash)).await;
        let strategy = sandbox.load_with_code(&component, code.as_deref(), limits)?;
        let by_name = &version.config.parameters;
        let parameters = strategy
            .manifest()
            .parameters
            .iter()
            .map(|spec| by_name.get(&spec.name).copied().ok_or_else(|| unreadable(format!("{} is missing", spec.name))))
            .collect::<Result<_, _>>()?;
        let loaded = Loaded { strategy, parameters };
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner).insert(version.version, loaded.clone());
        Ok(loaded)
    }

    /// Returns how many bars a version wants to be shown before a session.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn warm_up_bars(
        &self,
        version: &StrategyVersion,
        loaded: &Loaded,
        instrument: &Instrument,
        rules: &InstrumentRules,
    ) -> Result<u32, RuntimeError> {
        let key = (version.version, instrument.clone());
        if let Some(bars) = self.warm_ups.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(*bars);
        }
        let bars = loaded.strategy.warm_up_bars(instrument, version.config.timeframe, rules, &loaded.parameters)?;
        self.warm_ups.lock().unwrap_or_else(PoisonError::into_inner).insert(key, bars);
        Ok(bars)
    }

    /// Returns the code that register-strategy left when it compiled the component; without it the sandbox compiles.
    async fn code(&self, name: &CodeName) -> Option<Vec<u8>> {
        self.components.get_code(name).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "compiled code cannot be read");
            None
        })
    }

    fn known(&self, version: &ContentHash) -> Option<Loaded> {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner).get(version).cloned()
    }
}
