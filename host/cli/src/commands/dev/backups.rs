//! Backups that `sentinel dev` takes by itself, at whole multiples of their distance.

use std::path::{Path, PathBuf};

use anyhow::Result;
use sentinel_domain::timeframe::UnixMillis;
use tokio::task::JoinHandle;

use crate::args::DevArgs;
use crate::commands::backup;
use crate::home::Home;
use crate::laptop::Laptop;
use crate::output::Output;

/// Where backups go and when the next one is due.
#[derive(Debug)]
pub(super) struct Backups {
    folder: PathBuf,
    home: Home,
    every_ms: i64,
    keep: usize,
    /// The multiple of the distance that was seen last; a start in between takes none.
    last: Option<i64>,
    running: Option<JoinHandle<Result<PathBuf>>>,
}

impl Backups {
    pub(super) fn of(args: &DevArgs, folder: &Path, home: Home) -> Self {
        let every_ms = i64::from(args.backup_every) * 60_000;
        let keep = usize::try_from(args.backup_keep).unwrap_or(usize::MAX);
        Self { folder: folder.to_owned(), home, every_ms, keep, last: None, running: None }
    }

    /// Begins a backup when one is due, beside everything else, and tells of one that has ended.
    ///
    /// A backup that fails is a warning: trading goes on, and the next one is taken in its turn.
    pub(super) async fn look(&mut self, laptop: &Laptop, output: &Output) -> Result<()> {
        if self.running.as_ref().is_some_and(JoinHandle::is_finished)
            && let Some(ended) = self.running.take()
        {
            match ended.await? {
                Ok(file) => output.note(format!("backed up to {}", file.display())),
                Err(error) => output.warning(format!("the backup failed: {error:#}; trading goes on")),
            }
        }
        if self.is_due(laptop.clock.now()) && self.running.is_none() {
            let (laptop, home, folder) = (laptop.clone(), self.home.clone(), self.folder.clone());
            let keep = self.keep;
            self.running = Some(tokio::task::spawn_blocking(move || backup::take_into(&laptop, &home, &folder, keep)));
        }
        Ok(())
    }

    fn is_due(&mut self, now: UnixMillis) -> bool {
        let current = now.div_euclid(self.every_ms);
        let is_due = self.last.is_some_and(|last| current > last);
        self.last = Some(current);
        is_due
    }
}
