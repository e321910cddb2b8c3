//! One writer at a time.
//!
//! The lock is the operating system's, on a file that names its holder; it ends with the process that holds it, so a
//! crash leaves none behind. Readers take no lock, since files change by being replaced.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Seek, Write};
use std::path::Path;
use std::time::Duration;

use super::error::StoreError;

const FILE_NAME: &str = "store.lock";

/// How often the lock is tried.
const POLL: Duration = Duration::from_millis(20);

/// The right to write, until it is dropped.
#[derive(Debug)]
pub(super) struct WriteLock {
    _file: File,
}

impl WriteLock {
    /// Waits at most `wait` for the lock on a data folder; `purpose` is what others are told meanwhile.
    pub(super) fn acquire(folder: &Path, purpose: &str, wait: Duration) -> Result<Self, StoreError> {
        let path = folder.join(FILE_NAME);
        fs::create_dir_all(folder).map_err(|source| StoreError::io("create", folder, source))?;
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|source| StoreError::io("open", &path, source))?;
        let mut waited = Duration::ZERO;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if waited < wait => {
                    std::thread::sleep(POLL);
                    waited += POLL;
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(StoreError::Busy { path: folder.to_owned(), holder: holder(&path), waited });
                }
                Err(TryLockError::Error(source)) => return Err(StoreError::io("lock", &path, source)),
            }
        }
        // The name is only for people: on a full disk the lock holds all the same.
        drop(write_holder(&mut file, purpose));
        Ok(Self { _file: file })
    }
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

    #[test]
    fn second_writer_learns_who_holds_the_lock() {
        let folder = tempfile::tempdir().unwrap();
        let held = WriteLock::acquire(folder.path(), "import of A", Duration::ZERO).unwrap();
        let error = WriteLock::acquire(folder.path(), "import of B", Duration::from_millis(60)).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(&format!("process {} (import of A)", std::process::id())), "{text}");
        assert!(text.contains("waited 0.06 s"), "{text}");
        drop(held);
        assert!(WriteLock::acquire(folder.path(), "import of B", Duration::ZERO).is_ok());
    }

    #[test]
    fn waiting_ends_when_the_holder_does() {
        let folder = tempfile::tempdir().unwrap();
        let held = WriteLock::acquire(folder.path(), "first", Duration::ZERO).unwrap();
        std::thread::scope(|scope| {
            let second = scope.spawn(|| WriteLock::acquire(folder.path(), "second", Duration::from_secs(20)).is_ok());
            std::thread::sleep(POLL * 3);
            drop(held);
            assert!(second.join().unwrap());
        });
    }
}
