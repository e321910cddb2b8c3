//! Runs the binary in a data folder of its own and looks at what it said.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

/// A data folder and a folder to work in, both gone at the end.
pub(crate) struct Bench {
    folder: TempDir,
}

/// What a command said.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("work")).unwrap();
        Self { folder }
    }

    /// Returns the data folder; nothing makes it but the binary.
    pub(crate) fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// Returns the folder in which commands run.
    pub(crate) fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.work().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// Writes daily candles whose price rises and falls, from 2020 on.
    pub(crate) fn write_daily(&self, name: &str, days: i64) -> PathBuf {
        self.write(name, csv(days, 86_400))
    }

    /// Runs `sentinel` with the words of `command`, which are split at blanks.
    pub(crate) fn run(&self, command: &str) -> Ran {
        self.run_words(command.split_whitespace())
    }

    pub(crate) fn run_words(&self, words: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Ran {
        Ran::of(self.command().args(words))
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sentinel"));
        command
            .current_dir(self.work())
            .env("SENTINEL_HOME", self.home())
            // Shared by all tests, so that each strategy compiles once.
            .env("SENTINEL_CACHE", Path::new(env!("CARGO_TARGET_TMPDIR")).join("cli-cache"))
            // Errors must stay sentences even so.
            .env("RUST_BACKTRACE", "1")
            .env_remove("ENVIRONMENT")
            .env_remove("SENTINEL_STRATEGIES");
        command
    }

    /// Returns every file below the data folder.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        files_below(&self.home())
    }
}

impl Ran {
    pub(crate) fn of(command: &mut Command) -> Self {
        let output = command.output().unwrap();
        Self {
            status: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Takes for granted that the command succeeded.
    #[track_caller]
    pub(crate) fn good(self) -> Self {
        assert_eq!(self.status, 0, "{self:#?}");
        self
    }

    /// Takes for granted that the command failed with `status` and one sentence on stderr that holds all `parts`.
    #[track_caller]
    pub(crate) fn refused(self, status: i32, parts: &[&str]) -> Self {
        assert_eq!(self.status, status, "{self:#?}");
        assert_eq!(self.stdout, "", "a failed command prints no result");
        assert!(self.stderr.starts_with("error: "), "{self:#?}");
        for part in parts {
            assert!(self.stderr.contains(part), "\"{part}\" is missing in: {}", self.stderr);
        }
        for part in ["panicked", "backtrace", "RUST_BACKTRACE", "os error", "Error {", "Some(", "\\n"] {
            assert!(!self.stderr.contains(part), "\"{part}\" is no word for a user: {}", self.stderr);
        }
        // Only the parser of options, which shows the usage, needs more than a line.
        let is_parser = self.stderr.contains("For more information, try");
        assert!(is_parser || self.stderr.lines().count() == 1, "{}", self.stderr);
        self
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }
}

/// Returns candles that rise and fall, `seconds` apart.
pub(crate) fn csv(rows: i64, seconds: i64) -> String {
    let mut text = "timestamp,open,high,low,close,volume\n".to_owned();
    for row in 0..rows {
        // 2020-01-01T00:00:00Z
        let time = 1_577_836_800 + row * seconds;
        let price = 100.0 + (row % 40 - 20).abs() as f64 + row as f64 * 0.01;
        let close = price + 0.5;
        writeln!(text, "{time},{price:.2},{:.2},{:.2},{close:.2},10", price + 1.0, price - 1.0).unwrap();
    }
    text
}

pub(crate) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            files.extend(files_below(&entry.path()));
        } else {
            files.push(entry.path());
        }
    }
    files.sort();
    files
}
