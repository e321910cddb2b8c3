//! Moments and days: the domain counts milliseconds, tables hold dates.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use sentinel_domain::timeframe::{Timeframe, UnixMillis};

/// Returns a moment as tables hold it.
#[must_use]
pub fn utc(time: UnixMillis) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(time).unwrap_or(DateTime::UNIX_EPOCH)
}

/// Returns the UTC date of a moment.
#[must_use]
pub fn date_of(time: UnixMillis) -> NaiveDate {
    utc(time).date_naive()
}

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
