//! The laptop's bucket: a folder, and the events that a bucket would send for the files in it.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use sentinel_domain::events::CloudEvent;
use sentinel_domain::hash::ContentHash;
use sentinel_domain::timeframe::UnixMillis;

use crate::function::finalized;

/// What the folder is called in events.
const BUCKET: &str = "strategies";

/// A folder that is looked at again and again, and tells of each content of each pair of files once.
#[derive(Debug, Clone, Default)]
pub struct DropFolder {
    /// How the pairs were when they were told of, by name.
    told: BTreeMap<String, [Look; 2]>,
    /// How they were at the last look: what still changes is being written.
    last: BTreeMap<String, [Look; 2]>,
}

/// Size and time of a file.
type Look = (u64, UnixMillis);

/// Returns an event for each component in `folder` with a config beside it; for whoever looks once.
///
/// An event happened `at`, in simulated time, or else when the later of the two files was written. Either way it is the
/// same event as long as the files are the same: one that had its run is known, and a pair that lies there since long
/// ago does not come into force again because a program starts anew.
///
/// # Errors
/// When the folder cannot be read; one that is not there holds nothing.
pub fn scan_drop_folder(folder: &Path, at: Option<UnixMillis>) -> io::Result<Vec<CloudEvent>> {
    pairs(folder)?.iter().map(|stem| event(folder, stem, at)).collect()
}

impl DropFolder {
    /// Returns events as [`scan_drop_folder`] does, for what was not told of yet and is the same in two looks: what is
    /// still being copied is left for the next one.
    ///
    /// # Errors
    /// When the folder cannot be read; one that is not there holds nothing.
    pub fn scan(&mut self, folder: &Path, at: Option<UnixMillis>) -> io::Result<Vec<CloudEvent>> {
        let mut events = Vec::new();
        for stem in pairs(folder)? {
            let now = looks(folder, &stem)?;
            let is_settled = self.last.insert(stem.clone(), now) == Some(now);
            if is_settled && self.told.get(&stem) != Some(&now) {
                events.push(event(folder, &stem, at)?);
                self.told.insert(stem, now);
            }
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

fn looks(folder: &Path, stem: &str) -> io::Result<[Look; 2]> {
    let [component, config] = files(folder, stem);
    Ok([look(&component)?, look(&config)?])
}

fn look(path: &Path) -> io::Result<Look> {
    let metadata = fs::metadata(path)?;
    let since_1970 = metadata.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok((metadata.len(), i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX)))
}

fn event(folder: &Path, stem: &str, at: Option<UnixMillis>) -> io::Result<CloudEvent> {
    let [component, config] = files(folder, stem).map(fs::read);
    let hashes = [ContentHash::of(&component?), ContentHash::of(&config?)];
    let written = looks(folder, stem)?.map(|(_, time)| time).into_iter().max().unwrap_or_default();
    // The time is part of the name: after B was put over A, putting A there again is another fact.
    let generation = format!("{}-{}-{written}", hashes[0].short(), hashes[1].short());
    Ok(finalized(BUCKET, &format!("{stem}.wasm"), &generation, at.unwrap_or(written)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_pairs_are_told_of_and_each_content_once() {
        let folder = tempfile::tempdir().unwrap();
        let mut drops = DropFolder::default();
        let mut scan = || drops.scan(folder.path(), Some(5)).unwrap().len();
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
    fn files_that_lie_there_are_the_same_event_whoever_looks() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.wasm"), "1").unwrap();
        fs::write(folder.path().join("a.toml"), "x").unwrap();
        let first = scan_drop_folder(folder.path(), None).unwrap().remove(0);
        assert_eq!(scan_drop_folder(folder.path(), None).unwrap(), std::slice::from_ref(&first));
        let simulated = scan_drop_folder(folder.path(), Some(5)).unwrap().remove(0);
        assert_eq!((simulated.id, simulated.time), (first.id, Some(5)));
    }

    #[test]
    fn folder_that_is_not_there_is_empty() {
        assert_eq!(scan_drop_folder(Path::new("absent"), None).unwrap(), []);
    }
}
