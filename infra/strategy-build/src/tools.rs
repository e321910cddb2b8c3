//! The cache folder: tools that are fetched on first use, and components that are made once.

use std::fs;
use std::path::{Path, PathBuf};

use sentinel_domain::hash::ContentHash;

use crate::build::Step;
use crate::error::BuildError;
use crate::source;

/// Returns the folder of the tool `name`, and has `install` fill it where it is not there yet.
///
/// The folder gets its name when it is complete, so that an installation that was cut short is never used; of two that
/// run at once, one is thrown away.
pub(crate) fn installed(
    cache_dir: &Path,
    name: &str,
    progress: &mut dyn FnMut(Step<'_>),
    install: impl FnOnce(&Path) -> Result<(), BuildError>,
) -> Result<PathBuf, BuildError> {
    let tools = cache_dir.join("tools");
    let folder = tools.join(name);
    if folder.is_dir() {
        return Ok(folder);
    }
    progress(Step::InstallingTool { tool: name });
    fs::create_dir_all(&tools).map_err(BuildError::io("create", &tools))?;
    let partial = source::partial_folder_in(&tools)?;
    install(partial.path())?;
    match fs::rename(partial.path(), &folder) {
        Err(error) if !folder.is_dir() => Err(BuildError::io("create", &folder)(error)),
        _ => Ok(folder),
    }
}

/// Returns the error of an installer that gave up; `partial` is the folder it was to fill.
pub(crate) fn not_installed(tool: &str, partial: &Path, said: &str) -> BuildError {
    let dir = partial.parent().unwrap_or(partial).to_owned();
    BuildError::ToolInstall { tool: tool.to_owned(), dir, said: said.trim().to_owned() }
}

/// Returns the component kept under `key`, and has `make` make it where there is none.
///
/// The first one made is kept: a tool that gives other bytes each time still gives a source one identity.
pub(crate) fn kept(
    cache_dir: &Path,
    key: ContentHash,
    make: impl FnOnce() -> Result<Vec<u8>, BuildError>,
) -> Result<Vec<u8>, BuildError> {
    let path = cache_dir.join("built").join(format!("{key}.wasm"));
    if !path.is_file() {
        source::create_once(&path, &make()?)?;
    }
    fs::read(&path).map_err(BuildError::io("read", &path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn install(cache_dir: &Path, fill: impl FnOnce(&Path) -> Result<(), BuildError>) -> Result<PathBuf, BuildError> {
        installed(cache_dir, "tool-1.0", &mut |_| {}, fill)
    }

    #[test]
    fn an_installation_cut_short_is_not_used() {
        let cache = tempfile::tempdir().unwrap();
        let cut_short = install(cache.path(), |partial| {
            fs::write(partial.join("half"), "").unwrap();
            Err(BuildError::NotAFolder { dir: partial.to_owned() })
        });
        assert!(cut_short.is_err());
        assert_eq!(fs::read_dir(cache.path().join("tools")).unwrap().count(), 0);

        let folder = install(cache.path(), |partial| source::write_new(&partial.join("whole"), b"")).unwrap();
        assert!(folder.join("whole").is_file());
        let again = install(cache.path(), |_| panic!("it is there already"));
        assert_eq!(again.unwrap(), folder);
    }

    #[test]
    fn of_two_installations_at_once_one_is_thrown_away() {
        let cache = tempfile::tempdir().unwrap();
        let folder = install(cache.path(), |partial| {
            install(cache.path(), |inner| source::write_new(&inner.join("first"), b""))?;
            source::write_new(&partial.join("second"), b"")
        });
        assert!(folder.unwrap().join("first").is_file());
        assert_eq!(fs::read_dir(cache.path().join("tools")).unwrap().count(), 1);
    }

    #[test]
    fn the_component_made_first_is_kept() {
        let cache = tempfile::tempdir().unwrap();
        let key = ContentHash::of(b"source");
        let kept = |bytes: &'static [u8]| super::kept(cache.path(), key, || Ok(bytes.to_vec())).unwrap();
        assert_eq!(kept(b"first"), b"first");
        assert_eq!(kept(b"second"), b"first");
    }
}
