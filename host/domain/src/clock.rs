//! Where time comes from.
//!
//! No logic reads the time by itself: it is handed a [`Clock`] or a moment. The wall clock is not here, because this
//! crate does no I/O; it is `sentinel_function_runtime::WallClock`.

use std::fmt::Debug;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::timeframe::UnixMillis;

/// Tells the time, in UTC.
pub trait Clock: Send + Sync + Debug {
    /// Returns the present moment. It may lie before an earlier answer: clocks get corrected.
    fn now(&self) -> UnixMillis;
}

/// A clock that stands still until it is set: simulated time.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// Returns a clock that stands at `now`.
    #[must_use]
    pub const fn at(now: UnixMillis) -> Self {
        Self(AtomicI64::new(now))
    }

    /// Sets the clock, forwards or backwards.
    pub fn set(&self, now: UnixMillis) {
        self.0.store(now, Ordering::SeqCst);
    }

    /// Moves the clock on by `millis`.
    pub fn advance(&self, millis: i64) {
        self.0.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> UnixMillis {
        self.0.load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stands_still_until_set() {
        let clock = ManualClock::at(5);
        assert_eq!((clock.now(), clock.now()), (5, 5));
        clock.advance(10);
        assert_eq!(clock.now(), 15);
        clock.set(-1);
        assert_eq!(clock.now(), -1);
    }
}
