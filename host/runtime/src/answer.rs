//! Checks what comes back from a strategy, so that nothing behind the sandbox has to.

use std::ops::Range;

use sentinel_domain::candles::Columns;
use sentinel_domain::signal::Signal;
use sentinel_domain::strategy::{Label, Manifest};

use crate::error::SignalFault;

/// A signal that breaks a rule, and the row it is about, where it is about one.
pub(crate) struct BadSignal {
    pub(crate) row: Option<usize>,
    pub(crate) fault: SignalFault,
}

/// Checks the signals of one call and turns their index within the call into a row of the series.
pub(crate) fn accept(
    mut signals: Vec<Signal>,
    manifest: &Manifest,
    columns: &Columns,
    rows: &Range<usize>,
    out: &mut Vec<Signal>,
) -> Result<(), BadSignal> {
    let mut previous = None;
    for signal in &mut signals {
        let index = signal.bar;
        let row = rows.start + index;
        check_bar(index, previous, rows.len())
            .map_err(|fault| BadSignal { row: rows.contains(&row).then_some(row), fault })?;
        check_signal(signal, manifest, columns.close[row]).map_err(|fault| BadSignal { row: Some(row), fault })?;
        previous = Some(index);
        signal.bar = row;
    }
    if out.is_empty() {
        *out = signals;
    } else {
        out.append(&mut signals);
    }
    Ok(())
}

fn check_bar(index: usize, previous: Option<usize>, shown: usize) -> Result<(), SignalFault> {
    if index >= shown {
        return Err(SignalFault::BarOutOfRange { index, shown });
    }
    match previous {
        Some(previous) if index <= previous => Err(SignalFault::BarNotRising { index, previous }),
        _ => Ok(()),
    }
}

fn check_signal(signal: &Signal, manifest: &Manifest, close: f64) -> Result<(), SignalFault> {
    if signal.pattern as usize >= manifest.patterns.len() {
        return Err(SignalFault::UnknownPattern { pattern: signal.pattern, known: manifest.patterns.len() });
    }
    check_bits("reasons", signal.reasons, &manifest.reasons)?;
    check_bits("warnings", signal.warnings, &manifest.warnings)?;
    if !(0.0..=100.0).contains(&signal.confidence) {
        return Err(SignalFault::Confidence(signal.confidence));
    }
    check_price("stop_loss", signal.stop_loss, signal, close)?;
    check_price("take_profit", signal.take_profit, signal, close)
}

fn check_bits(field: &'static str, bits: u64, known: &[Label]) -> Result<(), SignalFault> {
    match bits.checked_ilog2() {
        Some(bit) if bit as usize >= known.len() => Err(SignalFault::UnknownBit { field, bit, known: known.len() }),
        _ => Ok(()),
    }
}

fn check_price(field: &'static str, price: Option<f64>, signal: &Signal, close: f64) -> Result<(), SignalFault> {
    let Some(price) = price else { return Ok(()) };
    if !signal.signal_type.is_buy() {
        return Err(SignalFault::StopWithoutBuy { field, signal_type: signal.signal_type.as_str() });
    }
    let (is_allowed, allowed) = match field {
        "stop_loss" => (price > 0.0 && price < close, "above 0 and below"),
        _ => (price.is_finite() && price > close, "above"),
    };
    if is_allowed { Ok(()) } else { Err(SignalFault::StopPrice { field, price, allowed, close }) }
}
