//! Strategies in JavaScript: ComponentizeJS runs the modules once in a SpiderMonkey made for WebAssembly and wraps what
//! is then in its memory into a component.
//!
//! The same source gives the same bytes on every machine: what the engine asks the system for is answered the same way
//! every time (`engine.rs`, when the tool is installed), and `componentize.mjs` fixes the paths it sees.

mod engine;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sentinel_domain::hash::{ContentHash, ContentHasher};

use crate::build::{Made, Step};
use crate::error::BuildError;
use crate::language::Language;
use crate::program::{Program, leading_version};
use crate::source::{self, SourceFiles};
use crate::{contract, tools};

const TOOL: &str = "componentize-js 0.23.0";
const PACKAGE: &str = include_str!("javascript/package.json");
const LOCK: &str = include_str!("javascript/package-lock.json");
const SCRIPT: &str = include_str!("javascript/componentize.mjs");

const SCRIPT_FILE: &str = "componentize.mjs";
const ENGINE_FILE: &str = "engine.wasm";
const ORIGINAL_ENGINE: &str = "node_modules/@bytecodealliance/componentize-js/lib/starlingmonkey_embedding.wasm";

const NODE: Program = Program {
    name: "node",
    language: Language::JavaScript,
    remedy: "install Node.js 20 or newer (on Debian: apt install nodejs npm, where that is new enough)",
};

const NPM: Program = Program {
    name: "npm",
    language: Language::JavaScript,
    remedy: "it comes with Node.js 20 or newer (on Debian in a package of its own: apt install npm)",
};

/// Makes a component of the strategy in `dir`.
pub(crate) fn make(dir: &Path, cache_dir: &Path, progress: &mut dyn FnMut(Step<'_>)) -> Result<Made, BuildError> {
    let sources = SourceFiles::read(dir, &["js", "mjs"])?;
    let scratch = source::scratch_folder()?;
    let wit = contract::folder_for(dir, scratch.path())?;
    let key = key(&sources, &wit)?;
    let component = tools::kept(cache_dir, key, || {
        let tool = tool(cache_dir, progress)?;
        progress(Step::Interpreting { tool: TOOL });
        componentize(dir, &tool, &sources, &wit, scratch.path())
    })?;
    Ok(Made { name: source::folder_name(dir)?, component, warnings: String::new() })
}

/// Returns the hash of all that decides on the component's bytes.
fn key(sources: &SourceFiles, wit: &Path) -> Result<ContentHash, BuildError> {
    let wit = SourceFiles::read(wit, &["wit"])?.hash();
    let tool = ContentHasher::new("javascript-component").bytes(tool_hash().as_bytes());
    Ok(tool.bytes(wit.as_bytes()).bytes(sources.hash().as_bytes()).finish())
}

fn tool_hash() -> ContentHash {
    ContentHasher::new("javascript-tool").text(LOCK).text(SCRIPT).text(engine::VERSION).finish()
}

fn tool(cache_dir: &Path, progress: &mut dyn FnMut(Step<'_>)) -> Result<PathBuf, BuildError> {
    let answer = NODE.run(Command::new(NODE.name).arg("--version"))?;
    let said = answer.stdout.trim();
    match leading_version(said) {
        Some(version) if version >= (20, 0) => {}
        Some(_) => return Err(NODE.too_old(said.to_owned(), "20")),
        None => return Err(NODE.unexpected(said)),
    }
    tools::installed(cache_dir, &format!("{}-{}", TOOL.replace(' ', "-"), tool_hash().short()), progress, install)
}

fn install(folder: &Path) -> Result<(), BuildError> {
    let failed = |said: String| tools::not_installed(TOOL, folder, &said);
    for (name, content) in [("package.json", PACKAGE), ("package-lock.json", LOCK), (SCRIPT_FILE, SCRIPT)] {
        source::write_new(&folder.join(name), content.as_bytes())?;
    }
    // The lock names every package by its hash; none of them needs to run anything to be installed.
    let mut npm = Command::new(NPM.name);
    npm.current_dir(folder).args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
    let answer = NPM.run(&mut npm)?;
    if !answer.succeeded {
        return Err(failed(answer.stderr));
    }
    let original = folder.join(ORIGINAL_ENGINE);
    let original = fs::read(&original).map_err(BuildError::io("read", &original))?;
    let engine = engine::with_fixed_answers(&original).map_err(|error| failed(error.to_string()))?;
    source::write_new(&folder.join(ENGINE_FILE), &engine)
}

fn componentize(
    dir: &Path,
    tool: &Path,
    sources: &SourceFiles,
    wit: &Path,
    scratch: &Path,
) -> Result<Vec<u8>, BuildError> {
    let (source_dir, output) = (scratch.join("source"), scratch.join("component.wasm"));
    sources.copy_to(&source_dir)?;
    let mut node = Command::new(NODE.name);
    // The library works in the folder for temporary files; this one's path the script knows how to hide.
    node.env("TMPDIR", scratch).env_remove("NODE_OPTIONS").current_dir(tool).arg(SCRIPT_FILE);
    node.args([&source_dir, wit, Path::new(contract::WORLD), scratch, &output]);
    let answer = NODE.run(&mut node)?;
    if !answer.succeeded {
        return Err(BuildError::Compile { dir: dir.to_owned(), tool: TOOL, said: answer.stderr });
    }
    fs::read(&output).map_err(BuildError::io("read", &output))
}
