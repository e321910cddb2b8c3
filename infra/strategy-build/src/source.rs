//! Files of a strategy: which of them make the component, and how they are written without a half-done state.

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use include_dir::Dir;
use sentinel_domain::hash::{ContentHash, ContentHasher};
use tempfile::{NamedTempFile, TempDir};

use crate::error::BuildError;

/// Folders whose content never gets into a component.
const FOLDERS_LEFT_OUT: [&str; 5] = ["vendor", "node_modules", "__pycache__", "target", "tests"];

/// The source files of a strategy in an interpreted language, by their path below its folder.
#[derive(Debug)]
pub(crate) struct SourceFiles(Vec<(PathBuf, Vec<u8>)>);

impl SourceFiles {
    /// Reads the files below `dir` that end in one of `extensions`, in the order of their paths.
    pub(crate) fn read(dir: &Path, extensions: &[&str]) -> Result<Self, BuildError> {
        let mut files = Vec::new();
        collect(dir, Path::new(""), extensions, &mut files)?;
        files.sort();
        Ok(Self(files))
    }

    /// Writes a copy below `folder`, so that a tool sees these files alone and leaves nothing beside the originals.
    pub(crate) fn copy_to(&self, folder: &Path) -> Result<(), BuildError> {
        self.0.iter().try_for_each(|(path, content)| write_new(&folder.join(path), content))
    }

    /// Returns the hash over paths and content.
    pub(crate) fn hash(&self) -> ContentHash {
        let start = ContentHasher::new("strategy-source");
        let with_file = |hasher: ContentHasher, (path, content): &(PathBuf, Vec<u8>)| {
            // One separator on every system.
            let parts = path.iter().fold(hasher.integers(&[]), |hasher, part| hasher.bytes(part.as_encoded_bytes()));
            parts.bytes(b"/").bytes(content)
        };
        self.0.iter().fold(start, with_file).finish()
    }
}

fn collect(
    root: &Path,
    below: &Path,
    extensions: &[&str],
    files: &mut Vec<(PathBuf, Vec<u8>)>,
) -> Result<(), BuildError> {
    let folder = root.join(below);
    for entry in fs::read_dir(&folder).map_err(BuildError::io("read", &folder))? {
        let entry = entry.map_err(BuildError::io("read", &folder))?;
        let (name, path) = (entry.file_name(), below.join(entry.file_name()));
        // A link to a folder is not followed: it may lead round in a circle.
        let is_folder = entry.file_type().map_err(BuildError::io("read", &folder))?.is_dir();
        let left_out = name.to_str().is_none_or(|name| name.starts_with('.') || FOLDERS_LEFT_OUT.contains(&name));
        if is_folder && !left_out {
            collect(root, &path, extensions, files)?;
        } else if !is_folder
            && path.extension().is_some_and(|found| extensions.iter().any(|extension| found == *extension))
        {
            let content = fs::read(root.join(&path)).map_err(BuildError::io("read", &root.join(&path)))?;
            files.push((path, content));
        }
    }
    Ok(())
}

/// Returns the name of the folder that `dir` is, also where `dir` is `.`.
pub(crate) fn folder_name(dir: &Path) -> Result<String, BuildError> {
    let folder = dir.canonicalize().map_err(BuildError::io("read", dir))?;
    Ok(folder.file_name().map_or_else(|| "strategy".to_owned(), |name| name.to_string_lossy().into_owned()))
}

/// Returns a folder for what is needed during one build, which is deleted with the value. Its path holds no links.
pub(crate) fn scratch_folder() -> Result<TempDir, BuildError> {
    let base = std::env::temp_dir();
    let folder =
        base.canonicalize().and_then(|base| tempfile::Builder::new().prefix("sentinel-build-").tempdir_in(base));
    folder.map_err(BuildError::io("create a folder in", &base))
}

/// Returns a temporary folder in `parent`, to be renamed when it is complete; with the permissions of any new folder.
pub(crate) fn partial_folder_in(parent: &Path) -> Result<TempDir, BuildError> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o777));
    builder.prefix(".partial-").tempdir_in(parent).map_err(BuildError::io("write to", parent))
}

/// Writes an embedded folder, with all below it, to `folder`.
pub(crate) fn write_embedded(embedded: &Dir<'_>, folder: &Path) -> Result<(), BuildError> {
    embedded.files().try_for_each(|file| write_new(&folder.join(file.path()), file.contents()))?;
    embedded.dirs().try_for_each(|inner| write_embedded(inner, folder))
}

/// Writes a file and the folders above it.
pub(crate) fn write_new(path: &Path, content: &[u8]) -> Result<(), BuildError> {
    create_folder_of(path)?;
    fs::write(path, content).map_err(BuildError::io("write", path))
}

/// Writes a file in one step: whoever looks sees the old content or the new, never a part.
pub(crate) fn replace(path: &Path, content: &[u8]) -> Result<(), BuildError> {
    let persisted = partial(path, content)?.persist(path);
    persisted.map(drop).map_err(|error| BuildError::io("write", path)(error.error))
}

/// Writes a file in one step, unless it is there already.
pub(crate) fn create_once(path: &Path, content: &[u8]) -> Result<(), BuildError> {
    match partial(path, content)?.persist_noclobber(path) {
        Err(error) if error.error.kind() != ErrorKind::AlreadyExists => Err(BuildError::io("write", path)(error.error)),
        _ => Ok(()),
    }
}

/// Writes `content` to a temporary file beside `path`.
fn partial(path: &Path, content: &[u8]) -> Result<NamedTempFile, BuildError> {
    create_folder_of(path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut partial = partial_file_in(folder).map_err(BuildError::io("write to", folder))?;
    partial.write_all(content).map_err(BuildError::io("write", path))?;
    Ok(partial)
}

/// Returns a temporary file with the permissions of any other new file; by default it would be its owner's alone.
fn partial_file_in(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.prefix(".partial-").tempfile_in(folder)
}

fn create_folder_of(path: &Path) -> Result<(), BuildError> {
    match path.parent() {
        Some(folder) => fs::create_dir_all(folder).map_err(BuildError::io("create", folder)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash_of(files: &[(&str, &str)]) -> ContentHash {
        let dir = tempfile::tempdir().unwrap();
        files.iter().for_each(|(path, content)| write_new(&dir.path().join(path), content.as_bytes()).unwrap());
        SourceFiles::read(dir.path(), &["py"]).unwrap().hash()
    }

    #[test]
    fn the_hash_covers_paths_and_content_of_source_files_alone() {
        let source = hash_of(&[("app.py", "a"), ("more/b.py", "b")]);
        let with_others =
            [("app.py", "a"), ("more/b.py", "b"), ("README.md", "x"), ("tests/t.py", "x"), (".venv/v.py", "x")];
        assert_eq!(source, hash_of(&with_others));
        assert_ne!(source, hash_of(&[("app.py", "a"), ("more/b.py", "c")]));
        assert_ne!(source, hash_of(&[("app.py", "a"), ("more/c.py", "b")]));
        assert_ne!(source, hash_of(&[("app.py", "a"), ("b.py", "b")]));
    }

    #[test]
    fn a_file_is_replaced_whole_and_leaves_nothing_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new/folder/file");
        replace(&path, b"one").unwrap();
        replace(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_named() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("file"), "").unwrap();
        let error = replace(&dir.path().join("file/out.wasm"), b"").unwrap_err().to_string();
        assert!(error.starts_with("cannot create") && error.ends_with("file"), "{error}");
    }
}
