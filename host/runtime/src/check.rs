//! The checks behind `sentinel strategy check`: what is tried on a component, and what came out.
//!
//! A strategy that passes is well-formed, repeats itself, sees no later bar and does not care how bars are cut, on the
//! bars that were tried. A guest that means harm can behave while it is watched, so a backtest does not rely on this
//! and verifies its own bars (see [`crate::Replay::verify_session`]).

use std::collections::BTreeSet;
use std::iter;
use std::ops::Range;

use sentinel_domain::candles::Candles;
use sentinel_domain::hash::ContentHash;
use sentinel_domain::instrument::InstrumentRules;
use sentinel_domain::session::{self, sessions};
use sentinel_domain::signal::Signal;
use sentinel_domain::strategy::{Manifest, ParameterKind, ParameterSpec, ParameterValue};
use serde::Serialize;

use crate::error::RuntimeError;
use crate::replay::{Divergence, Replay, VerifyError, within};
use crate::strategy::Strategy;
use crate::synthetic::synthetic_candles;

/// Sessions of the series that are tried; the last ones, which have the most bars before them.
const SESSIONS_TRIED: usize = 2;

/// Ends of the series that truncation tries in each session.
const TRUNCATIONS: usize = 24;

/// Bars shown to each edge of a parameter's range.
const EDGE_BARS: usize = 100;

/// Bars of the made-up market, at most: enough for twice a warm-up of 10,000 bars.
const SYNTHETIC_BARS_MAX: usize = 25_000;

/// The doubled warm-up, at least: twice nothing is nothing.
const WARM_UP_BARS_MIN: usize = 20;

/// The seed of the made-up market.
const SYNTHETIC_SEED: u64 = 20_200_101;

/// A share of `fuel_max_per_bar` that leaves too little room for bars not tried here.
const FUEL_PERCENT_WARNED: u64 = 50;

/// One thing that was tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckRow {
    /// What it is about.
    pub name: &'static str,
    /// What was tried, with its numbers.
    pub tried: String,
    /// What came out.
    pub outcome: CheckOutcome,
}

/// What came out of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum CheckOutcome {
    /// All is well.
    Passed,
    /// The strategy is refused.
    Failed {
        /// Why, with the bar where there is one.
        detail: String,
    },
    /// The author should know.
    Warning {
        /// What.
        detail: String,
    },
    /// It could not be tried.
    Skipped {
        /// Why.
        reason: String,
    },
}

/// All that was tried on one component.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CheckReport {
    /// What the strategy says about itself, if it got that far.
    pub manifest: Option<Manifest>,
    /// Hash of the component's bytes, if it got that far.
    pub component_hash: Option<ContentHash>,
    /// What was tried, in order.
    pub rows: Vec<CheckRow>,
}

impl CheckReport {
    /// Returns whether nothing failed.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        !self.rows.iter().any(|row| matches!(row.outcome, CheckOutcome::Failed { .. }))
    }
}

/// What a check found wrong: a failure or a warning.
type Tried = Result<CheckOutcome, Box<dyn std::error::Error + Send + Sync>>;

/// Checks a component that [`crate::Runtime::load_file`] has loaded or refused, on the given candles or else on a
/// made-up market. Parameters have their defaults but where their ranges are tried.
#[must_use]
pub fn check(loaded: Result<Strategy, RuntimeError>, candles: Option<&Candles>) -> CheckReport {
    match loaded {
        Ok(strategy) => check_loaded(&strategy, candles),
        Err(error) => CheckReport { manifest: None, component_hash: None, rows: rows_of_refusal(&error) },
    }
}

/// The checks that loading does, in the order in which it does them.
const LOAD_CHECKS: [(&str, &str); 5] = [
    ("component", "is a WebAssembly component and within its limits of size"),
    ("imports", "nothing is asked of the host"),
    ("exports", "the contract is there, in a version this host understands"),
    ("compiling", "in bounded time"),
    ("manifest", "describes itself on a fresh instance; every field keeps the contract's rules"),
];

const RUN_CHECKS: [&str; 9] =
    ["stability", "parameters", "determinism", "isolation", "cuts", "lookahead", "fuel", "live decision", "warm-up"];

/// Returns the rows of a component that could not be loaded: passed up to where it was refused, skipped from there.
fn rows_of_refusal(error: &RuntimeError) -> Vec<CheckRow> {
    let refused_at = match error {
        RuntimeError::ForbiddenImport { .. } => 1,
        RuntimeError::ContractVersion { .. } | RuntimeError::MissingExport { .. } | RuntimeError::ExportType { .. } => {
            2
        }
        RuntimeError::Compile { .. }
        | RuntimeError::CompileTimeExceeded { .. }
        | RuntimeError::CompilersBusy { .. } => 3,
        RuntimeError::Manifest { .. } => 4,
        other if other.place().is_some() => 4,
        _ => 0,
    };
    let skipped = || CheckOutcome::Skipped { reason: format!("refused at {}", LOAD_CHECKS[refused_at].0) };
    let load = LOAD_CHECKS.into_iter().enumerate().map(|(index, (name, tried))| CheckRow {
        name,
        tried: tried.to_owned(),
        outcome: match index.cmp(&refused_at) {
            std::cmp::Ordering::Less => CheckOutcome::Passed,
            std::cmp::Ordering::Equal => CheckOutcome::Failed { detail: with_sources(error) },
            std::cmp::Ordering::Greater => skipped(),
        },
    });
    let run = RUN_CHECKS.into_iter().map(|name| CheckRow { name, tried: String::new(), outcome: skipped() });
    load.chain(run).collect()
}

fn check_loaded(strategy: &Strategy, candles: Option<&Candles>) -> CheckReport {
    let load = LOAD_CHECKS.into_iter().map(|(name, tried)| CheckRow {
        name,
        tried: tried.to_owned(),
        outcome: CheckOutcome::Passed,
    });
    CheckReport {
        manifest: Some(strategy.manifest().clone()),
        component_hash: Some(strategy.component_hash()),
        rows: load.chain(run_rows(strategy, candles)).collect(),
    }
}

fn run_rows(strategy: &Strategy, candles: Option<&Candles>) -> Vec<CheckRow> {
    let defaults: Vec<_> = strategy.manifest().parameters.iter().map(|spec| spec.kind.default_value()).collect();
    let rules = InstrumentRules::default();
    let refused = |error| vec![row("parameters", "opens with its defaults".to_owned(), Err(error))];
    let made_up;
    let candles = match candles {
        Some(candles) => candles,
        None => match made_up_candles(strategy, &rules, &defaults) {
            Ok(candles) => {
                made_up = candles;
                &made_up
            }
            Err(error) => return refused(error),
        },
    };
    let replay = match Replay::new(strategy, candles, &rules, &defaults) {
        Ok(replay) => replay,
        Err(error) => return refused(error.into()),
    };
    let mut rows =
        vec![row("stability", "described twice by one instance".to_owned(), stability(strategy)), parameters(&replay)];
    match Trial::new(replay) {
        Ok(trial) => rows.extend(trial.rows()),
        Err(error) => {
            let tried = "shown a session in one call".to_owned();
            rows.push(row("determinism", tried, Err(error.into())));
            let skipped = |name| CheckRow {
                name,
                tried: String::new(),
                outcome: CheckOutcome::Skipped { reason: "the session failed".to_owned() },
            };
            rows.extend(RUN_CHECKS.into_iter().skip(rows.len()).map(skipped));
        }
    }
    rows
}

/// Makes up candles of the finest timeframe that the strategy is for: as many whole sessions as are tried, and room
/// before them for twice the warm-up.
fn made_up_candles(
    strategy: &Strategy,
    rules: &InstrumentRules,
    defaults: &[ParameterValue],
) -> Result<Candles, Box<dyn std::error::Error + Send + Sync>> {
    let timeframe = strategy.manifest().timeframes.first().copied().ok_or("no timeframe")?;
    let candles = synthetic_candles(timeframe, SYNTHETIC_BARS_MAX, SYNTHETIC_SEED)?;
    let warm_up = strategy.warm_up_bars(candles.instrument(), timeframe, rules, defaults)? as usize;
    let room = warm_up.saturating_mul(2).max(WARM_UP_BARS_MIN);
    let tried = sessions(&candles.columns().open_time, timeframe).into_iter().skip_while(|s| s.bars.start < room);
    let last = tried.take(SESSIONS_TRIED).last().map_or(candles.len() - 1, |session| session.bars.end - 1);
    let end = candles.close_time(last);
    Ok(candles.between(i64::MIN, end).unwrap_or(candles))
}

fn row(name: &'static str, tried: String, outcome: Tried) -> CheckRow {
    let outcome = outcome.unwrap_or_else(|error| CheckOutcome::Failed { detail: with_sources(error.as_ref()) });
    CheckRow { name, tried, outcome }
}

fn with_sources(error: &dyn std::error::Error) -> String {
    let causes: Vec<_> = iter::successors(Some(error), |error| error.source()).map(ToString::to_string).collect();
    causes.join(": ")
}

/// A manifest must be the same at every call. Loading asked a fresh instance; this asks another one, twice.
fn stability(strategy: &Strategy) -> Tried {
    let described = strategy.describe_again()?;
    match described.iter().position(|manifest| manifest != strategy.manifest()) {
        None => Ok(CheckOutcome::Passed),
        Some(index) => {
            Err(format!("the manifest differs when it is asked for a {} time", ["first", "second"][index]).into())
        }
    }
}

/// Tries the ends of every parameter's range, the others at their defaults.
fn parameters(replay: &Replay<'_>) -> CheckRow {
    let specs = &replay.strategy.manifest().parameters;
    let edges: Vec<_> = specs
        .iter()
        .enumerate()
        .flat_map(|(index, spec)| edges(&spec.kind).into_iter().map(move |value| (index, spec, value)))
        .collect();
    let tried = format!("{} ends of the ranges of {} parameters", edges.len(), specs.len());
    let outcome = edges.into_iter().try_for_each(|(index, spec, value)| try_edge(replay, index, spec, value));
    row("parameters", tried, outcome.map(|()| CheckOutcome::Passed).map_err(Into::into))
}

/// A value may be refused with a reason; anything else but working is a fault.
fn try_edge(replay: &Replay<'_>, index: usize, spec: &ParameterSpec, value: ParameterValue) -> Result<(), String> {
    let mut parameters = replay.parameters.to_vec();
    parameters[index] = value;
    let bars = 0..replay.candles.len().min(EDGE_BARS);
    let tried = Replay { parameters: &parameters, ..*replay }
        .run_calls(&session::Session { start: 0, bars: 0..0 }, iter::once(bars));
    match tried {
        Ok(_) | Err(RuntimeError::InvalidParameter { .. }) => Ok(()),
        Err(error) => Err(format!("with {} = {value}: {}", spec.name, with_sources(&error))),
    }
}

fn edges(kind: &ParameterKind) -> Vec<ParameterValue> {
    match kind {
        ParameterKind::Integer { minimum, maximum, .. } => {
            BTreeSet::from([*minimum, *maximum]).into_iter().map(ParameterValue::Integer).collect()
        }
        ParameterKind::Real { minimum, maximum, .. } => [minimum, maximum].map(|end| ParameterValue::Real(*end)).into(),
        ParameterKind::Boolean { .. } => [false, true].map(ParameterValue::Boolean).into(),
        ParameterKind::Choice { options, .. } => (0..).zip(options).map(|(i, _)| ParameterValue::Choice(i)).collect(),
    }
}

/// Some sessions of a series and what the strategy said about each in one call: what all else is compared with.
struct Trial<'a> {
    replay: Replay<'a>,
    sessions: Vec<(session::Session, Vec<Signal>)>,
}

impl<'a> Trial<'a> {
    fn new(replay: Replay<'a>) -> Result<Self, RuntimeError> {
        let all = sessions(&replay.candles.columns().open_time, replay.candles.timeframe());
        let tried = all.iter().skip(all.len().saturating_sub(SESSIONS_TRIED));
        let sessions = tried
            .map(|session| {
                replay.run_session(session).map(|signals| (session.clone(), signals)).map_err(|error| {
                    // The error of a call with many bars names their range; the bar's own error says more.
                    replay.locate_failure(session).unwrap_or(error)
                })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { replay, sessions })
    }

    fn rows(&self) -> Vec<CheckRow> {
        let bars: usize = self.sessions.iter().map(|(session, _)| session.bars.len()).sum();
        let signals: usize = self.sessions.iter().map(|(_, signals)| signals.len()).sum();
        let shown = format!(
            "{} {} bars of {} in {} sessions",
            bars,
            self.replay.candles.timeframe(),
            self.replay.candles.instrument(),
            self.sessions.len()
        );
        let (cuts, fuel) = self.cuts_and_fuel();
        vec![
            row("determinism", format!("{shown}, each twice; {signals} signals"), self.determinism(signals)),
            row("isolation", "two sessions at once, in turns".to_owned(), self.isolation()),
            row("cuts", "bar by bar, in odd cuts and in halves, against one call".to_owned(), cuts),
            row("lookahead", format!("cut off after {TRUNCATIONS} bars of each session"), self.lookahead()),
            row("fuel", "each bar alone under its own budget".to_owned(), fuel),
            row("live decision", "the last bars on fresh instances, as live".to_owned(), self.live()),
            row("warm-up", "with the warm-up doubled".to_owned(), self.warm_up()),
        ]
    }

    fn determinism(&self, signals: usize) -> Tried {
        for (session, expected) in &self.sessions {
            let again = self.replay.run_session(session)?;
            self.compare("at first", expected, "when run again", &again)?;
        }
        if signals == 0 {
            let detail = "it gave no signal, so little is proved; try it on candles of your own".to_owned();
            return Ok(CheckOutcome::Warning { detail });
        }
        Ok(CheckOutcome::Passed)
    }

    /// Shows two open sessions their bars in turns: what one remembers must not reach the other.
    fn isolation(&self) -> Tried {
        let columns = self.replay.candles.columns();
        let mut open = Vec::new();
        for (session, _) in self.sessions.iter().rev() {
            open.push((session, self.replay.open_session(session)?, Vec::new()));
        }
        let longest = self.sessions.iter().map(|(session, _)| session.bars.len()).max().unwrap_or_default();
        for offset in (0..longest).step_by(16) {
            for (session, running, signals) in &mut open {
                let Range { start, end } = session.bars;
                running.on_bars(columns, (start + offset).min(end)..(start + offset + 16).min(end), signals)?;
            }
        }
        for ((_, expected), (_, _, found)) in self.sessions.iter().rev().zip(&open) {
            self.compare("alone", expected, "beside another session", found)?;
        }
        Ok(CheckOutcome::Passed)
    }

    /// Bar by bar comes first and also measures fuel.
    fn cuts_and_fuel(&self) -> (Tried, Tried) {
        let mut fuel_max = 0;
        for (session, expected) in &self.sessions {
            match self.replay.verify_session(session, expected) {
                Ok(verified) => fuel_max = fuel_max.max(verified.fuel_max),
                Err(VerifyError::Diverged(divergence)) => {
                    let reason = "the cuts failed".to_owned();
                    return (Err(divergence), Ok(CheckOutcome::Skipped { reason }));
                }
                Err(VerifyError::Runtime(error @ RuntimeError::FuelExhausted { .. })) => {
                    let reason = "a bar alone ran out of fuel".to_owned();
                    return (Ok(CheckOutcome::Skipped { reason }), Err(error.into()));
                }
                Err(VerifyError::Runtime(error)) => {
                    let reason = "a bar alone failed".to_owned();
                    return (Err(error.into()), Ok(CheckOutcome::Skipped { reason }));
                }
            }
        }
        (self.odd_cuts(), Ok(self.fuel_outcome(fuel_max)))
    }

    fn odd_cuts(&self) -> Tried {
        for (session, expected) in &self.sessions {
            let found = self.replay.run_calls(session, cuts(session.bars.clone(), [1, 2, 7, 64, 3, 301]))?;
            self.compare("in one call", expected, "in odd cuts", &found)?;
            let half = session.bars.len().div_ceil(2);
            let found = self.replay.run_calls(session, cuts(session.bars.clone(), [half]))?;
            self.compare("in one call", expected, "in halves", &found)?;
        }
        Ok(CheckOutcome::Passed)
    }

    fn fuel_outcome(&self, fuel_max: u64) -> CheckOutcome {
        let allowed = self.replay.strategy.limits().fuel_max_per_bar;
        let percent = fuel_max.saturating_mul(100) / allowed.max(1);
        if percent < FUEL_PERCENT_WARNED {
            return CheckOutcome::Passed;
        }
        let detail = format!("a bar took {fuel_max} of fuel, {percent} % of fuel_max_per_bar ({allowed})");
        CheckOutcome::Warning { detail }
    }

    /// Cuts the session off behind a bar: what was said up to there must not change, because live there is nothing
    /// behind it yet. Bars with signals come first, where a strategy that looks ahead is caught soonest.
    fn lookahead(&self) -> Tried {
        for (session, expected) in &self.sessions {
            let spoken = expected.iter().map(|signal| signal.bar).take(TRUNCATIONS / 2);
            let step = (session.bars.len() / (TRUNCATIONS / 2)).max(1);
            let spread = session.bars.clone().step_by(step);
            let last: BTreeSet<_> = spoken.chain(spread).collect();
            for row in last {
                let shown = session.bars.start..row + 1;
                let found = self.replay.run_calls(session, iter::once(shown.clone()))?;
                self.compare("with later bars", within(expected, &shown), "without them", &found)?;
            }
        }
        Ok(CheckOutcome::Passed)
    }

    fn live(&self) -> Tried {
        for (session, expected) in &self.sessions {
            let last = session.bars.end.saturating_sub(5).max(session.bars.start);
            let spoken = expected.iter().rev().map(|signal| signal.bar).take(5);
            for row in (last..session.bars.end).chain(spoken) {
                let decision = self.replay.decide(row, ContentHash::of(b"check"))?;
                self.compare("in one call", within(expected, &(row..row + 1)), "live", decision.signal.as_slice())?;
            }
        }
        Ok(CheckOutcome::Passed)
    }

    /// Reports what a longer warm-up would change. Nothing is refused for it: an exponential average never forgets
    /// all, and how much drift is too much is for the author to say.
    fn warm_up(&self) -> Tried {
        let (mut compared, mut drift, mut first) = (0, Drift::default(), None);
        for (session, expected) in &self.sessions {
            let Some(found) = self.with_doubled_warm_up(session)? else { continue };
            compared += expected.len() + found.len();
            drift.add(expected, &found);
            first = first.or_else(|| self.replay.first_divergence("as is", expected, "with twice the warm-up", &found));
        }
        if compared == 0 {
            let reason = "too few bars before the session for twice the warm-up, or no signals".to_owned();
            return Ok(CheckOutcome::Skipped { reason });
        }
        let Some(first) = first else { return Ok(CheckOutcome::Passed) };
        let Drift { advice, figures } = drift;
        let detail = format!(
            "on {} bars the advice changes, on {} only its figures; the first: {first}; ask for more warm-up bars",
            advice.len(),
            figures.difference(&advice).count()
        );
        Ok(CheckOutcome::Warning { detail })
    }

    /// Returns the signals of a session that was shown twice the warm-up it asks for, or `None` if there are too few
    /// bars before it.
    fn with_doubled_warm_up(&self, session: &session::Session) -> Result<Option<Vec<Signal>>, RuntimeError> {
        let columns = self.replay.candles.columns();
        let mut running = self.replay.open()?;
        let doubled = (self.replay.warm_up_bars as usize).saturating_mul(2).max(WARM_UP_BARS_MIN);
        if session.bars.start < doubled {
            return Ok(None);
        }
        running.warm_up(columns, session.warm_up(doubled))?;
        let mut signals = Vec::new();
        running.on_bars(columns, session.bars.clone(), &mut signals)?;
        Ok(Some(signals))
    }

    fn compare(
        &self,
        expected_in: &str,
        expected: &[Signal],
        found_in: &str,
        found: &[Signal],
    ) -> Result<(), Box<Divergence>> {
        self.replay.first_divergence(expected_in, expected, found_in, found).map_or(Ok(()), Err)
    }
}

/// The bars on which two runs differ.
#[derive(Default)]
struct Drift {
    /// One says what the other does not.
    advice: BTreeSet<usize>,
    /// Any field differs.
    figures: BTreeSet<usize>,
}

impl Drift {
    fn add(&mut self, a: &[Signal], b: &[Signal]) {
        for (ours, theirs) in [(a, b), (b, a)] {
            let is_advised = |signal: &Signal| {
                let found = theirs.binary_search_by_key(&signal.bar, |other| other.bar);
                found.is_ok_and(|index| theirs[index].signal_type == signal.signal_type)
            };
            self.advice.extend(ours.iter().filter(|signal| !is_advised(signal)).map(|signal| signal.bar));
            self.figures.extend(ours.iter().filter(|signal| !theirs.contains(signal)).map(|signal| signal.bar));
        }
    }
}

/// Cuts rows into calls of the given lengths, over and over.
fn cuts<const N: usize>(rows: Range<usize>, lengths: [usize; N]) -> impl Iterator<Item = Range<usize>> {
    let mut lengths = lengths.into_iter().cycle();
    let mut start = rows.start;
    iter::from_fn(move || {
        let end = (start + lengths.next()?.max(1)).min(rows.end);
        let call = start..end;
        start = end;
        (!call.is_empty()).then_some(call)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_cover_every_row_once() {
        let calls: Vec<_> = cuts(10..30, [1, 7, 3]).collect();
        assert_eq!(calls, [10..11, 11..18, 18..21, 21..22, 22..29, 29..30]);
        assert_eq!(cuts(5..5, [2]).count(), 0);
    }
}
