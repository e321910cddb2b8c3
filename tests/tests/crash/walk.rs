//! The way through the days, with one instance of the functions or with several at once.
//!
//! It begins where the broker's clock stands. That clock is what outlives a process in reality too, and nothing has to
//! be written down for it that could be wrong: the close or the open that it shows has begun and may not have ended, so
//! it is gone through again from its beginning. What is before has ended, because nobody moves the clock before.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Result, bail};
use sentinel_domain::clock::ManualClock;
use sentinel_domain::closes::PositionsDue;
use sentinel_domain::documents::{DocumentStore, Precondition, Records, Stored};
use sentinel_domain::live::LiveSignal;
use sentinel_domain::registry::StrategyVersion;
use sentinel_domain::timeframe::UnixMillis;
use sentinel_function_runtime::outbox::OutboxRow;
use sentinel_function_runtime::{Holder, RunError, RunRequest};
use sentinel_functions::Desktop;
use sentinel_register_strategy::{finalized, history};
use sentinel_simulated_broker::Moment;

use crate::assembly;
use crate::points::Points;
use crate::stage::{DAY, DAYS, ENVIRONMENT, LATE_SIGNAL, NIGHTS, Place, START, UPLOADS};
use crate::venue::Venue;

/// What runs in a night, in the order of the schedules. The price patch comes each hour, and so before them all: what it
/// heals after a day's trades are archived belongs to the next night, unless the night is gone through again.
pub(crate) const NIGHT: [&str; 10] = [
    "patch-prices",
    "expire-signals",
    "snapshot-accounts",
    "archive-trades",
    "archive-expirations",
    "archive-rejections",
    "archive-decisions",
    "summarize-performance",
    "patch-fees",
    "cleanup-hot-store",
];

/// How often a run that finds another instance at work is tried again, and after which pause.
const TURNS_MAX: u32 = 20_000;
const TURN: Duration = Duration::from_millis(1);

/// How events are carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Carrier {
    /// In the order of their creation, as a rule once.
    Orderly,
    /// Twice, newest first, positions before candles; and each day all events of all days once more, newest first.
    Rude,
}

/// One process' way, or that of several instances in one process.
pub(crate) struct Walk {
    pub(crate) carrier: Carrier,
    pub(crate) night: Vec<&'static str>,
    instances: Vec<Arc<Desktop>>,
    store: Arc<dyn DocumentStore>,
    told: Mutex<Vec<(&'static str, RunRequest)>>,
    clock: Arc<ManualClock>,
    venue: Venue,
    points: Option<Arc<Points>>,
}

impl Walk {
    /// Opens what is at `place` once for each of `names`; no name is this process itself.
    pub(crate) fn open(place: &Place, names: &[&str], points: Option<Arc<Points>>) -> Result<Self> {
        let clock = Arc::new(ManualClock::at(START));
        let holders: Vec<_> = match names {
            [] => vec![Holder::process()],
            names => names.iter().map(|name| Holder::named(*name)).collect(),
        };
        let mut instances = Vec::new();
        for holder in holders {
            instances.push(Arc::new(assembly::desktop(place, holder, &clock, points.as_ref())?));
        }
        let store = Arc::clone(&instances[0].runtime().store);
        let venue = Venue::at(&place.broker_url)?;
        let (carrier, night, told) = (Carrier::Orderly, NIGHT.to_vec(), Mutex::default());
        Ok(Self { carrier, night, instances, store, told, clock, venue, points })
    }

    /// Goes on to the end.
    pub(crate) async fn go(&self) -> Result<()> {
        let first = (self.venue.now().await?.time - START) / DAY;
        for day in first..=DAYS {
            self.day(day).await?;
        }
        Ok(())
    }

    /// One day's beginning: candles close, strategies decide and orders go out; candles open and orders fill; the night's
    /// work is done.
    async fn day(&self, day: i64) -> Result<()> {
        let time = START + day * DAY;
        self.clock.set(time);
        if let Some(points) = &self.points {
            points.enter(&format!("day {day:02}"));
        }
        if self.venue.now().await? < Moment::at_open(time) {
            self.close(day, time).await?;
        }
        self.advance(Moment::at_open(time)).await?;
        self.sync(time, "open").await?;
        if NIGHTS.contains(&day) {
            self.work_through_the_night(time).await?;
        }
        if self.carrier == Carrier::Rude {
            self.tell_all_again().await?;
        }
        Ok(())
    }

    async fn close(&self, day: i64, time: UnixMillis) -> Result<()> {
        self.advance(Moment::at_close(time)).await?;
        for (name, _) in UPLOADS.into_iter().filter(|(_, on)| *on == day) {
            // The config, which comes last, tells of the upload.
            let upload = finalized("strategies", &format!("{name}.toml"), "1", time);
            self.run("register-strategy", RunRequest::of_event(upload)).await?;
        }
        if day == LATE_SIGNAL {
            self.late_signal(time).await?;
        }
        if day == 0 {
            return Ok(());
        }
        if self.carrier == Carrier::Rude {
            self.sync(time, "early").await?;
        }
        self.run("ingest-candles", RunRequest::scheduled_at(time)).await?;
        self.deliver().await?;
        self.sync(time, "close").await
    }

    /// What runs in a night, for the night that begins at `time`.
    pub(crate) async fn work_through_the_night(&self, time: UnixMillis) -> Result<()> {
        for name in &self.night {
            self.run(name, RunRequest::scheduled_at(time)).await?;
        }
        Ok(())
    }

    /// Runs a function in every instance at once, and waits for all of them.
    async fn run(&self, name: &'static str, request: RunRequest) -> Result<()> {
        if self.carrier == Carrier::Rude && request.event.is_some() {
            self.told.lock().unwrap_or_else(PoisonError::into_inner).push((name, request.clone()));
            self.run_at_once(name, &request).await?;
        }
        self.run_at_once(name, &request).await
    }

    async fn run_at_once(&self, name: &'static str, request: &RunRequest) -> Result<()> {
        let start = |desktop: &Arc<Desktop>| tokio::spawn(turn(Arc::clone(desktop), name, request.clone()));
        for run in self.instances.iter().map(start).collect::<Vec<_>>() {
            run.await??;
        }
        Ok(())
    }

    async fn deliver(&self) -> Result<()> {
        if self.carrier == Carrier::Rude {
            return self.deliver_rudely().await;
        }
        for desktop in &self.instances {
            if let Some((message, reason)) = desktop.deliver().await?.failed.into_iter().next() {
                bail!("event {message} was not taken: {reason}");
            }
        }
        Ok(())
    }

    async fn deliver_rudely(&self) -> Result<()> {
        let outbox = Records::<OutboxRow>::of(self.store.as_ref(), ENVIRONMENT);
        loop {
            let waiting = outbox.all(outbox.select()).await?;
            if waiting.is_empty() {
                return Ok(());
            }
            for row in waiting.iter().rev() {
                let event = &row.record.event;
                let descriptors = self.instances[0].functions().map(|function| function.descriptor());
                for wants in descriptors.filter(|of| of.event_types().contains(&event.event_type.as_str())) {
                    self.run(wants.name, RunRequest::of_event(event.clone())).await?;
                }
            }
            let taken = |row: &Stored<OutboxRow>| outbox.delete(&row.record.message_id, Precondition::Any);
            self.store.commit(waiting.iter().map(taken).collect()).await?;
        }
    }

    async fn tell_all_again(&self) -> Result<()> {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for (name, request) in told.iter().rev() {
            self.run_at_once(name, request).await?;
        }
        Ok(())
    }

    async fn advance(&self, to: Moment) -> Result<()> {
        if self.venue.now().await? >= to {
            return Ok(());
        }
        match &self.points {
            Some(points) => points.around(&format!("clock to {to}"), self.venue.advance(to)).await,
            None => self.venue.advance(to).await,
        }
    }

    /// Brings positions up to this moment, also where there are none, as the schedule does.
    async fn sync(&self, time: UnixMillis, phase: &str) -> Result<()> {
        self.run("sync-positions", RunRequest::of_event(PositionsDue { at: time }.event(phase))).await
    }

    /// Puts a signal whose close the gate does not ask for, so that it expires.
    async fn late_signal(&self, now: UnixMillis) -> Result<()> {
        let versions = Records::<StrategyVersion>::of(self.store.as_ref(), ENVIRONMENT);
        let close_time = now - DAY / 2;
        let Some(version) = history::as_of(&versions, "trend", close_time).await? else { bail!("trend is not there") };
        let signals = Records::<LiveSignal>::of(self.store.as_ref(), ENVIRONMENT);
        let signal = assembly::signal(&version, close_time)?;
        Ok(self.store.commit(vec![signals.put(&signal, Precondition::Any)?]).await?)
    }
}

/// Runs a function; while another instance runs it, waits for its turn.
async fn turn(desktop: Arc<Desktop>, name: &'static str, request: RunRequest) -> Result<(), RunError> {
    let mut turns = 0;
    loop {
        match desktop.run(name, request.clone()).await {
            Err(error) if error.is_retryable() && turns < TURNS_MAX => {
                turns += 1;
                tokio::time::sleep(TURN).await;
            }
            ran => return ran.map(|_| ()),
        }
    }
}
