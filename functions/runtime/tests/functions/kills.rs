//! Killed at every commit, before it and after it, and run again: the same rows as without.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sentinel_domain::clock::ManualClock;
use sentinel_domain::documents::{
    Collection, CollectionName, Commit, Committed, Document, DocumentStore, Precondition, Query, StoreError,
};
use sentinel_domain::environment::Environment;
use sentinel_domain::events::{CloudEvent, PublishError, Publisher};
use sentinel_embedded::documents::SqliteDocuments;
use sentinel_function_runtime::outbox::deliver_outbox;
use sentinel_function_runtime::{Holder, Message, Report, RunRequest, Runtime, async_trait};
use tempfile::TempDir;

use crate::support::{Account, NOW, TestFunction, event, function, open};

const FOLDER: &str = "SENTINEL_TEST_KILL_FOLDER";
const AT: &str = "SENTINEL_TEST_KILL_AT";

/// Ends the process, as nothing can prevent, at one moment: twice the number of a commit, plus one for after it.
#[derive(Debug)]
struct Deadly {
    store: SqliteDocuments,
    commits: AtomicU32,
    kill_at: u32,
}

impl Deadly {
    fn moment(&self, moment: u32) {
        if moment == self.kill_at {
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL).unwrap();
            loop {
                std::thread::park();
            }
        }
    }
}

#[async_trait]
impl DocumentStore for Deadly {
    async fn get_many(&self, collection: CollectionName, ids: &[String]) -> Result<Vec<Document>, StoreError> {
        self.store.get_many(collection, ids).await
    }

    async fn select(&self, query: &Query) -> Result<Vec<Document>, StoreError> {
        self.store.select(query).await
    }

    async fn apply(&self, commit: Commit) -> Result<Committed, StoreError> {
        let number = self.commits.fetch_add(1, Ordering::SeqCst);
        self.moment(2 * number);
        let done = self.store.apply(commit).await;
        self.moment(2 * number + 1);
        done
    }
}

/// Five commits, each with a row and a message that depend on nothing but the event.
fn five_commits() -> TestFunction {
    function("five-commits", |ctx, event| {
        Box::pin(async move {
            let id = event.map(|event| event.id.clone()).unwrap_or_default();
            let mut report = Report::default();
            for n in 0..5 {
                report.rows_in += 1;
                let account = Account { account_id: format!("{id}-{n}"), cash: n };
                let accounts = ctx.records::<Account>();
                if accounts.get(&account.account_id).await?.is_some() {
                    continue;
                }
                let told = CloudEvent::new("/five-commits", format!("{id}-{n}"), "told").at(ctx.at());
                let write = accounts.put(&account, Precondition::Absent)?;
                ctx.commit_with(vec![write], vec![Message::new("told", told)]).await?;
            }
            Ok(report)
        })
    })
}

#[derive(Debug)]
struct Nowhere;

#[async_trait]
impl Publisher for Nowhere {
    async fn publish(&self, _: &str, _: &CloudEvent) -> Result<(), PublishError> {
        Ok(())
    }
}

/// Runs the function and delivers its messages, everything that a tick of the scheduler does; tries again, as a
/// scheduler does, what may succeed later.
async fn tick(store: Arc<dyn DocumentStore>) {
    let clock = Arc::new(ManualClock::at(NOW));
    let runtime = Runtime { holder: Holder::process(), ..Runtime::new(store, Environment::Test, clock, "abc123") };
    while let Err(error) = runtime.run_once(&five_commits(), RunRequest::of_event(event("e").at(NOW))).await {
        assert!(error.is_retryable(), "{error}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    while let Err(error) = deliver_outbox(runtime.store.as_ref(), Environment::Test, &Nowhere, NOW).await {
        assert!(error.is_retryable(), "{error}");
    }
}

/// All rows, without what tells how often and by whom they were written.
async fn rows(folder: &Path) -> Vec<String> {
    let store = open(folder);
    let mut rows = Vec::new();
    for collection in Collection::ALL {
        let name = Environment::Test.collection(collection);
        for mut document in store.query(&Query::of(name)).await.unwrap() {
            let body = document.body.as_object_mut().unwrap();
            for field in ["attempt", "fencing_token", "token", "holder", "taker"] {
                body.remove(field);
            }
            rows.push(format!("{name}/{} {} {:?}", document.id, document.body, document.expire_at));
        }
    }
    rows
}

#[tokio::test]
#[ignore = "the work of the processes that another test starts and kills"]
async fn work_of_a_child_process() {
    let (Some(folder), Ok(kill_at)) = (std::env::var_os(FOLDER), std::env::var(AT)) else { return };
    let store = open(Path::new(&folder));
    tick(Arc::new(Deadly { store, commits: AtomicU32::new(0), kill_at: kill_at.parse().unwrap() })).await;
}

/// Returns whether the child was killed, and not done before.
fn child(folder: &Path, kill_at: u32) -> bool {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "kills::work_of_a_child_process", "--ignored"]).stdout(Stdio::null());
    let status = command.env(FOLDER, folder).env(AT, kill_at.to_string()).status().unwrap();
    if let Some(code) = status.code() {
        assert_eq!(code, 0, "the child failed by itself at {kill_at}");
    }
    status.code().is_none()
}

#[tokio::test]
async fn killed_at_every_commit_and_run_again_ends_in_the_same_rows() {
    let undisturbed = TempDir::new().unwrap();
    tick(Arc::new(open(undisturbed.path()))).await;
    let expected = rows(undisturbed.path()).await;
    assert!(expected.len() > 6, "{expected:#?}");
    let mut kills = 0;
    loop {
        let folder = TempDir::new().unwrap();
        if !child(folder.path(), kills) {
            break;
        }
        // Another process, at the same moment: the killed one is known to be gone.
        tick(Arc::new(open(folder.path()))).await;
        assert_eq!(rows(folder.path()).await, expected, "killed at moment {kills}");
        kills += 1;
    }
    // Start, five commits, end, removal from the outbox: before and after each.
    assert_eq!(kills, 16);
}

/// One run that is killed again and again still gets to its end.
#[tokio::test]
async fn killed_again_and_again_gets_to_the_end() {
    let (undisturbed, folder) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    tick(Arc::new(open(undisturbed.path()))).await;
    let mut kills = 0;
    // After its second commit each time: the start, and one more row.
    while child(folder.path(), 3) {
        kills += 1;
        assert!(kills < 20);
    }
    assert_eq!(rows(folder.path()).await, rows(undisturbed.path()).await);
    assert!(kills >= 5, "{kills}");
}

/// Several instances of one function, in processes of their own, given the same event at the same time.
#[tokio::test]
async fn instances_at_once_end_in_the_same_rows() {
    let (undisturbed, folder) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    tick(Arc::new(open(undisturbed.path()))).await;
    let path = folder.path();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert!(!child(path, u32::MAX)));
        }
    });
    assert_eq!(rows(path).await, rows(undisturbed.path()).await);
}

/// A store that fails at one commit, before it is made or after, as a network does.
#[derive(Debug)]
struct Failing {
    store: SqliteDocuments,
    commits: AtomicU32,
    fail_at: u32,
}

impl Failing {
    fn moment(&self, moment: u32) -> Result<(), StoreError> {
        if moment != self.fail_at {
            return Ok(());
        }
        Err(StoreError::Unavailable { store: "the cloud".to_owned(), reason: "the answer was lost".to_owned() })
    }
}

#[async_trait]
impl DocumentStore for Failing {
    async fn get_many(&self, collection: CollectionName, ids: &[String]) -> Result<Vec<Document>, StoreError> {
        self.store.get_many(collection, ids).await
    }

    async fn select(&self, query: &Query) -> Result<Vec<Document>, StoreError> {
        self.store.select(query).await
    }

    async fn apply(&self, commit: Commit) -> Result<Committed, StoreError> {
        let number = self.commits.fetch_add(1, Ordering::SeqCst);
        self.moment(2 * number)?;
        let committed = self.store.apply(commit).await?;
        self.moment(2 * number + 1)?;
        Ok(committed)
    }
}

/// Also without waiting for the lease to expire: the clock stands still.
#[tokio::test]
async fn a_commit_whose_answer_is_lost_ends_in_the_same_rows() {
    let undisturbed = TempDir::new().unwrap();
    tick(Arc::new(open(undisturbed.path()))).await;
    let expected = rows(undisturbed.path()).await;
    for fail_at in 0..16 {
        let folder = TempDir::new().unwrap();
        let failing = Failing { store: open(folder.path()), commits: AtomicU32::new(0), fail_at };
        let ended = tokio::time::timeout(Duration::from_secs(20), tick(Arc::new(failing))).await;
        assert!(ended.is_ok(), "stuck after failing at moment {fail_at}");
        assert_eq!(rows(folder.path()).await, expected, "failed at moment {fail_at}");
    }
}
