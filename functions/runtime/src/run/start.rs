//! How a run begins: what is asked for, whether it may, and the one commit that makes it so.

use std::sync::atomic::{AtomicU64, Ordering};

use chrono::NaiveDate;
use futures_util::future::try_join;
use sentinel_domain::documents::{Precondition, Query, Record, Records, StoreError, Stored, Write};
use sentinel_domain::events::CloudEvent;
use sentinel_domain::timeframe::UnixMillis;

use super::{RunError, RunRequest, Runtime};
use crate::descriptor::FunctionDescriptor;
use crate::function::FunctionError;
use crate::job_run::{JobRun, JobStatus, RunEvent, run_id};
use crate::lease::{Lease, LeaseRow};

/// Counts the leases that this process has tried to take.
static TAKERS: AtomicU64 = AtomicU64::new(1);

/// How often starting is tried when somebody else starts at the same moment.
const START_ATTEMPTS: u32 = 3;

/// What is known of a run before it starts.
pub(super) struct Plan<'a> {
    pub(super) descriptor: &'a FunctionDescriptor,
    pub(super) run_id: String,
    pub(super) lock: String,
    pub(super) at: UnixMillis,
    pub(super) ds: NaiveDate,
    pub(super) event: Option<&'a CloudEvent>,
}

pub(super) enum Start {
    Started(JobRun, Box<Lease>),
    Duplicate(JobRun),
}

impl Runtime {
    pub(super) fn plan<'a>(
        &self,
        descriptor: &'a FunctionDescriptor,
        request: &'a RunRequest,
    ) -> Result<Plan<'a>, RunError> {
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

    /// Takes the lease and writes the row RUNNING, unless somebody is, or has been, faster.
    pub(super) async fn start(&self, plan: &Plan<'_>) -> Result<Start, RunError> {
        let mut attempt = 1;
        loop {
            match self.try_start(plan).await {
                Err(RunError::Store { source, .. }) if source.is_conflict() && attempt < START_ATTEMPTS => attempt += 1,
                done => return done,
            }
        }
    }

    async fn try_start(&self, plan: &Plan<'_>) -> Result<Start, RunError> {
        let store_failed = |source| RunError::Store { job: plan.descriptor.name.to_owned(), source };
        let runs = Records::<JobRun>::of(self.store.as_ref(), self.environment);
        let leases = Records::<LeaseRow>::of(self.store.as_ref(), self.environment);
        // Side by side: what is committed holds to both, whenever they were read.
        let read = try_join(runs.get(&plan.run_id), leases.get(&plan.lock)).await;
        let (earlier, lease) = read.map_err(store_failed)?;
        if plan.event.is_some()
            && let Some(earlier) = earlier.as_ref().filter(|earlier| earlier.record.status.is_done())
        {
            return Ok(Start::Duplicate(earlier.record.clone()));
        }
        self.check_after(plan).await?;
        let now = self.clock.now();
        self.check_free(plan, lease.as_ref(), now)?;
        let taken = self.taken(plan, lease.as_ref(), now);
        let run = self.started(plan, earlier.as_ref(), taken.token, now);
        let unchanged = earlier.as_ref().map_or(Precondition::Absent, Stored::unchanged);
        let free = lease.as_ref().map_or(Precondition::Absent, Stored::unchanged);
        let mut writes = self.abandoned(plan, lease.as_ref(), now).await.map_err(store_failed)?;
        writes.push(runs.put(&run, unchanged).map_err(store_failed)?);
        writes.push(leases.put(&taken, free).map_err(store_failed)?);
        let committed = self.store.commit_told(writes).await;
        let told = committed.as_ref().ok().and_then(|told| told.version_of(leases.collection(), &plan.lock));
        if let Some(version) = told.cloned() {
            let own = Stored { record: taken, version, expire_at: None };
            return Ok(Start::Started(run, Box::new(Lease::new(self.environment, own))));
        }
        // Read to learn the lease's version, and whether a commit was made whose answer was lost.
        let is_unknown = committed.as_ref().is_err_and(StoreError::is_retryable);
        if committed.is_ok() || is_unknown {
            let stored = leases.get(&plan.lock).await.map_err(store_failed)?;
            if let Some(own) = stored.filter(|stored| stored.record.taker == taken.taker) {
                return Ok(Start::Started(run, Box::new(Lease::new(self.environment, own))));
            }
        }
        committed.map_err(store_failed)?;
        let source = FunctionError::LeaseLost { lock: plan.lock.clone() };
        Err(RunError::Function { job: plan.descriptor.name.to_owned(), source })
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
            taker: Some(format!("{}#{}", self.holder.name(), TAKERS.fetch_add(1, Ordering::Relaxed))),
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
                subject: event.subject.clone(),
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
}
