//! A table with a column of every kind, filled and empty.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use rust_decimal::{Decimal, dec};
use serde_json::json;

sentinel_domain::table! {
    /// A table to try a warehouse with.
    pub struct Probe in "probe" {
        grain: "one trial",
        key: ["probe_id", "series"],
        settled: "is_settled",
    }
    columns {
        /// The first part of the key.
        probe_id: String,
        /// The second part of the key.
        series: i64,
        /// A text.
        note: Option<String>,
        /// A whole number.
        whole: Option<i64>,
        /// A real number.
        real: Option<f64>,
        /// An exact number.
        money: Option<Decimal> ["USD"],
        /// A choice.
        is_settled: bool,
        /// A day.
        day: Option<NaiveDate>,
        /// A moment.
        seen_at: Option<DateTime<Utc>>,
        /// A list.
        labels: Vec<String>,
        /// A document.
        document: Option<serde_json::Value>,
        /// The moment the row is about.
        timestamp: DateTime<Utc>,
        /// Logical date.
        ds: NaiveDate [; Rule::DateOf("timestamp")],
    }
}

sentinel_domain::table! {
    /// A table that only grows.
    pub struct Tick in "ticks" {
        grain: "one tick",
        key: ["tick_id"],
        grows_by: "ticked_at",
    }
    columns {
        /// The key; it determines the time.
        tick_id: String,
        /// When.
        ticked_at: DateTime<Utc>,
        /// A text.
        note: Option<String>,
        /// Logical date.
        ds: NaiveDate [; Rule::DateOf("ticked_at")],
    }
}

/// Returns the `n`th tick: one hour after the one before, so that 24 of them share a day.
#[must_use]
pub fn tick(n: i64) -> Tick {
    let ticked_at = DateTime::UNIX_EPOCH + TimeDelta::days(19_723) + TimeDelta::hours(n);
    Tick { tick_id: format!("tick-{n:06}"), ticked_at, note: None, ds: ticked_at.date_naive() }
}

/// Returns the `n`th row: one minute after the one before, so that 1,440 of them share a day.
#[must_use]
pub fn probe(n: i64) -> Probe {
    let timestamp = DateTime::UNIX_EPOCH + TimeDelta::days(19_723) + TimeDelta::minutes(n);
    Probe {
        probe_id: format!("probe-{n:06}"),
        series: n % 7,
        note: Some(format!("it's the \"{n}\"th, ü and 🦀")),
        whole: Some(n - 5),
        real: Some(0.1 + f64::from(i32::try_from(n).unwrap_or_default()) / 3.0),
        money: Some(dec!(-0.123456789) + Decimal::from(n)),
        is_settled: false,
        day: Some(timestamp.date_naive()),
        seen_at: Some(timestamp + TimeDelta::microseconds(123_456)),
        labels: vec!["a, b".to_owned(), "c'd".to_owned(), "[\"e\"]".to_owned()],
        document: Some(json!({"n": n, "nested": {"list": [1, 2.5, null, true], "text": "it's"}})),
        timestamp,
        ds: timestamp.date_naive(),
    }
}

/// Returns the `n`th row with everything empty that may be.
#[must_use]
pub fn bare(n: i64) -> Probe {
    let full = probe(n);
    Probe {
        note: None,
        whole: None,
        real: None,
        money: None,
        day: None,
        seen_at: None,
        labels: Vec::new(),
        document: None,
        ..full
    }
}
