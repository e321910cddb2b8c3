//! The components of the shipped strategies, built when they are not there yet.

use std::fs;
use std::path::{Path, PathBuf};

use sentinel_runtime::{Limits, Runtime, RuntimeConfig, Strategy};

/// Returns the bytes of a shipped strategy's component.
///
/// # Panics
/// When it cannot be built.
#[must_use]
pub fn component(name: &str) -> Vec<u8> {
    let path = built(name);
    fs::read(&path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()))
}

/// Returns a runtime without a cache.
///
/// # Panics
/// When the sandbox cannot be set up.
#[must_use]
pub fn runtime() -> Runtime {
    Runtime::new(RuntimeConfig::default()).unwrap_or_else(|error| panic!("{error}"))
}

/// Returns a shipped strategy, loaded.
///
/// # Panics
/// When it cannot be built or loaded.
#[must_use]
pub fn load(runtime: &Runtime, name: &str) -> Strategy {
    runtime.load(&component(name), Limits::compiled()).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Returns where `make build` puts the component.
fn built(name: &str) -> PathBuf {
    profile_folder().join("strategies").join(format!("{name}.wasm"))
}

/// Returns the folder of the build's profile, such as `target/release`: tests and benches run from its `deps`.
fn profile_folder() -> PathBuf {
    let executable = std::env::current_exe().unwrap_or_else(|error| panic!("no path of the test itself: {error}"));
    executable.parent().and_then(Path::parent).map_or_else(PathBuf::new, Path::to_path_buf)
}
