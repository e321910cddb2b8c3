//! Proof that a strategy did not look ahead: its own run again, one bar at a time.
//!
//! A batch shows a strategy bars that lie behind the one it is asked about. So every session is run once more on a
//! fresh instance that is shown one bar after the other, as live does, and must say the same. The same pass gives each
//! bar its own budget of fuel, since a batch pools them: a bar that live would stop fails here too.

use rayon::prelude::*;
use sentinel_domain::candles::format_time;
use sentinel_domain::hash::{ContentHash, ContentHasher};
use sentinel_domain::session::Session;
use sentinel_domain::signal::Signal;
use sentinel_domain::timeframe::UnixMillis;
use sentinel_runtime::{ENGINE_VERSION, RuntimeError};
use thiserror::Error;

use crate::run::{Backtest, Sandbox, Signals};

/// Why a run is not free of lookahead.
#[derive(Debug, Error)]
pub enum LookaheadError {
    /// Shown one by one, the bars gave another answer.
    #[error(
        "strategy {strategy} on {series}: at bar {} it says {alone} when the bars come one by one, and {batch} when it \
         is shown later bars in the same call; its results cannot be trusted. \
         `sentinel strategy check` shows where it goes wrong",
        format_time(*open_time)
    )]
    Diverged {
        /// The strategy.
        strategy: String,
        /// The series.
        series: String,
        /// When the first bar with another answer opened.
        open_time: UnixMillis,
        /// What it said in the batch.
        batch: String,
        /// What it said bar by bar.
        alone: String,
    },
    /// The sandbox stopped it.
    #[error(transparent)]
    Strategy(#[from] RuntimeError),
}

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
    ) -> Result<usize, LookaheadError> {
        let mut bars = 0;
        for (index, lane) in self.lanes().iter().enumerate() {
            let setup = &self.strategies()[lane.strategy];
            let sandbox = Sandbox::new(setup, &setup.parameters, &self.series()[lane.series], lane)?;
            let key = key(&sandbox, signals.lane(index));
            if verdicts.is_verified(&key) {
                continue;
            }
            // All sessions are looked at, so that the bar that is named is the first and not the fastest found.
            let verdicts_of_sessions: Vec<_> = lane
                .sessions
                .par_iter()
                .map(|session| {
                    let verdict = verify_session(&sandbox, session, signals.lane(index));
                    shown(session.bars.len());
                    verdict
                })
                .collect();
            verdicts_of_sessions.into_iter().collect::<Result<(), _>>()?;
            verdicts.remember(&key);
            bars += lane.bars.len();
        }
        Ok(bars)
    }
}

/// Returns the hash of everything a verdict depends on, the answer of the batch included.
fn key(sandbox: &Sandbox<'_>, signals: &[Signal]) -> ContentHash {
    let Sandbox { setup, parameters, market, lane, .. } = sandbox;
    let text = |value: serde_json::Result<String>| value.unwrap_or_default();
    let hasher = ContentHasher::new("lookahead-verdict")
        .text(ENGINE_VERSION)
        .bytes(setup.component.component_hash().as_bytes())
        .text(&text(serde_json::to_string(setup.component.limits())))
        .text(&text(serde_json::to_string(parameters)))
        .text(&market.rules.tick_size.normalize().to_string())
        .bytes(lane.bars.content_hash().as_bytes());
    signals
        .iter()
        .fold(hasher, |hasher, signal| {
            hasher.integers(&[i64::try_from(signal.bar).unwrap_or(i64::MAX)]).text(&describe(Some(signal)))
        })
        .finish()
}

fn verify_session(sandbox: &Sandbox<'_>, session: &Session, batch: &[Signal]) -> Result<(), LookaheadError> {
    let columns = sandbox.lane.bars.columns();
    let mut instance = sandbox.open()?;
    instance.warm_up(columns, session.warm_up(sandbox.warm_up_bars))?;
    let first = batch.partition_point(|signal| signal.bar < session.bars.start);
    let mut batch = batch[first..].iter();
    let mut expected = batch.next();
    let mut alone = Vec::with_capacity(1);
    for row in session.bars.clone() {
        alone.clear();
        instance.on_bars(columns, row..row + 1, &mut alone)?;
        let in_batch = expected.filter(|signal| signal.bar == row);
        if in_batch != alone.first() {
            return Err(LookaheadError::Diverged {
                strategy: sandbox.setup.strategy_id.clone(),
                series: sandbox.market.instrument().to_string(),
                open_time: columns.open_time[row],
                batch: describe(in_batch),
                alone: describe(alone.first()),
            });
        }
        if in_batch.is_some() {
            expected = batch.next();
        }
    }
    Ok(())
}

/// Returns every field of a signal but its bar; `f64` texts are exact, so two texts are equal only of equal signals.
fn describe(signal: Option<&Signal>) -> String {
    let Some(signal) = signal else { return "nothing".to_owned() };
    let Signal { signal_type, pattern, confidence, reasons, warnings, stop_loss, take_profit, valid_bars, .. } = signal;
    let price = |name: &str, price: &Option<f64>| price.map_or_else(String::new, |price| format!(", {name} {price}"));
    let valid = valid_bars.map_or_else(String::new, |bars| format!(", valid for {bars} bars"));
    format!(
        "{signal_type} (pattern {pattern}, confidence {confidence}, reasons {reasons:#x}, warnings {warnings:#x}{}{}{valid})",
        price("stop", stop_loss),
        price("target", take_profit),
    )
}
