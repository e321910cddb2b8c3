//! What the schedules name between two moments, the work of the nights above all.

use sentinel_domain::timeframe::{Timeframe, UnixMillis};
use sentinel_function_runtime::{Outcome, RunError, RunRequest};

use super::{Simulation, SimulationError};
use crate::schedule::{Due, Schedule, ScheduleError};

/// What each moment runs by itself.
const AT_EACH_MOMENT: [&str; 3] = ["ingest-candles", "execute-signals", "sync-positions"];

impl Simulation {
    /// Runs what runs in the night after `time`, and returns how each run ended.
    ///
    /// # Errors
    /// When a function fails.
    pub async fn night(&self, time: UnixMillis) -> Result<Vec<Outcome>, SimulationError> {
        let due = self.between_moments()?.due(time, time + Timeframe::D1.millis() - 1);
        self.run_all(due).await
    }

    /// Returns the schedules of what no moment runs by itself.
    pub(super) fn between_moments(&self) -> Result<Schedule, ScheduleError> {
        let functions = self.desktop.functions().map(|function| function.descriptor());
        Schedule::of(functions.filter(|descriptor| !AT_EACH_MOMENT.contains(&descriptor.name)))
    }

    /// Runs functions at the times they are due.
    pub(super) async fn run_all(&self, due: Vec<Due>) -> Result<Vec<Outcome>, SimulationError> {
        let mut ended = Vec::new();
        for (at, name) in due {
            self.set_clock(at);
            match self.desktop.run(name, RunRequest::scheduled_at(at)).await {
                // Begun in the midst of a night: what it comes after has not run in simulated time.
                Err(RunError::AfterNotMet { .. }) => {}
                ran => ended.push(ran?),
            }
        }
        if !ended.is_empty() {
            self.deliver().await?;
        }
        Ok(ended)
    }
}
