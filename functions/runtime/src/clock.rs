//! The wall clock, the one place where the machine's time is read.

use sentinel_domain::clock::Clock;
use sentinel_domain::timeframe::UnixMillis;

/// The time of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct WallClock;

impl Clock for WallClock {
    #[expect(clippy::disallowed_methods, reason = "this is the live clock")]
    fn now(&self) -> UnixMillis {
        chrono::Utc::now().timestamp_millis()
    }
}
