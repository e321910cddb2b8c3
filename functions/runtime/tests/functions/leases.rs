//! Who may run, and that nobody writes who may not.

use std::sync::Arc;
use std::time::Duration;

use sentinel_domain::documents::{Collection, Precondition, Records};
use sentinel_domain::environment::Environment;
use sentinel_function_runtime::{
    FunctionError, Holder, JobStatus, LeaseRow, Report, RunError, RunRequest, Runtime, WallClock,
};
use tokio::sync::Notify;

use crate::support::{Account, NOW, TestFunction, World, event, function, idle, writing};

/// A function that says when it has begun, waits to be told to go on, and then commits.
struct Paused {
    function: TestFunction,
    begun: Arc<Notify>,
    go_on: Arc<Notify>,
}

fn paused(name: &'static str) -> Paused {
    let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (tell, wait) = (Arc::clone(&begun), Arc::clone(&go_on));
    let function = function(name, move |ctx, _| {
        let (tell, wait) = (Arc::clone(&tell), Arc::clone(&wait));
        Box::pin(async move {
            tell.notify_one();
            wait.notified().await;
            let account = Account { account_id: "paused".to_owned(), cash: -1 };
            ctx.commit(vec![ctx.records::<Account>().put(&account, Precondition::Any)?]).await?;
            Ok(Report::default())
        })
    });
    Paused { function, begun, go_on }
}

async fn lease(world: &World, lock: &str) -> LeaseRow {
    Records::<LeaseRow>::of(world.store(), Environment::Test).get(lock).await.unwrap().unwrap().record
}

#[tokio::test]
async fn a_job_that_is_running_is_not_started_again() {
    let world = World::new();
    let paused = paused("job");
    let (first, second) = (world.runtime.clone(), world.other());
    let running = async { first.run_once(&paused.function, RunRequest::scheduled_at(NOW)).await };
    let meanwhile = async {
        paused.begun.notified().await;
        let error = second.run_once(&idle("job"), RunRequest::scheduled_at(NOW + 1)).await.unwrap_err();
        assert_eq!(error.to_string(), "job is running already: first holds job for another 61 s at most");
        assert!(error.is_retryable());
        second.run_once(&idle("other-job"), RunRequest::scheduled_at(NOW)).await.unwrap();
        paused.go_on.notify_one();
    };
    let (ran, ()) = tokio::join!(running, meanwhile);
    ran.unwrap();
    assert_eq!(world.account("paused").await, Some(-1));
    second.run_once(&idle("job"), RunRequest::scheduled_at(NOW + 1)).await.unwrap();
}

#[tokio::test]
async fn a_run_whose_lease_was_taken_over_writes_nothing_more() {
    let world = World::new();
    let paused = paused("job");
    let (first, second) = (world.runtime.clone(), world.other());
    let running = async { first.run_once(&paused.function, RunRequest::scheduled_at(NOW)).await };
    let meanwhile = async {
        paused.begun.notified().await;
        world.clock.advance(60_000);
        let outcome = second.run_once(&writing("job"), RunRequest::scheduled_at(NOW + 1)).await.unwrap();
        assert_eq!(outcome.job_run().fencing_token, 2);
        paused.go_on.notify_one();
    };
    let (ran, ()) = tokio::join!(running, meanwhile);
    let error = ran.unwrap_err();
    let is_lost = matches!(error, RunError::Function { source: FunctionError::LeaseLost { .. }, .. });
    assert!(is_lost && error.is_retryable(), "{error}");
    assert_eq!((world.account("paused").await, world.account("job").await), (None, Some(1)));
    let runs = world.job_runs().await;
    let abandoned = runs.iter().find(|run| run.holder == "first").unwrap();
    assert_eq!(abandoned.status, JobStatus::Failed);
    assert_eq!(abandoned.error.as_deref(), Some("first was stopped before it ended; run it again"));
    assert!(runs.iter().any(|run| run.holder == "second" && run.status == JobStatus::Succeeded));
    assert_eq!(lease(&world, "job").await.run_id, None, "free again");
}

/// Alive, though the other is sure that it is not, and its lease is as good as new: the token alone decides.
#[tokio::test]
async fn a_run_that_was_taken_for_dead_writes_nothing_more() {
    let world = World::new();
    let mut ended = std::process::Command::new("true").spawn().unwrap();
    let name = Holder::process().name().replace(&format!("/{}/", std::process::id()), &format!("/{}/", ended.id()));
    ended.wait().unwrap();
    let paused = paused("job");
    let first = Runtime { holder: Holder::named(name), ..world.runtime.clone() };
    let second = Runtime { holder: Holder::process(), ..world.runtime.clone() };
    let running = async { first.run_once(&paused.function, RunRequest::scheduled_at(NOW)).await };
    let meanwhile = async {
        paused.begun.notified().await;
        second.run_once(&writing("job"), RunRequest::scheduled_at(NOW + 1)).await.unwrap();
        paused.go_on.notify_one();
    };
    let (ran, ()) = tokio::join!(running, meanwhile);
    assert!(matches!(ran.unwrap_err(), RunError::Function { source: FunctionError::LeaseLost { .. }, .. }));
    assert_eq!((world.account("paused").await, world.account("job").await), (None, Some(1)));
}

#[tokio::test]
async fn the_same_run_taken_over_belongs_to_the_successor() {
    let world = World::new();
    let paused = paused("job");
    let (first, second) = (world.runtime.clone(), world.other());
    let running = async { first.run_once(&paused.function, RunRequest::of_event(event("1").at(NOW))).await };
    let meanwhile = async {
        paused.begun.notified().await;
        world.clock.advance(60_000);
        second.run_once(&writing("job"), RunRequest::of_event(event("1").at(NOW))).await.unwrap();
        paused.go_on.notify_one();
    };
    let (ran, ()) = tokio::join!(running, meanwhile);
    ran.unwrap_err();
    let runs = world.job_runs().await;
    assert_eq!(runs.len(), 1);
    assert_eq!((runs[0].status, runs[0].attempt, runs[0].holder.as_str()), (JobStatus::Succeeded, 2, "second"));
    assert_eq!((world.account("paused").await, world.account("job").await), (None, Some(2)));
}

#[tokio::test]
async fn a_lease_from_before_the_clock_was_set_back_does_not_hold_for_as_long_as_that() {
    let world = World::new();
    let paused = paused("job");
    let first = world.runtime.clone();
    let running = async { first.run_once(&paused.function, RunRequest::scheduled_at(NOW)).await };
    let killed = async { paused.begun.notified().await };
    tokio::select! { _ = running => unreachable!(), () = killed => {} }
    world.clock.set(NOW - 30_000);
    let again = async || world.other().run_once(&idle("job"), RunRequest::scheduled_at(NOW)).await;
    assert!(matches!(again().await, Err(RunError::LeaseHeld { .. })));
    world.clock.set(NOW - 3_600_000);
    again().await.unwrap();
}

#[tokio::test]
async fn runs_of_different_events_go_side_by_side_where_the_function_allows_it() {
    let world = World::new();
    let mut paused = paused("job");
    paused.function.descriptor.concurrency = 4;
    let mut beside = idle("job");
    beside.descriptor.concurrency = 4;
    let run = async |function: &TestFunction, id: &str| {
        world.runtime.run_once(function, RunRequest::of_event(event(id).at(NOW))).await
    };
    let meanwhile = async {
        paused.begun.notified().await;
        run(&beside, "2").await.unwrap();
        assert!(matches!(run(&beside, "1").await, Err(RunError::LeaseHeld { .. })));
        paused.go_on.notify_one();
    };
    let (ran, ()) = tokio::join!(run(&paused.function, "1"), meanwhile);
    ran.unwrap();
    assert_eq!(world.count(Collection::JobLocks).await, 0, "locks of single runs do not pile up");
}

#[tokio::test]
async fn a_long_run_keeps_its_lease() {
    let world = World::new();
    let lease_lasts = Duration::from_millis(150);
    let first = Runtime { lease_lasts, clock: Arc::new(WallClock), ..world.runtime.clone() };
    let second = Runtime { lease_lasts, clock: Arc::new(WallClock), ..world.other() };
    let long = function("job", |ctx, _| {
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(500)).await;
            let account = Account { account_id: "long".to_owned(), cash: 1 };
            ctx.commit(vec![ctx.records::<Account>().put(&account, Precondition::Any)?]).await?;
            Ok(Report::default())
        })
    });
    let running = async { first.run_once(&long, RunRequest::scheduled_at(NOW)).await };
    let meanwhile = async {
        for _ in 0..4 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let error = second.run_once(&idle("job"), RunRequest::scheduled_at(NOW + 1)).await.unwrap_err();
            assert!(matches!(error, RunError::LeaseHeld { .. }), "{error}");
        }
    };
    let (ran, ()) = tokio::join!(running, meanwhile);
    ran.unwrap();
    assert_eq!(world.account("long").await, Some(1));
}

#[tokio::test]
async fn a_commit_renews_the_lease_when_a_third_of_it_is_used_up() {
    let world = World::new();
    let clock = Arc::clone(&world.clock);
    let function = function("job", move |ctx, _| {
        let clock = Arc::clone(&clock);
        Box::pin(async move {
            for n in 0..10 {
                clock.advance(15_000);
                let account = Account { account_id: format!("{n}"), cash: 1 };
                ctx.commit(vec![ctx.records::<Account>().put(&account, Precondition::Absent)?]).await?;
            }
            let lease = ctx.records::<LeaseRow>().get("job").await?;
            let lease = lease.map(|lease| lease.record);
            assert!(lease.is_some_and(|lease| !lease.is_expired(ctx.now()) && lease.token == ctx.fencing_token()));
            Ok(Report::default())
        })
    });
    world.runtime.run_once(&function, RunRequest::scheduled_at(NOW)).await.unwrap();
    assert_eq!(world.count(Collection::Accounts).await, 10);
}
