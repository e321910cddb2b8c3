//! One run of one function, from the lease to its row in `job_metadata`.
//!
//! Every step is a commit that stands by itself: killed after any of them, the same request runs again to the same
//! end. Taking the lease and writing RUNNING is one commit; each commit of the function asks for the lease; writing
//! the end and letting go of the lease is one commit.

mod error;
mod start;

use std::any::Any;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::NaiveDate;
use futures_util::FutureExt;
use futures_util::future::join;
use sentinel_domain::clock::Clock;
use sentinel_domain::documents::{DocumentStore, Precondition};
use sentinel_domain::environment::Environment;
use sentinel_domain::events::CloudEvent;
use sentinel_domain::timeframe::UnixMillis;
use tracing::Instrument;

use crate::carrier::Carrier;
use crate::context::RunContext;
use crate::function::{Function, FunctionError, Report, chain};
use crate::holder::Holder;
use crate::job_run::{JobRun, JobStatus};
use crate::lease::Lease;

pub use self::error::RunError;
use self::start::{Plan, Start};

/// How long a lease lasts without being renewed: how long others wait for a run that was killed.
const LEASE_LASTS: Duration = Duration::from_secs(60);
/// How long the row of a run that has ended is kept: also how long an event is known to have been seen.
const RETENTION: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// What functions run on.
#[derive(Clone)]
pub struct Runtime {
    /// The hot store.
    pub store: Arc<dyn DocumentStore>,
    /// The environment whose names are used.
    pub environment: Environment,
    /// The time by which leases are held and messages are due: the machine's, unless all of the store's time is
    /// simulated. A moment that a run is to be about belongs into its [`RunRequest`], not here.
    pub clock: Arc<dyn Clock>,
    /// The commit that the program was built from.
    pub git_hash: String,
    /// Who runs.
    pub holder: Holder,
    /// How long a lease lasts without being renewed.
    pub lease_lasts: Duration,
    /// How long the rows of ended runs are kept; `None` for ever.
    pub retention: Option<Duration>,
    /// Hands on what a run has sent as soon as it has ended; without one, whoever delivers the outbox does.
    pub carrier: Option<Carrier>,
}

/// What a run is asked for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunRequest {
    /// The moment it is about; without one the event's, or now.
    pub at: Option<UnixMillis>,
    /// The logical date; without one the descriptor's rule.
    pub ds: Option<NaiveDate>,
    /// What starts it; `None` for the clock.
    pub event: Option<CloudEvent>,
}

impl RunRequest {
    /// Returns a request by the clock.
    #[must_use]
    pub fn scheduled_at(at: UnixMillis) -> Self {
        Self { at: Some(at), ..Self::default() }
    }

    /// Returns a request by an event.
    #[must_use]
    pub fn of_event(event: CloudEvent) -> Self {
        Self { event: Some(event), ..Self::default() }
    }
}

/// How a request ended that was not turned away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The function ran to its end: SUCCEEDED or PARTIAL.
    Ran(JobRun),
    /// The event was seen before; this is the run it had.
    Duplicate(JobRun),
}

impl Outcome {
    /// Returns the run's row.
    #[must_use]
    pub const fn job_run(&self) -> &JobRun {
        match self {
            Self::Ran(run) | Self::Duplicate(run) => run,
        }
    }
}

impl Runtime {
    /// Returns a runtime with the usual durations, held by this process.
    #[must_use]
    pub fn new(
        store: Arc<dyn DocumentStore>,
        environment: Environment,
        clock: Arc<dyn Clock>,
        git_hash: impl Into<String>,
    ) -> Self {
        Self {
            store,
            environment,
            clock,
            git_hash: git_hash.into(),
            holder: Holder::process(),
            lease_lasts: LEASE_LASTS,
            retention: Some(RETENTION),
            carrier: None,
        }
    }

    /// Runs `function` once, or tells why not. The same request again is harmless: an event that had its run is
    /// known, and what was killed goes on.
    ///
    /// # Errors
    ///
    /// See [`RunError`]; the cause is in the run's row, and in the log.
    pub async fn run_once(&self, function: &dyn Function, request: RunRequest) -> Result<Outcome, RunError> {
        let plan = self.plan(function.descriptor(), &request)?;
        let job = plan.descriptor.name;
        let span = tracing::info_span!("run", job, run.id = plan.run_id, ds = %plan.ds);
        let answer = self.run_planned(function, &plan).instrument(span.clone()).await;
        span.in_scope(|| match &answer {
            Ok(Outcome::Ran(run)) => tracing::info!(
                status = %run.status, rows_in = run.rows_in, rows_out = run.rows_out,
                rows_quarantined = run.rows_quarantined, run_ms = run.run_ms(), lag_ms = run.lag_ms(),
                attempt = run.attempt, "run ended"
            ),
            Ok(Outcome::Duplicate(_)) => tracing::info!("event seen before"),
            Err(error) if error.is_retryable() => tracing::warn!(error = chain(error), "run put off"),
            Err(error) => tracing::error!(error = chain(error), "run failed"),
        });
        answer
    }

    async fn run_planned(&self, function: &dyn Function, plan: &Plan<'_>) -> Result<Outcome, RunError> {
        let job = || plan.descriptor.name.to_owned();
        let (run, lease) = match self.start(plan).await? {
            Start::Started(run, lease) => (run, *lease),
            Start::Duplicate(run) => return Ok(Outcome::Duplicate(run)),
        };
        let ctx = self.context(plan, &run, lease);
        let result = self.attempt(function, plan, &ctx).await;
        let (run, failure) = self.ended(run, result);
        let is_own_lock = plan.lock == plan.run_id;
        // Side by side: what was sent is committed, whether or not the end can be.
        let (closed, ()) = join(self.close(&ctx, &run, is_own_lock), self.carry(&ctx)).await;
        match (failure, closed) {
            (Some(failure), _) => Err(failure),
            (None, Err(source)) => Err(RunError::Function { job: job(), source }),
            (None, Ok(())) => Ok(Outcome::Ran(run)),
        }
    }

    /// Hands on what the run has sent, also when it failed in the end: what it committed stays.
    async fn carry(&self, ctx: &RunContext) {
        if let Some(carrier) = &self.carrier {
            carrier.carry(self.store.as_ref(), self.environment, self.clock.now(), ctx.take_sent()).await;
        }
    }

    fn context(&self, plan: &Plan<'_>, run: &JobRun, lease: Lease) -> RunContext {
        RunContext {
            store: Arc::clone(&self.store),
            clock: Arc::clone(&self.clock),
            environment: self.environment,
            git_hash: self.git_hash.clone(),
            job_name: plan.descriptor.name.to_owned(),
            run_id: plan.run_id.clone(),
            at: plan.at,
            ds: plan.ds,
            attempt: run.attempt,
            lease,
            messages: AtomicU32::new(0),
            sent: Mutex::default(),
        }
    }

    /// Lets the function work, within its time, while the lease is kept alive.
    async fn attempt(&self, function: &dyn Function, plan: &Plan<'_>, ctx: &RunContext) -> Result<Report, RunError> {
        let job = || plan.descriptor.name.to_owned();
        let timeout = plan.descriptor.timeout;
        let work = AssertUnwindSafe(function.run(ctx, plan.event)).catch_unwind();
        tokio::select! {
            biased;
            done = tokio::time::timeout(timeout, work) => match done {
                Ok(Ok(Ok(report))) => Ok(report),
                Ok(Ok(Err(source))) => Err(RunError::Function { job: job(), source }),
                Ok(Err(panic)) => Err(RunError::Panicked { job: job(), message: panic_message(panic.as_ref()) }),
                Err(_) => Err(RunError::TimedOut { job: job(), timeout }),
            },
            source = ctx.lease.heartbeat(self.store.as_ref(), self.clock.as_ref(), self.lease_lasts) => {
                Err(RunError::Function { job: job(), source })
            }
        }
    }

    fn ended(&self, mut run: JobRun, result: Result<Report, RunError>) -> (JobRun, Option<RunError>) {
        run.ended = Some(self.clock.now());
        match result {
            Ok(report) => {
                run.status = report.status();
                (run.rows_in, run.rows_out) = (report.rows_in, report.rows_out);
                (run.rows_quarantined, run.notes) = (report.rows_quarantined, report.notes);
                (run, None)
            }
            Err(error) => {
                run.status = JobStatus::Failed;
                run.error = Some(chain(&error));
                (run, Some(error))
            }
        }
    }

    /// Writes the end and lets go of the lease. After a lost lease the row belongs to whoever took over.
    async fn close(&self, ctx: &RunContext, run: &JobRun, delete_lock: bool) -> Result<(), FunctionError> {
        let runs = ctx.records::<JobRun>();
        let mut write = runs.put(run, Precondition::Present)?;
        if let (Some(ended), Some(retention)) = (run.ended, self.retention) {
            write = write.expiring(ended + i64::try_from(retention.as_millis()).unwrap_or(i64::MAX / 4));
        }
        ctx.lease.release(self.store.as_ref(), vec![write], delete_lock).await
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Runtime");
        shown.field("store", &self.store).field("environment", &self.environment).field("holder", &self.holder);
        shown.finish_non_exhaustive()
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "without a message".to_owned())
}
