//! How fast simulated time passes.

use std::time::{Duration, Instant};

use sentinel_domain::timeframe::UnixMillis;

use crate::stopwatch;

/// Holds simulated time back to so many times the speed of real time.
#[derive(Debug)]
pub(super) struct Pace {
    speed: Option<f64>,
    began: Instant,
    from: UnixMillis,
}

impl Pace {
    /// Begins now, at `from`; without a speed nothing is held back.
    pub(super) fn new(speed: Option<f64>, from: UnixMillis) -> Self {
        Self { speed, began: stopwatch::start(), from }
    }

    /// Returns how long to wait until it is `time`.
    pub(super) fn until(&self, time: UnixMillis) -> Duration {
        let Some(speed) = self.speed else { return Duration::ZERO };
        #[expect(clippy::cast_precision_loss, reason = "a span of milliseconds is exact for 285,000 years")]
        let seconds = (time - self.from).max(0) as f64 / 1_000.0 / speed;
        let due = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
        due.saturating_sub(self.began.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hour_at_an_hour_a_second_takes_a_second() {
        let pace = Pace::new(Some(3_600.0), 5);
        let wait = pace.until(5 + 3_600_000);
        assert!(wait > Duration::from_millis(900) && wait <= Duration::from_secs(1), "{wait:?}");
        assert_eq!(pace.until(0), Duration::ZERO);
        assert_eq!(Pace::new(None, 0).until(i64::MAX), Duration::ZERO);
    }
}
