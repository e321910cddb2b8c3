//! Who may open the store: many readers, or one writer.
//!
//! The lock is the operating system's, on a file beside the store that names its holder. It ends with the process that
//! holds it, so a crash leaves none behind, and it holds between threads of one process too, where DuckDB's own does not.
//! Whoever waits says so by a second lock; whoever has just had the store lets those go first.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Seek, Write};
use std::path::Path;
use std::time::Duration;

use sentinel_domain::warehouse::WarehouseError;

use super::file::StoreFile;

/// How often the lock is tried: sessions take some ten milliseconds.
pub(super) const POLL: Duration = Duration::from_millis(5);

/// The ending of the file that those who wait hold together.
const WAITING: &str = ".waiting";

/// The right to open the store, until it is dropped.
#[derive(Debug)]
pub(super) struct StoreLock {
    _file: File,
}

impl StoreLock {
    /// Waits for the right to write.
    pub(super) fn exclusive(store: &StoreFile) -> Result<Self, WarehouseError> {
        Self::acquire(store, File::try_lock)
    }

    /// Waits for the right to read.
    pub(super) fn shared(store: &StoreFile) -> Result<Self, WarehouseError> {
        Self::acquire(store, File::try_lock_shared)
    }

    fn acquire(store: &StoreFile, lock: fn(&File) -> Result<(), TryLockError>) -> Result<Self, WarehouseError> {
        let path = store.beside(".lock");
        let mut file = open(&path).map_err(|error| store.failed("lock", error, false))?;
        if is_wanted(store) {
            std::thread::sleep(POLL * 2);
        }
        let mut waited = Duration::ZERO;
        let mut waiting = None;
        loop {
            match lock(&file) {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if waited < store.wait => {
                    waiting = waiting.or_else(|| say_waiting(store));
                    std::thread::sleep(POLL);
                    waited += POLL;
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(WarehouseError::Busy { store: store.to_string(), holder: holder(&path), waited });
                }
                Err(TryLockError::Error(error)) => return Err(store.failed("lock", error, false)),
            }
        }
        // The name is only for people: on a full disk the lock holds all the same.
        drop(write_holder(&mut file, &store.purpose));
        Ok(Self { _file: file })
    }
}

/// Returns whether somebody waits for the store.
pub(super) fn is_wanted(store: &StoreFile) -> bool {
    let waiting = File::open(store.beside(WAITING));
    waiting.is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
}

/// Says that this process waits, until the file is dropped. Where it cannot be said, the store comes free anyway.
fn say_waiting(store: &StoreFile) -> Option<File> {
    let file = open(&store.beside(WAITING)).ok()?;
    file.lock_shared().ok()?;
    Some(file)
}

fn open(path: &Path) -> std::io::Result<File> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path)
}

fn write_holder(file: &mut File, purpose: &str) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    write!(file, "process {} ({purpose})", std::process::id())
}

fn holder(path: &Path) -> String {
    match fs::read_to_string(path) {
        Ok(name) if !name.is_empty() => name,
        _ => "another process".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(folder: &Path, purpose: &str, wait: Duration) -> StoreFile {
        StoreFile::new(folder.join("warehouse.duckdb"), purpose.to_owned(), wait)
    }

    #[test]
    fn writer_that_gives_up_learns_who_holds_the_store() {
        let folder = tempfile::tempdir().unwrap();
        let _held = StoreLock::exclusive(&store(folder.path(), "archive-trades", Duration::ZERO)).unwrap();
        let error = StoreLock::exclusive(&store(folder.path(), "other", Duration::from_millis(60))).unwrap_err();
        assert!(error.is_retryable());
        let text = error.to_string();
        assert!(text.contains(&format!("in use by process {} (archive-trades)", std::process::id())), "{text}");
        assert!(text.ends_with("waited 0.1 s"), "{text}");
    }

    #[test]
    fn those_who_wait_are_seen() {
        let folder = tempfile::tempdir().unwrap();
        let waiter = store(folder.path(), "waiter", Duration::from_secs(20));
        let held = StoreLock::exclusive(&waiter).unwrap();
        assert!(!is_wanted(&waiter));
        std::thread::scope(|scope| {
            let waits = scope.spawn(|| StoreLock::exclusive(&waiter).is_ok());
            while !is_wanted(&waiter) {
                std::thread::sleep(POLL);
            }
            drop(held);
            assert!(waits.join().unwrap());
        });
        assert!(!is_wanted(&waiter));
    }

    #[test]
    fn readers_share_and_keep_a_writer_out() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path(), "query", Duration::ZERO);
        let readers = [StoreLock::shared(&store).unwrap(), StoreLock::shared(&store).unwrap()];
        assert!(StoreLock::exclusive(&store).is_err());
        drop(readers);
        assert!(StoreLock::exclusive(&store).is_ok());
    }
}
