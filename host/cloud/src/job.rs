//! A job: one run, and its end is the end of the process.

use std::time::Duration;

use sentinel_function_runtime::{Function, Outcome, RunError, RunRequest, Runtime};
use thiserror::Error;

/// Between two looks at what a job waits for.
pub const PAUSE: Duration = Duration::from_secs(10);

/// Why a job did not come to its end.
#[derive(Debug, Error)]
pub enum JobError {
    /// The run.
    #[error(transparent)]
    Run(#[from] RunError),
    /// What it comes after, or another run of itself, took longer than the job has.
    #[error("waited {} s in vain: {last}", waited.as_secs())]
    Waited {
        /// How long.
        waited: Duration,
        /// What it was told last.
        last: RunError,
    },
}

/// Runs `function` once, about now. Waits by itself for the jobs it comes after, and for another run of its own to end,
/// looking each `pause`, as long as it may take at all: the platform would try again at once, and give up minutes too
/// early.
///
/// # Errors
/// See [`JobError`].
pub async fn run_job(function: &dyn Function, runtime: &Runtime, pause: Duration) -> Result<Outcome, JobError> {
    let waited_max = function.descriptor().timeout;
    // Fixed, so that each try is the same run.
    let request = RunRequest::scheduled_at(runtime.clock.now());
    let mut waited = Duration::ZERO;
    loop {
        let last = match runtime.run_once(function, request.clone()).await {
            Err(error @ (RunError::AfterNotMet { .. } | RunError::LeaseHeld { .. })) => error,
            ended => return Ok(ended?),
        };
        let wait = pause.min(waited_max.saturating_sub(waited));
        if wait.is_zero() {
            return Err(JobError::Waited { waited, last });
        }
        tracing::info!(reason = %last, "waiting");
        tokio::time::sleep(wait).await;
        waited += wait;
    }
}
