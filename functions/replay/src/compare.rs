//! Compares a decision that was taken again with its record.

use sentinel_domain::live::{Decided, LiveSignal};
use sentinel_evaluate_strategies::Evaluated;
use sentinel_runtime::ENGINE_VERSION;

use crate::verdict::DifferenceKind;

/// What came of a comparison.
#[derive(Debug, Default)]
pub(crate) struct Compared {
    pub(crate) differences: Vec<DifferenceKind>,
    pub(crate) fuel_compared: bool,
    pub(crate) failed_alike: bool,
}

/// Returns everything in which a record and the decision taken again differ.
pub(crate) fn compare(recorded: &Decided, engine_version: &str, again: &Evaluated) -> Compared {
    let found = &again.decision;
    if recorded.failure.is_some() || found.failure.is_some() {
        let is_same = recorded.failure == found.failure;
        let difference = DifferenceKind::Failure { recorded: recorded.failure.clone(), found: found.failure.clone() };
        return Compared {
            differences: if is_same { Vec::new() } else { vec![difference] },
            failed_alike: is_same,
            ..Compared::default()
        };
    }
    let fuel_compared = engine_version == ENGINE_VERSION;
    let mut differences = Vec::new();
    if recorded.input_hash != found.input_hash {
        differences.push(DifferenceKind::Input {
            recorded: recorded.input_hash,
            found: found.input_hash,
            recorded_revision: recorded.revision,
            found_revision: found.revision,
        });
    }
    if recorded.output_hash != found.output_hash {
        differences.push(DifferenceKind::Output {
            recorded: recorded.output_hash,
            found: found.output_hash,
            recorded_signal: None,
            found_signal: again.signal.as_ref().map(said),
        });
    }
    // Other candles take other work: told once, by their hash.
    if differences.is_empty() && fuel_compared && recorded.fuel != found.fuel {
        differences.push(DifferenceKind::Fuel { recorded: recorded.fuel, found: found.fuel });
    }
    Compared { differences, fuel_compared, failed_alike: false }
}

/// Returns a signal in words.
pub(crate) fn said(signal: &LiveSignal) -> String {
    let LiveSignal { signal_type, pattern_name, confidence, stop_loss, take_profit, valid_bars, .. } = signal;
    let mut text = format!("{signal_type} ({pattern_name}, confidence {confidence}");
    let prices = [("stop", stop_loss), ("target", take_profit)];
    for (name, price) in prices {
        if let Some(price) = price {
            text.push_str(&format!(", {name} {price}"));
        }
    }
    if let Some(bars) = valid_bars {
        text.push_str(&format!(", valid for {bars} bars"));
    }
    let labels = signal.reasons.iter().chain(&signal.warnings);
    for label in labels {
        text.push_str(&format!(", {label}"));
    }
    text + ")"
}
