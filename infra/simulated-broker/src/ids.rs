//! Ids derive from content: the same account and commands give the same ids, also after a restart.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use sentinel_domain::hash::ContentHasher;
use sentinel_domain::timeframe::UnixMillis;

/// Returns the id of a thing in the form of a UUID: version 8, which leaves the rest to its maker.
pub(crate) fn uuid(kind: &str, account: &str, name: &str, sequence: usize) -> String {
    let sequence = i64::try_from(sequence).unwrap_or(i64::MAX);
    let hash = ContentHasher::new(kind).text(account).text(name).integers(&[sequence]).finish();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.as_bytes()[..16]);
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let mut text = String::with_capacity(36);
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        // Writing into a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Returns the id of an activity: its time in digits, then a UUID.
pub(crate) fn activity(time: UnixMillis, uuid: &str) -> String {
    let digits = DateTime::<Utc>::from_timestamp_millis(time)
        .map_or_else(|| time.to_string(), |time| time.format("%Y%m%d%H%M%S%3f").to_string());
    format!("{digits}::{uuid}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_the_form_of_uuids_and_derive_from_content() {
        let id = uuid("order", "a", "b", 1);
        assert_eq!(id, uuid("order", "a", "b", 1));
        assert_ne!(id, uuid("order", "a", "b", 2));
        let parts: Vec<_> = id.split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12]);
        assert_eq!(id.as_bytes()[14], b'8');
        assert_eq!(activity(1_643_846_400_123, "u"), "20220203000000123::u");
    }
}
