//! The entry: from the bytes of a component to a strategy.

use std::fmt;
use std::sync::Arc;

use sentinel_domain::hash::ContentHash;
use wasmtime::Engine;
use wasmtime::component::Linker;

use crate::engine::{RuntimeConfig, Ticker};
use crate::error::{Place, RuntimeError};
use crate::instance::{Component, Instance};
use crate::limits::Limits;
use crate::meter::Meter;
use crate::strategy::Strategy;
use crate::v0_1::Contract;

/// The sandbox: one engine, one pool of instances, one cache of compiled code. Cheap to clone.
#[derive(Clone)]
pub struct Runtime(Arc<Shared>);

struct Shared {
    // The ticker comes first so that it ends before the engine does.
    _ticker: Ticker,
    engine: Engine,
    config: RuntimeConfig,
}

impl Runtime {
    /// Sets the sandbox up.
    ///
    /// # Errors
    /// When the machine does not give the address space for so many instances, or no thread.
    pub fn new(config: RuntimeConfig) -> Result<Self, RuntimeError> {
        let engine = config.engine()?;
        let ticker = Ticker::start(engine.clone()).map_err(RuntimeError::Thread)?;
        Ok(Self(Arc::new(Shared {
            _ticker: ticker,
            engine,
            config,
        })))
    }

    /// Verifies and compiles a component and asks it what it is.
    ///
    /// # Errors
    /// When the component is not one of ours, or exceeds a limit, or its manifest breaks the contract.
    pub fn load(&self, component: &[u8], limits: Limits) -> Result<Strategy, RuntimeError> {
        let hash = ContentHash::of(component);
        let name = hash.short();
        let compile_error = |error: wasmtime::Error| RuntimeError::Compile {
            strategy: name.clone(),
            reason: format!("{error:#}"),
        };
        let compiled = wasmtime::component::Component::from_binary(self.engine(), component)
            .map_err(compile_error)?;
        let contract = Linker::<Meter>::new(self.engine())
            .instantiate_pre(&compiled)
            .and_then(Contract::new)
            .map_err(compile_error)?;
        let described = Arc::new(Component {
            runtime: self.clone(),
            contract,
            hash,
            name,
            limits,
        });
        let manifest = Instance::fresh(Arc::clone(&described), Place::Describing)?.describe()?;
        Ok(Strategy::new(described.named(&manifest.id), manifest))
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.0.engine
    }

    pub(crate) fn config(&self) -> &RuntimeConfig {
        &self.0.config
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime")
            .field("config", &self.0.config)
            .finish_non_exhaustive()
    }
}
