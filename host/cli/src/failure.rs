//! How commands fail: one sentence on stderr and an exit status.
//!
//! Status 2 means that the command itself has to be changed before it can succeed: an option, a parameter, the name
//! of a strategy, a run file. Status 1 means that the command is fine and what it works on is not: a file, candles, a
//! strategy that is refused, the network, the disk.

use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Error, anyhow};
use sentinel_backtest::run::BacktestError;
use sentinel_backtest::sweep::GridError;
use sentinel_candle_store::FileError;
use sentinel_domain::instrument::InstrumentError;
use sentinel_domain::strategy::ParameterError;
use sentinel_runtime::RuntimeError;
use sentinel_strategy_build::{BuildError, CreateError};

/// What the user has to change in the command.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Usage(String);

/// Returns an error of usage.
pub(crate) fn usage(message: impl fmt::Display) -> Error {
    Usage(message.to_string()).into()
}

/// The command did its work, has printed its verdict, and the verdict is no.
#[derive(Debug, thiserror::Error)]
#[error("refused")]
pub(crate) struct Refused;

/// Whoever reads standard output has gone away.
#[derive(Debug, thiserror::Error)]
#[error("standard output is closed")]
pub(crate) struct OutputClosed;

/// How the program ends after an error.
pub(crate) struct Failure {
    sentence: Option<String>,
    status: u8,
}

impl Failure {
    /// Returns how the program ends after `error`.
    pub(crate) fn of(error: &Error) -> Self {
        if error.is::<OutputClosed>() {
            // `sentinel … | head` has seen enough.
            return Self { sentence: None, status: 0 };
        }
        let sentence = (!error.is::<Refused>()).then(|| sentence(error));
        Self { sentence, status: if is_usage(error) { 2 } else { 1 } }
    }

    /// Returns what to print, if anything.
    pub(crate) fn sentence(&self) -> Option<&str> {
        self.sentence.as_deref()
    }

    /// Returns the status for the shell.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.status)
    }
}

fn is_usage(error: &Error) -> bool {
    error.chain().any(|cause| {
        cause.is::<Usage>()
            || cause.is::<ParameterError>()
            || cause.is::<GridError>()
            || cause.is::<InstrumentError>()
            || matches!(cause.downcast_ref(), Some(CreateError::Name { .. } | CreateError::AlreadyThere { .. }))
            || cause.downcast_ref::<RuntimeError>().is_some_and(is_about_the_request)
            || matches!(cause.downcast_ref(), Some(BacktestError::Strategy(cause)) if is_about_the_request(cause))
            || matches!(cause.downcast_ref(), Some(BacktestError::Timeframe { .. }))
    })
}

/// Whether a strategy refuses what the user asked of it, and not the other way round.
fn is_about_the_request(error: &RuntimeError) -> bool {
    matches!(error, RuntimeError::InvalidParameter { .. } | RuntimeError::Timeframe { .. })
}

/// Joins an error and its causes to one line. A cause that its effect has already quoted is left out.
pub(crate) fn sentence(error: &Error) -> String {
    let mut sentence = String::new();
    for cause in error.chain() {
        let text = cause.to_string();
        // What a compiler said stays as it said it; anything else is one line.
        let text = if cause.is::<BuildError>() { text } else { text.split_whitespace().collect::<Vec<_>>().join(" ") };
        if sentence.is_empty() {
            sentence = text;
        } else if !sentence.contains(&text) {
            sentence = format!("{sentence}: {text}");
        }
        // Its message quotes its cause in the words of somebody who counts lines.
        if cause.is::<FileError>() {
            break;
        }
    }
    without_error_numbers(sentence)
}

/// Leaves out `(os error 2)`, which tells people nothing beyond the words before it.
fn without_error_numbers(mut sentence: String) -> String {
    const MARK: &str = " (os error ";
    while let Some(start) = sentence.find(MARK) {
        let Some(length) = sentence[start..].find(')') else {
            break;
        };
        sentence.replace_range(start..=start + length, "");
    }
    sentence
}

/// Where the last panic was, for the report of a bug.
static PANIC_PLACE: Mutex<String> = Mutex::new(String::new());

/// Runs `work`; a panic, which is a bug of ours, becomes an error of one sentence.
pub(crate) fn without_panics<T>(work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    // The message reaches the user through the error; a backtrace would bury it.
    panic::set_hook(Box::new(|info| {
        *place() = info.location().map_or_else(String::new, |at| format!(" ({}:{})", at.file(), at.line()));
    }));
    panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let message = panic.downcast_ref::<String>().map(String::as_str);
        let message = message.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
        let place = place();
        Err(anyhow!("this is a bug in sentinel, please report it with the command you ran: {message}{place}"))
    })
}

fn place() -> MutexGuard<'static, String> {
    PANIC_PLACE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::io;

    use anyhow::Context;

    use super::*;

    #[test]
    fn causes_are_joined_and_never_repeated() {
        let cause = io::Error::other("disk full");
        let error = Error::new(cause).context("cannot write a.json: disk full").context("cannot save the run");
        assert_eq!(sentence(&error), "cannot save the run: cannot write a.json: disk full");
    }

    #[test]
    fn numbers_of_the_system_are_left_out() {
        let text = "cannot read a: No such file or directory (os error 2); try b".to_owned();
        assert_eq!(without_error_numbers(text), "cannot read a: No such file or directory; try b");
    }

    #[test]
    fn lines_become_one() {
        assert_eq!(sentence(&anyhow!("first\n   second\n")), "first second");
    }

    #[test]
    fn usage_is_told_from_failure_through_context() {
        let usage: Result<(), Error> = Err(usage("unknown strategy")).context("cannot run");
        assert!(is_usage(&usage.unwrap_err()));
        assert!(!is_usage(&anyhow!("no such file")));
    }

    #[test]
    fn panic_becomes_one_sentence() {
        let error = without_panics(|| -> Result<(), Error> { panic!("index 3") }).unwrap_err();
        let sentence = error.to_string();
        assert!(sentence.contains("the command you ran: index 3 (") && sentence.contains("failure.rs"), "{sentence}");
    }
}
