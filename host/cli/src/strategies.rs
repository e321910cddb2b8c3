//! Finding and loading strategies: by name, component file or source folder.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sentinel_runtime::{Limits, LimitsClass, Runtime, RuntimeConfig, RuntimeError, Strategy};

use crate::failure::usage;
use crate::home;
use crate::output::Output;

/// What opens strategies: the sandbox, and whom to tell what takes time.
pub(crate) struct Loader<'a> {
    runtime: Runtime,
    output: &'a Output,
}

impl<'a> Loader<'a> {
    /// Sets up a sandbox that `threads` threads can use at once.
    pub(crate) fn new(threads: usize, output: &'a Output) -> Result<Self> {
        let usual = RuntimeConfig::default();
        let instances_max = u32::try_from(threads).unwrap_or(u32::MAX).saturating_mul(2).max(usual.instances_max);
        let config = RuntimeConfig {
            cache_dir: home::cache_dir().map(|cache| cache.join("compiled")),
            instances_max,
            ..usual
        };
        Ok(Self { runtime: Runtime::new(config)?, output })
    }

    /// Loads the strategy that `text` names.
    pub(crate) fn load(&self, text: &str, class: Option<LimitsClass>) -> Result<Strategy> {
        let path = locate(text)?;
        let _spinner = self.output.spinner(format!("loading {text}"));
        load_file(&self.runtime, &path, class)
    }
}

/// Loads a component with the limits of `class`, or of the class that its size suggests.
pub(crate) fn load_file(runtime: &Runtime, path: &Path, class: Option<LimitsClass>) -> Result<Strategy> {
    let unreadable = |source| RuntimeError::Read { path: path.to_owned(), source };
    let size = fs::metadata(path).map_err(unreadable)?.len();
    let limits = Limits::of(class.unwrap_or_else(|| LimitsClass::suggest(size)));
    // A file that is refused for its size need not be read.
    if size > limits.component_bytes_max {
        return Err(RuntimeError::ComponentTooLarge {
            strategy: path.display().to_string(),
            bytes: size,
            component_bytes_max: limits.component_bytes_max,
        }
        .into());
    }
    let component = fs::read(path).map_err(unreadable)?;
    runtime.load(&component, limits).with_context(|| format!("cannot load {}", path.display()))
}

/// Whether `text` is a path rather than the name of a shipped strategy.
pub(crate) fn is_path(text: &str) -> bool {
    text.ends_with(".wasm") || text.contains(std::path::is_separator) || text == "."
}

/// Returns the component that `text` names.
pub(crate) fn locate(text: &str) -> Result<PathBuf> {
    if is_path(text) {
        return Ok(PathBuf::from(text));
    }
    let file_name = format!("{text}.wasm");
    let places = places();
    if let Some(found) = places.iter().map(|place| place.join(&file_name)).find(|path| path.is_file()) {
        return Ok(found);
    }
    let known = known(&places);
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    Err(usage(format_args!(
        "there is no strategy {text}; shipped are: {known}; a strategy of your own is named by its file, such as ./{file_name}"
    )))
}

/// Returns the folders of shipped strategies: beside the binary, where packages put them, and where the user says.
fn places() -> Vec<PathBuf> {
    let binary = env::current_exe().and_then(fs::canonicalize).ok();
    let folder = binary.as_deref().and_then(Path::parent).map(Path::to_owned);
    let installed = folder.as_deref().and_then(Path::parent).map(|prefix| prefix.join("share/sentinel/strategies"));
    let named = env::var_os("SENTINEL_STRATEGIES").map(PathBuf::from);
    [folder.map(|folder| folder.join("strategies")), installed, named].into_iter().flatten().collect()
}

/// Returns the names of the strategies in `places`.
fn known(places: &[PathBuf]) -> Vec<String> {
    let files = places.iter().filter_map(|place| fs::read_dir(place).ok()).flatten().flatten();
    let mut names: Vec<_> =
        files.filter_map(|file| file.file_name().to_str()?.strip_suffix(".wasm").map(str::to_owned)).collect();
    names.sort();
    names.dedup();
    names
}
