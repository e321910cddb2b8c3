//! What a function says about itself, for those who start it: `sentinel functions --json`, Terraform, the scheduler.

use std::time::Duration;

use chrono::{DateTime, Days, NaiveDate, Utc};
use sentinel_domain::timeframe::UnixMillis;
use serde::{Serialize, Serializer};
use serde_json::Value;

/// The type of the event that a bucket sends when a file has been written whole.
pub const OBJECT_FINALIZED: &str = "google.cloud.storage.object.v1.finalized";

/// What starts a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Trigger {
    /// The clock, in UTC.
    Schedule {
        /// Minute, hour, day of month, month, day of week.
        cron: &'static str,
    },
    /// An event published by another function.
    Event {
        /// Its CloudEvents type.
        event_type: &'static str,
    },
    /// An event that its sender asked to be delivered later.
    Task {
        /// Its CloudEvents type.
        event_type: &'static str,
    },
    /// A file written whole into the strategies bucket, or folder.
    ObjectFinalized,
}

impl Trigger {
    /// Returns the CloudEvents type that it reacts to; `None` for the clock.
    #[must_use]
    pub const fn event_type(self) -> Option<&'static str> {
        match self {
            Self::Schedule { .. } => None,
            Self::Event { event_type } | Self::Task { event_type } => Some(event_type),
            Self::ObjectFinalized => Some(OBJECT_FINALIZED),
        }
    }
}

/// Which day a run is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LogicalDate {
    /// The day that its moment falls on.
    SameDay,
    /// The day before: what runs just after midnight is about the day that has ended.
    DayEnded,
}

impl LogicalDate {
    /// Returns the logical date of a run at `at`.
    #[must_use]
    pub fn of(self, at: UnixMillis) -> NaiveDate {
        let day = DateTime::<Utc>::from_timestamp_millis(at).unwrap_or(DateTime::UNIX_EPOCH).date_naive();
        match self {
            Self::SameDay => day,
            Self::DayEnded => day.checked_sub_days(Days::new(1)).unwrap_or(day),
        }
    }
}

/// One function: what it is, what starts it, and what it may use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FunctionDescriptor {
    /// Verb and noun: `archive-trades`.
    pub name: &'static str,
    /// What it does, in one line.
    pub description: &'static str,
    /// What starts it.
    pub triggers: &'static [Trigger],
    /// Jobs that must have ended SUCCEEDED or PARTIAL for the same logical date.
    pub after: &'static [&'static str],
    /// Which day a run is about.
    pub logical_date: LogicalDate,
    /// How long a run may take.
    #[serde(rename = "timeout_seconds", serialize_with = "as_seconds")]
    pub timeout: Duration,
    /// Memory, in MiB.
    pub memory_mib: u32,
    /// How many runs may be in progress at once: with 1 they take turns, with more only runs of one and the same
    /// event do.
    pub concurrency: u32,
    /// How often whoever started it tries again.
    pub retries: u32,
}

impl FunctionDescriptor {
    /// Returns the descriptor of a function without triggers, to be filled in by `..FunctionDescriptor::new("name")`.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self {
            name,
            description: "",
            triggers: &[],
            after: &[],
            logical_date: LogicalDate::SameDay,
            timeout: Duration::from_secs(300),
            memory_mib: 512,
            concurrency: 1,
            retries: 3,
        }
    }

    /// Returns the CloudEvents types that it reacts to, each once.
    #[must_use]
    pub fn event_types(&self) -> Vec<&'static str> {
        let mut types: Vec<_> = self.triggers.iter().filter_map(|trigger| trigger.event_type()).collect();
        types.sort_unstable();
        types.dedup();
        types
    }

    /// Returns whether the clock starts it.
    #[must_use]
    pub fn is_scheduled(&self) -> bool {
        self.triggers.iter().any(|trigger| matches!(trigger, Trigger::Schedule { .. }))
    }

    /// Returns the form that `sentinel functions --json` prints.
    #[must_use]
    pub fn to_json(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

fn as_seconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(duration.as_secs())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_names_units_and_kinds() {
        let descriptor = FunctionDescriptor {
            triggers: &[
                Trigger::Schedule { cron: "5 0 * * *" },
                Trigger::Task { event_type: "sentinel.order.submitted.v1" },
                Trigger::ObjectFinalized,
            ],
            after: &["archive-trades"],
            ..FunctionDescriptor::new("sync-positions")
        };
        let json = descriptor.to_json();
        assert_eq!(json["triggers"][0], json!({ "kind": "schedule", "cron": "5 0 * * *" }));
        assert_eq!(json["triggers"][2], json!({ "kind": "object_finalized" }));
        assert_eq!((&json["timeout_seconds"], &json["logical_date"]), (&json!(300), &json!("same_day")));
        assert_eq!(descriptor.event_types(), [OBJECT_FINALIZED, "sentinel.order.submitted.v1"]);
        assert!(descriptor.is_scheduled());
    }

    #[test]
    fn what_runs_after_midnight_is_about_the_day_before() {
        let at = 1_735_689_900_000; // 2025-01-01T00:05:00Z
        assert_eq!(LogicalDate::SameDay.of(at).to_string(), "2025-01-01");
        assert_eq!(LogicalDate::DayEnded.of(at).to_string(), "2024-12-31");
    }
}
