//! What cargo knows of a package and its workspace before anything is built.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use super::{CARGO, surroundings};
use crate::error::BuildError;

const MANIFEST: &str = "Cargo.toml";

/// A strategy's package and where it belongs.
#[derive(Debug)]
pub(super) struct Workspace {
    pub(super) package_name: String,
    pub(super) manifest: PathBuf,
    pub(super) root: PathBuf,
    /// The strategy, or a package that it uses by path, has code that runs while it is built.
    pub(super) has_host_code: bool,
    /// Packages that the strategy uses by path and that lie outside the workspace, by name.
    outside: BTreeMap<String, PathBuf>,
}

#[derive(Debug, Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_root: PathBuf,
}

#[derive(Debug, Deserialize)]
struct Package {
    name: String,
    manifest_path: PathBuf,
    targets: Vec<Target>,
    dependencies: Vec<Dependency>,
}

#[derive(Debug, Deserialize)]
struct Target {
    kind: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
    path: Option<PathBuf>,
}

impl Workspace {
    /// Asks cargo about the package in `dir`. Nothing is fetched.
    pub(super) fn of(dir: &Path) -> Result<Self, BuildError> {
        let folder = dir.canonicalize().map_err(BuildError::io("read", dir))?;
        let manifest = folder.join(MANIFEST);
        let metadata = Metadata::of(&folder)?;
        let package = metadata.package(&manifest)?;
        if !package.has_target("cdylib") {
            return Err(BuildError::NotALibrary { manifest });
        }
        let mut workspace = Self {
            package_name: package.name.clone(),
            manifest,
            root: metadata.workspace_root.clone(),
            has_host_code: false,
            outside: BTreeMap::new(),
        };
        workspace.visit(&metadata, package, &mut BTreeSet::new())?;
        Ok(workspace)
    }

    /// Follows the paths from package to package; `metadata` knows the packages of one workspace alone.
    fn visit(
        &mut self,
        metadata: &Metadata,
        package: &Package,
        visited: &mut BTreeSet<PathBuf>,
    ) -> Result<(), BuildError> {
        if !visited.insert(package.manifest_path.clone()) {
            return Ok(());
        }
        self.has_host_code |= package.has_target("custom-build") || package.has_target("proc-macro");
        for dependency in package.dependencies.iter().filter(|dependency| dependency.kind.as_deref() != Some("dev")) {
            let Some(path) = &dependency.path else { continue };
            if !path.starts_with(&self.root) {
                self.outside.insert(dependency.name.clone(), path.clone());
            }
            let manifest = path.join(MANIFEST);
            match metadata.packages.iter().find(|package| package.manifest_path == manifest) {
                Some(package) => self.visit(metadata, package, visited)?,
                None => {
                    let metadata = Metadata::of(path)?;
                    self.visit(&metadata, metadata.package(&manifest)?, visited)?;
                }
            }
        }
        Ok(())
    }

    /// Returns each path of this machine that could end up in a component, and the name it gets there. Where two apply
    /// the compiler takes the later one.
    pub(super) fn remapped_paths(&self) -> Vec<(PathBuf, String)> {
        let mut remapped = Vec::new();
        if let Some(home) = cargo_home() {
            remapped.push((home.clone(), "/cargo".to_owned()));
            // The folders are named after where the crates came from, which may be a mirror.
            remapped.extend(folders_in(&home.join("registry/src")).map(|folder| (folder, "/crates".to_owned())));
        }
        remapped.push((self.root.clone(), "/workspace".to_owned()));
        remapped.extend(self.outside.iter().map(|(name, path)| (path.clone(), format!("/packages/{name}"))));
        remapped
    }
}

impl Metadata {
    fn of(folder: &Path) -> Result<Self, BuildError> {
        let mut cargo = Command::new("cargo");
        surroundings::scrub(&mut cargo).current_dir(folder).args(["metadata", "--no-deps", "--format-version", "1"]);
        let answer = CARGO.run(&mut cargo)?;
        if !answer.succeeded {
            return Err(BuildError::Compile { dir: folder.to_owned(), tool: "cargo", said: answer.stderr });
        }
        serde_json::from_str(&answer.stdout).map_err(|error| CARGO.unexpected(error.to_string()))
    }

    fn package(&self, manifest: &Path) -> Result<&Package, BuildError> {
        // A manifest that holds a workspace and no package is no strategy.
        let is_it = |package: &&Package| package.manifest_path == manifest;
        self.packages.iter().find(is_it).ok_or_else(|| BuildError::NotALibrary { manifest: manifest.to_owned() })
    }
}

impl Package {
    fn has_target(&self, kind: &str) -> bool {
        self.targets.iter().any(|target| target.kind.iter().any(|found| found == kind))
    }
}

fn cargo_home() -> Option<PathBuf> {
    let named = env::var_os("CARGO_HOME").map(PathBuf::from);
    named.or_else(|| env::var_os("HOME").map(|home| PathBuf::from(home).join(".cargo")))
}

/// Returns what is in `folder`, in the order of names; nothing where there is no such folder.
fn folders_in(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect::<BTreeSet<_>>().into_iter()
}
