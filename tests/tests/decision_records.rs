//! A decision record holds what is needed to take the decision again, and nothing that may differ when it is.

use sentinel_domain::candles::{Candles, Columns};
use sentinel_domain::hash::ContentHash;
use sentinel_domain::instrument::InstrumentRules;
use sentinel_domain::timeframe::Timeframe;
use sentinel_runtime::{Decision, ENGINE_VERSION, Limits, Replay, Runtime, RuntimeConfig, Strategy, synthetic_candles};
use sentinel_tests::hostile::component;

/// A bar in the middle of the third day; the good guest asks for one bar of warm-up.
const ROW: usize = 2 * 1_440 + 700;

fn strategy() -> Strategy {
    let runtime = Runtime::new(RuntimeConfig { instances_max: 2, ..RuntimeConfig::default() }).unwrap();
    runtime.load(&component("good"), Limits::compiled()).unwrap()
}

fn candles() -> Candles {
    synthetic_candles(Timeframe::M1, 3 * 1_440, 1).unwrap()
}

fn edited(edit: impl FnOnce(&mut Columns)) -> Candles {
    let candles = candles();
    let mut columns = candles.columns().clone();
    edit(&mut columns);
    Candles::new(candles.instrument().clone(), candles.timeframe(), columns).unwrap()
}

fn decide(strategy: &Strategy, candles: &Candles, row: usize) -> Decision {
    let rules = InstrumentRules::default();
    Replay::new(strategy, candles, &rules, &[]).unwrap().decide(row, ContentHash::of(b"config")).unwrap()
}

#[test]
fn same_decision_gives_the_same_record() {
    let first = decide(&strategy(), &candles(), ROW);
    assert!(first.signal.is_some());
    assert_eq!(first, decide(&strategy(), &candles(), ROW));
    assert_eq!(first.record.config_hash, ContentHash::of(b"config"));
    assert_eq!(first.record.component_hash, ContentHash::of(&component("good")));
    assert_eq!(first.record.engine_version, ENGINE_VERSION);
}

#[test]
fn record_depends_on_what_was_shown_and_on_nothing_else() {
    let strategy = strategy();
    let whole = decide(&strategy, &candles(), ROW);

    // Live there is nothing behind the bar, and a short window before it: the session and its warm-up.
    let times = &candles().columns().open_time.clone();
    let (from, to) = (times[2 * 1_440 - 1], times[ROW] + 1);
    let window = candles().between(from, to).unwrap();
    let live = decide(&strategy, &window, window.len() - 1);
    assert_eq!(live.record, whole.record);
    assert_eq!(live.signal.map(|signal| signal.signal_type), whole.signal.map(|signal| signal.signal_type));

    // A column that the strategy does not read is none of its inputs.
    let other_volume = edited(|columns| columns.volume[ROW] += 1.0);
    assert_eq!(decide(&strategy, &other_volume, ROW).record, whole.record);

    for row in [2 * 1_440 - 1, 2 * 1_440, ROW] {
        let changed = edited(|columns| columns.close[row] = f64::midpoint(columns.high[row], columns.low[row]));
        assert_ne!(decide(&strategy, &changed, ROW).record.input_hash, whole.record.input_hash, "row {row}");
    }
    let outside = edited(|columns| {
        for row in [0, 2 * 1_440 - 2, ROW + 1] {
            columns.close[row] = f64::midpoint(columns.high[row], columns.low[row]);
        }
    });
    assert_eq!(decide(&strategy, &outside, ROW).record, whole.record);
}

#[test]
fn output_hash_tells_decisions_apart() {
    let (strategy, candles) = (strategy(), candles());
    let decisions: Vec<_> = (ROW..ROW + 20).map(|row| decide(&strategy, &candles, row)).collect();
    for pair in decisions.windows(2) {
        assert_ne!(pair[0].record.output_hash, pair[1].record.output_hash);
    }
}
