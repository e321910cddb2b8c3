//! Proof that a strategy did not look ahead: its own run again, one bar at a time.
//!
//! A batch shows a strategy bars that lie behind the one it is asked about. So every session is run once more on a
//! fresh instance that is shown one bar after the other, as live does, and must say the same. The same pass gives each
//! bar its own budget of fuel, since a batch pools them: a bar that live would stop fails here too.

use rayon::prelude::*;
use sentinel_domain::hash::{ContentHash, ContentHasher};
use sentinel_domain::signal::Signal;
use sentinel_runtime::{ENGINE_VERSION, Replay, VerifyError};

use crate::run::{Backtest, Prepared, Signals};

/// Where verdicts are remembered. A verdict's key holds everything it depends on.
pub trait Verdicts: Sync {
    /// Returns whether the key was found free of lookahead before.
    fn is_verified(&self, key: &ContentHash) -> bool;
    /// Remembers that it was.
    fn remember(&self, key: &ContentHash);
}

/// Remembers nothing.
#[derive(Debug, Clone, Copy)]
pub struct NoVerdicts;

impl Verdicts for NoVerdicts {
    fn is_verified(&self, _: &ContentHash) -> bool {
        false
    }

    fn remember(&self, _: &ContentHash) {}
}

impl Backtest {
    /// Checks that `signals`, which [`Backtest::evaluate`] returned, come out the same bar by bar. Returns how many
    /// bars were shown again: none where all verdicts were known. `shown` is called with the bars of each session.
    ///
    /// # Errors
    /// Names the first bar on which the answers differ, or the one on which the sandbox stopped the strategy.
    pub fn verify_lookahead(
        &self,
        signals: &Signals,
        verdicts: &dyn Verdicts,
        shown: impl Fn(usize) + Sync,
    ) -> Result<usize, VerifyError> {
        let mut bars = 0;
        for (index, lane) in self.lanes().iter().enumerate() {
            let setup = &self.strategies()[lane.strategy];
            let rules = &self.series()[lane.series].rules;
            let replay = Replay::new(&setup.component, &lane.bars, rules, &setup.parameters)?;
            let mut key = key(&replay, signals.lane(index));
            if setup.recorded.is_some() {
                key = of_part(&key, lane);
            }
            if verdicts.is_verified(&key) {
                continue;
            }
            // All sessions are looked at, so that the bar that is named is the first and not the fastest found.
            let by_session: Vec<_> = lane
                .sessions
                .par_iter()
                .map(|session| {
                    let verified = replay.verify_session_from(session, lane.first_row, signals.lane(index));
                    shown(session.bars.len());
                    verified
                })
                .collect();
            by_session.into_iter().try_for_each(|verified| verified.map(drop))?;
            verdicts.remember(&key);
            bars += lane.bars_shown();
        }
        Ok(bars)
    }
}

/// Returns the hash of everything a verdict depends on, the answer of the batch included.
fn key(replay: &Replay<'_>, signals: &[Signal]) -> ContentHash {
    let text = |value: serde_json::Result<String>| value.unwrap_or_default();
    let hasher = ContentHasher::new("lookahead-verdict")
        .text(ENGINE_VERSION)
        .bytes(replay.strategy.component_hash().as_bytes())
        .text(&text(serde_json::to_string(replay.strategy.limits())))
        .text(&text(serde_json::to_string(replay.parameters)))
        .text(&replay.rules.tick_size.normalize().to_string())
        .bytes(replay.candles.content_hash().as_bytes());
    // The text of an `f64` in this form is exact, so two texts are equal only of equal signals.
    signals.iter().fold(hasher, |hasher, signal| hasher.text(&format!("{signal:?}"))).finish()
}

/// Returns the key of a verdict on the part of the bars that a version decided: it says nothing about the others.
fn of_part(key: &ContentHash, lane: &Prepared) -> ContentHash {
    let end = lane.sessions.last().map_or(lane.first_row, |session| session.bars.end);
    let part = format!("{}..{end}", lane.first_row);
    ContentHasher::new("lookahead-verdict-of-part").bytes(key.as_bytes()).text(&part).finish()
}
