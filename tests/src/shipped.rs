//! The components of the shipped strategies and of the tests' own guests, built when their source is newer.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sentinel_runtime::{Limits, Runtime, RuntimeConfig, Strategy};
use sentinel_strategy_build::{BuildOptions, build};

/// Returns the bytes of the component of a shipped strategy or of a guest of the tests.
///
/// # Panics
/// When it cannot be built.
#[must_use]
pub fn component(name: &str) -> Vec<u8> {
    let path = built(name);
    fs::read(&path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()))
}

/// Returns the bytes of a component whose language needs tools of its own, or says what is left out without them.
#[must_use]
pub fn component_if_tools(name: &str) -> Option<Vec<u8>> {
    let built = std::panic::catch_unwind(|| component(name));
    if built.is_err() {
        eprintln!("SKIPPED {name}: its language's tools cannot be had here; the message above says which");
    }
    built.ok()
}

/// Returns a runtime without a cache.
///
/// # Panics
/// When the sandbox cannot be set up.
#[must_use]
pub fn runtime() -> Runtime {
    Runtime::new(RuntimeConfig::default()).unwrap_or_else(|error| panic!("{error}"))
}

/// Returns a strategy, loaded under the limits of compiled code.
///
/// # Panics
/// When it cannot be built or loaded.
#[must_use]
pub fn load(runtime: &Runtime, name: &str) -> Strategy {
    runtime.load(&component(name), Limits::compiled()).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Returns the root of the repository.
#[must_use]
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(PathBuf::new, Path::to_path_buf)
}

/// Returns the component's file, after building it where its source is newer. Tests run as many processes at once,
/// so one at a time looks and builds.
fn built(name: &str) -> PathBuf {
    let folder = profile_folder().join("strategies");
    let source = [repository().join("strategies").join(name), repository().join("tests/guests").join(name)]
        .into_iter()
        .find(|folder| folder.is_dir())
        .unwrap_or_else(|| panic!("there is no strategy {name}"));
    fs::create_dir_all(&folder).unwrap_or_else(|error| panic!("cannot make {}: {error}", folder.display()));
    let lock = File::create(folder.join("tests.lock")).unwrap_or_else(|error| panic!("cannot lock: {error}"));
    lock.lock().unwrap_or_else(|error| panic!("cannot lock {}: {error}", folder.display()));

    let component = folder.join(format!("{name}.wasm"));
    let sources = [source.clone(), repository().join("strategies/kit/src"), repository().join("wit")];
    let newest = sources.iter().filter_map(|folder| newest_change(folder)).max();
    if modified(&component) < newest {
        let mut options = BuildOptions::new(cache_folder());
        options.output = Some(component.clone());
        build(&source, &options, &mut |_| ()).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    component
}

/// Where the tools of Python and JavaScript strategies are kept: outside of the build, which may be thrown away.
#[must_use]
pub fn cache_folder() -> PathBuf {
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or_else(home);
    cache.unwrap_or_else(std::env::temp_dir).join("crypto-sentinel")
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
}

fn newest_change(folder: &Path) -> Option<SystemTime> {
    let entries = fs::read_dir(folder).ok()?.filter_map(Result::ok).map(|entry| entry.path());
    entries.filter_map(|path| if path.is_dir() { newest_change(&path) } else { modified(&path) }).max()
}

/// Returns the folder of the build's profile, such as `target/release`: tests and benches run from its `deps`.
fn profile_folder() -> PathBuf {
    let executable = std::env::current_exe().unwrap_or_else(|error| panic!("no path of the test itself: {error}"));
    executable.parent().and_then(Path::parent).map_or_else(PathBuf::new, Path::to_path_buf)
}
