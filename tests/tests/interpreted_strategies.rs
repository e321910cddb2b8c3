//! Strategies in Python and JavaScript: they say what the one in Rust says on the same bars, new ones run as they stand,
//! and JavaScript gives the same bytes in two folders.
//!
//! Their tools are fetched on first use; where that cannot be done, these tests skip themselves.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use sentinel_candle_store::simulated::{self, SimulatedMarket};
use sentinel_domain::candles::Candles;
use sentinel_domain::signal::Signal;
use sentinel_domain::timeframe::Timeframe;
use sentinel_runtime::{Limits, Runtime, RuntimeConfig, RuntimeError, Strategy};
use sentinel_strategy_build::{BuildError, BuildOptions, Built, Language, build, create};
use sentinel_tests::folders::mirror;
use sentinel_tests::{reference, shipped};

#[test]
fn python_gives_the_signals_of_rust() {
    assert_signals_of_rust("sma-cross-python");
}

#[test]
fn javascript_gives_the_signals_of_rust() {
    assert_signals_of_rust("sma-cross-javascript");
}

#[test]
fn a_new_strategy_in_python_runs_as_it_stands() {
    assert_new_strategy_runs(Language::Python);
}

#[test]
fn a_new_strategy_in_javascript_runs_as_it_stands() {
    assert_new_strategy_runs(Language::JavaScript);
}

#[test]
fn javascript_gives_the_same_bytes_in_two_folders() {
    let source = shipped::repository().join("strategies/sma-cross-javascript");
    let Some(shipped) = built("javascript_gives_the_same_bytes_in_two_folders", &source) else { return };
    // The same tool, and none of the components it made before.
    let scratch = tempfile::tempdir().unwrap();
    let (copy, other_cache) = (scratch.path().join("another folder/copy"), scratch.path().join("cache"));
    mirror(&source, &copy);
    fs::create_dir(&other_cache).unwrap();
    std::os::unix::fs::symlink(cache().join("tools"), other_cache.join("tools")).unwrap();
    let copy = build(&copy, &BuildOptions::new(other_cache), &mut |_| {}).unwrap();
    assert_eq!(copy.component_hash, shipped.component_hash);
}

#[test]
fn what_the_interpreter_says_reaches_the_author() {
    for (language, file, mistake, expected) in [
        (Language::Python, "strategy.py", "def broken(:\n", "SyntaxError"),
        (Language::JavaScript, "strategy.js", "import { nothing } from './nowhere.js';\n", "nowhere.js"),
    ] {
        let parent = tempfile::tempdir().unwrap();
        let strategy = create(parent.path(), "broken", language).unwrap();
        let source = fs::read_to_string(strategy.join(file)).unwrap();
        fs::write(strategy.join(file), mistake.to_owned() + &source).unwrap();
        match build(&strategy, &BuildOptions::new(cache()), &mut |_| {}) {
            Err(error) if error.is_missing_tool() => eprintln!("SKIPPED mistakes in {language}: {error}"),
            Err(BuildError::Compile { said, .. }) => assert!(said.contains(expected), "{said}"),
            other => panic!("{other:?}"),
        }
        assert!(!strategy.join("target").exists());
    }
}

/// Runs the reference strategy with the reference parameters, and with some under which its averages meet more often.
fn assert_signals_of_rust(name: &str) {
    let Some(built) = built(name, &shipped::repository().join("strategies").join(name)) else { return };
    let runtime = runtime();
    let other = runtime.load(&built.component, Limits::interpreted()).unwrap();
    let rust = shipped::load(&runtime, "sma-cross");
    assert_eq!(other.manifest().parameters, rust.manifest().parameters);
    assert_eq!(other.manifest().patterns, rust.manifest().patterns);
    assert_eq!(other.manifest().reasons, rust.manifest().reasons);
    assert_eq!(other.manifest().warnings, rust.manifest().warnings);
    assert_eq!(other.manifest().timeframes, rust.manifest().timeframes);
    let candles = candles();
    for parameters in [&reference::PARAMETERS[..], &[("fast", "1"), ("slow", "2")], &[("fast", "3"), ("slow", "50")]] {
        let signals = signals(&rust, &candles, parameters);
        assert!(signals.len() > 50, "{} signals are too few to prove anything", signals.len());
        assert!(signals == self::signals(&other, &candles, parameters), "{parameters:?}");
    }
    for refused in [[("fast", "30"), ("slow", "30")], [("fast", "31"), ("slow", "30")]] {
        assert_eq!(refusal(&other, &candles, &refused), refusal(&rust, &candles, &refused));
    }
}

fn signals(strategy: &Strategy, candles: &Candles, parameters: &[(&str, &str)]) -> Vec<Signal> {
    let backtest = reference::backtest(strategy.clone(), candles.clone(), parameters);
    backtest.evaluate().unwrap().lane(0).to_vec()
}

/// Returns which parameter is refused, and the words.
fn refusal(strategy: &Strategy, candles: &Candles, parameters: &[(&str, &str)]) -> (String, String) {
    let given: BTreeMap<_, _> = parameters.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    let parameters = strategy.manifest().resolve_parameters(&given).unwrap();
    let rules = Default::default();
    match strategy.open(candles.instrument(), candles.timeframe(), &rules, &parameters).err() {
        Some(RuntimeError::InvalidParameter { parameter, message, .. }) => (parameter, message),
        other => panic!("{other:?}"),
    }
}

fn assert_new_strategy_runs(language: Language) {
    let parent = tempfile::tempdir().unwrap();
    // As a user names it: by a path from where the user is.
    let folder = relative(&create(parent.path(), "my-first", language).unwrap());
    let Some(built) = built(&format!("a new strategy in {language}"), &folder) else { return };
    assert_eq!(built.component_path, folder.join("target/my-first.wasm"));
    let strategy = runtime().load(&built.component, Limits::interpreted()).unwrap();
    assert_eq!(strategy.manifest().id, "my-first");
    assert!(signals(&strategy, &candles(), &[("period", "20")]).len() > 50);
}

fn relative(path: &Path) -> PathBuf {
    let steps_to_root = std::env::current_dir().unwrap().components().skip(1).map(|_| "..").collect::<PathBuf>();
    steps_to_root.join(path.strip_prefix("/").unwrap())
}

/// Builds a strategy, or says that the test skips itself.
fn built(test: &str, folder: &Path) -> Option<Built> {
    match build(folder, &BuildOptions::new(cache()), &mut |_| {}) {
        Err(error) if error.is_missing_tool() => {
            eprintln!("SKIPPED {test}: {error}");
            None
        }
        built => Some(built.unwrap_or_else(|error| panic!("{error}"))),
    }
}

/// A sandbox that keeps compiled code: an interpreter takes ten seconds to compile.
fn runtime() -> Runtime {
    let cache_dir = Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled"));
    Runtime::new(RuntimeConfig { cache_dir, ..RuntimeConfig::default() }).unwrap()
}

fn cache() -> PathBuf {
    shipped::cache_folder()
}

/// Two years of hours: some sessions, and a last one cut short.
fn candles() -> Candles {
    let market = SimulatedMarket {
        instrument: simulated::instrument("BTC/USDT".parse().unwrap()).unwrap(),
        timeframe: Timeframe::H1,
        from: 1_546_300_800_000,
        bars: 17_000,
        price_start: 3_700.0,
        seed: 7,
    };
    market.candles().unwrap()
}
