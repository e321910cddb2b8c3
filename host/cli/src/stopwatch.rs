//! The only clock of this binary: how long something took, for people to read.

use std::time::{Duration, Instant};

/// Returns what `work` gives and how long it took.
#[expect(clippy::disallowed_methods, reason = "a measured time is shown to people and decides nothing")]
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed())
}
