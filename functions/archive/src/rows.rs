//! Documents as rows. Signals here: every loop that touches a signal writes the same row of it; decisions and candles in
//! modules of their own.

mod candles;
mod decisions;

use sentinel_domain::live::LiveSignal;
use sentinel_domain::money::decimal_price;
use sentinel_domain::session::SessionLength;
use sentinel_domain::signal::SignalState;
use sentinel_domain::tables::Cell;
use sentinel_domain::tables::{SignalRow, confidence_level};
use sentinel_domain::timeframe::UnixMillis;
use sentinel_domain::warehouse::RowKey;
use sentinel_function_runtime::FunctionError;

use crate::entry::{Entry, Source};
use crate::tape::Tape;
use crate::time::{date_of, utc};
use crate::versions::Versions;

pub use candles::candle_row;
pub use decisions::{chunks_of, decided_of, decision_key, decision_row};

/// The states in which a signal stays.
pub const FINAL_STATES: [SignalState; 6] = [
    SignalState::Filled,
    SignalState::Abandoned,
    SignalState::Rejected,
    SignalState::Expired,
    SignalState::Consumed,
    SignalState::NoAction,
];

/// Returns the key of a signal's row.
#[must_use]
pub fn signal_key(signal_id: &str, close_time: UnixMillis) -> RowKey {
    RowKey::new(date_of(close_time), vec![Cell::Text(signal_id.to_owned())])
}

/// Returns a text, or `None` for an empty one.
#[must_use]
pub fn filled(text: &str) -> Option<String> {
    (!text.trim().is_empty()).then(|| text.to_owned())
}

/// Returns the row of a signal.
///
/// # Errors
/// When the candles of its session, for the cumulative volume delta, cannot be read.
pub async fn signal_row(signal: &LiveSignal, tape: &mut Tape<'_>) -> Result<SignalRow, FunctionError> {
    let cvd = match signal.volume_delta {
        Some(_) => cumulative_delta(signal, tape).await?,
        None => None,
    };
    Ok(SignalRow {
        signal_id: signal.signal_id.clone(),
        id: signal.signal_id.clone(),
        account_id: Some(signal.account_id.clone()),
        is_backtest: false,
        backtest_id: None,
        strategy_id: signal.strategy_id.clone(),
        strategy_name: signal.strategy_id.clone(),
        strategy_version: signal.strategy_version.to_string(),
        exchange: signal.instrument.exchange.to_string(),
        symbol: signal.instrument.symbol.to_string(),
        timeframe: signal.timeframe.as_str().to_owned(),
        signal_type: signal.signal_type.as_str().to_owned(),
        pattern_name: filled(&signal.pattern_name),
        confidence_score: signal.confidence,
        confidence_level: confidence_level(signal.confidence).to_owned(),
        reasons: signal.reasons.clone(),
        warnings: signal.warnings.clone(),
        price: decimal_price(signal.price),
        volume: Some(signal.volume),
        volume_delta: signal.volume_delta,
        cvd,
        orderbook_imbalance: signal.imbalance,
        stop_loss: signal.stop_loss.map(|price| signal.rules.named_price(price)),
        take_profit: signal.take_profit.map(|price| signal.rules.named_price(price)),
        expiration_at: Some(utc(signal.expiration_at)),
        status: signal.status.as_str().to_owned(),
        rejection_reason: signal.rejection.as_ref().map(|rejection| rejection.reason.clone()),
        timestamp: utc(signal.close_time),
        ds: date_of(signal.close_time),
    })
}

/// Returns what every signal that is over becomes: the row of its version, and its own, checked against that version.
///
/// # Errors
/// As [`signal_row`].
pub async fn signal_entry(
    source: Source,
    signal: &LiveSignal,
    versions: &Versions,
    tape: &mut Tape<'_>,
) -> Result<Entry, FunctionError> {
    let (id, version, time) = (&signal.strategy_id, signal.strategy_version, signal.close_time);
    let mut entry = Entry::new(source);
    versions.add_to(&mut entry, id, time);
    entry.add_with(&signal_row(signal, tape).await?, versions.check(id, version, time));
    Ok(entry)
}

/// Sums the volume delta from the session's beginning to the signal.
async fn cumulative_delta(signal: &LiveSignal, tape: &mut Tape<'_>) -> Result<Option<f64>, FunctionError> {
    let session = SessionLength::of(signal.timeframe).around(signal.close_time - 1);
    let columns = tape.of(&signal.instrument, signal.timeframe, session.start, signal.close_time).await?;
    Ok(columns.volume_delta.filter(|deltas| !deltas.is_empty()).map(|deltas| deltas.iter().sum()))
}
