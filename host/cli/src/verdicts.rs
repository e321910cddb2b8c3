//! What was found free of lookahead before: one empty file in the cache folder for each verdict.

use std::fs;
use std::path::PathBuf;

use sentinel_backtest::lookahead::Verdicts;
use sentinel_domain::hash::ContentHash;

use crate::home;

/// Verdicts in the cache folder, if there is one.
#[derive(Debug)]
pub(crate) struct CachedVerdicts {
    folder: Option<PathBuf>,
}

impl CachedVerdicts {
    pub(crate) fn new() -> Self {
        Self { folder: home::cache_dir().map(|cache| cache.join("verdicts")) }
    }
}

impl Verdicts for CachedVerdicts {
    fn is_verified(&self, key: &ContentHash) -> bool {
        self.folder.as_ref().is_some_and(|folder| folder.join(key.to_string()).is_file())
    }

    fn remember(&self, key: &ContentHash) {
        if let Some(folder) = &self.folder {
            // A verdict that cannot be kept is found again.
            drop(fs::create_dir_all(folder).and_then(|()| fs::write(folder.join(key.to_string()), "")));
        }
    }
}
