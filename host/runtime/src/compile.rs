//! Compiles a component, in bounded time.
//!
//! The compiler cannot be interrupted, so the bound has two halves. `function_estimate_max_ms`
//! and `compile_estimate_max_ms` keep what it is given small enough that it ends, in bounded memory; and it works in
//! threads of its own, so that the caller gets an answer after `compile_time_max_ms` even if it has not ended by then.
//! Its late result is thrown away. As long as [`LATE_MAX`] late compilers are still at work, no other is started.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;
use std::{io, thread};

use wasmtime::Engine;
use wasmtime::component::Component;

use crate::error::RuntimeError;
use crate::limits::Limits;

/// Late compilers that may be at work at once.
const LATE_MAX: u32 = 2;

/// Compiles components, and knows how many compilers are late.
#[derive(Debug, Default)]
pub(crate) struct Compiler {
    late: Arc<AtomicU32>,
}

impl Compiler {
    pub(crate) fn compile(
        &self,
        engine: &Engine,
        component: &[u8],
        limits: &Limits,
        name: &str,
    ) -> Result<Component, RuntimeError> {
        let strategy = name.to_owned();
        if self.late.load(Ordering::SeqCst) >= LATE_MAX {
            return Err(RuntimeError::CompilersBusy { strategy, late_max: LATE_MAX });
        }
        let run = Arc::new(Run { is_settled: AtomicBool::new(false), late: Arc::clone(&self.late) });
        let compiled = start(engine.clone(), component.to_vec(), Arc::clone(&run)).map_err(RuntimeError::Thread)?;

        let compile_time_max_ms = limits.compile_time_max_ms;
        let waited = compiled.recv_timeout(Duration::from_millis(compile_time_max_ms));
        if matches!(waited, Err(mpsc::RecvTimeoutError::Timeout)) && run.is_late() {
            return Err(RuntimeError::CompileTimeExceeded { strategy, compile_time_max_ms });
        }
        let reason = match waited.or_else(|_| compiled.recv()) {
            Ok(Ok(component)) => return Ok(component),
            Ok(Err(reason)) => reason,
            // The sender is gone without a word.
            Err(mpsc::RecvError) => "the compiler crashed".to_owned(),
        };
        Err(RuntimeError::Compile { strategy, reason })
    }
}

/// One run of the compiler. Two parties race to settle it: the compiler when it ends, its caller when it gives up.
#[derive(Debug)]
struct Run {
    is_settled: AtomicBool,
    late: Arc<AtomicU32>,
}

impl Run {
    /// Gives the run up, unless it has just ended.
    fn is_late(&self) -> bool {
        let is_late = !self.is_settled.swap(true, Ordering::SeqCst);
        if is_late {
            self.late.fetch_add(1, Ordering::SeqCst);
        }
        is_late
    }

    fn end(&self) {
        if self.is_settled.swap(true, Ordering::SeqCst) {
            self.late.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

type Compiled = Result<Component, String>;

/// Compiles in threads of its own: a late compiler must not hold up the threads that run backtests.
fn start(engine: Engine, component: Vec<u8>, run: Arc<Run>) -> io::Result<mpsc::Receiver<Compiled>> {
    let (sender, receiver) = mpsc::sync_channel(1);
    thread::Builder::new().name("compiler".to_owned()).spawn(move || {
        let _end = EndOnDrop(run);
        let compile = || Component::from_binary(&engine, &component).map_err(|error| format!("{error:#}"));
        // As many threads as the machine has cores, for as long as this takes.
        let compiled = match rayon::ThreadPoolBuilder::new().build() {
            Ok(threads) => threads.install(compile),
            Err(_) => compile(),
        };
        // Nobody may be waiting any more.
        let _ = sender.send(compiled);
    })?;
    Ok(receiver)
}

/// Ends a run even if the compiler panics.
struct EndOnDrop(Arc<Run>);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.end();
    }
}
