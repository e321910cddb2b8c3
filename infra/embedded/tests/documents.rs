//! The hot store: the port's contract, and what only this adapter promises.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

mod contract {
    use sentinel_domain::environment::Environment;
    use sentinel_embedded::documents::SqliteDocuments;
    use tempfile::TempDir;

    async fn fresh() -> (TempDir, SqliteDocuments) {
        let folder = TempDir::new().unwrap();
        let store = super::open(&folder.path().join("hot.sqlite"), Environment::Test).unwrap();
        (folder, store)
    }

    sentinel_contracts::document_store_contract!(fresh);
}

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rusqlite::Connection;
use sentinel_contracts::documents::{increment, positions, put};
use sentinel_domain::documents::{Collection, DocumentStore, Precondition, Query, StoreError, Write};
use sentinel_domain::environment::Environment;
use sentinel_embedded::documents::{Durability, SqliteDocuments};
use serde_json::json;
use tempfile::TempDir;

fn open(path: &Path, environment: Environment) -> Result<SqliteDocuments, StoreError> {
    SqliteDocuments::open(path, environment, Durability::ProcessEnd)
}

/// Which store a child process works on, and how often it writes.
const CHILD_STORE: &str = "SENTINEL_TEST_CHILD_STORE";
const CHILD_UPDATES: &str = "SENTINEL_TEST_CHILD_UPDATES";
const CHILDREN: usize = 4;

fn child(store: &Path, updates: i64) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "work_of_a_child_process", "--ignored"]).stdout(Stdio::null());
    command.env(CHILD_STORE, store).env(CHILD_UPDATES, updates.to_string()).spawn().unwrap()
}

#[tokio::test]
#[ignore = "the work of the processes that another test starts"]
async fn work_of_a_child_process() {
    let Some(path) = std::env::var_os(CHILD_STORE) else { return };
    let store = open(Path::new(&path), Environment::Test).unwrap();
    let updates: i64 = std::env::var(CHILD_UPDATES).unwrap().parse().unwrap();
    for n in 0..updates {
        increment(&store, "shared").await;
        let own =
            Write::put(positions(), format!("{}-{n}", std::process::id()), json!({ "n": n }), Precondition::Absent);
        store.commit(vec![own]).await.unwrap();
    }
}

/// Opening and creating at once is part of it: nobody has opened the store before.
#[tokio::test]
async fn processes_that_write_at_once_lose_nothing_and_are_never_locked_out() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("hot.sqlite");
    let children: Vec<Child> = (0..CHILDREN).map(|_| child(&path, 100)).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let store = open(&path, Environment::Test).unwrap();
    let shared = store.get(positions(), "shared").await.unwrap().unwrap();
    let total = i64::try_from(CHILDREN).unwrap() * 100;
    assert_eq!(shared.body["n"], total);
    assert_eq!(store.query(&Query::of(positions())).await.unwrap().len() as i64, total + 1);
}

/// SIGKILL in the middle of writing, again and again: whole commits are there, and the store opens.
#[tokio::test]
async fn a_killed_writer_leaves_whole_commits() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("hot.sqlite");
    for killed in 1..=5 {
        // Never done by itself.
        let mut child = child(&path, i64::MAX);
        std::thread::sleep(Duration::from_millis(100));
        child.kill().unwrap();
        child.wait().unwrap();
        let store = open(&path, Environment::Test).unwrap();
        let shared = store.get(positions(), "shared").await.unwrap().map_or(0, |d| d.body["n"].as_i64().unwrap());
        let documents = store.query(&Query::of(positions())).await.unwrap().len() as i64;
        let own = (documents - 1).max(0);
        // A child counts first and writes its own document second: each that was killed may have counted once more.
        assert!((shared - killed..=shared).contains(&own), "{shared} counted, {own} written");
        assert!(shared > 0 || killed < 5, "the children were killed before they wrote anything");
    }
}

#[tokio::test]
async fn what_is_committed_is_there_after_opening_again() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("hot.sqlite");
    put(&open(&path, Environment::Dev).unwrap(), "a", json!({ "n": 1 })).await;
    let store = SqliteDocuments::open(&path, Environment::Dev, Durability::PowerCut).unwrap();
    assert_eq!(store.get(positions(), "a").await.unwrap().unwrap().body, json!({ "n": 1 }));
}

#[test]
fn a_store_of_another_environment_is_refused() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("hot.sqlite");
    open(&path, Environment::Dev).unwrap();
    let error = open(&path, Environment::Test).unwrap_err();
    assert!(matches!(error, StoreError::WrongEnvironment { .. }), "{error}");
    assert!(error.to_string().contains("belongs to DEV, this run to TEST"), "{error}");
}

#[test]
fn a_file_that_is_no_store_is_refused_and_left_alone() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("notes.txt");
    let text = "not a database, but long enough to look at the header of one\n".repeat(100);
    std::fs::write(&path, &text).unwrap();
    let error = open(&path, Environment::Test).unwrap_err();
    assert!(matches!(error, StoreError::NotAStore { .. }), "{error}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    let error = open(&folder.path().join("no/such/folder.sqlite"), Environment::Test).unwrap_err();
    assert!(error.to_string().contains("check that its folder exists"), "{error}");
}

#[test]
fn a_database_of_another_program_is_refused_and_left_alone() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("wallet.sqlite");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE coins (id TEXT); PRAGMA user_version = 9").unwrap();
    let before = std::fs::read(&path).unwrap();
    let error = open(&path, Environment::Test).unwrap_err();
    assert!(error.to_string().ends_with("is not a document store: it is a database of another program"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn a_store_of_a_newer_release_is_refused() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("hot.sqlite");
    drop(open(&path, Environment::Test).unwrap());
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 2).unwrap();
    let error = open(&path, Environment::Test).unwrap_err();
    assert!(matches!(error, StoreError::TooNew { found: 2, supported: 1, .. }), "{error}");
    assert!(error.to_string().ends_with("has schema version 2, this release reads up to 1: use the newer release"));
}

#[tokio::test]
async fn a_sweep_deletes_what_has_expired_and_nothing_else() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder.path().join("hot.sqlite"), Environment::Test).unwrap();
    let write = |n: i64| Write::put(positions(), format!("{n:04}"), json!({}), Precondition::Any);
    for first in (0..2_500).step_by(500) {
        store.commit((first..first + 500).map(|n| write(n).expiring(n)).collect()).await.unwrap();
    }
    let other = Environment::Test.collection(Collection::JobMetadata);
    let kept = vec![write(9_999), Write::put(other, "old", json!({}), Precondition::Any).expiring(7)];
    store.commit(kept).await.unwrap();
    assert_eq!(store.sweep(2_399).await.unwrap(), 2_401);
    assert_eq!(store.sweep(2_399).await.unwrap(), 0);
    let left = store.query(&Query::of(positions())).await.unwrap();
    assert_eq!((left.len(), left[0].id.as_str()), (101, "2400"));
}

#[tokio::test]
async fn a_backup_is_a_whole_store_while_writers_go_on() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder.path().join("hot.sqlite"), Environment::Test).unwrap();
    let copy = folder.path().join("copy.sqlite");
    increment(&store, "a").await;
    let writer = async {
        for _ in 0..50 {
            increment(&store, "a").await;
        }
    };
    let (_, backup) = tokio::join!(writer, store.backup(&copy));
    backup.unwrap();
    let restored = open(&copy, Environment::Test).unwrap();
    let n = restored.get(positions(), "a").await.unwrap().unwrap().body["n"].as_i64().unwrap();
    assert!((1..=51).contains(&n), "{n}");
    increment(&restored, "a").await;
    assert!(store.backup(&copy).await.is_err(), "a backup never overwrites");
}
