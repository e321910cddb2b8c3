//! What cargo knows of a package and its workspace before anything is built.

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use super::{CARGO, surroundings};
use crate::error::BuildError;

/// A strategy's package and where it belongs.
#[derive(Debug)]
pub(super) struct Workspace {
    pub(super) package_name: String,
    pub(super) manifest: PathBuf,
    pub(super) root: PathBuf,
    pub(super) target_directory: PathBuf,
    /// Packages that the strategy uses by path and that lie outside the workspace, by name.
    outside: BTreeMap<String, PathBuf>,
}

#[derive(Debug, Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_root: PathBuf,
    target_directory: PathBuf,
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
        let manifest = folder.join("Cargo.toml");
        let metadata = Metadata::of(&folder)?;
        let package = metadata.package(&manifest)?;
        if !package.targets.iter().any(|target| target.kind.iter().any(|kind| kind == "cdylib")) {
            return Err(BuildError::NotALibrary { manifest });
        }
        let mut outside = BTreeMap::new();
        collect_outside(&metadata, package, &metadata.workspace_root, &mut outside)?;
        Ok(Self {
            package_name: package.name.clone(),
            manifest,
            root: metadata.workspace_root,
            target_directory: metadata.target_directory,
            outside,
        })
    }

    /// Returns each path of this machine that could end up in a component, and the name it gets there. Where two apply
    /// the compiler takes the later one.
    pub(super) fn remapped_paths(&self) -> Vec<(PathBuf, String)> {
        let mut remapped: Vec<_> = cargo_home().into_iter().map(|home| (home, "/cargo".to_owned())).collect();
        remapped.push((self.root.clone(), "/workspace".to_owned()));
        remapped.extend(self.outside.iter().map(|(name, path)| (path.clone(), format!("/packages/{name}"))));
        remapped
    }
}

impl Metadata {
    fn of(folder: &Path) -> Result<Self, BuildError> {
        let mut cargo = Command::new("cargo");
        surroundings::scrub(&mut cargo).current_dir(folder).args(["metadata", "--no-deps", "--format-version", "1"]);
        if let Some(target_dir) = env::var_os("CARGO_TARGET_DIR") {
            cargo.env("CARGO_TARGET_DIR", target_dir);
        }
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

/// Follows the paths from package to package; `metadata` knows the packages of one workspace alone.
fn collect_outside(
    metadata: &Metadata,
    package: &Package,
    root: &Path,
    outside: &mut BTreeMap<String, PathBuf>,
) -> Result<(), BuildError> {
    for dependency in package.dependencies.iter().filter(|dependency| dependency.kind.as_deref() != Some("dev")) {
        let Some(path) = &dependency.path else { continue };
        let manifest = path.join("Cargo.toml");
        if !path.starts_with(root) && outside.insert(dependency.name.clone(), path.clone()).is_some() {
            continue;
        }
        match metadata.packages.iter().find(|package| package.manifest_path == manifest) {
            Some(package) => collect_outside(metadata, package, root, outside)?,
            None => {
                let metadata = Metadata::of(path)?;
                collect_outside(&metadata, metadata.package(&manifest)?, root, outside)?;
            }
        }
    }
    Ok(())
}

fn cargo_home() -> Option<PathBuf> {
    let named = env::var_os("CARGO_HOME").map(PathBuf::from);
    named.or_else(|| env::var_os("HOME").map(|home| PathBuf::from(home).join(".cargo")))
}
