//! Values on the command line that are more than text.

use chrono::{DateTime, NaiveDate, NaiveTime};
use sentinel_domain::timeframe::UnixMillis;

/// Reads a day, `2024-01-01`, as its midnight UTC, or a time in RFC 3339.
pub(crate) fn time(text: &str) -> Result<UnixMillis, String> {
    if let Ok(day) = text.parse::<NaiveDate>() {
        return Ok(day.and_time(NaiveTime::MIN).and_utc().timestamp_millis());
    }
    DateTime::parse_from_rfc3339(text)
        .map(|time| time.timestamp_millis())
        .map_err(|_| "write a day such as 2024-01-31 or a time such as 2024-01-31T12:00:00Z; both are UTC".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_times_are_read() {
        assert_eq!(time("1970-01-02"), Ok(86_400_000));
        assert_eq!(time("1970-01-01T01:00:00+01:00"), Ok(0));
        assert!(time("1/2/2024").is_err_and(|message| message.contains("2024-01-31")));
    }
}
