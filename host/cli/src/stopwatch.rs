//! The only clocks of this binary: how long something took, for people to read, and what time it is, for downloads.

use std::time::{Duration, Instant};

use sentinel_domain::timeframe::UnixMillis;

/// Returns what `work` gives and how long it took.
#[expect(clippy::disallowed_methods, reason = "a measured time is shown to people and decides nothing")]
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed())
}

/// Returns now, to tell later how long ago it was.
#[expect(clippy::disallowed_methods, reason = "how fast simulated time passes decides nothing")]
pub(crate) fn start() -> Instant {
    Instant::now()
}

/// Returns the time: a download must not take a candle that is still open for a closed one.
#[expect(clippy::disallowed_methods, reason = "the binary is where the clock comes from")]
pub(crate) fn now() -> UnixMillis {
    chrono::Utc::now().timestamp_millis()
}
