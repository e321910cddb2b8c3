//! Why a strategy was not built.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::language::Language;

/// Why a strategy was not built. No file is left behind half-written in any of these cases.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The path names no folder.
    #[error("{} is not a folder; name the folder that holds the strategy's source", dir.display())]
    NotAFolder {
        /// The path.
        dir: PathBuf,
    },
    /// The folder holds no strategy.
    #[error(
        "{} holds no strategy: expected Cargo.toml (rust), app.py (python) or strategy.js (javascript); \
         `sentinel strategy new NAME` makes a folder to start from",
        dir.display()
    )]
    NoStrategyInFolder {
        /// The folder.
        dir: PathBuf,
    },
    /// The folder holds the entry files of several languages.
    #[error("{} holds both {}; keep the one that is the strategy", dir.display(), files.join(" and "))]
    SeveralLanguages {
        /// The folder.
        dir: PathBuf,
        /// The entry files.
        files: Vec<&'static str>,
    },
    /// A program of the machine is missing.
    #[error("{program} was not found, which strategies in {language} are built with: {remedy}")]
    ProgramMissing {
        /// The program.
        program: &'static str,
        /// The language it is needed for.
        language: Language,
        /// How to get it.
        remedy: &'static str,
    },
    /// A program of the machine is too old.
    #[error("{program} is version {found}, but strategies in {language} need {needed}: {remedy}")]
    ProgramTooOld {
        /// The program.
        program: &'static str,
        /// The language it is needed for.
        language: Language,
        /// Its version.
        found: String,
        /// The lowest version that works.
        needed: &'static str,
        /// How to get it.
        remedy: &'static str,
    },
    /// The Rust compiler has no standard library for WebAssembly.
    #[error(
        "the Rust compiler lacks the target {target}: run `rustup target add {target}`, or, in the source tree of \
         sentinel, `scripts/wasm-target.sh`, which also works where rustup cannot download"
    )]
    WasmTargetMissing {
        /// The target.
        target: &'static str,
    },
    /// The language's tools could not be fetched.
    #[error(
        "{tool} could not be installed into {}; it is fetched once and needs the network that time. It said:\n{said}",
        dir.display()
    )]
    ToolInstall {
        /// The tool and its version.
        tool: String,
        /// Where it would live.
        dir: PathBuf,
        /// The installer's own words.
        said: String,
    },
    /// The package is of a kind that gives no component.
    #[error(
        "{} makes no WebAssembly library; add to it:\n[lib]\ncrate-type = [\"cdylib\", \"rlib\"]",
        manifest.display()
    )]
    NotALibrary {
        /// The package's manifest.
        manifest: PathBuf,
    },
    /// The source does not compile, or its tool refuses it.
    #[error("the strategy in {} does not compile; {tool} said:\n{said}", dir.display())]
    Compile {
        /// The strategy's folder.
        dir: PathBuf,
        /// Who refused it.
        tool: &'static str,
        /// The tool's own words.
        said: String,
    },
    /// The strategy calls for something outside the sandbox.
    #[error(
        "the strategy in {} imports {}; a strategy may import nothing: remove what asks for a clock, randomness, \
         files or network, which may be a dependency",
        dir.display(),
        imports.join(", ")
    )]
    Imports {
        /// The strategy's folder.
        dir: PathBuf,
        /// Each import, as `module.name` or as the name of an interface.
        imports: Vec<String>,
    },
    /// The component exports no strategy.
    #[error(
        "the strategy in {} exports no strategy; in Rust, end its lib.rs with `sentinel_kit::export_strategy!(Type);`",
        dir.display()
    )]
    NoStrategyExported {
        /// The strategy's folder.
        dir: PathBuf,
    },
    /// What the compiler made is no module that fits the contract.
    #[error("what was compiled from {} does not fit the contract: {said}", dir.display())]
    NotAComponent {
        /// The strategy's folder.
        dir: PathBuf,
        /// What is wrong with it.
        said: String,
    },
    /// A program answered in a way that this version does not understand.
    #[error("{program} gave an answer that this version does not understand: {said}")]
    UnexpectedAnswer {
        /// The program.
        program: &'static str,
        /// What was not understood.
        said: String,
    },
    /// The system refused.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl BuildError {
    /// Returns whether something is missing on the machine, rather than wrong with the strategy.
    #[must_use]
    pub const fn is_missing_tool(&self) -> bool {
        matches!(
            self,
            Self::ProgramMissing { .. }
                | Self::ProgramTooOld { .. }
                | Self::WasmTargetMissing { .. }
                | Self::ToolInstall { .. }
        )
    }

    /// Returns what turns a system's error on `path` into one of these.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}
