//! What `sentinel strategy check` finds out about a component.

use std::sync::OnceLock;

use sentinel_domain::candles::Candles;
use sentinel_domain::instrument::InstrumentRules;
use sentinel_domain::session::sessions;
use sentinel_domain::timeframe::Timeframe;
use sentinel_runtime::{
    CheckOutcome, CheckReport, Limits, Replay, Runtime, RuntimeConfig, RuntimeError, Strategy, VerifyError, check,
    synthetic_candles,
};
use sentinel_tests::hostile::component;

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new(RuntimeConfig { instances_max: 8, ..RuntimeConfig::default() }).unwrap())
}

fn limits() -> Limits {
    Limits { fuel_max_open: 100_000, fuel_max_per_bar: 20_000, ..Limits::compiled() }
}

fn load(name: &str) -> Result<Strategy, RuntimeError> {
    runtime().load(&component(name), limits())
}

fn outcome<'a>(report: &'a CheckReport, name: &str) -> &'a CheckOutcome {
    &report.rows.iter().find(|row| row.name == name).unwrap().outcome
}

/// Checks a guest, which must be refused in the row `name` with a detail that says all of `words`.
#[track_caller]
fn refused(guest: &str, name: &str, words: &[&str]) -> CheckReport {
    let report = check(load(guest), None);
    let CheckOutcome::Failed { detail } = outcome(&report, name) else { panic!("{report:#?}") };
    for word in words {
        assert!(detail.contains(word), "\"{word}\" is missing: {detail}");
    }
    assert!(!report.is_accepted());
    report
}

/// The first bar of the sessions that are tried: the second day of the made-up market.
const FIRST: &str = "bar 2020-01-02T00:00:00Z";

#[test]
fn good_guest_passes_every_check() {
    let report = check(load("good"), None);
    for row in &report.rows {
        assert_eq!(row.outcome, CheckOutcome::Passed, "{row:?}");
    }
    assert_eq!(report.manifest.map(|manifest| manifest.id).as_deref(), Some("good"));
}

#[test]
fn same_rows_whatever_comes_out() {
    let names = |guest| check(load(guest), None).rows.iter().map(|row| row.name).collect::<Vec<_>>();
    let all = names("good");
    for guest in ["imports-files", "missing-export", "core-module", "endless-describe", "trap", "endless-loop"] {
        assert_eq!(names(guest), all, "{guest}");
    }
}

#[test]
fn peeking_at_the_next_bar_is_refused_with_the_bar() {
    let report = refused("peeks", "cuts", &["strategy peeks", FIRST, "in one call BUY", "bar by bar nothing"]);
    assert!(matches!(outcome(&report, "lookahead"), CheckOutcome::Failed { detail } if detail.contains(FIRST)));
    // Peeking that stops when few bars are shown is caught too, because a whole session is always compared.
    refused("peeks-when-unwatched", "cuts", &["strategy peeks-when-unwatched", FIRST]);
}

#[test]
fn depending_on_cuts_is_refused_with_the_bar() {
    let second = "bar 2020-01-02T00:01:00Z";
    refused("depends-on-cuts", "cuts", &["strategy depends-on-cuts", second, "in one call nothing", "bar by bar BUY"]);
}

#[test]
fn manifest_that_changes_is_refused() {
    refused("changes-its-manifest", "stability", &["a second time"]);
}

#[test]
fn bar_that_exceeds_a_limit_is_named() {
    // It was shown its warm-up, one bar, before.
    let alone = "bar 2020-01-02T01:39:00Z (row 1539)";
    refused("endless-at-one-bar", "determinism", &["fuel_max_per_bar is 20000", "endless-at-one-bar", alone]);
}

#[test]
fn refusal_to_load_is_a_row() {
    let report = refused("imports-sockets", "imports", &["wasi:sockets/tcp-create-socket@0.2.3"]);
    assert_eq!(outcome(&report, "component"), &CheckOutcome::Passed);
    assert!(matches!(outcome(&report, "exports"), CheckOutcome::Skipped { .. }));
    refused("core-module", "component", &["core module"]);
    refused("wrong-contract-version", "exports", &["@0.9.0", "@0.1.0"]);
    refused("too-many-patterns", "manifest", &["257"]);
}

#[test]
fn silence_is_a_warning() {
    let report = check(load("leaves-traces"), Some(&flat_candles()));
    assert!(matches!(outcome(&report, "determinism"), CheckOutcome::Warning { .. }), "{report:#?}");
}

fn flat_candles() -> Candles {
    let candles = synthetic_candles(Timeframe::D1, 366, 5).unwrap();
    candles.between(0, i64::MAX).unwrap()
}

#[test]
fn failing_bar_of_a_batch_can_be_found() {
    let strategy = load("endless-at-one-bar").unwrap();
    let candles = synthetic_candles(Timeframe::M1, 1_440, 1).unwrap();
    let rules = InstrumentRules::default();
    let replay = Replay::new(&strategy, &candles, &rules, &[]).unwrap();
    let session = sessions(&candles.columns().open_time, Timeframe::M1).remove(0);
    let batch = replay.run_session(&session).unwrap_err().to_string();
    assert!(batch.contains("(rows 0 to 1439)"), "{batch}");
    let alone = replay.locate_failure(&session).unwrap().to_string();
    assert!(alone.contains("bar 2020-01-01T01:40:00Z (row 100)"), "{alone}");
}

#[test]
fn verification_compares_bit_for_bit() {
    let strategy = load("good").unwrap();
    let candles = synthetic_candles(Timeframe::H1, 2_000, 1).unwrap();
    let rules = InstrumentRules::default();
    let replay = Replay::new(&strategy, &candles, &rules, &[]).unwrap();
    let session = sessions(&candles.columns().open_time, Timeframe::H1).remove(1);
    let mut batch = replay.run_session(&session).unwrap();
    assert_eq!(replay.verify_session(&session, &batch).unwrap().bars, session.bars.len());

    let touched = batch[7].bar;
    batch[7].confidence = f64::from_bits(batch[7].confidence.to_bits() + 1);
    let Err(VerifyError::Diverged(divergence)) = replay.verify_session(&session, &batch) else { panic!() };
    assert_eq!(divergence.row, touched);
    batch.remove(7);
    let Err(VerifyError::Diverged(divergence)) = replay.verify_session(&session, &batch) else { panic!() };
    assert_eq!((divergence.row, divergence.expected), (touched, None));
}
