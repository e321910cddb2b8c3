//! Makes a folder with a small strategy that builds and passes its checks as it stands.
//!
//! The folder needs nothing of this source tree: it gets a copy of the contract and, in Rust, of the kit.

use std::fs;
use std::path::{Path, PathBuf};

use include_dir::{Dir, include_dir};
use thiserror::Error;

use crate::contract;
use crate::error::BuildError;
use crate::language::Language;
use crate::source::{self, write_new};

static RUST: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/templates/rust");
static PYTHON: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/templates/python");
static JAVASCRIPT: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/templates/javascript");

/// The kit's place in the source tree, and below the vendored copy: its path to the contract is the same in both.
const KIT_PLACE: &str = "strategies/kit";
const KIT_MANIFEST: &str = include_str!("../../../strategies/kit/Cargo.toml");
static KIT_SOURCE: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../strategies/kit/src");

/// What stands in the templates for the strategy's name and for its type.
const NAME: &str = "strategy-name";
const TYPE: &str = "StrategyName";

/// The manifest's limit for an id.
const NAME_BYTES_MAX: usize = 64;

/// Names that cargo or the compiler would refuse.
const RESERVED: &str = "abstract alloc as async await become box break const continue core crate do dyn else enum extern \
    false final fn for gen if impl in let loop macro match mod move mut override priv proc-macro pub ref return self \
    static std struct super test trait true try type typeof unsafe unsized use virtual where while yield";

/// The versions of the crates that a new strategy in Rust is built with: those of this source tree.
const LOCK: &str = include_str!("../templates/rust/Cargo.lock");

/// Why no folder was made. Nothing is left behind half-written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CreateError {
    /// The name cannot be a strategy's.
    #[error(
        "\"{name}\" cannot be the name of a strategy: {reason}; a name is lower-case words of letters and digits with \
         dashes between them, such as my-first"
    )]
    Name {
        /// The name.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// There is something of that name.
    #[error("{} is already there; choose another name, or delete it first", path.display())]
    AlreadyThere {
        /// Its path.
        path: PathBuf,
    },
    /// The folder in which to make it is not there.
    #[error("{} is not a folder; name one in which to make the strategy's folder", parent.display())]
    NoParent {
        /// The path.
        parent: PathBuf,
    },
    /// The system refused.
    #[error(transparent)]
    Write(#[from] BuildError),
}

/// Makes the folder `parent/name` with a strategy in `language`, and returns its path.
///
/// # Errors
/// The name is none, something of that name is there already, or the system refuses.
pub fn create(parent: &Path, name: &str, language: Language) -> Result<PathBuf, CreateError> {
    verify_name(name)?;
    if !parent.is_dir() {
        return Err(CreateError::NoParent { parent: parent.to_owned() });
    }
    let folder = parent.join(name);
    if folder.symlink_metadata().is_ok() {
        return Err(CreateError::AlreadyThere { path: folder });
    }
    let partial = source::partial_folder_in(parent)?;
    write_strategy(partial.path(), name, language)?;
    fs::rename(partial.path(), &folder).map_err(BuildError::io("create", &folder))?;
    Ok(folder)
}

fn write_strategy(folder: &Path, name: &str, language: Language) -> Result<(), BuildError> {
    let template = match language {
        Language::Rust => &RUST,
        Language::Python => &PYTHON,
        Language::JavaScript => &JAVASCRIPT,
    };
    write_template(template, folder, name)?;
    let vendored = folder.join(contract::VENDORED);
    source::write_embedded(&contract::FILES, &vendored.join(contract::PLACE))?;
    if language == Language::Rust {
        let kit = vendored.join(KIT_PLACE);
        write_new(&kit.join("Cargo.toml"), KIT_MANIFEST.as_bytes())?;
        source::write_embedded(&KIT_SOURCE, &kit.join("src"))?;
    }
    Ok(())
}

/// Writes a template's files with the strategy's name in place of the template's.
fn write_template(template: &Dir<'_>, folder: &Path, name: &str) -> Result<(), BuildError> {
    for file in template.files() {
        let text = String::from_utf8_lossy(file.contents()).replace(NAME, name).replace(TYPE, &type_name(name));
        let text = if file.path().ends_with("Cargo.lock") { in_order_of_names(&text) } else { text };
        write_new(&folder.join(file.path()), text.as_bytes())?;
    }
    template.dirs().try_for_each(|inner| write_template(inner, folder, name))
}

/// Returns the lock file with its packages in order: cargo would rewrite it otherwise, and refuse it with `--locked`.
fn in_order_of_names(lock: &str) -> String {
    const HEADING: &str = "[[package]]\n";
    let mut parts = lock.trim_end().split(HEADING).map(str::trim_end);
    let start = parts.next().unwrap_or_default();
    let mut packages: Vec<_> = parts.collect();
    packages.sort_unstable();
    let packages = packages.iter().map(|package| format!("\n\n{HEADING}{package}"));
    format!("{start}{}\n", packages.collect::<String>())
}

/// Returns the name of the strategy's type: `MyFirst` for `my-first`.
fn type_name(name: &str) -> String {
    let capitalised = |word: &str| word[..1].to_ascii_uppercase() + &word[1..];
    name.split('-').map(capitalised).collect()
}

fn verify_name(name: &str) -> Result<(), CreateError> {
    let refuse = |reason| Err(CreateError::Name { name: name.to_owned(), reason });
    let is_word_letter = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    if name.is_empty() {
        refuse("it is empty")
    } else if name.len() > NAME_BYTES_MAX {
        refuse("it is longer than 64 letters")
    } else if !name.starts_with(|letter: char| letter.is_ascii_lowercase()) {
        refuse("it does not begin with a lower-case letter")
    } else if let Some(false) = name.split('-').map(|word| !word.is_empty() && word.chars().all(is_word_letter)).min() {
        refuse("it holds something else than lower-case letters, digits and single dashes")
    } else if RESERVED.split(' ').any(|reserved| reserved == name) {
        refuse("Rust keeps that word for itself")
    } else if LOCK.contains(&format!("name = \"{name}\"\n")) && name != NAME {
        refuse("a crate that the kit is built with has that name")
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn create_in(parent: &Path, name: &str) -> Result<PathBuf, String> {
        create(parent, name, Language::Python).map_err(|error| error.to_string())
    }

    #[test]
    fn names_are_lower_case_words() {
        for name in ["my-first", "rsi-2", "a", "ema200"] {
            verify_name(name).unwrap();
        }
        for (name, reason) in [
            ("", "empty"),
            ("My-First", "does not begin"),
            ("2nd", "does not begin"),
            ("my--first", "single dashes"),
            ("my-first-", "single dashes"),
            ("my_first", "single dashes"),
            ("../other", "does not begin"),
            ("a/b", "single dashes"),
            ("naïve", "single dashes"),
            ("match", "Rust keeps"),
            ("serde", "a crate"),
            ("sentinel-strategy-kit", "a crate"),
            (&"a".repeat(65), "longer than 64"),
        ] {
            let said = verify_name(name).unwrap_err().to_string();
            assert!(said.contains(reason), "{name}: {said}");
        }
    }

    #[test]
    fn the_type_is_named_after_the_strategy() {
        assert_eq!(type_name("my-first"), "MyFirst");
        assert_eq!(type_name("rsi-2"), "Rsi2");
    }

    #[test]
    fn a_new_folder_holds_its_name_and_no_placeholder() {
        let parent = tempfile::tempdir().unwrap();
        for language in Language::ALL {
            let folder = create(parent.path(), &format!("my-{language}"), language).unwrap();
            assert_eq!(Language::detect(&folder).unwrap(), language);
            let entry = fs::read_to_string(folder.join(language.entry_file())).unwrap();
            assert!(entry.contains(&format!("my-{language}")), "{entry}");
            let mut files = files_below(&folder);
            files.retain(|path| !path.starts_with(folder.join("vendor")));
            for file in files {
                let text = fs::read_to_string(&file).unwrap();
                assert!(!text.contains(NAME) && !text.contains(TYPE), "{}", file.display());
            }
            assert!(folder.join("vendor/sentinel/wit/v0.1/types.wit").is_file());
            assert_eq!(folder.join("vendor/sentinel/strategies/kit/src/lib.rs").is_file(), language == Language::Rust);
        }
    }

    /// Where this fails after a change of dependencies: make a new strategy, copy the workspace's Cargo.lock into it, run
    /// `cargo metadata` there, which drops what is not needed, and copy the file back with the template's name.
    #[test]
    fn a_new_strategy_is_built_with_the_crates_of_this_source_tree() {
        let workspace = include_str!("../../../Cargo.lock");
        let registry: Vec<_> =
            LOCK.split("[[package]]\n").filter(|package| package.contains("\nchecksum = ")).collect();
        assert!(registry.len() > 20);
        for package in registry {
            let (identity, _) = package.split_once("dependencies = [").unwrap_or((package, ""));
            assert!(workspace.contains(identity.trim_end()), "not in the workspace's Cargo.lock: {identity}");
        }
    }

    #[test]
    fn packages_of_a_lock_file_stand_in_order() {
        assert!(in_order_of_names(LOCK) == LOCK);
        let renamed = in_order_of_names(&LOCK.replace(NAME, "a"));
        assert!(renamed.starts_with(LOCK.split_once("[[package]]").unwrap().0));
        assert!(renamed.find("name = \"a\"").unwrap() < renamed.find("name = \"anyhow\"").unwrap());
    }

    fn files_below(folder: &Path) -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
    }

    #[test]
    fn what_is_there_is_never_touched() {
        let parent = tempfile::tempdir().unwrap();
        fs::write(parent.path().join("taken"), "mine").unwrap();
        assert!(create_in(parent.path(), "taken").unwrap_err().contains("already there"));
        assert_eq!(fs::read_to_string(parent.path().join("taken")).unwrap(), "mine");
        assert!(create_in(&parent.path().join("taken"), "x").unwrap_err().contains("is not a folder"));
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 1);
    }
}
