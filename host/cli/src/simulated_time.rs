//! The mark on stores whose time is simulated, so that the days of a rehearsal and the machine's own never meet in one
//! history.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sentinel_domain::timeframe::{Timeframe, UnixMillis};
use serde::{Deserialize, Serialize};

use crate::whole_file;

/// How far simulated time has come in some stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SimulatedTime {
    /// When it began: candles open from here on.
    pub(crate) from: UnixMillis,
    /// What its clock shows, to within a day.
    pub(crate) reached: UnixMillis,
    /// The candles that orders meet, and at whose closes exits are decided.
    pub(crate) finest: Timeframe,
}

impl SimulatedTime {
    /// Reads the mark in a folder of stores; `None` where their time is the machine's.
    pub(crate) fn read(folder: &Path) -> Result<Option<Self>> {
        let path = path(folder);
        match fs::read(&path) {
            Ok(bytes) => {
                let mark = serde_json::from_slice(&bytes);
                Ok(Some(mark.with_context(|| format!("{} is damaged; restore a backup", path.display()))?))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    /// Leaves the mark.
    pub(crate) fn write(self, folder: &Path) -> Result<()> {
        whole_file::write(&path(folder), &serde_json::to_vec(&self)?)
    }
}

fn path(folder: &Path) -> PathBuf {
    folder.join("simulated-time.json")
}
