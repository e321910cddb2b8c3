//! The entry: from the bytes of a component to a strategy.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use sentinel_domain::components::CodeName;
use sentinel_domain::hash::ContentHash;
use wasmtime::Engine;
use wasmtime::component::Linker;

use crate::cache::{self, Entry, Seal};
use crate::compile::Compiler;
use crate::engine::{POOL_MAX, RuntimeConfig, Ticker};
use crate::error::{Place, RuntimeError};
use crate::inspect;
use crate::instance::{Component, Instance};
use crate::limits::Limits;
use crate::manifest;
use crate::meter::Meter;
use crate::strategy::Strategy;
use crate::v0_1::Contract;

/// The sandbox: one engine, one pool of instances, one cache of compiled code. Cheap to clone.
#[derive(Clone)]
pub struct Runtime(Arc<Shared>);

struct Shared {
    // First, so that it stops before the engine goes.
    _ticker: Ticker,
    engine: Engine,
    engine_hash: ContentHash,
    compiler: Compiler,
    config: RuntimeConfig,
}

/// Where the compiled code of a strategy came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CodeOrigin {
    /// The cache.
    Cache,
    /// The compiler. It is in the cache now, if there is one.
    Compiler,
    /// The compiler, and it could not be kept: the next load compiles again.
    NotKept {
        /// What the machine says.
        reason: String,
    },
}

impl Runtime {
    /// Sets the sandbox up.
    ///
    /// # Errors
    /// When the machine does not give the address space for so many instances, or no thread.
    pub fn new(config: RuntimeConfig) -> Result<Self, RuntimeError> {
        let engine = config.engine()?;
        let engine_hash = cache::engine_hash(&engine);
        let ticker = Ticker::start(engine.clone()).map_err(RuntimeError::Thread)?;
        Ok(Self(Arc::new(Shared { _ticker: ticker, engine, engine_hash, compiler: Compiler::default(), config })))
    }

    /// Loads a component from a file. A file that is too large is refused by its size and not read.
    ///
    /// # Errors
    /// When the file cannot be read, and as [`Runtime::load`].
    pub fn load_file(&self, path: &Path, limits: Limits) -> Result<Strategy, RuntimeError> {
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
        let read_error = |source| RuntimeError::Read { path: path.to_owned(), source };
        let file = File::open(path).map_err(read_error)?;
        inspect::verify_size(file.metadata().map_err(read_error)?.len(), &limits, &name)?;
        let mut component = Vec::new();
        // One byte more than allowed, in case the file grows or has no size of its own.
        file.take(limits.component_bytes_max.saturating_add(1)).read_to_end(&mut component).map_err(read_error)?;
        self.load_named(&component, None, limits, &name)
    }

    /// Verifies a component, compiles it or takes its code from the cache, asks it what it is and checks the answer.
    ///
    /// # Errors
    /// When it is no component of ours, exceeds a limit, or breaks a rule of the contract.
    pub fn load(&self, component: &[u8], limits: Limits) -> Result<Strategy, RuntimeError> {
        self.load_with_code(component, None, limits)
    }

    /// Does as [`Runtime::load`], taking the compiled code from `code`, where that is what [`Strategy::code`] gave for
    /// this very component on a machine like this one; anything else is no harm, and compiled anew.
    ///
    /// `code` is run as machine code: it comes from a place that only our own host writes to.
    ///
    /// # Errors
    /// As [`Runtime::load`].
    pub fn load_with_code(
        &self,
        component: &[u8],
        code: Option<&[u8]>,
        limits: Limits,
    ) -> Result<Strategy, RuntimeError> {
        let name = ContentHash::of(component).short();
        self.load_named(component, code, limits, &name)
    }

    /// Returns what the compiled code of a component is kept under.
    #[must_use]
    pub fn code_name(&self, component: ContentHash) -> CodeName {
        self.seal(component).name()
    }

    pub(crate) fn seal(&self, component: ContentHash) -> Seal {
        Seal::new(component, self.0.engine_hash)
    }

    fn load_named(
        &self,
        component: &[u8],
        code: Option<&[u8]>,
        limits: Limits,
        name: &str,
    ) -> Result<Strategy, RuntimeError> {
        verify_limits(&limits, name)?;
        inspect::verify_size(component.len() as u64, &limits, name)?;
        let hash = ContentHash::of(component);
        let kept = code.and_then(|code| self.seal(hash).open(code, self.engine()));
        let (code, origin) = match kept {
            Some(code) => (code, CodeOrigin::Cache),
            None => self.code(component, hash, &limits, name)?,
        };
        let contract = Linker::<Meter>::new(self.engine())
            .instantiate_pre(&code)
            .and_then(Contract::new)
            .map_err(|error| RuntimeError::ExportType { strategy: name.to_owned(), reason: format!("{error:#}") })?;
        let component = Component { runtime: self.clone(), contract, hash, name: name.to_owned(), limits };
        let manifest = Instance::fresh(&Arc::new(component.clone()), Place::Describing)?.describe()?;
        manifest::check(&manifest).map_err(|fault| RuntimeError::Manifest { strategy: name.to_owned(), fault })?;
        Ok(Strategy::new(Component { name: manifest.id.clone(), ..component }, manifest, origin))
    }

    /// Returns compiled code. What comes from the cache was verified before it got there.
    fn code(
        &self,
        component: &[u8],
        hash: ContentHash,
        limits: &Limits,
        name: &str,
    ) -> Result<(wasmtime::component::Component, CodeOrigin), RuntimeError> {
        let Shared { engine, compiler, config, .. } = &*self.0;
        let entry = config.cache_dir.as_ref().map(|folder| Entry::new(folder, self.seal(hash)));
        if let Some(code) = entry.as_ref().and_then(|entry| entry.load(engine)) {
            return Ok((code, CodeOrigin::Cache));
        }
        inspect::verify(component, limits, name)?;
        let code = compiler.compile(engine, component, limits, name)?;
        let origin = match entry.map(|entry| entry.store(&code)) {
            Some(Err(error)) => CodeOrigin::NotKept { reason: error.to_string() },
            Some(Ok(())) | None => CodeOrigin::Compiler,
        };
        Ok((code, origin))
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
        f.debug_struct("Runtime").field("config", &self.0.config).finish_non_exhaustive()
    }
}

/// Refuses limits that the pool was not made for.
fn verify_limits(limits: &Limits, name: &str) -> Result<(), RuntimeError> {
    let bounds = [
        ("memory_max_bytes", limits.memory_max_bytes, POOL_MAX.memory_max_bytes),
        ("memories_max", limits.memories_max.into(), POOL_MAX.memories_max.into()),
        ("tables_max", limits.tables_max.into(), POOL_MAX.tables_max.into()),
        ("table_elements_max", limits.table_elements_max.into(), POOL_MAX.table_elements_max.into()),
        ("core_instances_max", limits.core_instances_max.into(), POOL_MAX.core_instances_max.into()),
    ];
    match bounds.into_iter().find(|(_, value, allowed)| value > allowed) {
        Some((limit, value, allowed)) => {
            Err(RuntimeError::LimitTooHigh { strategy: name.to_owned(), limit, value, allowed })
        }
        None => Ok(()),
    }
}
