//! Sources of strategies that are built whenever they change; what comes of it is dropped where strategies are dropped.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result};

use crate::building;
use crate::failure::usage;
use crate::output::Output;
use crate::whole_file;

/// The config in the folder of a strategy that is watched; its keys are those of `sentinel strategy register`.
const CONFIG: &str = "sentinel.toml";
/// What builds leave in the folder of a strategy.
const BUILD_FOLDERS: [&str; 3] = ["target", "node_modules", "__pycache__"];

/// Folders of strategies, and how they were when they were built last.
#[derive(Debug)]
pub(super) struct Sources {
    folders: Vec<(PathBuf, Vec<Look>)>,
    drop_folder: PathBuf,
}

/// Name, size and time of a file.
type Look = (PathBuf, u64, SystemTime);

impl Sources {
    /// Takes the folders; each holds a strategy and its config.
    pub(super) fn new(folders: &[PathBuf], drop_folder: &Path) -> Result<Self> {
        for folder in folders {
            if !building::is_strategy(folder) {
                return Err(usage(format_args!(
                    "--watch {}: there is no strategy in it; `sentinel strategy new` makes one",
                    folder.display()
                )));
            }
            if !folder.join(CONFIG).is_file() {
                return Err(usage(format_args!(
                    "--watch {}: it needs a file {CONFIG} that says what the strategy trades; `sentinel strategy \
                     register --help` shows its form",
                    folder.display()
                )));
            }
        }
        let folders = folders.iter().map(|folder| (folder.clone(), Vec::new())).collect();
        Ok(Self { folders, drop_folder: drop_folder.to_owned() })
    }

    /// Builds what has changed since the last time, and drops it; one that does not build is told of and waits for its
    /// next change.
    pub(super) fn build_changed(&mut self, output: &Output) -> Result<()> {
        for (folder, built) in &mut self.folders {
            let mut now = Vec::new();
            look(folder, &mut now).with_context(|| format!("cannot read {}", folder.display()))?;
            now.sort();
            if now == *built {
                continue;
            }
            *built = now;
            match building::build(folder, None, output) {
                Ok(component) => {
                    fs::create_dir_all(&self.drop_folder)?;
                    let file = |ending: &str| self.drop_folder.join(format!("{}.{ending}", component.name));
                    whole_file::write(&file("wasm"), &component.component)?;
                    // Last: it completes the pair.
                    whole_file::write(&file("toml"), &fs::read(folder.join(CONFIG))?)?;
                    output.note(format!("{} is built ({})", component.name, component.component_hash.short()));
                }
                Err(error) => output.warning(format!("{} does not build: {error:#}", folder.display())),
            }
        }
        Ok(())
    }
}

fn look(folder: &Path, found: &mut Vec<Look>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (name, metadata) = (entry.file_name(), entry.metadata()?);
        let is_hidden = name.to_string_lossy().starts_with('.');
        if is_hidden || BUILD_FOLDERS.iter().any(|built| name == *built) {
            continue;
        }
        if metadata.is_dir() {
            look(&entry.path(), found)?;
        } else {
            found.push((entry.path(), metadata.len(), metadata.modified()?));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_builds_leave_is_not_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        };
        ["src/lib.rs", "Cargo.toml", "target/release/a.wasm", ".git/HEAD"].into_iter().for_each(write);
        let mut found = Vec::new();
        look(folder.path(), &mut found).unwrap();
        let mut names: Vec<_> = found.iter().map(|(path, ..)| path.file_name().unwrap().to_owned()).collect();
        names.sort();
        assert_eq!(names, ["Cargo.toml", "lib.rs"]);
    }
}
