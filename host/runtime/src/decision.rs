//! The live decision of one bar, with everything needed to take it again.

use sentinel_domain::candles::{Candles, Columns};
use sentinel_domain::hash::{ContentHash, ContentHasher};
use sentinel_domain::session::{self, SessionLength};
use sentinel_domain::signal::Signal;
use sentinel_domain::strategy::ParameterValue;
use serde::{Deserialize, Serialize};

use crate::engine::ENGINE_VERSION;
use crate::error::RuntimeError;
use crate::replay::Replay;
use crate::shown::Shown;

/// What a strategy decided on one bar.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// Its advice, with the row of the series as its bar; `None` when it said nothing.
    pub signal: Option<Signal>,
    /// What it depends on and what came out.
    pub record: DecisionRecord,
}

/// What a decision depends on and what came out: enough to take it again and to compare.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecisionRecord {
    /// Hash of the component's bytes.
    pub component_hash: ContentHash,
    /// Hash of the config it ran under.
    pub config_hash: ContentHash,
    /// Hash of all that it was shown.
    pub input_hash: ContentHash,
    /// Bars it was shown before the session, whose signals were dropped.
    pub warm_up_bars: u32,
    /// Bars of the session it was shown, the decided one included.
    pub session_bars: u32,
    /// The engine that ran it; fuel can be compared only within one.
    pub engine_version: String,
    /// The fuel it used.
    pub fuel: u64,
    /// Hash of what it said.
    pub output_hash: ContentHash,
}

impl Replay<'_> {
    /// Takes the decision of the candle at `row` as the live system does: on a fresh instance, which is shown its
    /// warm-up, then the session's bars before `row`, then `row` alone.
    ///
    /// The candles must reach back to the session's boundary and its warm-up as far as they exist.
    ///
    /// # Errors
    /// When the strategy cannot be opened, exceeds a limit, crashes, fails or breaks the contract.
    ///
    /// # Panics
    /// When there is no such row.
    pub fn decide(&self, row: usize, config_hash: ContentHash) -> Result<Decision, RuntimeError> {
        let columns = self.candles.columns();
        let session = session_of(self.candles, row);
        let mut running = self.open_session(&session)?;
        running.on_bars(columns, session.bars.start..row, &mut Vec::new())?;
        let mut signals = Vec::with_capacity(1);
        running.on_bars(columns, row..row + 1, &mut signals)?;
        let signal = signals.pop();

        let record = DecisionRecord {
            component_hash: self.strategy.component_hash(),
            config_hash,
            input_hash: self.input_hash(&session),
            warm_up_bars: bars(session.warm_up(self.warm_up_bars as usize).len()),
            session_bars: bars(session.bars.len()),
            engine_version: ENGINE_VERSION.to_owned(),
            fuel: running.fuel_used(),
            output_hash: output_hash(columns, signal.as_ref()),
        };
        Ok(Decision { signal, record })
    }

    /// Returns the hash of all that a strategy is shown in a session: rows are left out, so that the same bars in a
    /// longer series give the same hash.
    fn input_hash(&self, session: &session::Session) -> ContentHash {
        let columns = self.candles.columns();
        let warm_up = session.warm_up(self.warm_up_bars as usize);
        let rows = warm_up.start..session.bars.end;
        let shown = Shown::new(columns, &rows, self.strategy.manifest().columns);
        let mut hasher = ContentHasher::new("decision-input")
            .text(self.candles.instrument().exchange.as_str())
            .text(&self.candles.instrument().symbol.to_string())
            .text(self.candles.timeframe().as_str())
            .text(&self.rules.tick_size.normalize().to_string())
            .integers(&[warm_up.len() as i64, session.bars.len() as i64])
            .integers(&columns.open_time[rows]);
        for value in self.parameters {
            hasher = match *value {
                ParameterValue::Integer(value) => hasher.text("integer").integers(&[value]),
                ParameterValue::Real(value) => hasher.text("real").reals(&[value]),
                ParameterValue::Boolean(value) => hasher.text("boolean").integers(&[value.into()]),
                ParameterValue::Choice(value) => hasher.text("choice").integers(&[value.into()]),
            };
        }
        shown.reals().into_iter().fold(hasher, ContentHasher::reals).finish()
    }
}

/// Returns a number of bars; a session has 1,440 at most.
fn bars(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Returns the session that holds `row`, up to and with `row`.
fn session_of(candles: &Candles, row: usize) -> session::Session {
    let times = &candles.columns().open_time;
    let start = SessionLength::of(candles.timeframe()).around(times[row]).start;
    session::Session { start, bars: times.partition_point(|time| *time < start)..row + 1 }
}

/// Returns the hash of what a strategy said, by the bits of every number.
fn output_hash(columns: &Columns, signal: Option<&Signal>) -> ContentHash {
    let hasher = ContentHasher::new("decision-output");
    let Some(signal) = signal else {
        return hasher.finish();
    };
    let optional = |price: Option<f64>| price.map_or([0.0, 0.0], |price| [1.0, price]);
    hasher
        .integers(&[columns.open_time[signal.bar]])
        .text(signal.signal_type.as_str())
        .integers(&[signal.pattern.into(), signal.reasons.cast_signed(), signal.warnings.cast_signed()])
        .integers(&signal.valid_bars.map_or([0, 0], |bars| [1, bars.into()]))
        .reals(&[signal.confidence])
        .reals(&optional(signal.stop_loss))
        .reals(&optional(signal.take_profit))
        .finish()
}
