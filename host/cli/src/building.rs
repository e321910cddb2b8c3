//! Building strategies from their folders.

use std::path::{Path, PathBuf};

use anyhow::Result;
use sentinel_strategy_build::{BuildOptions, Built, Language, Step, build as build_component};

use crate::failure::usage;
use crate::home;
use crate::output::Output;

/// Whether `folder` holds the source of a strategy.
pub(crate) fn is_strategy(folder: &Path) -> bool {
    // The kit has a Cargo.toml too, and makes no component.
    let is_kit = folder.file_name().is_some_and(|name| name == "kit");
    !is_kit && Language::ALL.iter().any(|language| folder.join(language.entry_file()).is_file())
}

/// Builds the strategy in `folder` and says what takes time.
pub(crate) fn build(folder: &Path, component: Option<PathBuf>, output: &Output) -> Result<Built> {
    let cache = home::cache_dir()
        .ok_or_else(|| usage("there is no cache folder, as HOME is not set; name one with SENTINEL_CACHE"))?;
    let options = BuildOptions { output: component, ..BuildOptions::new(cache.join("build")) };
    let spinner = output.spinner("building");
    let built = build_component(folder, &options, &mut |step| match step {
        Step::InstallingTool { tool } => {
            // Also without a terminal: nobody should wonder for minutes.
            spinner.suspended(|| output.note(format!("installing {tool}, which is done once and takes some minutes")));
            spinner.now(format!("installing {tool}"));
        }
        Step::Compiled { part } => spinner.now(format!("compiled {part}")),
        Step::Interpreting { tool } => spinner.now(format!("{tool} takes in the source")),
        Step::Encoding => spinner.now("putting the component together"),
    })?;
    drop(spinner);
    if !built.warnings.is_empty() {
        output.warning(built.warnings.trim_end());
    }
    Ok(built)
}
