//! One run of one function, from the lease to its row in `job_metadata`.
//!
//! Every step is a commit that stands by itself: killed after any of them, the same request runs again to the same
//! end. Taking the lease and writing RUNNING is one commit; each commit of the function asks for the lease; writing
//! the end and letting go of the lease is one commit.

use std::any::Any;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use chrono::NaiveDate;
use futures_util::FutureExt;
use sentinel_domain::clock::Clock;
use sentinel_domain::documents::{DocumentStore, Precondition, Query, Record, Records, StoreError, Stored, Write};
use sentinel_domain::environment::Environment;
use sentinel_domain::events::CloudEvent;
use sentinel_domain::timeframe::UnixMillis;
use thiserror::Error;
use tracing::Instrument;

use crate::context::RunContext;
use crate::descriptor::FunctionDescriptor;
use crate::function::{Function, FunctionError, Report, chain};
use crate::holder::Holder;
use crate::job_run::{JobRun, JobStatus, RunEvent, run_id};
use crate::lease::{Lease, LeaseRow};

/// How long a lease lasts without being renewed: how long others wait for a run that was killed.
const LEASE_LASTS: Duration = Duration::from_secs(60);
/// How long the row of a run that has ended is kept: also how long an event is known to have been seen.
const RETENTION: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// How often starting is tried when somebody else starts at the same moment.
const START_ATTEMPTS: u32 = 3;

/// What functions run on.
#[derive(Clone)]
pub struct Runtime {
    /// The hot store.
    pub store: Arc<dyn DocumentStore>,
    /// The environment whose names are used.
    pub environment: Environment,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The commit that the program was built from.
    pub git_hash: String,
    /// Who runs.
    pub holder: Holder,
    /// How long a lease lasts without being renewed.
    pub lease_lasts: Duration,
    /// How long the rows of ended runs are kept; `None` for ever.
    pub retention: Option<Duration>,
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

/// Why a function was not run, or not to its end.
#[derive(Debug, Error)]
pub enum RunError {
    /// The event is of a type the function does not react to.
    #[error("{job} does not react to events of type {event_type}: it accepts {}", if accepted.is_empty() { "none".to_owned() } else { accepted.join(", ") })]
    WrongEventType {
        /// The function.
        job: String,
        /// The type it was given.
        event_type: String,
        /// The types it reacts to.
        accepted: Vec<&'static str>,
    },
    /// Another run holds the lease.
    #[error("{job} is running already: {holder} holds {lock} for another {} s at most", remaining_ms.div_euclid(1_000) + 1)]
    LeaseHeld {
        /// The function.
        job: String,
        /// The lease.
        lock: String,
        /// Who holds it.
        holder: String,
        /// How long it lasts, unless it is renewed.
        remaining_ms: i64,
    },
    /// A job that comes before has not ended well for this date.
    #[error("{job} for {ds} comes after {}: run that first", missing.join(", "))]
    AfterNotMet {
        /// The function.
        job: String,
        /// The logical date.
        ds: NaiveDate,
        /// The jobs that are missing.
        missing: Vec<String>,
    },
    /// The run took longer than its descriptor allows.
    #[error("{job} did not end within {} s: what it committed stays, run it again", timeout.as_secs())]
    TimedOut {
        /// The function.
        job: String,
        /// How long it had.
        timeout: Duration,
    },
    /// The function has a bug.
    #[error("{job} panicked: {message}")]
    Panicked {
        /// The function.
        job: String,
        /// What it said.
        message: String,
    },
    /// The function did not end.
    #[error("{job} failed")]
    Function {
        /// The function.
        job: String,
        /// Why.
        #[source]
        source: FunctionError,
    },
    /// The bookkeeping could not be read or written.
    #[error("the bookkeeping of {job} failed")]
    Store {
        /// The function.
        job: String,
        /// Why.
        #[source]
        source: StoreError,
    },
}

impl RunError {
    /// Returns whether the same request may succeed later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::LeaseHeld { .. } | Self::AfterNotMet { .. } | Self::TimedOut { .. } => true,
            Self::WrongEventType { .. } | Self::Panicked { .. } => false,
            Self::Function { source, .. } => source.is_retryable(),
            Self::Store { source, .. } => source.is_retryable() || source.is_conflict(),
        }
    }
}

/// What is known of a run before it starts.
struct Plan<'a> {
    descriptor: &'a FunctionDescriptor,
    run_id: String,
    lock: String,
    at: UnixMillis,
    ds: NaiveDate,
    event: Option<&'a CloudEvent>,
}

enum Start {
    Started(JobRun, Lease),
    Duplicate(JobRun),
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
                rows_quarantined = run.rows_quarantined, attempt = run.attempt, "run ended"
            ),
            Ok(Outcome::Duplicate(_)) => tracing::info!("event seen before"),
            Err(error) if error.is_retryable() => tracing::warn!(error = chain(error), "run put off"),
            Err(error) => tracing::error!(error = chain(error), "run failed"),
        });
        answer
    }

    fn plan<'a>(&self, descriptor: &'a FunctionDescriptor, request: &'a RunRequest) -> Result<Plan<'a>, RunError> {
        let job = descriptor.name;
        let event = request.event.as_ref();
        if let Some(event) = event {
            let accepted = descriptor.event_types();
            if !accepted.contains(&event.event_type.as_str()) {
                let (job, event_type) = (job.to_owned(), event.event_type.clone());
                return Err(RunError::WrongEventType { job, event_type, accepted });
            }
        }
        let at = request.at.or(event.and_then(|event| event.time)).unwrap_or_else(|| self.clock.now());
        let ds = request.ds.unwrap_or_else(|| descriptor.logical_date.of(at));
        let run_id = run_id(job, at, event);
        let lock = if descriptor.concurrency > 1 { run_id.clone() } else { job.to_owned() };
        Ok(Plan { descriptor, run_id, lock, at, ds, event })
    }

    async fn run_planned(&self, function: &dyn Function, plan: &Plan<'_>) -> Result<Outcome, RunError> {
        let job = || plan.descriptor.name.to_owned();
        let (run, lease) = match self.start(plan).await? {
            Start::Started(run, lease) => (run, lease),
            Start::Duplicate(run) => return Ok(Outcome::Duplicate(run)),
        };
        let ctx = self.context(plan, &run, lease);
        let result = self.attempt(function, plan, &ctx).await;
        let (run, failure) = self.ended(run, result);
        let is_own_lock = plan.lock == plan.run_id;
        let closed = self.close(&ctx, &run, is_own_lock).await;
        match (failure, closed) {
            (Some(failure), _) => Err(failure),
            (None, Err(source)) => Err(RunError::Function { job: job(), source }),
            (None, Ok(())) => Ok(Outcome::Ran(run)),
        }
    }

    /// Takes the lease and writes the row RUNNING, unless somebody is, or has been, faster.
    async fn start(&self, plan: &Plan<'_>) -> Result<Start, RunError> {
        let store_failed = |source| RunError::Store { job: plan.descriptor.name.to_owned(), source };
        let mut attempt = 1;
        loop {
            match self.try_start(plan).await {
                Err(RunError::Store { source, .. }) if source.is_conflict() && attempt < START_ATTEMPTS => attempt += 1,
                Err(error) => return Err(error),
                Ok(Err(run)) => return Ok(Start::Duplicate(run)),
                Ok(Ok(run)) => {
                    let leases = Records::<LeaseRow>::of(self.store.as_ref(), self.environment);
                    let stored = leases.get(&plan.lock).await.map_err(store_failed)?;
                    return self.held(plan, run, stored);
                }
            }
        }
    }

    /// Returns the row as it was started, or, as the inner error, the row of the run that the event had before.
    async fn try_start(&self, plan: &Plan<'_>) -> Result<Result<JobRun, JobRun>, RunError> {
        let store_failed = |source| RunError::Store { job: plan.descriptor.name.to_owned(), source };
        let runs = Records::<JobRun>::of(self.store.as_ref(), self.environment);
        let leases = Records::<LeaseRow>::of(self.store.as_ref(), self.environment);
        let earlier = runs.get(&plan.run_id).await.map_err(store_failed)?;
        if plan.event.is_some()
            && let Some(earlier) = earlier.as_ref().filter(|earlier| earlier.record.status.is_done())
        {
            return Ok(Err(earlier.record.clone()));
        }
        self.check_after(plan).await?;
        let now = self.clock.now();
        let lease = leases.get(&plan.lock).await.map_err(store_failed)?;
        self.check_free(plan, lease.as_ref(), now)?;
        let taken = self.taken(plan, lease.as_ref(), now);
        let run = self.started(plan, earlier.as_ref(), taken.token, now);
        let unchanged = earlier.as_ref().map_or(Precondition::Absent, Stored::unchanged);
        let free = lease.as_ref().map_or(Precondition::Absent, Stored::unchanged);
        let mut writes = self.abandoned(plan, lease.as_ref(), now).await.map_err(store_failed)?;
        writes.push(runs.put(&run, unchanged).map_err(store_failed)?);
        writes.push(leases.put(&taken, free).map_err(store_failed)?);
        self.store.commit(writes).await.map_err(store_failed)?;
        Ok(Ok(run))
    }

    async fn check_after(&self, plan: &Plan<'_>) -> Result<(), RunError> {
        let collection = self.environment.collection(JobRun::COLLECTION);
        let mut missing = Vec::new();
        for job in plan.descriptor.after {
            let done = [JobStatus::Succeeded, JobStatus::Partial].map(JobStatus::as_str);
            let query = Query::of(collection).equal("job_name", *job).equal("ds", plan.ds.to_string());
            let found = self.store.query(&query.one_of("status", done).limit(1)).await;
            let found = found.map_err(|source| RunError::Store { job: plan.descriptor.name.to_owned(), source })?;
            if found.is_empty() {
                missing.push((*job).to_owned());
            }
        }
        let job = plan.descriptor.name.to_owned();
        if missing.is_empty() { Ok(()) } else { Err(RunError::AfterNotMet { job, ds: plan.ds, missing }) }
    }

    fn check_free(&self, plan: &Plan<'_>, lease: Option<&Stored<LeaseRow>>, now: UnixMillis) -> Result<(), RunError> {
        let Some(LeaseRow { holder: Some(holder), .. }) = lease.map(|lease| &lease.record) else { return Ok(()) };
        let Some(row) = lease.map(|lease| &lease.record).filter(|row| !row.is_expired(now)) else { return Ok(()) };
        if self.holder.is_gone(holder) {
            return Ok(());
        }
        let (job, lock) = (plan.descriptor.name.to_owned(), plan.lock.clone());
        Err(RunError::LeaseHeld { job, lock, holder: holder.clone(), remaining_ms: row.expires_at() - now })
    }

    fn taken(&self, plan: &Plan<'_>, lease: Option<&Stored<LeaseRow>>, now: UnixMillis) -> LeaseRow {
        LeaseRow {
            lock: plan.lock.clone(),
            token: lease.map_or(0, |lease| lease.record.token) + 1,
            run_id: Some(plan.run_id.clone()),
            holder: Some(self.holder.name().to_owned()),
            renewed_at: now,
            lasts_ms: i64::try_from(self.lease_lasts.as_millis()).unwrap_or(i64::MAX / 4),
        }
    }

    fn started(&self, plan: &Plan<'_>, earlier: Option<&Stored<JobRun>>, token: i64, now: UnixMillis) -> JobRun {
        JobRun {
            run_id: plan.run_id.clone(),
            job_name: plan.descriptor.name.to_owned(),
            status: JobStatus::Running,
            ds: plan.ds,
            at: plan.at,
            git_hash: self.git_hash.clone(),
            attempt: earlier.map_or(0, |earlier| earlier.record.attempt).saturating_add(1),
            fencing_token: token,
            holder: self.holder.name().to_owned(),
            started: now,
            ended: None,
            rows_in: 0,
            rows_out: 0,
            rows_quarantined: 0,
            notes: Vec::new(),
            error: None,
            event: plan.event.map(|event| RunEvent {
                source: event.source.clone(),
                id: event.id.clone(),
                event_type: event.event_type.clone(),
            }),
        }
    }

    /// Returns the write that says of another run, whose lease is being taken over, that it will not end.
    async fn abandoned(
        &self,
        plan: &Plan<'_>,
        lease: Option<&Stored<LeaseRow>>,
        now: UnixMillis,
    ) -> Result<Vec<Write>, StoreError> {
        let other = lease.and_then(|lease| lease.record.run_id.as_ref()).filter(|run_id| **run_id != plan.run_id);
        let Some(other) = other else { return Ok(Vec::new()) };
        let runs = Records::<JobRun>::of(self.store.as_ref(), self.environment);
        let Some(mut run) = runs.get(other).await?.filter(|run| run.record.status == JobStatus::Running) else {
            return Ok(Vec::new());
        };
        run.record.status = JobStatus::Failed;
        run.record.ended = Some(now);
        run.record.error = Some(format!("{} was stopped before it ended; run it again", run.record.holder));
        Ok(vec![runs.put_back(&run)?])
    }

    fn held(&self, plan: &Plan<'_>, run: JobRun, stored: Option<Stored<LeaseRow>>) -> Result<Start, RunError> {
        let own = stored.filter(|stored| {
            stored.record.token == run.fencing_token && stored.record.run_id.as_deref() == Some(plan.run_id.as_str())
        });
        let lost = || RunError::Function {
            job: plan.descriptor.name.to_owned(),
            source: FunctionError::LeaseLost { lock: plan.lock.clone() },
        };
        Ok(Start::Started(run, Lease::new(self.environment, own.ok_or_else(lost)?)))
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
