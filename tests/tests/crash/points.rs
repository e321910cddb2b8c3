//! Where a process dies: before and after each write, once at each place.
//!
//! A place is named by what is written there: which day it is in, whose documents or rows they are, and a hash of what
//! they become. A process that is started again and comes by the same place lives on, so each life gets as far as the
//! first place where none has ended yet, and there are as many lives as places. What was done already by an earlier
//! life, and is therefore not done again, shifts nothing, as it would if calls were counted.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rustix::process::{Signal, getpid, kill_process};
use sentinel_domain::documents::{Change, Collection, Commit, Write};
use sentinel_domain::hash::{ContentHash, ContentHasher};
use sentinel_domain::tables::Row;
use serde_json::Value;

/// Which of the places are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Choice {
    /// None: an undisturbed run, which only writes down what it comes by.
    Nowhere,
    /// Every one.
    Everywhere,
    /// One in so many, drawn by the seed.
    OneIn {
        /// Of how many.
        many: u64,
        /// What the draw depends on.
        seed: u64,
    },
}

impl Choice {
    pub(crate) fn holds(self, place: &str) -> bool {
        match self {
            Self::Nowhere => false,
            Self::Everywhere => true,
            Self::OneIn { many, seed } => {
                let drawn = ContentHasher::new("crash").text(place).text(&seed.to_string()).finish().to_string();
                number(&drawn).is_multiple_of(many)
            }
        }
    }
}

/// Returns a hash as a number to draw by.
pub(crate) fn number(hash: &str) -> u64 {
    u64::from_str_radix(&hash[..15], 16).unwrap()
}

/// The places that this process and those before it came by, as they are kept in a file.
#[derive(Debug)]
pub(crate) struct Points {
    choice: Choice,
    day: Mutex<String>,
    seen: Mutex<BTreeSet<String>>,
    file: Mutex<File>,
}

impl Points {
    /// Goes on with the file in `folder`.
    pub(crate) fn open(folder: &Path, choice: Choice) -> Self {
        let seen = read(folder);
        let file = OpenOptions::new().create(true).append(true).open(path(folder)).unwrap();
        Self { choice, day: Mutex::default(), seen: Mutex::new(seen), file: Mutex::new(file) }
    }

    /// Names the day in which the places after it are.
    pub(crate) fn enter(&self, day: &str) {
        day.clone_into(&mut self.day.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Comes by two places around `work`, and does not come back from one that is new and chosen.
    pub(crate) async fn around<T>(&self, what: &str, work: impl Future<Output = T>) -> T {
        let place = format!("{} {what}", self.day.lock().unwrap_or_else(PoisonError::into_inner));
        self.pass(format!("{place}, before"));
        let answer = work.await;
        self.pass(format!("{place}, after"));
        answer
    }

    /// The same for what is done once in all days.
    pub(crate) async fn around_once<T>(&self, what: &str, work: impl Future<Output = T>) -> T {
        self.pass(format!("once {what}, before"));
        let answer = work.await;
        self.pass(format!("once {what}, after"));
        answer
    }

    fn pass(&self, place: String) {
        let ends = self.choice.holds(&place);
        if !ends && self.choice != Choice::Nowhere {
            return;
        }
        let line = format!("{place}\n");
        if !self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(place) {
            return;
        }
        // One write: a line is in the file whole or not at all, and outlives the process.
        self.file.lock().unwrap_or_else(PoisonError::into_inner).write_all(line.as_bytes()).unwrap();
        if ends {
            end();
        }
    }
}

/// Ends this process as nothing in it can notice.
fn end() -> ! {
    kill_process(getpid(), Signal::KILL).unwrap();
    loop {
        std::thread::park();
    }
}

fn path(folder: &Path) -> PathBuf {
    folder.join("places")
}

/// Returns the places that were written down in `folder`.
pub(crate) fn read(folder: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(path(folder)).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// Names a commit: what happens in which collections, and a hash of it all. What differs from life to life, such as who
/// holds a lease and how often a run was started, is no part of the name; nor is which function it is, because whichever
/// comes first finishes what was left undone.
pub(crate) fn of_commit(commit: &Commit) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut hasher = ContentHasher::new("commit");
    for Write { collection, id, change, .. } in commit.writes() {
        let (verb, body) = match change {
            Change::Put { body, expire_at } => ("puts", Some((body, expire_at))),
            Change::Delete => ("deletes", None),
            Change::Keep => continue,
        };
        *counts.entry(format!("{verb} {collection}")).or_default() += 1;
        hasher = hasher.text(verb).text(collection.as_str()).text(id);
        if let Some((body, expire_at)) = body {
            hasher = hasher.text(&essence(collection.collection(), body)).text(&format!("{expire_at:?}"));
        }
    }
    let what: Vec<_> = counts.into_iter().map(|(what, count)| format!("{what} x{count}")).collect();
    format!("{} #{}", what.join(", "), &hasher.finish().to_string()[..12])
}

/// Returns what a document says, without what a run says of itself.
fn essence(collection: Collection, body: &Value) -> String {
    match collection {
        Collection::JobMetadata => body["status"].to_string(),
        Collection::JobLocks => body["run_id"].is_null().to_string(),
        Collection::Outbox => String::new(),
        _ => body.to_string(),
    }
}

/// Names a merge of rows.
pub(crate) fn of_rows(table: &str, rows: &[Row]) -> String {
    let text: Vec<_> = rows.iter().map(|row| format!("{row:?}")).collect();
    format!("merge of {} rows into {table} #{}", rows.len(), ContentHash::of(text.join("\n").as_bytes()).short())
}
