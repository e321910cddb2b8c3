//! A folder of backups: the points in time that can be gone back to.
//!
//! A file's name is for people and says when it was taken; what counts is its manifest. Files that are no backups of this
//! environment are left alone.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use chrono::DateTime;
use sentinel_domain::candles::format_time;
use sentinel_domain::environment::Environment;
use sentinel_domain::timeframe::{UnixMillis, utc};

use super::manifest_of;
use crate::failure::usage;

/// The ending of backups that are named by their time.
const ENDING: &str = "sentinel";

/// One backup of a folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Point {
    /// When it was taken.
    pub(super) taken_at: UnixMillis,
    pub(super) file: PathBuf,
}

/// Returns the file in `folder` for a backup that is taken now.
pub(super) fn file_for(folder: &Path, environment: Environment, now: UnixMillis) -> PathBuf {
    let environment = environment.to_string().to_lowercase();
    folder.join(format!("{environment}-{}.{ENDING}", utc(now).format("%Y%m%dT%H%M%S%.3fZ")))
}

/// Returns the backups of `environment` in `folder`, oldest first.
pub(super) fn all_of(folder: &Path, environment: Environment) -> Result<Vec<Point>> {
    let read = || format!("cannot read {}", folder.display());
    let mut points = Vec::new();
    for entry in fs::read_dir(folder).with_context(read)? {
        let file = entry.with_context(read)?.path();
        if file.extension().is_none_or(|ending| ending != ENDING) {
            continue;
        }
        let Ok(manifest) = manifest_of(&file) else { continue };
        let Ok(taken_at) = DateTime::parse_from_rfc3339(&manifest.taken_at) else { continue };
        if manifest.environment == environment {
            points.push(Point { taken_at: taken_at.timestamp_millis(), file });
        }
    }
    points.sort();
    Ok(points)
}

/// Returns the last backup that was taken at `at` or before; without `at`, the last of all.
pub(super) fn last_of(folder: &Path, environment: Environment, at: Option<UnixMillis>) -> Result<Point> {
    let points = all_of(folder, environment)?;
    let Some(first) = points.first().cloned() else {
        return Err(usage(format_args!("{} holds no backup of {environment}", folder.display())));
    };
    let reaches_back = format_time(first.taken_at);
    points.into_iter().rfind(|point| at.is_none_or(|at| point.taken_at <= at)).ok_or_else(|| {
        usage(format_args!(
            "no backup of {environment} in {} is as old as {}: the first was taken at {reaches_back}",
            folder.display(),
            at.map_or_else(String::new, format_time)
        ))
    })
}

/// Deletes all but the last `keep` backups of `environment` in `folder`.
pub(super) fn forget(folder: &Path, environment: Environment, keep: usize) -> Result<()> {
    let points = all_of(folder, environment)?;
    for point in points.iter().take(points.len().saturating_sub(keep)) {
        fs::remove_file(&point.file).with_context(|| format!("cannot delete {}", point.file.display()))?;
    }
    Ok(())
}
