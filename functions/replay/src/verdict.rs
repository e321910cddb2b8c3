//! What a replay found out.

use std::fmt;

use sentinel_domain::candles::format_time;
use sentinel_domain::hash::ContentHash;
use sentinel_domain::timeframe::{Timeframe, UnixMillis};
use serde::Serialize;

use crate::compare::Compared;

/// What became of all decisions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ReplayVerdict {
    /// Decisions that were looked at.
    pub decisions: usize,
    /// Of these, those that came out the same to the last bit.
    pub same: usize,
    /// Of the same, those whose fuel was compared too: the engine is the one of that time.
    pub fuel_compared: usize,
    /// Of the same, those that failed then and fail in the same way now.
    pub failed_alike: usize,
    /// What differs.
    pub differences: Vec<Difference>,
}

/// A decision that does not come out as it is recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// When its bar closed, in Unix milliseconds.
    pub close_time: UnixMillis,
    /// Who decided.
    pub strategy_id: String,
    /// On what.
    pub instrument: String,
    /// On candles of which length.
    pub timeframe: Timeframe,
    /// In what it differs.
    #[serde(flatten)]
    pub kind: DifferenceKind,
}

/// In what a decision differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "difference", rename_all = "snake_case")]
pub enum DifferenceKind {
    /// No version was active then, as the registry has it now.
    NoVersion,
    /// Another version was active then, as the registry has it now.
    Version {
        /// The version that decided.
        recorded: ContentHash,
        /// The version that the registry names.
        found: ContentHash,
    },
    /// The config in the registry is not the one that its hash was made of.
    Config {
        /// The hash of the config that decided.
        recorded: ContentHash,
        /// The hash of what stands in the registry.
        found: ContentHash,
    },
    /// The candle that was decided on is not there any more.
    CandleGone,
    /// The strategy was shown other candles, or other parameters, than would be shown now.
    Input {
        /// The hash of what was shown.
        recorded: ContentHash,
        /// The hash of what is shown now.
        found: ContentHash,
        /// How often the session's candles had been corrected then.
        recorded_revision: u32,
        /// How often they have been by now.
        found_revision: u32,
    },
    /// It says something else.
    Output {
        /// The hash of what was said.
        recorded: ContentHash,
        /// The hash of what is said now.
        found: ContentHash,
        /// What was said; `None` for nothing.
        recorded_signal: Option<String>,
        /// What is said now; `None` for nothing.
        found_signal: Option<String>,
    },
    /// It takes another amount of work on the same engine.
    Fuel {
        /// The fuel it took.
        recorded: u64,
        /// The fuel it takes now.
        found: u64,
    },
    /// It failed then or fails now, or fails otherwise.
    Failure {
        /// Why it failed then.
        recorded: Option<String>,
        /// Why it fails now.
        found: Option<String>,
    },
}

impl ReplayVerdict {
    /// Returns whether every decision came out as it is recorded.
    #[must_use]
    pub const fn is_same(&self) -> bool {
        self.differences.is_empty()
    }

    pub(crate) fn count(&mut self, compared: &Compared) {
        if compared.differences.is_empty() {
            self.same += 1;
            self.fuel_compared += usize::from(compared.fuel_compared);
            self.failed_alike += usize::from(compared.failed_alike);
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { close_time, strategy_id, instrument, timeframe, kind } = self;
        write!(f, "{} {strategy_id} on {instrument} {timeframe}: {kind}", format_time(*close_time))
    }
}

impl fmt::Display for DifferenceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = |text: &Option<String>| text.clone().unwrap_or_else(|| "nothing".to_owned());
        let failed = |text: &Option<String>| text.clone().unwrap_or_else(|| "no failure".to_owned());
        match self {
            Self::NoVersion => f.write_str("the registry knows no version that was active then"),
            Self::Version { recorded, found } => {
                write!(f, "version {} decided, the registry says {}", recorded.short(), found.short())
            }
            Self::Config { recorded, found } => write!(
                f,
                "the config in the registry was changed: its hash is {}, the one that decided has {}",
                found.short(),
                recorded.short()
            ),
            Self::CandleGone => f.write_str("the candle that was decided on is not there any more"),
            Self::Input { recorded, found, recorded_revision, found_revision } => {
                write!(f, "the candles were changed: shown then {}, now {}", recorded.short(), found.short())?;
                if recorded_revision == found_revision {
                    return Ok(());
                }
                write!(f, " (corrected since: revision {recorded_revision} then, {found_revision} now)")
            }
            Self::Output { recorded, found, recorded_signal, found_signal } => write!(
                f,
                "said then {} ({}), now {} ({})",
                said(recorded_signal),
                recorded.short(),
                said(found_signal),
                found.short()
            ),
            Self::Fuel { recorded, found } => write!(f, "used {recorded} fuel then, {found} now"),
            Self::Failure { recorded, found } => write!(f, "then {}, now {}", failed(recorded), failed(found)),
        }
    }
}
