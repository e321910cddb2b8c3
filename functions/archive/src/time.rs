//! Moments and days: the domain counts milliseconds, tables hold dates.

use chrono::{Days, NaiveDate, NaiveTime};
use sentinel_domain::timeframe::{Timeframe, UnixMillis};
pub use sentinel_domain::timeframe::{date_of, utc};

/// Returns 00:00 UTC of a day.
#[must_use]
pub fn midnight(day: NaiveDate) -> UnixMillis {
    day.and_time(NaiveTime::MIN).and_utc().timestamp_millis()
}

/// Returns 00:00 UTC after a day.
#[must_use]
pub fn end_of(day: NaiveDate) -> UnixMillis {
    midnight(day) + Timeframe::D1.millis()
}

/// Returns the day `days` before another.
#[must_use]
pub fn days_before(day: NaiveDate, days: u64) -> NaiveDate {
    day.checked_sub_days(Days::new(days)).unwrap_or(day)
}

/// Returns a day's number since 1970-01-01, as the metrics count.
#[must_use]
pub fn day_number(day: NaiveDate) -> i64 {
    midnight(day).div_euclid(Timeframe::D1.millis())
}
