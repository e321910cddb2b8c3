//! Guests that mean harm: each is stopped with an error that names the limit, its value, the strategy and the bar, and
//! the next evaluation on the same sandbox is right.
//!
//! The guests are in `hostile/` (see [`sentinel_tests::hostile`]).

use std::sync::OnceLock;

use sentinel_domain::candles::Candles;
use sentinel_domain::instrument::InstrumentRules;
use sentinel_domain::signal::{Signal, SignalType};
use sentinel_domain::timeframe::Timeframe;
use sentinel_runtime::{Limits, Place, Runtime, RuntimeConfig, RuntimeError, SignalFault, Strategy, synthetic_candles};
use sentinel_tests::hostile::{assemble, component};

/// Bars that every guest is shown in one call.
const SHOWN: usize = 200;

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new(RuntimeConfig { instances_max: 4, ..RuntimeConfig::default() }).unwrap())
}

fn candles() -> Candles {
    synthetic_candles(Timeframe::M1, 2 * 1_440, 1).unwrap()
}

/// Small budgets, so that a runaway guest is over soon.
fn limits() -> Limits {
    Limits { fuel_max_open: 100_000, fuel_max_per_bar: 20_000, ..Limits::compiled() }
}

/// Room for the 100 MB that some guests want to hand over, so that it is the host which has to refuse them.
fn roomy() -> Limits {
    Limits { memory_max_bytes: 128 << 20, ..limits() }
}

fn show(strategy: &Strategy, candles: &Candles) -> Result<Vec<Signal>, RuntimeError> {
    let rules = InstrumentRules::default();
    let mut session = strategy.open(candles.instrument(), candles.timeframe(), &rules, &[])?;
    let mut signals = Vec::new();
    session.on_bars(candles.columns(), 0..SHOWN, &mut signals)?;
    Ok(signals)
}

/// The good guest's signals are known without it.
#[track_caller]
fn host_is_unharmed() {
    let candles = candles();
    let good = runtime().load(&component("good"), limits()).unwrap();
    let close = &candles.columns().close;
    let expected: Vec<_> = (1..SHOWN)
        .filter_map(|row| match close[row].total_cmp(&close[row - 1]) {
            std::cmp::Ordering::Greater => Some((row, SignalType::Buy)),
            std::cmp::Ordering::Less => Some((row, SignalType::Sell)),
            std::cmp::Ordering::Equal => None,
        })
        .collect();
    let signals: Vec<_> =
        show(&good, &candles).unwrap().iter().map(|signal| (signal.bar, signal.signal_type)).collect();
    assert_eq!(signals, expected);
}

/// Loads and runs a guest, which must fail with an error that says all of `words`, and then runs the good one.
#[track_caller]
fn stopped(name: &str, limits: Limits, words: &[&str]) -> RuntimeError {
    let error = runtime()
        .load(&component(name), limits)
        .and_then(|strategy| show(&strategy, &candles()))
        .map(|signals| signals.len())
        .expect_err("a hostile guest must be stopped");
    says(&error, words);
    host_is_unharmed();
    error
}

#[track_caller]
fn says(error: &RuntimeError, words: &[&str]) {
    let message = error.to_string();
    for word in words {
        assert!(message.contains(word), "\"{word}\" is missing: {message}");
    }
}

/// The first and the last bar that are shown.
const FIRST: &str = "2020-01-01T00:00:00Z";
const LAST: &str = "2020-01-01T03:19:00Z";

#[test]
fn good_guest_is_right() {
    host_is_unharmed();
}

#[test]
fn endless_loop_runs_out_of_fuel() {
    let error =
        stopped("endless-loop", limits(), &["endless-loop", "fuel_max_per_bar is 20000", "4000000", FIRST, LAST]);
    assert!(matches!(error, RuntimeError::FuelExhausted { fuel_max: 20_000, budget: 4_000_000, .. }));
}

#[test]
fn endless_description_runs_out_of_fuel() {
    let error = stopped("endless-describe", limits(), &["fuel_max_open is 100000", "in describe"]);
    assert!(matches!(error, RuntimeError::FuelExhausted { place: Place::Describing, .. }));
}

#[test]
fn endless_loop_is_stopped_by_the_clock_if_fuel_does_not() {
    let endless = Limits { fuel_max_per_bar: u64::MAX, call_time_max_ms: 100, ..limits() };
    let error = stopped("endless-loop", endless, &["call_time_max_ms is 100", "endless-loop", FIRST]);
    assert!(matches!(error, RuntimeError::TimeExceeded { .. }) && error.is_retryable());
}

#[test]
fn deep_recursion_runs_out_of_stack() {
    let error = stopped(
        "deep-recursion",
        Limits { fuel_max_per_bar: 10_000_000, ..limits() },
        &["deep-recursion", "stack_max_bytes is 524288", FIRST],
    );
    assert!(matches!(error, RuntimeError::StackExhausted { .. }));
}

#[test]
fn memory_growth_is_refused() {
    let error = stopped("memory-growth", limits(), &["memory-growth", "memory_max_bytes is 16777216", FIRST]);
    assert!(matches!(error, RuntimeError::MemoryExhausted { .. }));
    let error = stopped("memory-from-the-start", limits(), &["268566528 bytes", "memory_max_bytes is 16777216"]);
    assert!(matches!(error, RuntimeError::MemoryExhausted { place: Place::Describing, .. }));
}

#[test]
fn table_growth_is_refused() {
    let error = stopped("table-growth", limits(), &["table-growth", "table_elements_max is 10000", FIRST]);
    assert!(matches!(error, RuntimeError::TableExhausted { .. }));
}

#[test]
fn too_many_parts_are_refused() {
    let parts = Limits { core_instances_max: 0, ..limits() };
    let error = stopped("good", parts, &["core_instances_max is 0"]);
    assert!(matches!(error, RuntimeError::TooManyParts { .. }));
    let parts = Limits { memories_max: 1, memory_max_bytes: 256 << 20, ..limits() };
    let error = stopped("memory-from-the-start", parts, &["memories_max is 1"]);
    assert!(matches!(error, RuntimeError::TooManyParts { .. }));
}

#[test]
fn more_sessions_than_the_pool_holds_are_refused() {
    let runtime = Runtime::new(RuntimeConfig { instances_max: 2, ..RuntimeConfig::default() }).unwrap();
    let good = runtime.load(&component("good"), limits()).unwrap();
    let candles = candles();
    let open = || good.open(candles.instrument(), candles.timeframe(), &InstrumentRules::default(), &[]);
    let held = [open().unwrap(), open().unwrap()];
    says(&open().unwrap_err(), &["strategy good", "instances_max of the sandbox is 2"]);
    drop(held);
    assert!(open().is_ok());
}

#[test]
fn million_signals_are_refused() {
    let words = ["million-signals", "at most 200 signals", FIRST, LAST];
    assert!(matches!(stopped("million-signals", roomy(), &words), RuntimeError::AnswerTooLarge { .. }));
    let error = stopped("signals-beyond-memory", limits(), &["signals-beyond-memory", "out of bounds", FIRST]);
    assert!(matches!(error, RuntimeError::Unreadable { .. }));
}

#[test]
fn hundred_megabytes_of_text_are_refused() {
    let error = stopped("huge-error", roomy(), &["huge-error", "error_text_bytes_max is 1024", FIRST]);
    assert!(matches!(error, RuntimeError::AnswerTooLarge { .. }));
    let error = stopped("huge-error-on-open", roomy(), &["error_text_bytes_max is 1024", "when opening a session"]);
    assert!(matches!(error, RuntimeError::AnswerTooLarge { place: Place::Opening, .. }));
    let error = stopped("huge-manifest", roomy(), &["manifest_bytes_max is 524288", "in describe"]);
    assert!(matches!(error, RuntimeError::AnswerTooLarge { place: Place::Describing, .. }));
    // With the memory that a strategy usually has, they do not get that far.
    for name in ["huge-error", "huge-error-on-open", "huge-manifest"] {
        assert!(matches!(stopped(name, limits(), &[]), RuntimeError::MemoryExhausted { .. }));
    }
}

#[test]
#[cfg(target_os = "linux")]
fn refused_text_is_never_allocated() {
    let before = resident_bytes_max();
    stopped("huge-error", roomy(), &[]);
    stopped("huge-manifest", roomy(), &[]);
    let grown = resident_bytes_max() - before;
    assert!(grown < 64 << 20, "the host grew by {grown} bytes");
}

/// The most memory this process ever held, from the kernel's own count.
#[cfg(target_os = "linux")]
fn resident_bytes_max() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    1024 * line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()
}

#[test]
fn long_error_is_refused_even_where_signals_would_fit() {
    let error = stopped("long-error", limits(), &["long-error", "error_text_bytes_max is 1024", FIRST]);
    assert!(matches!(error, RuntimeError::AnswerTooLarge { bytes_max: 1024, .. }));
}

#[test]
fn texts_cannot_steer_a_terminal() {
    let error = stopped("steering-text", limits(), &["\\u{1b}[2Jgone"]);
    assert!(matches!(error, RuntimeError::Failed { .. }));
    let error = stopped("broken-text", limits(), &["broken-text", "utf-8", FIRST]);
    assert!(matches!(error, RuntimeError::Unreadable { .. }));
}

#[test]
fn manifest_must_keep_the_rules() {
    let error = stopped("too-many-patterns", limits(), &["patterns: 257 entries, allowed are 1 to 256"]);
    assert!(matches!(error, RuntimeError::Manifest { .. }));
}

#[track_caller]
fn bad_signal(name: &str, words: &[&str]) -> SignalFault {
    match stopped(name, limits(), words) {
        RuntimeError::Signal { fault, strategy, .. } if strategy == name => fault,
        other => panic!("{other}"),
    }
}

#[test]
fn stops_and_targets_are_finite_and_on_their_side() {
    let words = ["finite price above 0 and below the bar's close", FIRST];
    assert!(matches!(bad_signal("nan-stop", &words), SignalFault::StopPrice { price, .. } if price.is_nan()));
    assert!(matches!(bad_signal("infinite-stop", &words), SignalFault::StopPrice { .. }));
    assert!(matches!(bad_signal("stop-above-close", &words), SignalFault::StopPrice { .. }));
    let words = ["finite price above the bar's close", FIRST];
    assert!(matches!(bad_signal("infinite-target", &words), SignalFault::StopPrice { .. }));
    let words = ["stop_loss on a SELL signal", FIRST];
    assert!(matches!(bad_signal("stop-on-sell", &words), SignalFault::StopWithoutBuy { .. }));
}

#[test]
fn signals_keep_to_the_manifest() {
    let fault = bad_signal("unknown-pattern", &["pattern 1, but the manifest has 1", FIRST]);
    assert_eq!(fault, SignalFault::UnknownPattern { pattern: 1, known: 1 });
    let fault = bad_signal("unknown-reason", &["reasons has bit 1", FIRST]);
    assert_eq!(fault, SignalFault::UnknownBit { field: "reasons", bit: 1, known: 1 });
    assert!(matches!(
        bad_signal("nan-confidence", &["confidence NaN, allowed is 0 to 100"]),
        SignalFault::Confidence(_)
    ));
    let error = stopped("unknown-signal-type", limits(), &["unknown-signal-type", FIRST]);
    assert!(matches!(error, RuntimeError::Unreadable { .. }));
}

#[test]
fn bars_rise_within_what_was_shown() {
    let fault = bad_signal("bar-out-of-range", &["bar index 200", "showed 200 bars", FIRST, LAST]);
    assert_eq!(fault, SignalFault::BarOutOfRange { index: 200, shown: 200 });
    let fault = bad_signal("bar-going-back", &["bar index 3 comes after 7", "2020-01-01T00:03:00Z (row 3)"]);
    assert_eq!(fault, SignalFault::BarNotRising { index: 3, previous: 7 });
    let fault = bad_signal("two-signals-on-one-bar", &["one signal a bar", "2020-01-01T00:05:00Z (row 5)"]);
    assert_eq!(fault, SignalFault::BarNotRising { index: 5, previous: 5 });
}

#[test]
fn crash_is_named_with_its_bar() {
    let error = stopped("trap", limits(), &["trap crashed at bars", "unreachable", FIRST, LAST]);
    assert!(matches!(error, RuntimeError::Trap { .. }));
    let error = stopped("trap-on-start", limits(), &["crashed in describe", "unreachable"]);
    assert!(matches!(error, RuntimeError::Trap { place: Place::Describing, .. }));
    let error = stopped("bad-pointer", limits(), &["bad-pointer", "when opening a session"]);
    assert!(matches!(error, RuntimeError::Unreadable { .. }));
}

#[test]
fn session_ends_with_its_first_error() {
    let strategy = runtime().load(&component("trap"), limits()).unwrap();
    let candles = candles();
    let rules = InstrumentRules::default();
    let mut session = strategy.open(candles.instrument(), candles.timeframe(), &rules, &[]).unwrap();
    let mut signals = Vec::new();
    assert!(matches!(session.on_bars(candles.columns(), 0..1, &mut signals), Err(RuntimeError::Trap { .. })));
    let again = session.on_bars(candles.columns(), 1..2, &mut signals).unwrap_err();
    assert!(matches!(again, RuntimeError::SessionEnded { .. }), "{again}");
}

#[test]
fn nothing_is_left_for_the_next_instance() {
    let strategy = runtime().load(&component("leaves-traces"), limits()).unwrap();
    for _ in 0..20 {
        assert_eq!(show(&strategy, &candles()).unwrap(), []);
    }
}

#[test]
fn what_the_compiler_cannot_do_in_time_is_refused_beforehand() {
    let error = refused_component(&complex_component(4_000, 4_000), &["function_estimate_max_ms is 2000"]);
    assert!(matches!(error, RuntimeError::TooComplex { .. }));
    let many = Limits { functions_max: 5, ..limits() };
    let error = stopped("good", many, &["functions_max is 5"]);
    assert!(matches!(error, RuntimeError::TooComplex { .. }));
}

/// Returns a component whose compilation takes time by the product of both numbers: variables that live through loops.
fn complex_component(variables: usize, loops: usize) -> Vec<u8> {
    let variable = |index: usize| format!("$v{}", index % variables);
    let declared: String = (0..variables).map(|index| format!("(local {} i64)", variable(index))).collect();
    let one = |index| {
        let name = variable(index);
        format!("(loop (local.set {name} (i64.add (local.get {name}) (i64.const 1))) (br_if 0 (local.get 0)))")
    };
    let loops: String = (0..loops).map(one).collect();
    assemble("complex", &format!("(func $complex (param i32) {declared} {loops})"))
}

#[track_caller]
fn refused_component(component: &[u8], words: &[&str]) -> RuntimeError {
    let error = runtime().load(component, limits()).unwrap_err();
    says(&error, words);
    host_is_unharmed();
    error
}

#[test]
fn late_compiler_is_not_waited_for() {
    // Half a second of work for the compiler, which has a millisecond.
    let slow = complex_component(400, 400);
    let hurried = Limits { compile_time_max_ms: 1, ..limits() };
    let load = || runtime().load(&slow, hurried.clone()).unwrap_err();
    says(&load(), &["compiling took longer than compile_time_max_ms, 1 ms"]);
    assert!(matches!(load(), RuntimeError::CompileTimeExceeded { .. }));
    // Two are late now; a third is not started.
    let error = load();
    assert!(matches!(error, RuntimeError::CompilersBusy { late_max: 2, .. }) && error.is_retryable(), "{error}");
    // They end, and then there is room again.
    while let Err(error) = runtime().load(&component("good"), limits()) {
        assert!(matches!(error, RuntimeError::CompilersBusy { .. }), "{error}");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    host_is_unharmed();
}

#[test]
fn limits_beyond_the_pool_are_refused() {
    let error =
        stopped("good", Limits { memory_max_bytes: 1 << 40, ..limits() }, &["memory_max_bytes is 1099511627776"]);
    assert!(matches!(error, RuntimeError::LimitTooHigh { allowed: 1_073_741_824, .. }));
}

#[test]
fn pool_that_cannot_be_had_says_what_to_do() {
    let config = RuntimeConfig { instances_max: 1_000_000, ..RuntimeConfig::default() };
    let error = Runtime::new(config).unwrap_err();
    says(&error, &["1000000 instances", "ulimit -v", "lower instances_max"]);
    assert!(matches!(error, RuntimeError::PoolUnavailable { .. }));
}

#[test]
fn imports_are_refused_by_name() {
    let words = ["imports-files", "wasi:filesystem/types@0.2.3", "wasi:filesystem/preopens@0.2.3"];
    for (name, words) in [
        ("imports-files", &words[1..]),
        ("imports-sockets", &["wasi:sockets/tcp-create-socket@0.2.3"]),
        ("imports-code-as-types", &["sentinel:strategy/types@0.1.0"]),
    ] {
        let error = stopped(name, limits(), words);
        assert!(matches!(error, RuntimeError::ForbiddenImport { .. }), "{error}");
    }
}

#[test]
fn wrong_contract_names_found_and_expected() {
    let expected = "sentinel:strategy/strategy@0.1.0";
    let error = stopped("wrong-contract-version", limits(), &["sentinel:strategy/strategy@0.9.0", expected]);
    assert!(matches!(error, RuntimeError::ContractVersion { .. }));
    let error = stopped("missing-export", limits(), &["example:other/thing@1.0.0", expected]);
    assert!(matches!(error, RuntimeError::MissingExport { .. }));
    let error = stopped("missing-function", limits(), &["describe of sentinel:strategy/strategy@0.1.0 is missing"]);
    assert!(matches!(error, RuntimeError::MissingExport { .. }));
}

#[track_caller]
fn refused_file(bytes: &[u8], words: &[&str]) -> RuntimeError {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sma.wasm");
    std::fs::write(&path, bytes).unwrap();
    let error = runtime().load_file(&path, limits()).unwrap_err();
    says(&error, &["sma.wasm"]);
    says(&error, words);
    host_is_unharmed();
    error
}

#[test]
fn files_that_are_no_component_are_told_apart() {
    let good = component("good");
    let error = refused_file(&component("core-module"), &["core module", "sentinel strategy build"]);
    assert!(matches!(error, RuntimeError::CoreModule { .. }));
    assert!(matches!(refused_file(b"", &["is empty"]), RuntimeError::Empty { .. }));
    assert!(matches!(refused_file(b"hello, world", &["not WebAssembly"]), RuntimeError::NotWebAssembly { .. }));
    let noise: Vec<u8> = (0..4_096_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    assert!(matches!(refused_file(&noise, &["not WebAssembly"]), RuntimeError::NotWebAssembly { .. }));
    let disguised = [&good[..8], &noise].concat();
    assert!(matches!(refused_file(&disguised, &["damaged", "at byte"]), RuntimeError::Malformed { .. }));
}

#[test]
fn truncated_file_is_refused_wherever_it_ends() {
    let good = component("good");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.wasm");
    // Behind its last export are only names for debuggers.
    let export = "sentinel:strategy/strategy@0.1.0".as_bytes();
    let end = good.windows(export.len()).rposition(|bytes| bytes == export).unwrap();
    for length in (0..end).step_by(97) {
        std::fs::write(&path, &good[..length]).unwrap();
        let error = runtime().load_file(&path, limits()).unwrap_err();
        assert!(
            matches!(
                error,
                RuntimeError::Empty { .. }
                    | RuntimeError::NotWebAssembly { .. }
                    | RuntimeError::Malformed { .. }
                    | RuntimeError::MissingExport { .. }
            ),
            "{length}: {error}"
        );
    }
    host_is_unharmed();
}

#[test]
fn huge_file_is_refused_unread() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("huge.wasm");
    // A file with a hole: it takes no room on the disk, but whoever read it would notice.
    std::fs::File::create(&path).unwrap().set_len(200_000_000).unwrap();
    #[cfg(target_os = "linux")]
    let before = resident_bytes_max();
    let error = runtime().load_file(&path, limits()).unwrap_err();
    #[cfg(target_os = "linux")]
    assert!(resident_bytes_max() - before < 16 << 20);
    says(&error, &["huge.wasm", "200000000 bytes", "component_bytes_max allows 8388608"]);
    assert!(matches!(error, RuntimeError::ComponentTooLarge { .. }));
    host_is_unharmed();
}
