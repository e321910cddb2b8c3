//! A job waits by itself for those it comes after, and ends as its run has ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use sentinel_cloud::{JobError, run_job};
use sentinel_domain::clock::ManualClock;
use sentinel_domain::environment::Environment;
use sentinel_domain::events::CloudEvent;
use sentinel_function_runtime::{
    Function, FunctionDescriptor, FunctionError, JobStatus, LogicalDate, Outcome, Report, RunContext, RunError,
    RunRequest, Runtime, Trigger,
};

use crate::world::{Machine, NOW};

const PAUSE: Duration = Duration::from_millis(50);
const NIGHTLY: &[Trigger] = &[Trigger::Schedule { cron: "5 0 * * *" }];

struct Nightly {
    descriptor: FunctionDescriptor,
    runs: AtomicU32,
    fails: bool,
}

impl Nightly {
    fn new(name: &'static str, after: &'static [&'static str]) -> Self {
        let timeout = Duration::from_secs(2);
        let descriptor = FunctionDescriptor {
            triggers: NIGHTLY,
            logical_date: LogicalDate::DayEnded,
            after,
            timeout,
            ..FunctionDescriptor::new(name)
        };
        Self { descriptor, runs: AtomicU32::new(0), fails: false }
    }
}

#[async_trait]
impl Function for Nightly {
    fn descriptor(&self) -> &FunctionDescriptor {
        &self.descriptor
    }

    async fn run(&self, _: &RunContext, _: Option<&CloudEvent>) -> Result<Report, FunctionError> {
        self.runs.fetch_add(1, Ordering::SeqCst);
        if self.fails { Err(FunctionError::failed("the night", "on purpose")) } else { Ok(Report::default()) }
    }
}

fn runtime(machine: &Machine) -> Runtime {
    let clock = Arc::new(ManualClock::at(NOW));
    Runtime::new(Arc::new(machine.store()), Environment::Test, clock, "abc123")
}

#[tokio::test]
async fn a_job_waits_for_those_it_comes_after() {
    let machine = Machine::new();
    let runtime = runtime(&machine);
    let (first, second) = (Nightly::new("archive-trades", &[]), Nightly::new("patch-fees", &["archive-trades"]));
    let late = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        run_job(&first, &runtime, PAUSE).await.unwrap()
    };
    let (ended, _) = tokio::join!(run_job(&second, &runtime, PAUSE), late);
    let ended = ended.unwrap();
    assert_eq!((ended.job_run().status, second.runs.load(Ordering::SeqCst)), (JobStatus::Succeeded, 1));
    assert_eq!(ended.job_run().ds.to_string(), "2025-01-01", "the day that has ended");
}

#[tokio::test]
async fn a_job_that_waits_in_vain_fails_within_its_time() {
    let machine = Machine::new();
    let second = Nightly::new("patch-fees", &["archive-trades"]);
    let job = runtime(&machine);
    let error =
        tokio::time::timeout(Duration::from_secs(10), run_job(&second, &job, PAUSE)).await.unwrap().unwrap_err();
    assert!(matches!(error, JobError::Waited { last: RunError::AfterNotMet { .. }, .. }), "{error}");
    assert!(error.to_string().starts_with("waited 2 s in vain: patch-fees for 2025-01-01 comes after archive-trades"));
    assert_eq!(second.runs.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_job_whose_run_failed_has_failed() {
    let machine = Machine::new();
    let failing = Nightly { fails: true, ..Nightly::new("archive-trades", &[]) };
    let error = run_job(&failing, &runtime(&machine), PAUSE).await.unwrap_err();
    assert!(matches!(error, JobError::Run(RunError::Function { .. })), "{error}");
    // Begun again by the platform, it is another run, of the same day.
    let good = Nightly::new("archive-trades", &[]);
    assert!(matches!(run_job(&good, &runtime(&machine), PAUSE).await.unwrap(), Outcome::Ran(_)));
    let request = RunRequest::scheduled_at(NOW);
    runtime(&machine).run_once(&Nightly::new("patch-fees", &["archive-trades"]), request).await.unwrap();
}
