//! The indicators against TA-Lib, on recorded answers: a value on the very bars where TA-Lib has one, the same to nine
//! digits. The vectors and the script that makes them are in `tests/golden/talib` at the top of the repository.

#![expect(clippy::unwrap_used, reason = "a test stops at what it cannot read")]

mod columns;
mod vectors;

use columns::indicator;
use vectors::Vectors;

/// How far a value may lie from the oracle's: so much of it, or so much near zero.
struct Tolerance {
    relative: f64,
    absolute: f64,
}

/// Nine digits. Wider only where the digits that differ are wrong in TA-Lib 0.8.1, whose running sums keep a residue:
/// it reads 4e-12 for a volume of 0, 3e-10 for the slope of a flat price, and weighs one bar of 0.001 after an outage
/// off by 3e-9. The columns `numpy_sum_`, `numpy_linear_slope_` and `numpy_rolling_vwap_` hold the same indicators to
/// nine digits there.
fn tolerance(column: &str) -> Tolerance {
    let nine_digits = Tolerance { relative: 1e-9, absolute: 1e-12 };
    match column.split('_').next() {
        Some("sum") => Tolerance { absolute: 1e-11, ..nine_digits },
        Some("linear") => Tolerance { absolute: 1e-9, ..nine_digits },
        Some("rolling") => Tolerance { relative: 1e-8, ..nine_digits },
        _ => nine_digits,
    }
}

/// Compares the columns whose names begin with one of `prefixes`, on the short series and on the long one.
fn check(prefixes: &[&str]) {
    for series in ["", "long-"] {
        let vectors = Vectors::read(series);
        for prefix in prefixes {
            let columns = vectors.columns.iter().enumerate().filter(|(_, column)| column.starts_with(prefix));
            assert_ne!(columns.clone().count(), 0, "no column begins with {prefix}");
            columns.for_each(|(place, column)| compare(&vectors, place, &format!("{series}{column}"), column));
        }
    }
}

fn compare(vectors: &Vectors, place: usize, label: &str, column: &str) {
    let indicator = indicator(column);
    let Tolerance { relative, absolute } = tolerance(column);
    let values: Vec<Option<f64>> = vectors.bars.iter().map(indicator).collect();
    for (bar, answers) in &vectors.answers {
        match (values[*bar], answers[place]) {
            (None, None) => {}
            (Some(value), Some(expected)) => {
                let error = (value - expected).abs();
                let allowed = absolute.max(relative * expected.abs());
                assert!(error <= allowed, "{label}, bar {bar}: {value} instead of {expected}, off by {error:e}");
            }
            (value, expected) => panic!("{label}, bar {bar}: {value:?} instead of {expected:?}"),
        }
    }
}

#[test]
fn moving_averages_equal_talib() {
    check(&["sma_", "sum_", "ema_", "wma_"]);
}

#[test]
fn rsi_equals_talib() {
    check(&["rsi_"]);
}

#[test]
fn macd_equals_talib() {
    check(&["macd_"]);
}

#[test]
fn standard_deviation_equals_talib() {
    check(&["stddev_"]);
}

#[test]
fn bollinger_equals_talib() {
    check(&["bollinger_"]);
}

#[test]
fn true_range_and_atr_equal_talib() {
    check(&["true_range", "atr_"]);
}

#[test]
fn directional_movement_and_adx_equal_talib() {
    check(&["plus_di_", "minus_di_", "adx_"]);
}

#[test]
fn extremes_and_donchian_equal_talib() {
    check(&["highest_", "lowest_", "donchian_"]);
}

#[test]
fn stochastic_equals_talib() {
    check(&["stochastic_"]);
}

#[test]
fn obv_equals_talib() {
    check(&["obv"]);
}

#[test]
fn vwap_equals_talib() {
    check(&["rolling_vwap_", "session_vwap"]);
}

#[test]
fn linear_slope_equals_talib() {
    check(&["linear_slope_"]);
}

#[test]
fn swing_points_equal_talib() {
    check(&["swing_"]);
}

#[test]
fn what_talib_lacks_or_rounds_equals_numpy() {
    check(&["numpy_"]);
}

/// A column that no test above compares would be a promise nobody keeps; this one compares them all.
#[test]
fn every_column_has_its_indicator() {
    let columns = Vectors::read("").columns;
    assert!(columns.len() > 50, "only {} columns", columns.len());
    check(&columns.iter().map(String::as_str).collect::<Vec<_>>());
}

/// Guards the cases that the vectors are there for.
#[test]
fn the_vectors_hold_the_hard_cases() {
    let bars = Vectors::read("").bars;
    let flat = |window: &[vectors::Bar]| window.iter().all(|bar| bar.volume <= 0.0 && bar.high <= bar.low);
    assert!(bars.windows(60).any(flat), "a flat stretch of 60 bars without volume");
    assert!(bars.windows(2).any(|pair| pair[1].close > 1.2 * pair[0].close), "a jump");
    assert!(bars.windows(2).any(|pair| pair[1].close < 0.7 * pair[0].close), "a fall");
    assert!(bars.iter().filter(|bar| bar.volume <= 0.0 && bar.high > bar.low).count() > 5, "bars without volume");
    assert!(Vectors::read("long-").bars.len() > 5_000, "a series long enough to see drift");
}
