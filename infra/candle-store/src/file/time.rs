//! Times in CSV files: RFC 3339 in UTC, Unix seconds or Unix milliseconds.

use chrono::{DateTime, NaiveDate, NaiveTime};
use sentinel_domain::timeframe::UnixMillis;

/// Reads times. Remembers the last date, because candles of one day stand together.
#[derive(Debug, Default)]
pub(super) struct TimeReader {
    date: [u8; 10],
    midnight: UnixMillis,
}

pub(super) const WITHOUT_ZONE: &str =
    "a time must say that it is UTC, such as 2024-01-01T00:00:00Z; add the Z if the times are UTC";
pub(super) const OTHER_ZONE: &str =
    "times must be UTC, ending in Z or +00:00, such as 2024-01-01T00:00:00Z; convert them before the import";
pub(super) const NO_TIME: &str = "a time must be RFC 3339 in UTC such as 2024-01-01T00:00:00Z, \
     Unix seconds (10 digits) or Unix milliseconds (13 digits)";

impl TimeReader {
    /// Returns the time that `cell` tells, or what may stand there instead.
    pub(super) fn read(&mut self, cell: &[u8]) -> Result<UnixMillis, &'static str> {
        if let Some(time) = self.read_usual(cell) {
            return Ok(time);
        }
        if !cell.is_empty() && cell.iter().all(u8::is_ascii_digit) {
            return read_unix(cell);
        }
        std::str::from_utf8(cell).map_err(|_| NO_TIME).and_then(read_rfc3339)
    }

    /// Reads `2024-01-01T00:00:00Z`, the form nearly all cells have, without going through a general parser.
    fn read_usual(&mut self, cell: &[u8]) -> Option<UnixMillis> {
        let (date, clock) = cell.split_first_chunk::<10>()?;
        let [b'T', h1, h2, b':', m1, m2, b':', s1, s2, b'Z'] = clock else { return None };
        if *date != self.date {
            self.midnight = midnight(std::str::from_utf8(date).ok()?)?;
            self.date = *date;
        }
        let two = |tens: &u8, ones: &u8| {
            (tens.is_ascii_digit() && ones.is_ascii_digit())
                .then(|| i64::from(tens - b'0') * 10 + i64::from(ones - b'0'))
        };
        let (hour, minute, second) = (two(h1, h2)?, two(m1, m2)?, two(s1, s2)?);
        let is_clock = hour < 24 && minute < 60 && second < 60;
        is_clock.then_some(self.midnight + ((hour * 60 + minute) * 60 + second) * 1_000)
    }
}

fn midnight(date: &str) -> Option<UnixMillis> {
    let date = NaiveDate::parse_from_str(date, "%Y-%m-%d").ok()?;
    Some(date.and_time(NaiveTime::MIN).and_utc().timestamp_millis())
}

/// Reads Unix time. The number of digits tells the unit: ten are seconds from 2001 to 2286, thirteen are milliseconds
/// of the same years; whatever else stands there is not guessed at.
fn read_unix(digits: &[u8]) -> Result<UnixMillis, &'static str> {
    let number = digits.iter().take(13).fold(0, |number: i64, digit| number * 10 + i64::from(digit - b'0'));
    match (digits.len(), digits[0]) {
        (10, b'1'..) => Ok(number * 1_000),
        (13, b'1'..) => Ok(number),
        _ => Err(NO_TIME),
    }
}

fn read_rfc3339(text: &str) -> Result<UnixMillis, &'static str> {
    match DateTime::parse_from_rfc3339(text) {
        Ok(time) if ["Z", "z", "+00:00"].iter().any(|utc| text.ends_with(utc)) => Ok(time.timestamp_millis()),
        Ok(_) => Err(OTHER_ZONE),
        // A Z behind it makes it a time; so the zone was all that lacked.
        Err(_) if DateTime::parse_from_rfc3339(&format!("{text}Z")).is_ok() => Err(WITHOUT_ZONE),
        Err(_) if midnight(text).is_some() => Err(WITHOUT_ZONE),
        Err(_) => Err(NO_TIME),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(cell: &str, expected: Result<UnixMillis, &'static str>) {
        assert_eq!(TimeReader::default().read(cell.as_bytes()), expected, "{cell}");
    }

    #[test]
    fn utc_in_every_form_is_one_time() {
        for cell in [
            "2019-06-26T08:45:00Z",
            "2019-06-26T08:45:00+00:00",
            "2019-06-26 08:45:00+00:00",
            "2019-06-26T08:45:00.000Z",
            "1561538700",
            "1561538700000",
        ] {
            check(cell, Ok(1_561_538_700_000));
        }
    }

    #[test]
    fn other_zones_and_none_are_refused() {
        check("2019-06-26T08:45:00+02:00", Err(OTHER_ZONE));
        check("2019-06-26T08:45:00-00:00", Err(OTHER_ZONE));
        check("2019-06-26T08:45:00", Err(WITHOUT_ZONE));
        check("2019-06-26 08:45:00", Err(WITHOUT_ZONE));
        check("2019-06-26", Err(WITHOUT_ZONE));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for cell in [
            "",
            "yesterday",
            "2019-02-30T00:00:00Z",
            "2019-06-26T24:00:00Z",
            "15615387",
            "1561538700000000",
            "0561538700",
        ] {
            check(cell, Err(NO_TIME));
        }
    }

    #[test]
    fn remembered_date_is_not_mistaken_for_another() {
        let mut reader = TimeReader::default();
        for (cell, hours) in [("1970-01-01T23:00:00Z", 23), ("1970-01-02T00:00:00Z", 24), ("1970-01-01T01:00:00Z", 1)] {
            assert_eq!(reader.read(cell.as_bytes()), Ok(hours * 3_600_000));
        }
    }
}
