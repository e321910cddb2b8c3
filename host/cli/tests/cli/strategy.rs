//! `sentinel strategy …`, but for what needs a compiler: that is tested where strategies are built.

use std::fs;

use crate::harness::Bench;

#[test]
fn shipped_strategies_are_accepted() {
    let bench = Bench::new();
    for strategy in
        ["sma-cross", "rsi-reversion", "bollinger-breakout", "macd-trend", "donchian-turtle", "cvd-divergence"]
    {
        let checked = bench.run(&format!("strategy check {strategy} --json")).good().json();
        assert_eq!(checked["accepted"], true, "{checked:#}");
        assert_eq!(checked["strategy_id"], strategy);
    }
}

#[test]
fn check_shows_what_was_tried() {
    let bench = Bench::new();
    let said = bench.run("strategy check sma-cross").good().stdout;
    for part in ["What was tried", "imports", "determinism", "lookahead", "warm-up", "sma-cross is accepted"] {
        assert!(said.contains(part), "\"{part}\" is missing in:\n{said}");
    }
}

#[test]
fn check_can_use_real_candles() {
    let bench = Bench::new();
    bench.write_daily("daily.csv", 800);
    let said = bench.run("strategy check sma-cross --data daily.csv --timeframe 1d").good().stdout;
    assert!(said.contains("1d bars of local:BTC/USD"), "{said}");
    bench.run("strategy check sma-cross --data daily.csv").refused(2, &["--timeframe"]);
}

#[test]
fn refused_strategy_has_a_table_and_status_1() {
    let bench = Bench::new();
    bench.write("text.wasm", "hello");
    let ran = bench.run("strategy check text.wasm");
    assert_eq!((ran.status, ran.stderr.as_str()), (1, ""), "the verdict is the answer, not an error");
    assert!(ran.stdout.contains("not WebAssembly") && ran.stdout.contains("text.wasm is refused"), "{}", ran.stdout);
    let ran = bench.run("strategy check text.wasm --json");
    assert_eq!((ran.status, &ran.json()["accepted"]), (1, &serde_json::json!(false)));
    bench.run("strategy check absent.wasm").refused(1, &["absent.wasm", "No such file"]);
}

#[test]
fn inspection_tells_parameters_with_ranges() {
    let bench = Bench::new();
    let inspected = bench.run("strategy inspect sma-cross --json").good().json();
    assert_eq!(inspected["manifest"]["parameters"][0]["name"], "fast");
    assert_eq!(inspected["manifest"]["parameters"][0]["maximum"], 2000);
    assert_eq!(inspected["component_hash"].as_str().map(str::len), Some(64));
    let said = bench.run("strategy inspect sma-cross").good().stdout;
    assert!(said.contains("1 to 2000") && said.contains("Imports     nothing"), "{said}");
}

#[test]
fn component_is_found_by_path_too() {
    let bench = Bench::new();
    let file = bench.run("strategy inspect sma-cross --json").good().json()["file"].as_str().unwrap().to_owned();
    fs::copy(file, bench.work().join("own.wasm")).unwrap();
    bench.write_daily("daily.csv", 100);
    let options = "--data daily.csv --symbol BTC/USDT --timeframe 1d --json";
    let by_path = bench.run(&format!("backtest --strategy own.wasm {options}")).good().json();
    let by_name = bench.run(&format!("backtest --strategy sma-cross {options}")).good().json();
    assert_eq!(by_path["strategy_version"], by_name["strategy_version"]);
}

#[test]
fn new_strategy_is_a_folder_with_next_steps() {
    let bench = Bench::new();
    let said = bench.run("strategy new my-first").good().stdout;
    assert!(said.contains("sentinel strategy build my-first"), "{said}");
    assert!(bench.work().join("my-first/src/lib.rs").is_file());
    for language in ["python", "javascript"] {
        let made = bench.run(&format!("strategy new in-{language} --language {language} --json")).good().json();
        assert_eq!(made["language"], language);
    }
}

#[test]
fn folder_that_cannot_be_made_or_built() {
    let bench = Bench::new();
    bench.run("strategy new my-first").good();
    bench.run("strategy new my-first").refused(2, &["my-first is already there", "another name"]);
    bench.run("strategy new My_First").refused(2, &["\"My_First\"", "such as my-first"]);
    bench.run("strategy new other --dir absent").refused(1, &["absent is not a folder"]);
    bench.run("strategy new other --language cobol").refused(2, &["rust, python, javascript"]);
    bench.run("strategy build absent").refused(1, &["absent is not a folder"]);
    bench.run("strategy build").refused(1, &["holds no strategy", "sentinel strategy new"]);
}
