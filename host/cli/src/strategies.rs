//! Finding and loading strategies: by name, component file or source folder.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sentinel_runtime::{Limits, LimitsClass, Runtime, RuntimeConfig, RuntimeError, Strategy};

use crate::building;
use crate::failure::usage;
use crate::home;
use crate::output::Output;

/// What opens strategies: the sandbox, and whom to tell what takes time.
pub(crate) struct Loader<'a> {
    runtime: Runtime,
    output: &'a Output,
}

/// Where a strategy is.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    /// A component.
    Component(PathBuf),
    /// A source folder, and where its component goes: by default into the folder.
    Source { folder: PathBuf, component: Option<PathBuf> },
}

/// Returns the settings of a sandbox that `threads` threads can use at once.
pub(crate) fn sandbox_config(threads: usize) -> RuntimeConfig {
    let usual = RuntimeConfig::default();
    let instances_max = u32::try_from(threads).unwrap_or(u32::MAX).saturating_mul(2).max(usual.instances_max);
    RuntimeConfig { cache_dir: home::cache_dir().map(|cache| cache.join("compiled")), instances_max, ..usual }
}

impl<'a> Loader<'a> {
    /// Sets up a sandbox that `threads` threads can use at once.
    pub(crate) fn new(threads: usize, output: &'a Output) -> Result<Self> {
        Ok(Self { runtime: Runtime::new(sandbox_config(threads))?, output })
    }

    /// Loads the strategy that `text` names.
    pub(crate) fn load(&self, text: &str, class: Option<LimitsClass>) -> Result<Strategy> {
        let path = self.component(text)?;
        Ok(self.load_file(&path, class)?)
    }

    /// Returns the component of the strategy that `text` names, which is built where there is only its source.
    pub(crate) fn component(&self, text: &str) -> Result<PathBuf> {
        match locate(text)? {
            Found::Component(path) => Ok(path),
            Found::Source { folder, component } => {
                self.output.note(format!("building {}", folder.display()));
                let built = building::build(&folder, component, self.output);
                Ok(built.with_context(|| format!("strategy {text} did not build"))?.component_path)
            }
        }
    }

    /// Loads a component with the limits of `class`, or of the class that its size suggests.
    pub(crate) fn load_file(&self, path: &Path, class: Option<LimitsClass>) -> Result<Strategy, RuntimeError> {
        let size = fs::metadata(path).map_err(|source| RuntimeError::Read { path: path.to_owned(), source })?.len();
        let _spinner = self.output.spinner(format!("loading {}", path.display()));
        self.runtime.load_file(path, Limits::of(class.unwrap_or_else(|| LimitsClass::suggest(size))))
    }
}

/// Whether `text` is a path rather than the name of a shipped strategy.
pub(crate) fn is_path(text: &str) -> bool {
    text.ends_with(".wasm") || text.contains(std::path::is_separator) || text == "."
}

/// Finds the strategy that `text` names.
fn locate(text: &str) -> Result<Found> {
    if is_path(text) {
        let path = PathBuf::from(text);
        return Ok(if path.is_dir() {
            Found::Source { folder: path, component: None }
        } else {
            Found::Component(path)
        });
    }
    let file_name = format!("{text}.wasm");
    let places = places();
    if let Some(found) = places.iter().map(|place| place.join(&file_name)).find(|path| path.is_file()) {
        return Ok(Found::Component(found));
    }
    let sources = source_folders();
    if let Some(folder) = sources.iter().map(|folder| folder.join(text)).find(|folder| building::is_strategy(folder)) {
        return Ok(Found::Source { folder, component: places.first().map(|place| place.join(file_name)) });
    }
    let known = known(&places, &sources);
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    let own = if Path::new(text).is_dir() { format!("./{text}") } else { format!("./{file_name}") };
    Err(usage(format_args!(
        "there is no strategy {text}; shipped are: {known}; a strategy of your own is named by its path, such as {own}"
    )))
}

/// Returns folders `strategies` with source in them, upward from the current folder and from the binary.
fn source_folders() -> Vec<PathBuf> {
    let starts = [env::current_dir().ok(), env::current_exe().ok()];
    let upward = starts.iter().flatten().flat_map(|start| start.ancestors());
    upward.map(|folder| folder.join("strategies")).filter(|folder| folder.is_dir()).collect()
}

/// Returns the folders of shipped strategies: beside the binary, where packages put them, and where the user says.
fn places() -> Vec<PathBuf> {
    let binary = env::current_exe().and_then(fs::canonicalize).ok();
    let folder = binary.as_deref().and_then(Path::parent).map(Path::to_owned);
    let installed = folder.as_deref().and_then(Path::parent).map(|prefix| prefix.join("share/sentinel/strategies"));
    let named = env::var_os("SENTINEL_STRATEGIES").map(PathBuf::from);
    [folder.map(|folder| folder.join("strategies")), installed, named].into_iter().flatten().collect()
}

/// Returns the names of the strategies in `places` and `sources`.
fn known(places: &[PathBuf], sources: &[PathBuf]) -> Vec<String> {
    let entries = |folders: &[PathBuf]| {
        let entries = folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten();
        entries.map(|entry| entry.path()).collect::<Vec<_>>()
    };
    let components = entries(places).into_iter().filter(|path| path.extension().is_some_and(|kind| kind == "wasm"));
    let folders = entries(sources).into_iter().filter(|path| building::is_strategy(path));
    let names = components.filter_map(|path| path.file_stem().map(|name| name.to_string_lossy().into_owned()));
    let mut names: Vec<_> =
        names.chain(folders.filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned()))).collect();
    names.sort();
    names.dedup();
    names
}
