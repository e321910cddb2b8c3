//! The engine: how code is compiled and run, and where instances live.
//!
//! Everything here serves two promises. Runs repeat: one compiler, canonical NaNs, deterministic SIMD, no threads,
//! fuel as the limit that is recorded. Runs are cheap: instances live in a pool that is reserved once.

use std::path::PathBuf;
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender};
use std::thread::JoinHandle;
use std::time::Duration;

use wasmtime::{Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::error::RuntimeError;
use crate::limits::Limits;

/// Version of the engine, as decision records name it: fuel counts change between versions.
pub const ENGINE_VERSION: &str = "wasmtime 48.0.8";

/// How often the outer kill looks at the clock. Coarse, because it only ends what fuel should have ended.
const EPOCH_TICK: Duration = Duration::from_millis(50);

/// How much of the machine all sandboxes together may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuntimeConfig {
    /// Where compiled code is kept between runs; `None` compiles every time. Only this host may write there.
    pub cache_dir: Option<PathBuf>,
    /// Sessions that may be open at once.
    pub instances_max: u32,
    /// Stack of a guest, in bytes. Every thread that calls a guest needs as much and some more.
    pub stack_max_bytes: usize,
    /// Bytes of a guest's memory that are zeroed in place, rather than given back, when an instance ends.
    pub memory_resident_bytes: usize,
    /// The same for tables.
    pub table_resident_bytes: usize,
}

impl Default for RuntimeConfig {
    fn default() -> Self {
        Self {
            cache_dir: None,
            instances_max: 64,
            stack_max_bytes: 512 << 10,
            memory_resident_bytes: 0,
            table_resident_bytes: 0,
        }
    }
}

impl RuntimeConfig {
    /// Builds the engine and reserves the pool.
    pub(crate) fn engine(&self) -> Result<Engine, RuntimeError> {
        let mut config = Config::new();
        config
            .strategy(wasmtime::Strategy::Cranelift)
            .cranelift_nan_canonicalization(true)
            .relaxed_simd_deterministic(true)
            .wasm_memory64(false)
            .concurrency_support(false)
            .consume_fuel(true)
            .epoch_interruption(true)
            .wasm_backtrace_max_frames(None)
            .max_wasm_stack(self.stack_max_bytes)
            .allocation_strategy(InstanceAllocationStrategy::Pooling(self.pool()));
        Engine::new(&config).map_err(|error| RuntimeError::PoolUnavailable {
            instances_max: self.instances_max,
            reason: format!("{error:#}"),
        })
    }

    /// Sizes the pool by the largest defaults: what a single strategy may use is checked for each instance.
    fn pool(&self) -> PoolingAllocationConfig {
        let largest = Limits::interpreted();
        let mut pool = PoolingAllocationConfig::new();
        pool.total_component_instances(self.instances_max)
            .total_core_instances(
                self.instances_max
                    .saturating_mul(largest.core_instances_max),
            )
            .total_memories(self.instances_max.saturating_mul(2))
            .total_tables(self.instances_max.saturating_mul(8))
            .max_memory_size(usize::try_from(largest.memory_max_bytes).unwrap_or(usize::MAX))
            .table_elements(largest.table_elements_max as usize)
            .max_unused_warm_slots(self.instances_max)
            .linear_memory_keep_resident(self.memory_resident_bytes)
            .table_keep_resident(self.table_resident_bytes);
        pool
    }
}

/// Advances the engine's epoch until it is dropped.
#[derive(Debug)]
pub(crate) struct Ticker {
    stop: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    pub(crate) fn start(engine: Engine) -> std::io::Result<Self> {
        let (stop, stopped) = mpsc::sync_channel(0);
        let thread = std::thread::Builder::new()
            .name("sandbox-clock".to_owned())
            .spawn(move || {
                while stopped.recv_timeout(EPOCH_TICK) == Err(RecvTimeoutError::Timeout) {
                    engine.increment_epoch();
                }
            })?;
        Ok(Self {
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Returns after how many ticks a call that may take `millis` is over.
    pub(crate) const fn ticks(millis: u64) -> u64 {
        // One more, because the first tick may come at once.
        millis / (EPOCH_TICK.as_millis() as u64) + 1
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        // The thread waits on this channel, so it ends at once and not at its next tick.
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
