//! Copies of the store: for questions that take long, and for backups.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use sentinel_domain::warehouse::WarehouseError;
use tempfile::TempDir;

use super::file::StoreFile;
use super::session::{Session, lock_whole};

/// How folders of copies begin; they stand beside the store, where there is room for one more of it.
const PREFIX: &str = ".snapshot-";

/// The file in such a folder that is locked as long as the copy is used.
const IN_USE: &str = "in-use";

/// A copy of the store that only this process knows of; it goes when it is dropped.
pub(super) struct Snapshot {
    pub(super) session: Session,
    _in_use: File,
    _folder: TempDir,
}

impl Snapshot {
    /// Copies the store and opens the copy.
    pub(super) fn take(store: &StoreFile) -> Result<Self, WarehouseError> {
        let failed = |error: std::io::Error| store.failed("copy", error, false);
        let beside = store.path.parent().map_or_else(|| PathBuf::from("."), Path::to_owned);
        remove_leftovers(&beside);
        fs::create_dir_all(&beside).map_err(failed)?;
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(&beside).map_err(failed)?;
        let in_use = hold(folder.path()).map_err(failed)?;
        let path = folder.path().join("copy.duckdb");
        copy(store, &path)?;
        let copied = StoreFile { path, ..store.clone() };
        let session = Session::read_locked(&copied, None)?;
        Ok(Self { session, _in_use: in_use, _folder: folder })
    }
}

/// Marks a folder as in use. The mark gets its name when it is held, so that nobody takes it for a leftover.
fn hold(folder: &Path) -> std::io::Result<File> {
    let unnamed = folder.join("held");
    let file = File::create(&unnamed)?;
    file.try_lock()?;
    fs::rename(unnamed, folder.join(IN_USE))?;
    Ok(file)
}

/// Copies the store to `target`. The copy gets its name when it is complete.
pub(super) fn copy(store: &StoreFile, target: &Path) -> Result<(), WarehouseError> {
    let _lock = lock_whole(store)?;
    let mut partial = target.as_os_str().to_owned();
    partial.push(format!(".{}.part", std::process::id()));
    let partial = PathBuf::from(partial);
    let copied = fs::copy(&store.path, &partial)
        .and_then(|_| File::open(&partial)?.sync_all())
        .and_then(|()| fs::rename(&partial, target));
    if copied.is_err() {
        // What is left of a failed copy helps nobody; that it cannot be removed either changes nothing.
        drop(fs::remove_file(&partial));
    }
    copied.map_err(|error| store.failed("copy", error, false))
}

/// Removes copies of processes that were killed: nobody holds them any more.
fn remove_leftovers(beside: &Path) {
    let Ok(entries) = fs::read_dir(beside) else { return };
    for entry in entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX)) {
        let in_use = File::open(entry.path().join(IN_USE));
        if in_use.is_ok_and(|file| file.try_lock().is_ok()) {
            // Another process may be removing it too.
            drop(fs::remove_dir_all(entry.path()));
        }
    }
}
