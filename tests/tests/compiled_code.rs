//! The cache of compiled code: it saves the work, and nothing that happens to it changes a result.

use std::fs;
use std::path::{Path, PathBuf};

use sentinel_domain::instrument::InstrumentRules;
use sentinel_domain::timeframe::Timeframe;
use sentinel_runtime::{CodeOrigin, Limits, Runtime, RuntimeConfig, Strategy, synthetic_candles};
use sentinel_tests::hostile::component;

fn runtime(cache_dir: &Path) -> Runtime {
    Runtime::new(RuntimeConfig { cache_dir: Some(cache_dir.to_owned()), instances_max: 2, ..RuntimeConfig::default() })
        .unwrap()
}

fn load(runtime: &Runtime) -> Strategy {
    runtime.load(&component("good"), Limits::compiled()).unwrap()
}

fn signals(strategy: &Strategy) -> usize {
    let candles = synthetic_candles(Timeframe::M1, 500, 1).unwrap();
    let rules = InstrumentRules::default();
    let mut session = strategy.open(candles.instrument(), candles.timeframe(), &rules, &[]).unwrap();
    let mut signals = Vec::new();
    session.on_bars(candles.columns(), 0..500, &mut signals).unwrap();
    signals.len()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn second_load_takes_the_code_from_the_cache() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("compiled");
    let first = load(&runtime(&cache));
    assert_eq!(first.code_origin(), &CodeOrigin::Compiler);
    // Another runtime, as another run of the program has it.
    let second = load(&runtime(&cache));
    assert_eq!(second.code_origin(), &CodeOrigin::Cache);
    assert_eq!((first.manifest(), first.component_hash()), (second.manifest(), second.component_hash()));
    assert_eq!(signals(&first), signals(&second));
    assert_eq!(entries(&cache).len(), 1);
}

#[test]
fn damaged_entry_is_compiled_anew() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = runtime(folder.path());
    let expected = signals(&load(&runtime));
    let entry = entries(folder.path()).remove(0);
    let good = fs::read(&entry).unwrap();
    let flipped = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        bytes
    };
    let damaged = [
        Vec::new(),
        good[..10].to_vec(),
        good[..good.len() - 1].to_vec(),
        [&good[..], b"x"].concat(),
        flipped(0),
        flipped(20),
        flipped(good.len() / 2),
        flipped(good.len() - 1),
    ];
    for bytes in damaged {
        fs::write(&entry, bytes).unwrap();
        let strategy = load(&runtime);
        assert_eq!(strategy.code_origin(), &CodeOrigin::Compiler);
        assert_eq!(signals(&strategy), expected);
        // And it was healed.
        assert_eq!(fs::read(&entry).unwrap(), good);
        assert_eq!(load(&runtime).code_origin(), &CodeOrigin::Cache);
    }
}

#[test]
fn entry_of_another_component_is_not_taken() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = runtime(folder.path());
    load(&runtime);
    let good = entries(folder.path()).remove(0);
    let other = runtime.load(&component("peeks"), Limits::compiled()).unwrap();
    let peeks = entries(folder.path()).into_iter().find(|entry| *entry != good).unwrap();
    fs::copy(&peeks, &good).unwrap();
    let strategy = load(&runtime);
    assert_eq!(strategy.code_origin(), &CodeOrigin::Compiler);
    assert_eq!((strategy.manifest().id.as_str(), other.manifest().id.as_str()), ("good", "peeks"));
}

#[test]
fn cache_that_cannot_be_written_costs_time_only() {
    let folder = tempfile::tempdir().unwrap();
    // A file where the folder should be: not even root can write below it.
    let blocked = folder.path().join("blocked");
    fs::write(&blocked, "").unwrap();
    let strategy = load(&runtime(&blocked));
    assert!(matches!(strategy.code_origin(), CodeOrigin::NotKept { .. }), "{:?}", strategy.code_origin());
    assert_eq!(signals(&strategy), signals(&load(&runtime(&folder.path().join("open")))));
}

/// As register-strategy leaves it for processes that begin without a folder.
#[test]
fn code_of_another_process_is_taken_and_nothing_else() {
    let bare = || Runtime::new(RuntimeConfig { instances_max: 2, ..RuntimeConfig::default() }).unwrap();
    let (here, there) = (bare(), bare());
    let good = component("good");
    let first = load(&here);
    let code = first.code().unwrap();
    assert_eq!(first.code_name(), there.code_name(first.component_hash()));
    let load_with = |code: &[u8]| there.load_with_code(&good, Some(code), Limits::compiled()).unwrap();
    let second = load_with(&code);
    assert_eq!(second.code_origin(), &CodeOrigin::Cache);
    assert_eq!((first.manifest(), signals(&first)), (second.manifest(), signals(&second)));
    let of_another = here.load(&component("peeks"), Limits::compiled()).unwrap().code().unwrap();
    let mut flipped = code.clone();
    *flipped.last_mut().unwrap() ^= 1;
    for bytes in [&of_another[..], &flipped[..], &code[..code.len() - 1], &[]] {
        let compiled = load_with(bytes);
        assert_eq!(compiled.code_origin(), &CodeOrigin::Compiler);
        assert_eq!(compiled.manifest(), first.manifest());
    }
}

#[test]
fn limits_hold_for_cached_code_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = runtime(folder.path());
    load(&runtime);
    let small = Limits { component_bytes_max: 100, ..Limits::compiled() };
    assert!(runtime.load(&component("good"), small).is_err());
    let little = Limits { memory_max_bytes: 1_000, ..Limits::compiled() };
    assert!(runtime.load(&component("good"), little).is_err());
}
