//! Decisions as rows of `decisions`, and rows as the decisions they were.

use sentinel_domain::hash::ContentHash;
use sentinel_domain::instrument::Instrument;
use sentinel_domain::live::{Decided, DecisionChunk, LiveSignal};
use sentinel_domain::session::SessionLength;
use sentinel_domain::tables::{Cell, DecisionRow, SignalRow};
use sentinel_domain::timeframe::UnixMillis;
use sentinel_domain::warehouse::RowKey;
use serde_json::{Value, json};

use crate::signals::Signals;
use crate::time::{date_of, utc};

/// What a strategy said, as far as the record of its decision repeats it.
struct Said {
    signal_type: String,
    confidence: f64,
    output: Value,
}

/// Returns the key of a decision's row.
#[must_use]
pub fn decision_key(chunk: &DecisionChunk, decided: &Decided) -> RowKey {
    let id = decided.id(&chunk.namespace, chunk.close_time);
    RowKey { grown_at: Some(utc(chunk.close_time)), ..RowKey::new(date_of(chunk.close_time), vec![Cell::Text(id)]) }
}

/// Returns the row of a decision; `signals` has the one that it gave.
#[must_use]
pub fn decision_row(chunk: &DecisionChunk, decided: &Decided, signals: &Signals) -> DecisionRow {
    let close_time = chunk.close_time;
    let said = decided.signal_id.as_deref().and_then(|id| said(id, signals));
    let has_failed = decided.failure.is_some();
    let outcome = match (&decided.failure, &decided.signal_id) {
        (Some(_), _) => "failed",
        (None, Some(_)) => "signal",
        (None, None) => "silent",
    };
    DecisionRow {
        decision_id: decided.id(&chunk.namespace, close_time),
        namespace: chunk.namespace.clone(),
        strategy_id: decided.strategy_id.clone(),
        strategy_version: decided.version.to_string(),
        component_hash: decided.component_hash.to_string(),
        config_hash: decided.config_hash.to_string(),
        exchange: decided.instrument.exchange.to_string(),
        symbol: decided.instrument.symbol.to_string(),
        timeframe: decided.timeframe.as_str().to_owned(),
        close_time: utc(close_time),
        session_start: utc(SessionLength::of(decided.timeframe).around(close_time - 1).start),
        warm_up_bars: decided.warm_up_bars.into(),
        session_bars: decided.session_bars.into(),
        candle_revision: decided.revision.into(),
        input_hash: decided.input_hash.to_string(),
        engine_version: chunk.engine_version.clone(),
        fuel: (!has_failed).then(|| i64::try_from(decided.fuel).unwrap_or(i64::MAX)),
        output_hash: (!has_failed).then(|| decided.output_hash.to_string()),
        outcome: outcome.to_owned(),
        signal_id: decided.signal_id.clone(),
        signal_type: said.as_ref().map(|said| said.signal_type.clone()),
        confidence_score: said.as_ref().map(|said| said.confidence),
        output: said.map_or(Value::Null, |said| said.output),
        error: decided.failure.clone(),
        decided_at: utc(chunk.decided_at.max(close_time)),
        timestamp: utc(close_time),
        ds: date_of(close_time),
    }
}

fn said(id: &str, signals: &Signals) -> Option<Said> {
    signals.hot(id).map(said_by).or_else(|| signals.cold(id).map(said_in))
}

fn said_by(signal: &LiveSignal) -> Said {
    Said {
        signal_type: signal.signal_type.as_str().to_owned(),
        confidence: signal.confidence,
        output: json!({
            "signal_type": signal.signal_type.as_str(), "pattern_name": signal.pattern_name,
            "confidence": signal.confidence, "reasons": signal.reasons, "warnings": signal.warnings,
            "stop_loss": signal.stop_loss, "take_profit": signal.take_profit, "valid_bars": signal.valid_bars,
        }),
    }
}

/// For how many bars it was meant is not told by the row of a signal.
fn said_in(row: &SignalRow) -> Said {
    Said {
        signal_type: row.signal_type.clone(),
        confidence: row.confidence_score,
        output: json!({
            "signal_type": row.signal_type, "pattern_name": row.pattern_name, "confidence": row.confidence_score,
            "reasons": row.reasons, "warnings": row.warnings, "stop_loss": row.stop_loss,
            "take_profit": row.take_profit, "valid_bars": null,
        }),
    }
}

/// Returns the decision that a row was made of; `None` where a name or a hash in it cannot be read.
#[must_use]
pub fn decided_of(row: &DecisionRow) -> Option<Decided> {
    let hash = |text: &str| text.parse::<ContentHash>().ok();
    let nothing = || ContentHash::of(&[]);
    Some(Decided {
        strategy_id: row.strategy_id.clone(),
        version: hash(&row.strategy_version)?,
        component_hash: hash(&row.component_hash)?,
        config_hash: hash(&row.config_hash)?,
        instrument: Instrument { exchange: row.exchange.parse().ok()?, symbol: row.symbol.parse().ok()? },
        timeframe: row.timeframe.parse().ok()?,
        revision: u32::try_from(row.candle_revision).ok()?,
        warm_up_bars: u32::try_from(row.warm_up_bars).ok()?,
        session_bars: u32::try_from(row.session_bars).ok()?,
        input_hash: hash(&row.input_hash)?,
        fuel: row.fuel.and_then(|fuel| u64::try_from(fuel).ok()).unwrap_or(0),
        output_hash: row.output_hash.as_deref().map_or_else(|| Some(nothing()), hash)?,
        signal_id: row.signal_id.clone(),
        failure: row.error.clone(),
    })
}

/// Returns the chunks that rows were made of: one for each close, namespace and engine, in this order.
#[must_use]
pub fn chunks_of(rows: &[DecisionRow]) -> Vec<DecisionChunk> {
    let mut chunks: std::collections::BTreeMap<(UnixMillis, &str, &str), DecisionChunk> = Default::default();
    for row in rows {
        let close_time = row.close_time.timestamp_millis();
        let chunk = chunks.entry((close_time, &row.namespace, &row.engine_version)).or_insert_with(|| DecisionChunk {
            namespace: row.namespace.clone(),
            close_time,
            shard: 0,
            shards: 1,
            decided_at: row.decided_at.timestamp_millis(),
            engine_version: row.engine_version.clone(),
            decided: Vec::new(),
            archived: true,
        });
        chunk.decided.extend(decided_of(row));
    }
    chunks.into_values().collect()
}
