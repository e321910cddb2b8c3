//! Candles go into the data folder and come out of it.

use crate::harness::{Bench, csv};

#[test]
fn imported_candles_are_listed() {
    let bench = Bench::new();
    bench.write_daily("daily.csv", 60);
    let imported =
        bench.run("data import daily.csv --symbol BTC/USDT --timeframe 1d --exchange binance --json").good().json();
    assert_eq!((imported["bars"].as_u64(), imported["added"].as_u64()), (Some(60), Some(60)));
    assert_eq!(imported["from"], "2020-01-01T00:00:00Z");

    let listed = bench.run("data list --json").good().json();
    assert_eq!(listed[0]["exchange"], "binance");
    assert_eq!(listed[0]["symbol"], "BTC/USDT");
    assert_eq!(listed[0]["timeframe"], "1d");
    assert_eq!(listed[0]["bars"], 60);

    let again =
        bench.run("data import daily.csv --symbol BTC/USDT --timeframe 1d --exchange binance --json").good().json();
    assert_eq!((again["added"].as_u64(), again["unchanged"].as_u64()), (Some(0), Some(60)));
}

#[test]
fn simulated_market_is_named_as_such_everywhere() {
    let bench = Bench::new();
    let ran = bench.run("data simulate --timeframe 1d --from 2022-01-01 --to 2023-01-01 --seed 7 --json").good();
    assert!(ran.stderr.contains("made up"), "{}", ran.stderr);
    assert_eq!(ran.json()["exchange"], "simulated");
    assert_eq!(ran.json()["bars"], 365);
    assert_eq!(ran.json()["simulated"]["seed"], 7);
    let summary = bench.run("backtest --strategy sma-cross --symbol BTC/USD --timeframe 1d").good().stdout;
    assert!(summary.contains("simulated; no market ever traded them"), "{summary}");
}

#[test]
fn same_seed_gives_the_same_candles() {
    let hash = |seed: &str| {
        let bench = Bench::new();
        bench.run(&format!("data simulate --timeframe 1d --from 2022-01-01 --to 2022-04-01 --seed {seed}")).good();
        let ran = bench.run("backtest --strategy sma-cross --symbol BTC/USD --timeframe 1d --json").good().json();
        ran["series"][0]["data_hash"].as_str().unwrap().to_owned()
    };
    assert_eq!(hash("1"), hash("1"));
    assert_ne!(hash("1"), hash("2"));
}

#[test]
fn file_and_data_folder_give_the_same_run() {
    let bench = Bench::new();
    bench.write_daily("daily.csv", 400);
    bench.run("data import daily.csv --symbol BTC/USDT --timeframe 1d").good();
    let run = |source: &str| {
        let command = format!("backtest --strategy sma-cross --symbol BTC/USDT --timeframe 1d --json {source}");
        bench.run(&command).good().json()["run_id"].clone()
    };
    assert_eq!(run("--data daily.csv"), run(""));
}

#[test]
fn gaps_are_told_at_the_import() {
    let bench = Bench::new();
    let lines: Vec<_> = csv(6, 86_400).lines().map(str::to_owned).collect();
    bench.write("gap.csv", [&lines[..3], &lines[5..]].concat().join("\n"));
    let said = bench.run("data import gap.csv --symbol A/B --timeframe 1d").good().stdout;
    assert!(said.contains("2 candles missing in 1 gap"), "{said}");
}
