//! Help, version and the place where results go.

use crate::harness::Bench;

const COMMANDS: [&str; 36] = [
    "strategy",
    "strategy new",
    "strategy build",
    "strategy check",
    "strategy inspect",
    "strategy register",
    "strategy upload",
    "strategy list",
    "strategy history",
    "strategy activate",
    "strategy deactivate",
    "strategy show",
    "dev",
    "thread",
    "run",
    "functions",
    "replay",
    "status",
    "explain",
    "query",
    "quarantine",
    "quarantine list",
    "quarantine show",
    "quarantine retry",
    "pause",
    "resume",
    "backup",
    "restore",
    "data",
    "data import",
    "data list",
    "data fetch",
    "data simulate",
    "backtest",
    "sweep",
    "compare",
];

#[test]
fn every_command_explains_itself_with_examples() {
    let bench = Bench::new();
    for command in COMMANDS {
        for help in ["-h", "--help"] {
            let said = bench.run(&format!("{command} {help}")).good().stdout;
            assert!(said.contains("Examples:\n  sentinel "), "{command} {help}:\n{said}");
            assert!(said.contains("--json"), "{command} {help}");
        }
    }
}

#[test]
fn nothing_to_do_is_wrong_usage() {
    let ran = Bench::new().run_words([] as [&str; 0]);
    assert_eq!(ran.status, 2);
    assert!(ran.stderr.contains("Usage: sentinel"), "{}", ran.stderr);
}

#[test]
fn version_is_told() {
    let said = Bench::new().run("--version").good().stdout;
    assert_eq!(said, format!("sentinel {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn json_is_alone_on_standard_output() {
    let bench = Bench::new();
    bench.write_daily("daily.csv", 100);
    for command in [
        "data import daily.csv --symbol BTC/USDT --timeframe 1d",
        "data simulate --timeframe 1d --from 2022-01-01 --to 2022-03-01",
        "data list",
        "strategy inspect sma-cross",
        "backtest --strategy sma-cross --symbol BTC/USDT --timeframe 1d",
        "backtest --strategy sma-cross --symbol BTC/USDT --timeframe 1d --param fast=5",
        "sweep --strategy sma-cross --symbol BTC/USDT --timeframe 1d --grid fast=5,10",
        "compare",
    ] {
        bench.run(&format!("{command} --json")).good().json();
    }
}
