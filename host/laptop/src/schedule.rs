//! When the clock starts which function, read from the functions' own descriptors.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use croner::Cron;
use croner::errors::CronError;
use sentinel_domain::timeframe::UnixMillis;
use sentinel_function_runtime::{FunctionDescriptor, Trigger};
use thiserror::Error;

/// A descriptor names a schedule that cannot be read.
#[derive(Debug, Error)]
#[error("the schedule {cron:?} of {name} cannot be read: {source}")]
pub struct ScheduleError {
    /// The function.
    name: &'static str,
    /// What it says.
    cron: &'static str,
    /// What is wrong with it.
    source: CronError,
}

/// A function and the moment that a run of it is due at, in Unix milliseconds.
pub type Due = (UnixMillis, &'static str);

/// The schedules of some functions, in UTC.
#[derive(Debug, Clone)]
pub struct Schedule {
    entries: Vec<(&'static str, Cron)>,
}

impl Schedule {
    /// Reads the schedules of `functions`; those that only events start have none.
    ///
    /// # Errors
    /// When a schedule cannot be read.
    pub fn of<'a>(functions: impl IntoIterator<Item = &'a FunctionDescriptor>) -> Result<Self, ScheduleError> {
        let mut entries = Vec::new();
        for FunctionDescriptor { name, triggers, .. } in functions {
            for trigger in *triggers {
                if let Trigger::Schedule { cron } = trigger {
                    let read = Cron::from_str(cron).map_err(|source| ScheduleError { name, cron, source })?;
                    entries.push((*name, read));
                }
            }
        }
        Ok(Self { entries })
    }

    /// Returns what is due after `after` and up to `until`, in the order of time; a function that is due several times
    /// is named at the first of them.
    #[must_use]
    pub fn due(&self, after: UnixMillis, until: UnixMillis) -> Vec<Due> {
        let mut due: Vec<Due> =
            self.entries.iter().filter_map(|(name, cron)| Some((next(cron, after)?, *name))).collect();
        due.retain(|(time, _)| *time <= until);
        due.sort_unstable();
        due
    }

    /// Returns when `name` is due next after `after`.
    #[must_use]
    pub fn next(&self, name: &str, after: UnixMillis) -> Option<UnixMillis> {
        self.entries.iter().filter(|(of, _)| *of == name).filter_map(|(_, cron)| next(cron, after)).min()
    }

    /// Returns when `name` was due last, at `at` or before.
    #[must_use]
    pub fn last(&self, name: &str, at: UnixMillis) -> Option<UnixMillis> {
        let before = |cron: &Cron| Some(cron.find_previous_occurrence(&time(at)?, true).ok()?.timestamp_millis());
        self.entries.iter().filter(|(of, _)| *of == name).filter_map(|(_, cron)| before(cron)).max()
    }
}

fn next(cron: &Cron, after: UnixMillis) -> Option<UnixMillis> {
    Some(cron.find_next_occurrence(&time(after)?, false).ok()?.timestamp_millis())
}

fn time(millis: UnixMillis) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_millis(millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000;
    const HOUR: i64 = 60 * MINUTE;
    /// 2024-01-01.
    const MIDNIGHT: i64 = 1_704_067_200_000;

    fn schedule() -> Schedule {
        let nightly = FunctionDescriptor {
            triggers: &[Trigger::Schedule { cron: "5 0 * * *" }],
            ..FunctionDescriptor::new("archive-trades")
        };
        let often = FunctionDescriptor {
            triggers: &[Trigger::Schedule { cron: "*/5 * * * *" }],
            ..FunctionDescriptor::new("expire-signals")
        };
        let never = FunctionDescriptor {
            triggers: &[Trigger::Event { event_type: "x" }],
            ..FunctionDescriptor::new("evaluate-strategies")
        };
        Schedule::of([&nightly, &often, &never]).unwrap()
    }

    #[test]
    fn each_function_is_due_once_in_a_span_and_in_order() {
        let due = schedule().due(MIDNIGHT, MIDNIGHT + HOUR);
        assert_eq!(due, [(MIDNIGHT + 5 * MINUTE, "archive-trades"), (MIDNIGHT + 5 * MINUTE, "expire-signals")]);
        assert_eq!(schedule().due(MIDNIGHT + HOUR, MIDNIGHT + 2 * HOUR).len(), 1);
        assert_eq!(schedule().due(MIDNIGHT, MIDNIGHT + 4 * MINUTE), []);
    }

    #[test]
    fn span_leaves_out_its_beginning_and_holds_its_end() {
        let five = MIDNIGHT + 5 * MINUTE;
        assert_eq!(schedule().due(five - 1, five).len(), 2);
        assert_eq!(schedule().due(five, five + 1), []);
        assert_eq!(schedule().next("archive-trades", five), Some(five + 24 * HOUR));
        assert_eq!(schedule().last("archive-trades", five), Some(five));
        assert_eq!(schedule().last("archive-trades", five - 1), Some(five - 24 * HOUR));
        assert_eq!(schedule().next("evaluate-strategies", five), None);
    }

    #[test]
    fn schedule_that_cannot_be_read_names_its_function() {
        let wrong = FunctionDescriptor {
            triggers: &[Trigger::Schedule { cron: "61 * * * *" }],
            ..FunctionDescriptor::new("archive-trades")
        };
        let error = Schedule::of([&wrong]).unwrap_err().to_string();
        assert!(error.starts_with("the schedule \"61 * * * *\" of archive-trades cannot be read"), "{error}");
    }
}
