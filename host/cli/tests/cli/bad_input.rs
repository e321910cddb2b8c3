//! Bad input gets one sentence that says what, where and what to do; nothing is half-written.

use std::fs;

use crate::harness::{Bench, csv};

const HEADER: &str = "timestamp,open,high,low,close,volume";
const FIRST: &str = "2024-01-01T00:00:00Z,10,12,9,11,5";
const SECOND: &str = "2024-01-02T00:00:00Z,11,12,9,11,5";
const THIRD: &str = "2024-01-03T00:00:00Z,11,12,9,11,5";

/// Imports a file of `lines` and expects a refusal that names the file, holds `parts` and leaves nothing behind.
#[track_caller]
fn import(lines: &[&str], parts: &[&str]) {
    let bench = Bench::new();
    bench.write("candles.csv", lines.join("\n"));
    let ran = bench.run("data import candles.csv --symbol BTC/USDT --timeframe 1d");
    ran.refused(1, parts).refused(1, &["candles.csv"]);
    assert!(bench.files().is_empty(), "{:?}", bench.files());
    bench.run("backtest --strategy sma-cross --data candles.csv --symbol BTC/USDT --timeframe 1d").refused(1, parts);
    assert!(bench.files().is_empty(), "{:?}", bench.files());
}

#[test]
fn unsorted_candles() {
    import(
        &[HEADER, FIRST, THIRD, SECOND],
        &["line 4", "2024-01-02T00:00:00Z comes after a later candle", "sort the rows"],
    );
}

#[test]
fn duplicate_candles() {
    import(&[HEADER, FIRST, SECOND, SECOND], &["line 4", "second candle opens at 2024-01-02", "remove the duplicate"]);
}

#[test]
fn negative_price() {
    import(&[HEADER, FIRST, "2024-01-02T00:00:00Z,11,12,-9,11,5"], &["line 3", "low is -9", "above 0"]);
}

#[test]
fn missing_column() {
    import(
        &["timestamp,open,high,low,volume", "2024-01-01T00:00:00Z,10,12,9,5"],
        &["no column close", "it needs timestamp, open, high, low, close, volume"],
    );
}

#[test]
fn times_that_are_not_utc() {
    import(&[HEADER, "2024-01-01T00:00:00+02:00,10,12,9,11,5"], &["line 2", "+02:00", "must be UTC"]);
    import(&[HEADER, "2024-01-01 00:00:00,10,12,9,11,5"], &["line 2", "add the Z"]);
}

#[test]
fn empty_file() {
    import(&[], &["is empty"]);
    import(&[HEADER], &["no candles below"]);
}

#[test]
fn candles_of_another_timeframe() {
    let bench = Bench::new();
    bench.write_daily("daily.csv", 60);
    let parts = ["1 day apart, not 1 hour", "--timeframe 1d"];
    bench.run("data import daily.csv --symbol BTC/USDT --timeframe 1h").refused(1, &parts);
    bench.run("backtest --strategy sma-cross --data daily.csv --symbol BTC/USDT --timeframe 1h").refused(1, &parts);
    assert!(bench.files().is_empty());

    bench.run("data import daily.csv --symbol BTC/USDT --timeframe 1d").good();
    bench
        .run("backtest --strategy sma-cross --symbol BTC/USDT --timeframe 1h")
        .refused(1, &["local:BTC/USDT candles of 1d, not of 1h or finer", "import them"]);
}

#[test]
fn file_that_is_not_there_or_of_no_known_kind() {
    let bench = Bench::new();
    bench.write("candles.txt", "");
    bench
        .run("data import absent.csv --symbol BTC/USDT --timeframe 1d")
        .refused(1, &["cannot read absent.csv: No such file or directory"]);
    bench.run("data import candles.txt --symbol BTC/USDT --timeframe 1d").refused(1, &["name it .csv"]);
}

#[test]
fn unknown_symbol() {
    let bench = Bench::new();
    bench
        .run("backtest --strategy sma-cross --symbol DOGE/USDT --timeframe 1d")
        .refused(1, &["no DOGE/USDT candles", "nothing yet", "data import"]);
    bench.write_daily("daily.csv", 60);
    bench.run("data import daily.csv --symbol BTC/USDT --timeframe 1d").good();
    bench
        .run("backtest --strategy sma-cross --symbol DOGE/USDT --timeframe 1d")
        .refused(1, &["no DOGE/USDT candles", "which has BTC/USDT"]);
}

#[test]
fn symbol_of_several_exchanges_needs_one() {
    let bench = Bench::new();
    bench.write_daily("daily.csv", 60);
    bench.run("data import daily.csv --symbol BTC/USDT --timeframe 1d --exchange binance").good();
    bench.run("data import daily.csv --symbol BTC/USDT --timeframe 1d --exchange kraken").good();
    let command = "backtest --strategy sma-cross --symbol BTC/USDT --timeframe 1d";
    bench.run(command).refused(2, &["binance, kraken", "--exchange"]);
    bench.run(&format!("{command} --exchange kraken")).good();
    bench.run(&format!("{command} --exchange bitstamp")).refused(2, &["binance, kraken"]);
}

#[test]
fn gaps_are_refused_unless_somebody_decides() {
    let bench = Bench::new();
    bench.write("gap.csv", [HEADER, FIRST, SECOND, "2024-01-04T00:00:00Z,11,12,9,11,5"].join("\n"));
    let command = "backtest --strategy sma-cross --data gap.csv --symbol BTC/USDT --timeframe 1d";
    bench.run(command).refused(1, &["local:BTC/USDT 1d", "1 candle is missing in 1 gap", "--gaps flat"]);
    bench.run(&format!("{command} --gaps skip")).good();
}

/// Runs sma-cross with some options and expects wrong usage.
#[track_caller]
fn wrong_usage(options: &str, parts: &[&str]) {
    let bench = Bench::new();
    bench.write_daily("daily.csv", 60);
    let command = format!("backtest --strategy sma-cross --data daily.csv --symbol BTC/USDT --timeframe 1d {options}");
    bench.run(&command).refused(2, parts);
    assert!(bench.files().is_empty());
}

#[test]
fn parameters() {
    wrong_usage("--param slo=3", &["no parameter \"slo\"", "fast, slow, threshold"]);
    wrong_usage("--param fast=0", &["parameter fast", "0 is out of range", "1 to 2000"]);
    wrong_usage("--param fast=ten", &["\"ten\" is not a whole number"]);
    wrong_usage("--param fast=40 --param slow=30", &["slow", "above fast"]);
    wrong_usage("--param fast", &["NAME=VALUE"]);
}

#[test]
fn options_out_of_range() {
    wrong_usage("--cash 0", &["'0' for '--cash", "above 0"]);
    wrong_usage("--cash -5", &["'-5' for '--cash"]);
    wrong_usage("--quantity 1e30", &["--quantity"]);
    wrong_usage("--stop-loss-pct 100", &["--stop-loss-pct", "below 100"]);
    wrong_usage("--confidence-min 101", &["from 0 to 100"]);
    wrong_usage("--fee-bps 2500", &["from 0 to 1000 basis points"]);
    wrong_usage("--gaps maybe", &["refuse, flat, skip"]);
    wrong_usage("--threads 0", &["--threads"]);
    wrong_usage("--from 2024-13-01", &["a day such as 2024-01-31"]);
    wrong_usage("--from 2021-01-01 --to 2020-01-01", &["--from is not before --to"]);
    wrong_usage("--quantity 1 --notional 5", &["cannot be used with"]);
    wrong_usage("--nonsense", &["--nonsense"]);
}

#[test]
fn strategy_for_other_timeframes() {
    let bench = Bench::new();
    bench.write_daily("daily.csv", 60);
    bench
        .run("backtest --strategy sma-cross --data daily.csv --symbol BTC/USDT --timeframe 2h")
        .refused(2, &["unknown timeframe \"2h\"", "1m, 5m, 15m, 1h, 4h, 1d"]);
}

#[test]
fn unknown_strategy_lists_those_there_are() {
    let bench = Bench::new();
    bench
        .run("backtest --strategy smacross --symbol BTC/USDT --timeframe 1d")
        .refused(2, &["no strategy smacross", "sma-cross", "./smacross.wasm"]);
    bench.run("strategy inspect smacross").refused(2, &["no strategy smacross"]);
}

#[test]
fn file_that_is_no_strategy() {
    let bench = Bench::new();
    bench.write("text.wasm", "hello");
    bench.write("empty.wasm", "");
    // A core module: magic number and version, and nothing else.
    bench.write("core.wasm", b"\0asm\x01\0\0\0");
    let inspect = |name: &str, part: &str| {
        bench.run(&format!("strategy inspect {name}")).refused(1, &[name, part]);
    };
    inspect("text.wasm", "not WebAssembly");
    inspect("empty.wasm", "is empty");
    inspect("core.wasm", "core module");
    inspect("absent.wasm", "No such file or directory");
}

#[test]
fn huge_file_is_refused_unread() {
    let bench = Bench::new();
    let file = fs::File::create(bench.work().join("huge.wasm")).unwrap();
    // Takes no room on the disk, but would take it in memory.
    file.set_len(200_000_000).unwrap();
    bench.run("strategy inspect huge.wasm").refused(1, &["huge.wasm", "200000000 bytes", "component_bytes_max"]);
}

#[test]
fn data_folder_of_a_newer_version() {
    let bench = Bench::new();
    bench.write_daily("daily.csv", 60);
    fs::create_dir_all(bench.home()).unwrap();
    fs::write(bench.home().join("store.json"), "{\"format\":999}").unwrap();
    let parts = ["format 999", "newer version"];
    bench.run("data import daily.csv --symbol BTC/USDT --timeframe 1d").refused(1, &parts);
    bench.run("data simulate").refused(1, &parts);
    bench.run("data list").refused(1, &parts);
    bench.run("compare").refused(1, &parts);
    bench.run("backtest --strategy sma-cross --symbol BTC/USDT --timeframe 1d").refused(1, &parts);
    assert_eq!(bench.files(), [bench.home().join("store.json")]);

    // The run itself needs no data folder, so it is shown, but it is not saved there.
    let ran =
        bench.run("backtest --strategy sma-cross --data daily.csv --symbol BTC/USDT --timeframe 1d --json").good();
    assert!(ran.stderr.starts_with("warning: the run is not saved"), "{}", ran.stderr);
    ran.json();
    assert_eq!(bench.files().len(), 1);
}

#[test]
fn hot_store_of_a_newer_version() {
    let bench = Bench::new();
    bench.run("status").good();
    let store = bench.files().into_iter().find(|file| file.ends_with("hot.sqlite")).unwrap();
    // SQLite keeps a program's own version here, most significant byte first.
    let mut bytes = fs::read(&store).unwrap();
    bytes[60..64].copy_from_slice(&99_u32.to_be_bytes());
    fs::write(&store, &bytes).unwrap();
    for command in ["status", "run expire-signals", "strategy list"] {
        bench.run(command).refused(1, &["hot.sqlite", "version 99", "newer release"]);
    }
    assert_eq!(fs::read(&store).unwrap(), bytes, "it is left as it is");
}

#[test]
fn events_that_are_none() {
    let bench = Bench::new();
    let run = "run register-strategy --event event.json";
    bench.run(run).refused(1, &["cannot read the event", "event.json"]);
    for text in ["", "{\"hello\": 1}", "not even JSON"] {
        bench.write("event.json", text);
        bench.run(run).refused(2, &["event.json", "not a usable CloudEvent"]);
    }
    let other = r#"{"specversion": "1.0", "id": "1", "source": "a-test", "type": "weather.changed", "data": {}}"#;
    bench.write("event.json", other);
    bench.run(run).refused(1, &["does not react to events of type weather.changed", "it accepts"]);
}

#[test]
fn event_of_100_mb_is_refused_unread() {
    let bench = Bench::new();
    let file = fs::File::create(bench.work().join("event.json")).unwrap();
    // Takes no room on the disk, but would take it in memory.
    file.set_len(100_000_000).unwrap();
    let parts = ["event.json is too long for an event", "1048576 bytes", "send its name"];
    bench.run("run register-strategy --event event.json").refused(2, &parts);
}

#[test]
fn candles_that_differ_from_stored_ones() {
    let bench = Bench::new();
    bench.write("a.csv", csv(5, 86_400));
    bench.write("b.csv", csv(5, 86_400).replace("100.50", "100.75"));
    let import = |file: &str, more: &str| bench.run(&format!("data import {file} --symbol A/B --timeframe 1d {more}"));
    import("a.csv", "").good();
    bench.write("c.csv", csv(5, 86_400).replace(",10\n", ",11\n"));
    import("c.csv", "").refused(1, &["local:A/B 1d", "--replace"]);
    import("c.csv", "--replace").good();
}

#[test]
fn run_file() {
    let bench = Bench::new();
    bench.write("run.toml", "cash = 5\nchas = 6\n");
    bench.run("backtest --config run.toml").refused(2, &["run.toml: line 2", "unknown field `chas`"]);
    bench.run("backtest --config absent.toml").refused(1, &["cannot read the run file absent.toml"]);
    bench.run("backtest --config run.toml --cash 5").refused(2, &["cannot be used with"]);
}

#[test]
fn nowhere_to_write_the_report() {
    let bench = Bench::new();
    bench.write_daily("daily.csv", 60);
    bench
        .run("backtest --strategy sma-cross --data daily.csv --symbol A/B --timeframe 1d --report absent/report.html")
        .refused(1, &["no folder absent"]);
    assert!(bench.files().is_empty());
}

#[test]
fn no_data_folder_at_all() {
    let bench = Bench::new();
    let mut command = bench.command();
    command.args(["data", "list"]).env_remove("SENTINEL_HOME").env_remove("HOME").env_remove("XDG_DATA_HOME");
    crate::harness::Ran::of(&mut command).refused(2, &["HOME is not set", "--data-dir"]);
}
