//! The contract that strategies in Python and JavaScript are built against, and which new folders get a copy of.

use std::path::{Path, PathBuf};

use include_dir::{Dir, include_dir};

use crate::error::BuildError;
use crate::source;

/// The contract's folder in the source tree, and below the vendored copy in a strategy's folder.
pub(crate) const PLACE: &str = "wit/v0.1";
/// Where the folder of a strategy outside the source tree keeps its copy of the contract and the kit.
pub(crate) const VENDORED: &str = "vendor/sentinel";
/// The world a strategy targets.
pub(crate) const WORLD: &str = "plugin";

pub(crate) static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../wit/v0.1");

/// Whether `name` is the contract's interface `interface`, of any version.
pub(crate) fn is_interface(interface: &str, name: &str) -> bool {
    name.strip_prefix("sentinel:strategy/")
        .and_then(|rest| rest.strip_prefix(interface))
        .is_some_and(|version| version.is_empty() || version.starts_with('@'))
}

/// Returns the folder of the contract that the strategy in `dir` is written against: its own copy where it has one,
/// so that it builds years later as it does today; else this version's, which is written to `scratch`.
///
/// The path is absolute: tools run in folders of their own.
pub(crate) fn folder_for(dir: &Path, scratch: &Path) -> Result<PathBuf, BuildError> {
    let own = dir.join(VENDORED).join(PLACE);
    if own.is_dir() {
        return own.canonicalize().map_err(BuildError::io("read", &own));
    }
    let folder = scratch.join("wit");
    source::write_embedded(&FILES, &folder)?;
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_strategys_own_copy_goes_first_and_its_path_holds_anywhere() {
        let (dir, scratch) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        assert_eq!(folder_for(dir.path(), scratch.path()).unwrap(), scratch.path().join("wit"));
        let own = dir.path().join("vendor/sentinel/wit/v0.1");
        fs::create_dir_all(&own).unwrap();
        let steps_to_root = std::env::current_dir().unwrap().components().skip(1).map(|_| "../").collect::<String>();
        let relative = PathBuf::from(steps_to_root + dir.path().strip_prefix("/").unwrap().to_str().unwrap());
        assert_eq!(folder_for(&relative, scratch.path()).unwrap(), own.canonicalize().unwrap());
    }

    #[test]
    fn the_whole_contract_is_embedded() {
        let names: Vec<_> = FILES.files().map(|file| file.path().display().to_string()).collect();
        assert_eq!(names, ["strategy.wit", "types.wit"]);
    }

    #[test]
    fn interfaces_are_told_by_package_and_name() {
        assert!(is_interface("types", "sentinel:strategy/types@0.1.0"));
        assert!(!is_interface("types", "sentinel:strategy/types-of-mine@0.1.0"));
        assert!(!is_interface("types", "other:strategy/types@0.1.0"));
    }
}
