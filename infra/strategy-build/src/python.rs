//! Strategies in Python: componentize-py runs the modules once in a CPython made for WebAssembly and wraps what is then
//! in its memory into a component.
//!
//! That memory holds hash seeds, file times and the order of the tool's own hash maps, none of which can be fixed from
//! outside. So two runs give components that behave the same and differ in their bytes; see [`tools::kept`] for what
//! is made of that.

use std::fs;
use std::path::Path;
use std::process::Command;

use sentinel_domain::hash::{ContentHash, ContentHasher};

use crate::build::{Made, Step};
use crate::error::BuildError;
use crate::language::Language;
use crate::program::{Program, leading_version};
use crate::source::{self, SourceFiles};
use crate::{contract, tools};

const TOOL: &str = "componentize-py 0.25.1";
const REQUIREMENTS: &str = include_str!("python/requirements.txt");
const SCRIPT: &str = include_str!("python/componentize.py");

const PYTHON: Program = Program {
    name: "python3",
    language: Language::Python,
    remedy: "install Python 3.10 or newer with its module venv (on Debian: apt install python3 python3-venv)",
};

/// Makes a component of the strategy in `dir`.
pub(crate) fn make(dir: &Path, cache_dir: &Path, progress: &mut dyn FnMut(Step<'_>)) -> Result<Made, BuildError> {
    let sources = SourceFiles::read(dir, &["py"])?;
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

/// Returns the hash of all that decides how the component behaves.
fn key(sources: &SourceFiles, wit: &Path) -> Result<ContentHash, BuildError> {
    let wit = SourceFiles::read(wit, &["wit"])?.hash();
    let tool = ContentHasher::new("python-component").text(REQUIREMENTS).text(SCRIPT);
    Ok(tool.bytes(wit.as_bytes()).bytes(sources.hash().as_bytes()).finish())
}

/// Returns the folder of the tool, which is a virtual environment.
fn tool(cache_dir: &Path, progress: &mut dyn FnMut(Step<'_>)) -> Result<std::path::PathBuf, BuildError> {
    let (major, minor) = python_version()?;
    // The environment refers to the interpreter of the machine, so another interpreter needs another one.
    let name = format!(
        "{}-python{major}.{minor}-{}",
        TOOL.replace(' ', "-"),
        ContentHash::of(REQUIREMENTS.as_bytes()).short()
    );
    tools::installed(cache_dir, &name, progress, install)
}

fn python_version() -> Result<(u32, u32), BuildError> {
    let answer = PYTHON.run(Command::new(PYTHON.name).arg("--version"))?;
    let said = answer.stdout.trim();
    match leading_version(said) {
        Some(version) if version >= (3, 10) => Ok(version),
        Some(_) => Err(PYTHON.too_old(said.to_owned(), "3.10")),
        None => Err(PYTHON.unexpected(said)),
    }
}

fn install(folder: &Path) -> Result<(), BuildError> {
    let failed = |said: String| tools::not_installed(TOOL, folder, &said);
    let requirements = folder.join("requirements.txt");
    source::write_new(&requirements, REQUIREMENTS.as_bytes())?;
    let python = folder.join("bin/python");
    let environment = PYTHON.run(Command::new(PYTHON.name).args(["-I", "-m", "venv"]).arg(folder))?;
    if !environment.succeeded {
        // Debian keeps the module in a package of its own, and Python says so on stdout.
        return Err(failed(format!("{}{}", environment.stdout, environment.stderr)));
    }
    let pip = ["-I", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes"];
    let mut pip_install = Command::new(&python);
    pip_install.args(pip).args(["--only-binary", ":all:", "-r"]).arg(&requirements);
    let mut try_out = Command::new(&python);
    try_out.args(["-I", "-c", "import componentize_py"]);
    for command in [&mut pip_install, &mut try_out] {
        let answer = PYTHON.run(command)?;
        if !answer.succeeded {
            return Err(failed(answer.stderr));
        }
    }
    Ok(())
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
    let mut python = Command::new(tool.join("bin/python"));
    python.args(["-I", "-c", SCRIPT]).args([wit, Path::new(contract::WORLD), &source_dir, &output]);
    let answer = PYTHON.run(&mut python)?;
    if !answer.succeeded {
        return Err(BuildError::Compile { dir: dir.to_owned(), tool: TOOL, said: answer.stderr });
    }
    fs::read(&output).map_err(BuildError::io("read", &output))
}
