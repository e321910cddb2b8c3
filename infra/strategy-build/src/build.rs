//! From a folder to a component file.

use std::path::{self, Path, PathBuf};

use sentinel_domain::hash::ContentHash;

use crate::component;
use crate::error::BuildError;
use crate::language::Language;
use crate::{javascript, python, rust, source};

/// How a strategy is built.
#[derive(Debug, Clone)]
pub struct BuildOptions {
    /// Where tools, what cargo compiles, and components of interpreted languages are kept; anything in it can be made
    /// again.
    pub cache_dir: PathBuf,
    /// The component's file. By default `target/NAME.wasm` in the strategy's folder.
    pub output: Option<PathBuf>,
    /// Where cargo puts what it compiles; not a folder that another cargo uses. By default `cargo` in the cache folder.
    pub target_dir: Option<PathBuf>,
}

impl BuildOptions {
    /// Returns the options that leave everything but the cache folder as is usual.
    #[must_use]
    pub fn new(cache_dir: impl Into<PathBuf>) -> Self {
        Self { cache_dir: cache_dir.into(), output: None, target_dir: None }
    }

    /// Tools run in folders of their own, where a relative path would mean another place.
    fn with_absolute_paths(&self) -> Result<Self, BuildError> {
        let absolute = |path: &PathBuf| path::absolute(path).map_err(BuildError::io("find", path));
        Ok(Self {
            cache_dir: absolute(&self.cache_dir)?,
            output: self.output.clone(),
            target_dir: self.target_dir.as_ref().map(absolute).transpose()?,
        })
    }
}

/// A stage of a build, for whoever waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'a> {
    /// The language's tool is fetched: once, and for some minutes.
    InstallingTool {
        /// The tool and its version.
        tool: &'a str,
    },
    /// A part of the source was compiled.
    Compiled {
        /// The crate.
        part: &'a str,
    },
    /// An interpreter takes in the source, which takes some seconds.
    Interpreting {
        /// The tool and its version.
        tool: &'a str,
    },
    /// The component is put together.
    Encoding,
}

/// A component and its file.
#[derive(Debug, Clone)]
pub struct Built {
    /// The strategy's name: that of its package in Rust, of its folder otherwise. The manifest's id may differ.
    pub name: String,
    /// What it is written in.
    pub language: Language,
    /// The component's file.
    pub component_path: PathBuf,
    /// The component.
    pub component: Vec<u8>,
    /// The hash of the component: its identity.
    pub component_hash: ContentHash,
    /// What the compiler warned of, as it prints it; empty where it did not.
    pub warnings: String,
}

/// What a language makes of a folder.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) name: String,
    pub(crate) component: Vec<u8>,
    pub(crate) warnings: String,
}

/// Builds the strategy in `dir` and tells `progress` of each stage.
///
/// # Errors
/// Says what is missing on the machine and how to get it, or what the compiler said. The component's file is written
/// in one step, and only when all went well.
pub fn build(dir: &Path, options: &BuildOptions, progress: &mut dyn FnMut(Step<'_>)) -> Result<Built, BuildError> {
    let language = Language::detect(dir)?;
    let options = &options.with_absolute_paths()?;
    let made = match language {
        Language::Rust => rust::make(dir, options, progress),
        Language::Python => python::make(dir, &options.cache_dir, progress),
        Language::JavaScript => javascript::make(dir, &options.cache_dir, progress),
    }?;
    component::verify(&made.component, dir)?;
    let usual = || dir.join("target").join(format!("{}.wasm", made.name));
    let component_path = options.output.clone().unwrap_or_else(usual);
    source::replace(&component_path, &made.component)?;
    Ok(Built {
        name: made.name,
        language,
        component_path,
        component_hash: ContentHash::of(&made.component),
        component: made.component,
        warnings: made.warnings,
    })
}
