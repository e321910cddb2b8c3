//! The engine: how code is compiled and run, and where instances live.
//!
//! Everything here serves two promises. Runs repeat: one compiler, canonical NaNs, deterministic SIMD, no threads,
//! fuel as the limit that is recorded. Runs are cheap: instances live in a pool that is reserved once.

use std::path::PathBuf;
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender};
use std::thread::JoinHandle;
use std::time::Duration;

use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::error::RuntimeError;
use crate::limits::Limits;

/// Version of the engine, as decision records name it: fuel counts change between versions.
pub const ENGINE_VERSION: &str = "wasmtime 48.0.8";

/// How often the outer kill looks at the clock. Coarse, because it only ends what fuel should have ended.
const EPOCH_TICK_MS: u64 = 50;

/// How much of the machine all sandboxes together may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuntimeConfig {
    /// Where compiled code is kept between runs; `None` compiles every time. Only this host may write there.
    pub cache_dir: Option<PathBuf>,
    /// Sessions that may be open at once. Each reserves some 8 GiB of address space, and no memory.
    pub instances_max: u32,
    /// Stack of a guest, in bytes. Every thread that calls a guest needs as much and some more.
    pub stack_max_bytes: usize,
}

impl Default for RuntimeConfig {
    fn default() -> Self {
        Self { cache_dir: None, instances_max: 64, stack_max_bytes: 512 << 10 }
    }
}

/// Memories and tables in the pool for each instance: strategies in Rust, JavaScript and Python have one memory and
/// two tables. One that has more takes what others leave.
const MEMORIES_PER_INSTANCE: u32 = 2;
const TABLES_PER_INSTANCE: u32 = 8;

impl RuntimeConfig {
    /// Builds the engine and reserves the pool.
    ///
    /// Measured with a small Rust guest on two shared cores (fresh instance, `open` and its end; then a bar in a
    /// batch): fuel and epochs cost nothing that shows, canonical NaNs 2 ns a bar. Traps by signal make bounds checks
    /// free, 11.5 instead of 16 ns a bar, and cost 4.5 µs an instance when a guest grows its memory, because what was
    /// grown is locked again for the next; over a day of minutes that is a win.
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

    /// Sizes the pool for any strategy: what a single one may use is checked for each instance.
    fn pool(&self) -> PoolingAllocationConfig {
        let each = |count: u32| self.instances_max.saturating_mul(count);
        let (memory_resident_bytes, table_resident_bytes) = resident_bytes();
        let mut pool = PoolingAllocationConfig::new();
        pool.total_component_instances(self.instances_max)
            .total_core_instances(each(POOL_MAX.core_instances_max))
            .total_memories(each(MEMORIES_PER_INSTANCE).max(POOL_MAX.memories_max))
            .total_tables(each(TABLES_PER_INSTANCE).max(POOL_MAX.tables_max))
            .max_memory_size(usize::try_from(POOL_MAX.memory_max_bytes).unwrap_or(usize::MAX))
            .max_memories_per_module(POOL_MAX.memories_max)
            .max_tables_per_module(POOL_MAX.tables_max)
            .table_elements(POOL_MAX.table_elements_max as usize)
            .max_unused_warm_slots(self.instances_max)
            .pagemap_scan(Enabled::Auto)
            .linear_memory_keep_resident(memory_resident_bytes)
            .table_keep_resident(table_resident_bytes);
        pool
    }
}

/// The most that the limits of a single strategy may be raised to. All of it is address space, not memory.
pub(crate) const POOL_MAX: Limits = Limits {
    memory_max_bytes: 1 << 30,
    memories_max: 8,
    tables_max: 64,
    table_elements_max: 200_000,
    core_instances_max: 100,
    ..Limits::interpreted()
};

/// Returns how much of a memory and of a table is wiped in place when an instance ends, rather than given back to the
/// machine and faulted in again.
///
/// Where the kernel tells which pages were touched (Linux 6.7), only those are wiped: 15 instead of 27 µs for a fresh
/// instance, whatever the size of its stack. Elsewhere everything up to the limit is wiped, so it must be small: 15 µs
/// for a guest with a stack of 32 KiB, and no loss for one with 1 MiB.
fn resident_bytes() -> (usize, usize) {
    if PoolingAllocationConfig::is_pagemap_scan_available() { (4 << 20, 1 << 20) } else { (128 << 10, 4 << 10) }
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
        let thread = std::thread::Builder::new().name("sandbox-clock".to_owned()).spawn(move || {
            while stopped.recv_timeout(Duration::from_millis(EPOCH_TICK_MS)) == Err(RecvTimeoutError::Timeout) {
                engine.increment_epoch();
            }
        })?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }

    /// Returns after how many ticks a call that may take `millis` is over.
    pub(crate) const fn ticks(millis: u64) -> u64 {
        // One more, because the first tick may come at once.
        millis / EPOCH_TICK_MS + 1
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_is_the_one_that_is_built_in() {
        let lock = include_str!("../../../Cargo.lock");
        let version = ENGINE_VERSION.strip_prefix("wasmtime ").unwrap();
        assert!(lock.contains(&format!("name = \"wasmtime\"\nversion = \"{version}\"\n")), "{ENGINE_VERSION}");
    }

    #[test]
    fn clock_stops_with_the_sandbox() {
        let engine = Engine::default();
        let ticker = Ticker::start(engine.clone()).unwrap();
        let weak = engine.weak();
        drop(engine);
        assert!(weak.upgrade().is_some(), "the ticker holds the engine");
        drop(ticker);
        assert!(weak.upgrade().is_none(), "the ticker is gone, and with it its engine");
    }
}
