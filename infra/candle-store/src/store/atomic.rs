//! Files that are there whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A file that is written beside its target and not yet in its place. Dropped before that, it leaves nothing behind.
#[derive(Debug)]
pub(super) struct StagedFile {
    temporary: PathBuf,
    target: PathBuf,
}

impl StagedFile {
    /// Writes `bytes` beside `target` and waits until the disk has them. The folder is made where it is missing.
    ///
    /// The temporary name depends on the target alone, so what a crash leaves is overwritten by the next write.
    pub(super) fn write(target: &Path, bytes: &[u8]) -> io::Result<Self> {
        let folder = target.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        let staged = Self { temporary: folder.join(format!(".{name}.tmp")), target: target.to_owned() };
        let mut file = File::create(&staged.temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        Ok(staged)
    }

    /// Puts the file in its place; whoever reads sees the old one or the new one.
    pub(super) fn commit(self) -> io::Result<()> {
        fs::rename(&self.temporary, &self.target)?;
        sync_folder(&self.target)
    }
}

impl Drop for StagedFile {
    fn drop(&mut self) {
        // After the rename there is none left to remove; before it, failing to remove it harms nobody.
        drop(fs::remove_file(&self.temporary));
    }
}

/// Makes the new name of `file` outlive a power cut, where the system can.
fn sync_folder(file: &Path) -> io::Result<()> {
    match file.parent() {
        Some(folder) if cfg!(unix) => File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_seen_before_the_commit() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("a/b.txt");
        StagedFile::write(&target, b"old").unwrap().commit().unwrap();
        let staged = StagedFile::write(&target, b"new").unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"old");
        staged.commit().unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"new");
    }

    #[test]
    fn dropped_file_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        drop(StagedFile::write(&folder.path().join("b.txt"), b"new").unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
