//! The languages a strategy can be written in.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use thiserror::Error;

use crate::error::BuildError;

/// A language a strategy can be written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Language {
    /// Compiled by cargo, with the kit.
    Rust,
    /// Interpreted: CPython goes into the component.
    Python,
    /// Interpreted: SpiderMonkey goes into the component.
    JavaScript,
}

impl Language {
    /// All languages.
    pub const ALL: [Self; 3] = [Self::Rust, Self::Python, Self::JavaScript];

    /// Returns the name as the user writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::Python => "python",
            Self::JavaScript => "javascript",
        }
    }

    /// Returns the file that every strategy folder of the language holds, and no folder of another language.
    #[must_use]
    pub const fn entry_file(self) -> &'static str {
        match self {
            Self::Rust => "Cargo.toml",
            Self::Python => "app.py",
            Self::JavaScript => "strategy.js",
        }
    }

    /// Returns the language of the strategy in `dir`.
    pub(crate) fn detect(dir: &Path) -> Result<Self, BuildError> {
        if !dir.is_dir() {
            return Err(BuildError::NotAFolder { dir: dir.to_owned() });
        }
        let found: Vec<_> =
            Self::ALL.into_iter().filter(|language| dir.join(language.entry_file()).is_file()).collect();
        match found[..] {
            [language] => Ok(language),
            [] => Err(BuildError::NoStrategyInFolder { dir: dir.to_owned() }),
            _ => Err(BuildError::SeveralLanguages {
                dir: dir.to_owned(),
                files: found.into_iter().map(Self::entry_file).collect(),
            }),
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A text that names no language.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("\"{0}\" is no language of strategies; expected rust, python or javascript")]
pub struct UnknownLanguage(String);

impl FromStr for Language {
    type Err = UnknownLanguage;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|language| language.name() == text).ok_or_else(|| UnknownLanguage(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn detect(files: &[&str]) -> Result<Language, String> {
        let dir = tempfile::tempdir().unwrap();
        files.iter().for_each(|file| fs::write(dir.path().join(file), "").unwrap());
        Language::detect(dir.path()).map_err(|error| error.to_string())
    }

    #[test]
    fn the_entry_file_tells_the_language() {
        for language in Language::ALL {
            assert_eq!(detect(&[language.entry_file(), "README.md"]), Ok(language));
            assert_eq!(language.to_string().parse(), Ok(language));
        }
    }

    #[test]
    fn a_folder_of_none_or_of_two_is_refused() {
        assert!(
            detect(&["main.rs"]).unwrap_err().contains("expected Cargo.toml (rust), app.py (python) or strategy.js")
        );
        assert!(detect(&["Cargo.toml", "app.py"]).unwrap_err().contains("both Cargo.toml and app.py"));
        let missing = Language::detect(Path::new("no-such-folder")).unwrap_err().to_string();
        assert!(missing.contains("no-such-folder is not a folder"), "{missing}");
    }
}
