//! The laptop's bucket: a folder, and the events that a bucket would send for the files in it.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sentinel_domain::events::CloudEvent;
use sentinel_domain::hash::ContentHash;
use sentinel_domain::timeframe::UnixMillis;

use crate::function::finalized;

/// What the folder is called in events.
const BUCKET: &str = "strategies";

/// A folder that is looked at again and again, and tells of each content of each pair of files once.
#[derive(Debug, Clone, Default)]
pub struct DropFolder {
    /// What was told of, by the component's name.
    told: BTreeMap<String, String>,
    /// Sizes and times at the last look, by file: what still changes is being written.
    looks: BTreeMap<PathBuf, Look>,
}

type Look = (u64, Option<std::time::SystemTime>);

/// Returns an event for each component in `folder` with a config beside it, as of now; for a command that looks once.
/// Registering what is registered changes nothing.
///
/// # Errors
/// When the folder cannot be read; one that is not there holds nothing.
pub fn scan_drop_folder(folder: &Path, at: UnixMillis) -> io::Result<Vec<CloudEvent>> {
    pairs(folder)?.iter().map(|stem| Ok(event(stem, &generation(folder, stem)?, at))).collect()
}

impl DropFolder {
    /// Returns events for what is new in `folder` since the last look, and the same in two looks: what is still being
    /// copied is left for the next one. Files whose size and time have not changed are not read again.
    ///
    /// # Errors
    /// When the folder cannot be read; one that is not there holds nothing.
    pub fn scan(&mut self, folder: &Path, at: UnixMillis) -> io::Result<Vec<CloudEvent>> {
        let mut events = Vec::new();
        for stem in pairs(folder)? {
            let mut is_settled = true;
            let mut is_known = self.told.contains_key(&stem);
            for path in files(folder, &stem) {
                let now = look(&path)?;
                let before = self.looks.insert(path, now);
                is_settled &= before == Some(now);
                is_known &= before == Some(now);
            }
            if !is_settled {
                // Its bytes are to be looked at again, whatever they were.
                self.told.remove(&stem);
            }
            if is_known || !is_settled {
                continue;
            }
            let generation = generation(folder, &stem)?;
            events.push(event(&stem, &generation, at));
            self.told.insert(stem, generation);
        }
        Ok(events)
    }
}

fn files(folder: &Path, stem: &str) -> [PathBuf; 2] {
    ["wasm", "toml"].map(|ending| folder.join(format!("{stem}.{ending}")))
}

/// Returns the names, without ending, of components that have a config, sorted.
fn pairs(folder: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut stems = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let is_pair = path.extension().is_some_and(|ending| ending == "wasm") && path.with_extension("toml").is_file();
        let stem = path.file_stem().and_then(|stem| stem.to_str()).filter(|stem| is_pair && !stem.starts_with('.'));
        stems.extend(stem.map(str::to_owned));
    }
    stems.sort_unstable();
    Ok(stems)
}

fn look(path: &Path) -> io::Result<Look> {
    let metadata = fs::metadata(path)?;
    Ok((metadata.len(), metadata.modified().ok()))
}

fn generation(folder: &Path, stem: &str) -> io::Result<String> {
    let [component, config] = files(folder, stem);
    Ok(format!("{}-{}", ContentHash::of(&fs::read(component)?).short(), ContentHash::of(&fs::read(config)?).short()))
}

fn event(stem: &str, generation: &str, at: UnixMillis) -> CloudEvent {
    // The moment is part of the name: after B was registered over A, dropping A again is another fact.
    finalized(BUCKET, &format!("{stem}.wasm"), &format!("{generation}-{at}"), at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_pairs_are_told_of_and_each_content_once() {
        let folder = tempfile::tempdir().unwrap();
        let mut drops = DropFolder::default();
        let mut scan = || drops.scan(folder.path(), 5).unwrap().len();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        assert_eq!(scan(), 0);
        write("a.wasm", "1");
        assert_eq!((scan(), scan()), (0, 0), "a component without a config waits");
        write("a.toml", "x");
        assert_eq!((scan(), scan(), scan()), (0, 1, 0), "told of when it has come to rest, once");
        write("a.toml", "longer");
        assert_eq!((scan(), scan(), scan()), (0, 1, 0));
        write("b.txt", "");
        assert_eq!((scan(), scan()), (0, 0));
    }

    #[test]
    fn folder_that_is_not_there_is_empty() {
        assert_eq!(scan_drop_folder(Path::new("absent"), 0).unwrap(), []);
    }
}
