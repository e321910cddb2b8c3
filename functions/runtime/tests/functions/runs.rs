//! What a run leaves behind, and which runs are turned away.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use chrono::NaiveDate;
use sentinel_domain::documents::{Collection, Precondition, StoreError, Write};
use sentinel_domain::events::CloudEvent;
use sentinel_function_runtime::{
    FunctionDescriptor, FunctionError, JobRun, JobStatus, LogicalDate, Message, Outcome, Report, RunError, RunRequest,
};
use serde_json::json;

use crate::support::{Account, NOW, World, event, function, idle, writing};

fn scheduled() -> RunRequest {
    RunRequest::scheduled_at(NOW)
}

#[tokio::test]
async fn a_run_leaves_its_row() {
    let world = World::new();
    let mut function = function("archive-trades", |_, _| {
        Box::pin(async { Ok(Report { rows_in: 3, rows_out: 2, rows_quarantined: 1, notes: vec!["odd".to_owned()] }) })
    });
    function.descriptor.logical_date = LogicalDate::DayEnded;
    let outcome = world.runtime.run_once(&function, scheduled()).await.unwrap();
    let JobRun { run_id, .. } = outcome.job_run().clone();
    let expected = JobRun {
        run_id,
        job_name: "archive-trades".to_owned(),
        status: JobStatus::Partial,
        ds: NaiveDate::from_ymd_opt(2025, 1, 1).unwrap(),
        at: NOW,
        git_hash: "abc123".to_owned(),
        attempt: 1,
        fencing_token: 1,
        holder: "first".to_owned(),
        started: NOW,
        ended: Some(NOW),
        rows_in: 3,
        rows_out: 2,
        rows_quarantined: 1,
        notes: vec!["odd".to_owned()],
        error: None,
        event: None,
    };
    assert_eq!(outcome, Outcome::Ran(expected.clone()));
    assert_eq!(world.job_runs().await, [expected]);
}

#[tokio::test]
async fn a_failure_is_recorded_with_its_causes_and_the_next_attempt_goes_on_in_the_same_row() {
    let world = World::new();
    let function = function("patch-fees", |ctx, _| {
        Box::pin(async move {
            let cause = std::io::Error::other("connection refused");
            if ctx.attempt() == 1 {
                Err(FunctionError::unavailable("cannot ask the broker", cause))
            } else {
                Ok(Report::default())
            }
        })
    });
    let error = world.runtime.run_once(&function, scheduled()).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    let run = &world.job_runs().await[0];
    assert_eq!((run.status, run.ended), (JobStatus::Failed, Some(NOW)));
    assert_eq!(run.error.as_deref(), Some("patch-fees failed: cannot ask the broker: connection refused"));
    world.runtime.run_once(&function, scheduled()).await.unwrap();
    let runs = world.job_runs().await;
    assert_eq!((runs.len(), runs[0].status, runs[0].attempt, runs[0].fencing_token), (1, JobStatus::Succeeded, 2, 2));
    assert_eq!(runs[0].error, None);
}

#[tokio::test]
async fn a_panic_and_a_run_out_of_time_are_failures_that_free_the_lease() {
    let world = World::new();
    let panicking = function("job", |_, _| Box::pin(async { panic!("index 7 out of range") }));
    let error = world.runtime.run_once(&panicking, scheduled()).await.unwrap_err();
    assert_eq!(error.to_string(), "job panicked: index 7 out of range");
    let mut slow = function("job", |_, _| Box::pin(std::future::pending()));
    slow.descriptor.timeout = Duration::from_millis(30);
    let error = world.runtime.run_once(&slow, scheduled()).await.unwrap_err();
    assert!(matches!(error, RunError::TimedOut { .. }) && error.is_retryable(), "{error}");
    assert_eq!(world.job_runs().await[0].status, JobStatus::Failed);
    world.runtime.run_once(&idle("job"), scheduled()).await.unwrap();
}

#[tokio::test]
async fn an_event_has_one_run_however_often_it_comes() {
    let world = World::new();
    let function = writing("evaluate-strategies");
    let first = world.runtime.run_once(&function, RunRequest::of_event(event("close-1").at(NOW - 5))).await.unwrap();
    let Outcome::Ran(run) = first else { panic!("{first:?}") };
    assert_eq!((run.at, run.event.as_ref().unwrap().id.as_str()), (NOW - 5, "close-1"));
    world.clock.advance(60_000);
    let again = world.runtime.run_once(&function, RunRequest::of_event(event("close-1").at(NOW - 5))).await.unwrap();
    assert_eq!(again, Outcome::Duplicate(run));
    assert_eq!(world.account("evaluate-strategies").await, Some(1));
    // Another source, another consumer and another event are other facts.
    let elsewhere = CloudEvent { source: "/elsewhere".to_owned(), ..event("close-1") };
    for (function, event) in [(writing("a"), event("close-1")), (writing("b"), elsewhere), (writing("b"), event("2"))] {
        let outcome = world.runtime.run_once(&function, RunRequest::of_event(event)).await.unwrap();
        assert!(matches!(outcome, Outcome::Ran(_)), "{outcome:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_event_delivered_many_times_at_once_has_one_run() {
    let world = World::new();
    let runs = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&runs);
    let mut function = function("job", move |_, _| {
        counted.fetch_add(1, Ordering::SeqCst);
        Box::pin(async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            Ok(Report::default())
        })
    });
    for concurrency in [1, 8] {
        function.descriptor.concurrency = concurrency;
        let id = format!("event for {concurrency}");
        let deliver = async || world.runtime.run_once(&function, RunRequest::of_event(event(&id))).await;
        let answers = tokio::join!(deliver(), deliver(), deliver(), deliver(), deliver());
        let answers = [answers.0, answers.1, answers.2, answers.3, answers.4];
        let ran = answers.iter().filter(|answer| matches!(answer, Ok(Outcome::Ran(_)))).count();
        assert_eq!(ran, 1, "{answers:?}");
        assert!(answers.iter().flat_map(|answer| answer.as_ref().err()).all(RunError::is_retryable), "{answers:?}");
    }
    assert_eq!(runs.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn an_event_whose_run_failed_comes_again() {
    let world = World::new();
    let function = function("job", |ctx, _| {
        Box::pin(async move {
            if ctx.attempt() < 3 { Err(FunctionError::bad_event("no symbol")) } else { Ok(Report::default()) }
        })
    });
    let request = || RunRequest::of_event(event("1").at(NOW));
    for _ in 0..2 {
        assert!(world.runtime.run_once(&function, request()).await.is_err());
    }
    assert_eq!(world.runtime.run_once(&function, request()).await.unwrap().job_run().attempt, 3);
}

#[tokio::test]
async fn an_event_of_another_type_is_refused_by_name() {
    let world = World::new();
    let event = CloudEvent { event_type: "sentinel.other.v1".to_owned(), ..event("1") };
    let error = world.runtime.run_once(&idle("job"), RunRequest::of_event(event)).await.unwrap_err();
    let expected = "job does not react to events of type sentinel.other.v1: it accepts sentinel.test.happened.v1";
    assert_eq!(error.to_string(), expected);
    assert_eq!(world.job_runs().await, []);
}

#[tokio::test]
async fn what_comes_after_waits_for_the_same_logical_date() {
    let world = World::new();
    let mut cleanup = idle("cleanup-hot-store");
    cleanup.descriptor = FunctionDescriptor { after: &["archive-trades", "archive-rejections"], ..cleanup.descriptor };
    let run = async |function: &_, at| world.runtime.run_once(function, RunRequest::scheduled_at(at)).await;
    let missing = async |expected: &[&str]| match run(&cleanup, NOW).await.unwrap_err() {
        RunError::AfterNotMet { missing, .. } => assert_eq!(missing, expected),
        error => panic!("{error}"),
    };
    missing(&["archive-trades", "archive-rejections"]).await;
    run(&idle("archive-trades"), NOW - 24 * 3_600_000).await.unwrap();
    missing(&["archive-trades", "archive-rejections"]).await;
    run(&idle("archive-trades"), NOW).await.unwrap();
    let failing = function("archive-rejections", |_, _| Box::pin(async { Err(FunctionError::bad_event("x")) }));
    run(&failing, NOW).await.unwrap_err();
    missing(&["archive-rejections"]).await;
    let partial = function("archive-rejections", |_, _| {
        Box::pin(async { Ok(Report { rows_quarantined: 1, ..Report::default() }) })
    });
    run(&partial, NOW + 1).await.unwrap();
    run(&cleanup, NOW).await.unwrap();
}

#[tokio::test]
async fn a_commit_that_fails_leaves_neither_rows_nor_messages() {
    let world = World::new();
    let function = function("job", |ctx, _| {
        Box::pin(async move {
            let account = Account { account_id: "a".to_owned(), cash: 1 };
            let there = ctx.records::<Account>().put(&account, Precondition::Any)?;
            let missing = Write::put(ctx.collection(Collection::Accounts), "b", json!({}), Precondition::Present);
            ctx.commit_with(vec![there, missing], vec![Message::new("topic", event("out"))]).await?;
            Ok(Report::default())
        })
    });
    let error = world.runtime.run_once(&function, scheduled()).await.unwrap_err();
    let RunError::Function { source: FunctionError::Store(StoreError::PreconditionFailed { id, .. }), .. } = error
    else {
        panic!("{error}")
    };
    assert_eq!((id.as_str(), world.account("a").await, world.count(Collection::Outbox).await), ("b", None, 0));
}

#[tokio::test]
async fn more_writes_than_fit_are_made_in_batches() {
    let world = World::new();
    let function = function("job", |ctx, _| {
        Box::pin(async move {
            let accounts = ctx.records::<Account>();
            let account = |n: i64| Account { account_id: format!("{n:04}"), cash: n };
            let writes: Result<Vec<_>, _> = (0..1_001).map(|n| accounts.put(&account(n), Precondition::Any)).collect();
            let writes = writes?;
            let error = ctx.commit(writes[..500].to_vec()).await.unwrap_err();
            assert!(error.to_string().contains("at most 500"), "{error}");
            ctx.commit_in_batches(writes).await?;
            Ok(Report::default())
        })
    });
    world.runtime.run_once(&function, scheduled()).await.unwrap();
    assert_eq!(world.count(Collection::Accounts).await, 1_001);
}

#[tokio::test]
async fn rows_of_ended_runs_expire_and_others_stay() {
    let world = World::new();
    world.runtime.run_once(&idle("job"), scheduled()).await.unwrap();
    let store = crate::support::open(world.folder.path());
    let day = 24 * 3_600_000;
    assert_eq!(store.sweep(NOW + 29 * day).await.unwrap(), 0);
    assert_eq!(store.sweep(NOW + 30 * day).await.unwrap(), 1);
}
