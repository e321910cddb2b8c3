//! Running the programs of a language.

use std::io::{self, ErrorKind};
use std::process::{Command, Stdio};

use crate::error::BuildError;
use crate::language::Language;

/// A program of the machine, and what to tell a user who lacks it.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) name: &'static str,
    pub(crate) language: Language,
    pub(crate) remedy: &'static str,
}

/// What a program said before it ended.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) succeeded: bool,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Program {
    /// Runs `command`, which calls this program, to its end.
    pub(crate) fn run(&self, command: &mut Command) -> Result<Answer, BuildError> {
        let output = command.stdin(Stdio::null()).output().map_err(|error| self.not_started(error))?;
        Ok(Answer {
            succeeded: output.status.success(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        })
    }

    /// Returns the error of a program that could not be started.
    pub(crate) fn not_started(&self, error: io::Error) -> BuildError {
        match error.kind() {
            ErrorKind::NotFound => {
                BuildError::ProgramMissing { program: self.name, language: self.language, remedy: self.remedy }
            }
            _ => BuildError::Io { action: "start", path: self.name.into(), source: error },
        }
    }

    /// Returns the error of a program that is older than `needed`.
    pub(crate) fn too_old(&self, found: String, needed: &'static str) -> BuildError {
        BuildError::ProgramTooOld { program: self.name, language: self.language, found, needed, remedy: self.remedy }
    }

    /// Returns the error of a program whose answer was not understood.
    pub(crate) fn unexpected(&self, said: impl Into<String>) -> BuildError {
        BuildError::UnexpectedAnswer { program: self.name, said: said.into() }
    }
}

/// Returns the two leading numbers of a version such as `v20.19.2` or `Python 3.11.7`.
pub(crate) fn leading_version(text: &str) -> Option<(u32, u32)> {
    let digits = text.trim().trim_start_matches(|letter: char| !letter.is_ascii_digit());
    let mut numbers = digits.split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_programs_print_them() {
        assert_eq!(leading_version("v20.19.2\n"), Some((20, 19)));
        assert_eq!(leading_version("Python 3.11.7"), Some((3, 11)));
        assert_eq!(leading_version("unknown"), None);
    }

    #[test]
    fn a_missing_program_is_named_with_its_remedy() {
        let program = Program { name: "no-such-program", language: Language::Python, remedy: "get it" };
        let error = program.run(&mut Command::new("no-such-program")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "no-such-program was not found, which strategies in python are built with: get it"
        );
    }
}
