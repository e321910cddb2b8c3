//! The functions on the clock of this machine: what is due is run, what waits is delivered, what is dropped is taken.
//!
//! Each function keeps its own time, so that a long night holds up no candle. What was due while the machine slept is
//! made up for once, at the time it was due last. What is absent: simulated time, see [`crate::Simulation`].

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sentinel_domain::broker::{TradeUpdates, TradeWord};
use sentinel_domain::documents::{Direction, Records, StoreError};
use sentinel_domain::events::CloudEvent;
use sentinel_domain::timeframe::UnixMillis;
use sentinel_function_runtime::{JobRun, Outcome, RunError, RunRequest};
use sentinel_functions::{Desktop, UpdateListener, follow};
use sentinel_register_strategy::DropFolder;
use thiserror::Error;
use tokio::task::JoinSet;

use crate::feed::{Feed, FeedError};
use crate::schedule::{Schedule, ScheduleError};

/// How often the clock is looked at: it may jump, and the machine may sleep.
const LOOK: Duration = Duration::from_millis(250);
/// How often the folder is looked at; a file that changes between two looks is still being written.
const FOLDER_LOOK: Duration = Duration::from_secs(1);
/// The first wait before a run that failed is tried again; twice as long each time after.
const RETRY: Duration = Duration::from_secs(2);
/// How long prices are waited for that are late, in milliseconds; less than functions wait for them at the broker.
const PRICES_LATE_MS: i64 = 15_000;
const RETRY_MAX: Duration = Duration::from_secs(60);
/// The first wait before positions that the broker has news of are synced again: another sync is under way.
const SYNC_RETRY: Duration = Duration::from_millis(100);
/// Beyond this wait they are left to the clock.
const SYNC_RETRY_MAX: Duration = Duration::from_secs(5);

/// What happened.
#[derive(Debug)]
pub enum WatchEvent {
    /// A function ran to its end.
    Ran(Outcome),
    /// A function was put off, or failed; it is tried again when `again` holds.
    Failed {
        /// The function.
        name: &'static str,
        /// What is wrong.
        error: RunError,
        /// Whether it is tried again before it is due the next time.
        again: bool,
    },
    /// An event found no taker; it is tried again later.
    Undelivered {
        /// The message.
        message: String,
        /// What is wrong.
        reason: String,
    },
    /// The broker tells of updates from now on.
    Listening,
    /// The broker's updates are not heard; positions are synced each minute all the same.
    Deaf {
        /// What is wrong.
        reason: String,
        /// How long until it is tried again.
        again_in: Duration,
    },
    /// The stores or the folder cannot be read; tried again at the next look.
    Unreadable(String),
}

/// Why watching cannot begin.
#[derive(Debug, Error)]
pub enum WatchError {
    /// A function's schedule.
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    /// The hot store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

type Updates = dyn Fn() -> Box<dyn TradeUpdates> + Send + Sync;
type Report = dyn Fn(WatchEvent) + Send + Sync;

/// Functions that are run when they are due.
#[derive(Clone)]
pub struct Watch {
    desktop: Arc<Desktop>,
    schedule: Arc<Schedule>,
    drop_folder: PathBuf,
    feed: Option<Feed>,
    updates: Option<Arc<Updates>>,
    report: Arc<Report>,
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").field("desktop", &self.desktop).finish_non_exhaustive()
    }
}

impl Watch {
    /// Returns the watch over `desktop`'s functions and the folder that strategies are dropped into.
    ///
    /// # Errors
    /// When a schedule cannot be read.
    pub fn new(
        desktop: Desktop,
        drop_folder: &Path,
        report: impl Fn(WatchEvent) + Send + Sync + 'static,
    ) -> Result<Self, WatchError> {
        let schedule = Arc::new(Schedule::of(desktop.functions().map(|function| function.descriptor()))?);
        let (desktop, report) = (Arc::new(desktop), Arc::new(report));
        Ok(Self { desktop, schedule, drop_folder: drop_folder.to_owned(), feed: None, updates: None, report })
    }

    /// Returns the watch that brings prices to the broker of this machine, too.
    #[must_use]
    pub fn with_feed(self, feed: Feed) -> Self {
        Self { feed: Some(feed), ..self }
    }

    /// Returns the watch that listens to the broker too, so that a fill is in the books at once and not within the
    /// minute.
    #[must_use]
    pub fn with_updates(self, updates: impl Fn() -> Box<dyn TradeUpdates> + Send + Sync + 'static) -> Self {
        Self { updates: Some(Arc::new(updates)), ..self }
    }

    /// Runs until `stop` ends. A run that is under way then ends first, as far as its next commit.
    ///
    /// # Errors
    /// When the store cannot be read at the beginning.
    pub async fn run(&self, stop: impl Future<Output = ()>) -> Result<(), WatchError> {
        let scheduled = self.desktop.functions().filter(|function| function.descriptor().is_scheduled());
        let mut tasks = JoinSet::new();
        for name in scheduled.map(|function| function.descriptor().name) {
            let done = self.done_until(name).await?;
            let watch = self.clone();
            tasks.spawn(async move { watch.keep_time(name, done).await });
        }
        let (deliverer, receiver) = (self.clone(), self.clone());
        tasks.spawn(async move { deliverer.deliver().await });
        tasks.spawn(async move { receiver.take_in().await });
        if let Some(feed) = self.feed.clone() {
            let watch = self.clone();
            tasks.spawn(async move { watch.bring_prices(feed).await });
        }
        if let Some(updates) = self.updates.clone() {
            let watch = self.clone();
            tasks.spawn(async move { follow(updates(), watch.desktop.runtime().clock.as_ref(), &watch).await });
        }
        stop.await;
        // Dropping them is killing them, which every function withstands.
        tasks.shutdown().await;
        Ok(())
    }

    /// Returns the moment up to which a function has done its work: its last run's, or now where it never ran.
    async fn done_until(&self, name: &str) -> Result<UnixMillis, StoreError> {
        let runtime = self.desktop.runtime();
        let runs = Records::<JobRun>::of(runtime.store.as_ref(), runtime.environment);
        let newest = runs.select().equal("job_name", name).order_by("at", Direction::Descending).limit(20);
        let newest = runs.query(&newest).await?;
        let done = newest.iter().find(|run| run.record.status.is_done() && run.record.event.is_none());
        Ok(done.map_or_else(|| self.now(), |run| run.record.at))
    }

    fn now(&self) -> UnixMillis {
        self.desktop.runtime().clock.now()
    }

    /// Runs one function whenever it is due.
    async fn keep_time(&self, name: &'static str, mut done: UnixMillis) {
        loop {
            let Some(next) = self.schedule.next(name, done) else { return };
            while self.now() < next {
                tokio::time::sleep(LOOK).await;
            }
            done = self.schedule.last(name, self.now()).unwrap_or(next).max(next);
            self.run_for(name, done).await;
        }
    }

    /// Runs a function for the moment it was due at, again and again until it is due anew.
    async fn run_for(&self, name: &'static str, due: UnixMillis) {
        let mut wait = RETRY;
        loop {
            let error = match self.desktop.run(name, RunRequest::scheduled_at(due)).await {
                Ok(outcome) => return (self.report)(WatchEvent::Ran(outcome)),
                Err(error) => error,
            };
            let next = self.schedule.next(name, due).unwrap_or(UnixMillis::MAX);
            let again = error.is_retryable() && self.now() < next;
            (self.report)(WatchEvent::Failed { name, error, again });
            if !again {
                return;
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(RETRY_MAX);
        }
    }

    async fn deliver(&self) {
        loop {
            match self.desktop.deliver().await {
                Ok(delivery) => {
                    for (message, reason) in delivery.failed {
                        (self.report)(WatchEvent::Undelivered { message, reason });
                    }
                }
                Err(error) => (self.report)(WatchEvent::Unreadable(error.to_string())),
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Brings prices to the broker of this machine whenever candles close.
    async fn bring_prices(&self, feed: Feed) {
        let mut brought = 0;
        loop {
            let close = feed.last_close(self.now());
            if close > brought {
                match self.bring_until(&feed, close).await {
                    Ok(()) => brought = close,
                    Err(error) => (self.report)(WatchEvent::Unreadable(error.to_string())),
                }
            }
            tokio::time::sleep(FOLDER_LOOK).await;
        }
    }

    /// Waits for late prices as long as they may be late, then lets the broker go on without them.
    async fn bring_until(&self, feed: &Feed, close: UnixMillis) -> Result<(), FeedError> {
        loop {
            let missing = feed.bring(self.desktop.runtime(), close).await?;
            if missing.is_empty() || self.now() >= close + PRICES_LATE_MS {
                return feed.advance(close);
            }
            tokio::time::sleep(FOLDER_LOOK).await;
        }
    }

    /// Registers what is dropped into the folder.
    async fn take_in(&self) {
        let mut drops = DropFolder::default();
        loop {
            match drops.scan(&self.drop_folder, None) {
                Ok(events) => {
                    for event in events {
                        self.register(event).await;
                    }
                }
                Err(error) => {
                    (self.report)(WatchEvent::Unreadable(format!("{}: {error}", self.drop_folder.display())));
                }
            }
            tokio::time::sleep(FOLDER_LOOK).await;
        }
    }

    async fn register(&self, event: CloudEvent) {
        let name = "register-strategy";
        let event = match self.desktop.run(name, RunRequest::of_event(event)).await {
            // Lies there since it was registered.
            Ok(Outcome::Duplicate(_)) => return,
            Ok(outcome) => WatchEvent::Ran(outcome),
            Err(error) => WatchEvent::Failed { name, error, again: false },
        };
        (self.report)(event);
    }
}

#[async_trait]
impl UpdateListener for Watch {
    fn hear(&self, word: &TradeWord) {
        match word {
            TradeWord::Listening => (self.report)(WatchEvent::Listening),
            TradeWord::Update(_) => {}
            TradeWord::Lost { reason, again_in, .. } => {
                (self.report)(WatchEvent::Deaf { reason: reason.clone(), again_in: *again_in });
            }
        }
    }

    async fn sync(&self, event: CloudEvent) {
        let (name, mut wait) = ("sync-positions", SYNC_RETRY);
        loop {
            let error = match self.desktop.run(name, RunRequest::of_event(event.clone())).await {
                Ok(outcome) => return (self.report)(WatchEvent::Ran(outcome)),
                Err(error) => error,
            };
            if !error.is_retryable() || wait > SYNC_RETRY_MAX {
                return (self.report)(WatchEvent::Failed { name, error, again: false });
            }
            tokio::time::sleep(wait).await;
            wait *= 2;
        }
    }
}
