//! Strategies in Rust: cargo compiles them to a core module, which is then wrapped into a component.
//!
//! The same source must give the same bytes in whatever folder it lies. Three things see to that: the profile is given
//! here and not taken from a manifest, every path of the machine is remapped before it can end up in a panic's
//! location, and what the surroundings say to cargo is kept from it.

mod metadata;
mod surroundings;

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use sentinel_domain::hash::ContentHash;
use serde::Deserialize;

use crate::build::{BuildOptions, Made, Step};
use crate::component;
use crate::error::BuildError;
use crate::language::Language;
use crate::program::Program;
use metadata::Workspace;

pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

pub(crate) const CARGO: Program = Program {
    name: "cargo",
    language: Language::Rust,
    remedy: "install Rust 1.95 or newer, best with rustup, and see that its bin folder is on PATH",
};

/// The profile of every component, whatever manifests and config files say.
///
/// Overflow checks stay on: a strategy whose arithmetic wraps should stop, not trade. They cost a few percent of a run.
const PROFILE: [&str; 9] = [
    "opt-level=3",
    "lto=\"fat\"",
    "codegen-units=1",
    "panic=\"abort\"",
    "strip=true",
    "debug=false",
    "debug-assertions=false",
    "overflow-checks=true",
    "incremental=false",
];

/// Bytes of the stack for what a function keeps by reference; numbers live outside it.
///
/// A fresh instance has to get these pages, and with the linker's usual 1 MiB that is half of the time it takes.
/// Every shipped strategy passes its checks with an eighth of this. One that needs more, for a large array in a local
/// variable say, corrupts nothing: the stack lies below all data, so that an overflow is a trap. A `Vec` does not count.
const STACK_BYTES: u32 = 32 * 1024;

/// Compiles the strategy in `dir` to a component.
pub(crate) fn make(dir: &Path, options: &BuildOptions, progress: &mut dyn FnMut(Step<'_>)) -> Result<Made, BuildError> {
    verify_toolchain(dir)?;
    let workspace = Workspace::of(dir)?;
    let compiled = compile(dir, &workspace, options, progress)?;
    progress(Step::Encoding);
    let component = component::encode(&compiled.module, dir)?;
    Ok(Made { name: workspace.package_name, component, warnings: compiled.warnings })
}

/// Refuses a machine whose compiler has no standard library for the target; cargo's own message would name a crate
/// `core` that cannot be found.
fn verify_toolchain(dir: &Path) -> Result<(), BuildError> {
    let mut cargo = Command::new("cargo");
    CARGO.run(surroundings::scrub(&mut cargo).current_dir(dir).arg("--version"))?;
    let mut rustc = Command::new("rustc");
    surroundings::scrub(&mut rustc).current_dir(dir).args(["--print", "target-libdir", "--target", TARGET]);
    let answer = CARGO.run(&mut rustc)?;
    let libraries = fs::read_dir(answer.stdout.trim()).into_iter().flatten().flatten();
    let has_std = libraries.into_iter().any(|library| library.file_name().to_string_lossy().starts_with("libstd-"));
    if has_std { Ok(()) } else { Err(BuildError::WasmTargetMissing { target: TARGET }) }
}

struct Compiled {
    module: Vec<u8>,
    warnings: String,
}

fn compile(
    dir: &Path,
    workspace: &Workspace,
    options: &BuildOptions,
    progress: &mut dyn FnMut(Step<'_>),
) -> Result<Compiled, BuildError> {
    let target = TargetFolder::open(workspace, options)?;
    let mut flags = encoded_flags(workspace);
    let mut messages = run_cargo(dir, &target, &flags, progress)?;
    // The first build on a machine fetches crates into folders that were not there when the flags were made.
    while messages.succeeded && flags != encoded_flags(workspace) {
        flags = encoded_flags(workspace);
        messages = run_cargo(dir, &target, &flags, progress)?;
    }
    if !messages.succeeded {
        let said = if messages.errors.is_empty() { messages.stderr } else { messages.errors };
        return Err(BuildError::Compile { dir: dir.to_owned(), tool: "cargo", said: said.trim().to_owned() });
    }
    let made_by_this_package = |artifact: &&Artifact| artifact.manifest_path == workspace.manifest;
    let artifacts = messages.artifacts.iter().filter(made_by_this_package);
    let module =
        artifacts.flat_map(|artifact| &artifact.filenames).find(|file| file.extension() == Some("wasm".as_ref()));
    let module = module.ok_or_else(|| CARGO.unexpected("it named no .wasm file of this package"))?;
    let module = fs::read(module).map_err(BuildError::io("read", module))?;
    Ok(Compiled { module, warnings: messages.warnings.trim().to_owned() })
}

fn run_cargo(
    dir: &Path,
    target: &TargetFolder,
    flags: &OsStr,
    progress: &mut dyn FnMut(Step<'_>),
) -> Result<Messages, BuildError> {
    let mut cargo = Command::new("cargo");
    surroundings::scrub(&mut cargo)
        .current_dir(dir)
        .args(["build", "--lib", "--release", "--quiet", "--target", TARGET, "--message-format", "json"])
        .args(PROFILE.iter().flat_map(|setting| ["--config".to_owned(), format!("profile.release.{setting}")]))
        .env("CARGO_TARGET_DIR", &target.path)
        .env("CARGO_ENCODED_RUSTFLAGS", flags);
    run_listening(&mut cargo, progress)
}

/// A target folder of our own: a cargo that is running holds a lock on its folder, and may well be what runs us.
///
/// All strategies share it, so that the crates that generate the kit's bindings are compiled once on a machine and not
/// once for each strategy.
struct TargetFolder {
    path: PathBuf,
    /// Held while the value lives: of two strategies of one name the second would overwrite the first one's module,
    /// and cargo's own lock ends before that is read.
    _lock: File,
}

impl TargetFolder {
    fn open(workspace: &Workspace, options: &BuildOptions) -> Result<Self, BuildError> {
        let mut path = options.target_dir.clone().unwrap_or_else(|| options.cache_dir.join("cargo"));
        if workspace.has_host_code {
            // Cargo knows a package by its path below the workspace. Of two folders with like names the second is given
            // the first one's artefacts, without a word, where its files are older. What is compiled for the target has
            // flags that name the folder (see `encoded_flags`) and is safe from that; build scripts are not.
            path.push(ContentHash::of(workspace.root.as_os_str().as_encoded_bytes()).short());
        }
        fs::create_dir_all(&path).map_err(BuildError::io("create", &path))?;
        let lock = path.join("sentinel.lock");
        let locked = File::create(&lock).and_then(|file| file.lock().map(|()| file));
        Ok(Self { _lock: locked.map_err(BuildError::io("lock", &lock))?, path })
    }
}

/// Returns the compiler's flags, in the form in which they may hold blanks.
fn encoded_flags(workspace: &Workspace) -> OsString {
    let mut flags = OsString::from(format!("-Clink-arg=-zstack-size={STACK_BYTES}"));
    for (path, name) in workspace.remapped_paths() {
        flags.push("\u{1f}--remap-path-prefix=");
        flags.push(path);
        flags.push("=");
        flags.push(name);
    }
    flags
}

/// What cargo said while it built.
#[derive(Default)]
struct Messages {
    succeeded: bool,
    artifacts: Vec<Artifact>,
    /// What the compiler said, as it would print it.
    errors: String,
    warnings: String,
    /// What cargo itself said.
    stderr: String,
}

/// One line of cargo's answer.
#[derive(Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
enum Line {
    CompilerArtifact(Artifact),
    CompilerMessage {
        message: Diagnostic,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Artifact {
    manifest_path: PathBuf,
    filenames: Vec<PathBuf>,
    target: ArtifactTarget,
    fresh: bool,
}

#[derive(Deserialize)]
struct ArtifactTarget {
    name: String,
}

#[derive(Deserialize)]
struct Diagnostic {
    level: String,
    rendered: Option<String>,
}

impl Messages {
    fn take(&mut self, line: Line, progress: &mut dyn FnMut(Step<'_>)) {
        match line {
            Line::CompilerArtifact(artifact) => {
                if !artifact.fresh {
                    progress(Step::Compiled { part: &artifact.target.name });
                }
                self.artifacts.push(artifact);
            }
            Line::CompilerMessage { message } => {
                let rendered = message.rendered.unwrap_or_default();
                match message.level.as_str() {
                    "warning" => self.warnings.push_str(&rendered),
                    // "aborting due to …" and its like say nothing that the error did not.
                    "failure-note" | "note" | "help" => {}
                    _ => self.errors.push_str(&rendered),
                }
            }
            Line::Other => {}
        }
    }
}

/// Runs cargo and tells of each part as it gets done.
fn run_listening(cargo: &mut Command, progress: &mut dyn FnMut(Step<'_>)) -> Result<Messages, BuildError> {
    let lost = || BuildError::io("read the answer of", Path::new(CARGO.name));
    cargo.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = cargo.spawn().map_err(|error| CARGO.not_started(error))?;
    let stdout = child.stdout.take().ok_or_else(|| CARGO.unexpected("its output is closed"))?;
    let mut stderr = child.stderr.take().ok_or_else(|| CARGO.unexpected("its errors are closed"))?;
    // Both are read at once: a program whose pipe is full waits.
    let errors = thread::spawn(move || {
        let mut text = Vec::new();
        stderr.read_to_end(&mut text).map(|_| String::from_utf8_lossy(&text).into_owned())
    });
    let mut messages = Messages::default();
    for line in BufReader::new(stdout).lines() {
        // Lines that are no JSON come from build scripts.
        if let Ok(line) = serde_json::from_str(&line.map_err(lost())?) {
            messages.take(line, progress);
        }
    }
    messages.succeeded = child.wait().map_err(lost())?.success();
    messages.stderr = errors.join().map_err(|_| CARGO.unexpected("its errors were lost"))?.map_err(lost())?;
    Ok(messages)
}
