//! Runs sessions again, in one call or bar by bar, and compares.
//!
//! A backtest shows a session's bars in one call, because that is fast; live, a bar is shown when the next one does not
//! exist yet. A strategy that peeks, or whose answer depends on how bars are cut into calls, gives itself away when the
//! two are compared. Bar by bar, every bar also has its own budget, as live: a batch shares one.

use std::fmt;
use std::ops::Range;

use sentinel_domain::candles::{Candles, format_time};
use sentinel_domain::instrument::InstrumentRules;
use sentinel_domain::session;
use sentinel_domain::signal::Signal;
use sentinel_domain::strategy::ParameterValue;
use sentinel_domain::timeframe::UnixMillis;
use thiserror::Error;

use crate::error::RuntimeError;
use crate::session::Session;
use crate::strategy::Strategy;

/// A strategy with its parameters over a series: all that a session needs to be run again.
#[derive(Debug, Clone, Copy)]
pub struct Replay<'a> {
    /// The strategy.
    pub strategy: &'a Strategy,
    /// The series.
    pub candles: &'a Candles,
    /// The instrument's rules.
    pub rules: &'a InstrumentRules,
    /// One value for each parameter, in the manifest's order.
    pub parameters: &'a [ParameterValue],
    /// Bars shown before each session: what [`Strategy::warm_up_bars`] returns for these parameters.
    pub warm_up_bars: u32,
}

/// What a bar by bar run found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// Bars that were shown, each alone.
    pub bars: usize,
    /// The most fuel that one of them took.
    pub fuel_max: u64,
}

/// Two runs over the same bars that should have given the same and did not.
#[derive(Debug, Clone, PartialEq, Error)]
#[error(
    "strategy {strategy} answers differently at bar {} (row {row}): {expected_in} {}, {found_in} {}",
    format_time(*open_time),
    Said(expected.as_ref()),
    Said(found.as_ref())
)]
pub struct Divergence {
    /// The strategy.
    pub strategy: String,
    /// Row of the first bar that differs.
    pub row: usize,
    /// When it opened.
    pub open_time: UnixMillis,
    /// Which run the first answer is from: "in one call".
    pub expected_in: String,
    /// The first answer.
    pub expected: Option<Signal>,
    /// Which run the second answer is from: "bar by bar".
    pub found_in: String,
    /// The second answer.
    pub found: Option<Signal>,
}

/// Why a session is not verified.
#[derive(Debug, Error)]
pub enum VerifyError {
    /// The strategy sees ahead, or depends on how bars are cut.
    #[error(transparent)]
    Diverged(#[from] Box<Divergence>),
    /// A bar that live would stop.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
}

impl<'a> Replay<'a> {
    /// Asks the strategy how much warm-up it wants.
    ///
    /// # Errors
    /// When the strategy cannot be opened.
    pub fn new(
        strategy: &'a Strategy,
        candles: &'a Candles,
        rules: &'a InstrumentRules,
        parameters: &'a [ParameterValue],
    ) -> Result<Self, RuntimeError> {
        let warm_up_bars = strategy.warm_up_bars(candles.instrument(), candles.timeframe(), rules, parameters)?;
        Ok(Self { strategy, candles, rules, parameters, warm_up_bars })
    }

    /// Returns the signals of a session as a backtest asks for them: a fresh instance, the warm-up, the bars in one
    /// call.
    ///
    /// # Errors
    /// When the strategy exceeds a limit, crashes, fails or breaks the contract.
    pub fn run_session(&self, session: &session::Session) -> Result<Vec<Signal>, RuntimeError> {
        self.run_calls(session, std::iter::once(session.bars.clone()))
    }

    /// Runs a session bar by bar, each bar with its own budget, and compares with what the session gave in one call.
    /// Signals of `batch` outside of the session are passed over.
    ///
    /// # Errors
    /// Names the first bar that differs, or the bar that exceeds a limit.
    pub fn verify_session(&self, session: &session::Session, batch: &[Signal]) -> Result<Verified, VerifyError> {
        self.verify_session_from(session, session.bars.start, batch)
    }

    /// The same for a session of which only the bars from `first_row` on are decided: the ones before are shown, and
    /// their signals are passed over.
    ///
    /// # Errors
    /// As [`Replay::verify_session`].
    pub fn verify_session_from(
        &self,
        session: &session::Session,
        first_row: usize,
        batch: &[Signal],
    ) -> Result<Verified, VerifyError> {
        let mut verified = Verified { bars: 0, fuel_max: 0 };
        let mut alone = Vec::new();
        let mut running = self.open_session(session)?;
        for row in session.bars.clone() {
            let fuel_before = running.fuel_used();
            running.on_bars(self.candles.columns(), row..row + 1, &mut alone)?;
            verified.fuel_max = verified.fuel_max.max(running.fuel_used() - fuel_before);
            verified.bars += 1;
        }
        let decided = session.bars.start.max(first_row)..session.bars.end;
        let (batch, alone) = (within(batch, &decided), within(&alone, &decided));
        match self.first_divergence("in one call", batch, "bar by bar", alone) {
            Some(divergence) => Err(VerifyError::Diverged(divergence)),
            None => Ok(verified),
        }
    }

    /// Runs a session bar by bar and returns the error of the first bar that fails, which so has a name: the error of
    /// a call with many bars can name only their range. `None` when no bar fails by itself.
    #[must_use]
    pub fn locate_failure(&self, session: &session::Session) -> Option<RuntimeError> {
        self.run_calls(session, session.bars.clone().map(|row| row..row + 1)).err()
    }

    /// Returns the signals of a session whose bars are shown in the given calls.
    pub(crate) fn run_calls(
        &self,
        session: &session::Session,
        calls: impl Iterator<Item = Range<usize>>,
    ) -> Result<Vec<Signal>, RuntimeError> {
        let mut running = self.open_session(session)?;
        let mut signals = Vec::new();
        for rows in calls {
            running.on_bars(self.candles.columns(), rows, &mut signals)?;
        }
        Ok(signals)
    }

    /// Opens a session and shows it its warm-up.
    pub(crate) fn open_session(&self, session: &session::Session) -> Result<Session, RuntimeError> {
        let mut running = self.open()?;
        let warm_up = session.warm_up(self.warm_up_bars as usize);
        running.warm_up(self.candles.columns(), warm_up)?;
        Ok(running)
    }

    pub(crate) fn open(&self) -> Result<Session, RuntimeError> {
        let Self { strategy, candles, rules, parameters, .. } = self;
        strategy.open(candles.instrument(), candles.timeframe(), rules, parameters)
    }

    /// Returns the first bar on which two runs differ in a single bit. Both lists rise by bar.
    pub(crate) fn first_divergence(
        &self,
        expected_in: &str,
        expected: &[Signal],
        found_in: &str,
        found: &[Signal],
    ) -> Option<Box<Divergence>> {
        let same = expected.iter().zip(found).take_while(|(a, b)| is_same(a, b)).count();
        let (expected, found) = (expected.get(same), found.get(same));
        let row = expected.into_iter().chain(found).map(|signal| signal.bar).min()?;
        let at_row = |signal: Option<&Signal>| signal.filter(|signal| signal.bar == row).copied();
        Some(Box::new(Divergence {
            strategy: self.strategy.manifest().id.clone(),
            row,
            open_time: self.candles.columns().open_time[row],
            expected_in: expected_in.to_owned(),
            expected: at_row(expected),
            found_in: found_in.to_owned(),
            found: at_row(found),
        }))
    }
}

/// Returns the signals about some rows.
pub(crate) fn within<'a>(signals: &'a [Signal], rows: &Range<usize>) -> &'a [Signal] {
    let from = signals.partition_point(|signal| signal.bar < rows.start);
    let to = signals.partition_point(|signal| signal.bar < rows.end);
    &signals[from..to]
}

/// Returns whether two signals are the same, down to the bits of their numbers.
fn is_same(a: &Signal, b: &Signal) -> bool {
    let bits = |signal: &Signal| {
        [Some(signal.confidence), signal.stop_loss, signal.take_profit].map(|number| number.map(f64::to_bits))
    };
    a == b && bits(a) == bits(b)
}

/// Prints every field of a signal but its bar.
struct Said<'a>(Option<&'a Signal>);

impl fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(signal) = self.0 else { return f.write_str("nothing") };
        let Signal { signal_type, pattern, confidence, reasons, warnings, stop_loss, take_profit, valid_bars, .. } =
            signal;
        write!(f, "{signal_type} (pattern {pattern}, confidence {confidence}, reasons {reasons:#b}")?;
        write!(f, ", warnings {warnings:#b}")?;
        if let Some(price) = stop_loss {
            write!(f, ", stop {price}")?;
        }
        if let Some(price) = take_profit {
            write!(f, ", target {price}")?;
        }
        if let Some(bars) = valid_bars {
            write!(f, ", valid for {bars} bars")?;
        }
        f.write_str(")")
    }
}
