//! Copies of folders that stay from one run of the tests to the next, so that what was built in them is still there.

use std::fs;
use std::path::{Path, PathBuf};

/// Makes `to` a copy of `from`. A file that is the same already is left alone, time of change and all; what is not in
/// `from` is deleted, but for the top-level folder `target`.
///
/// # Panics
/// When the system refuses.
pub fn mirror(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap_or_else(|error| panic!("cannot create {}: {error}", to.display()));
    let wanted = entries(from);
    for stale in entries(to).into_iter().filter(|path| path.file_name().is_some_and(|name| name != "target")) {
        if !wanted.iter().any(|path| path.file_name() == stale.file_name()) {
            delete(&stale);
        }
    }
    for source in wanted {
        let Some(name) = source.file_name() else { continue };
        let copy = to.join(name);
        if source.is_dir() {
            mirror(&source, &copy);
        } else {
            write(
                &copy,
                &fs::read(&source).unwrap_or_else(|error| panic!("cannot read {}: {error}", source.display())),
            );
        }
    }
}

/// Writes a file, unless it holds `content` already.
///
/// # Panics
/// When the system refuses.
pub fn write(path: &Path, content: &[u8]) {
    if fs::read(path).is_ok_and(|found| found == content) {
        return;
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    let written = fs::create_dir_all(folder).and_then(|()| fs::write(path, content));
    written.unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()));
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("cannot read {}: {error}", folder.display()));
    entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect()
}

fn delete(path: &Path) {
    let deleted = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    deleted.unwrap_or_else(|error| panic!("cannot delete {}: {error}", path.display()));
}
