//! `sentinel backtest` from end to end.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::harness::{Bench, csv};

const DAILY: &str = "backtest --strategy sma-cross --data daily.csv --symbol BTC/USDT --timeframe 1d";

fn bench() -> Bench {
    let bench = Bench::new();
    bench.write_daily("daily.csv", 400);
    bench
}

/// Returns what `--json` printed without the only figure that is measured.
fn without_time(stdout: &str) -> String {
    stdout.lines().filter(|line| !line.contains("\"run_seconds\"")).collect::<Vec<_>>().join("\n")
}

#[test]
fn json_has_what_a_program_looks_for() {
    let run = bench().run(&format!("{DAILY} --json")).good().json();
    assert_eq!(run["bars"], 400);
    assert!(run["entries"].as_u64().is_some_and(|entries| entries > 3));
    assert!(run["final_equity"].as_str().is_some_and(|text| text.parse::<f64>().is_ok()), "money is a decimal text");
    assert!(run["run_seconds"].as_f64().is_some_and(|seconds| seconds > 0.0));
    assert_eq!(run["strategy_version"].as_str().map(str::len), Some(64));
    assert_eq!(run["lookahead_verified"], true);
}

#[test]
fn same_run_gives_the_same_bytes_on_any_number_of_threads() {
    let bench = bench();
    let run = |options: &str| without_time(&bench.run(&format!("{DAILY} --json {options}")).good().stdout);
    let first = run("");
    assert_eq!(first, run(""));
    assert_eq!(first, run("--threads 1"));
    assert_eq!(first, run("--threads 7"));
    assert_ne!(first, run("--slippage-bps 7"));
}

#[test]
fn lookahead_check_can_be_left_out_and_says_so() {
    let bench = bench();
    let run = bench.run(&format!("{DAILY} --lookahead-check off --json")).good().json();
    assert_eq!(run["lookahead_verified"], false);
    let summary = bench.run(&format!("{DAILY} --lookahead-check off")).good().stdout;
    assert!(summary.contains("not verified"), "{summary}");
}

#[test]
fn run_is_saved_with_its_report() {
    let bench = bench();
    let run = bench.run(&format!("{DAILY} --json")).good().json();
    let folder = bench.home().join("runs").join(&run["run_id"].as_str().unwrap()[..12]);
    let saved: Value = serde_json::from_slice(&fs::read(folder.join("run.json")).unwrap()).unwrap();
    assert_eq!(saved["final_equity"], run["final_equity"]);
    assert!(saved.get("run_seconds").is_none(), "nothing measured is saved");
    assert!(fs::read_to_string(folder.join("report.html")).unwrap().contains("<html"));
}

#[test]
fn run_need_not_be_saved() {
    let bench = bench();
    bench.run(&format!("{DAILY} --no-save --report report.html")).good();
    assert!(bench.files().is_empty());
    assert!(fs::read_to_string(bench.work().join("report.html")).unwrap().contains("</html>"));
}

#[test]
fn summary_tells_the_essentials() {
    let summary = bench().run(&format!("{DAILY} --param fast=5 --fee-bps 10")).good().stdout;
    for part in [
        "sma-cross on 1d candles",
        "fast=5 slow=30",
        "2020-01-01",
        "400 candles",
        "100,000.00 →",
        "Sharpe ratio",
        "Max drawdown",
        "Signals",
        "filled",
        "fees 10 bps",
        "report.html",
    ] {
        assert!(summary.contains(part), "\"{part}\" is missing in:\n{summary}");
    }
    assert!(!summary.contains('\x1b'), "colours are for terminals");
}

#[test]
fn finer_candles_are_made_coarser_and_orders_fill_on_the_finer() {
    let bench = Bench::new();
    bench.write("hourly.csv", csv(24 * 200, 3_600));
    let command = "backtest --strategy sma-cross --data hourly.csv --symbol BTC/USDT --timeframe 1d";
    let run = bench.run(&format!("{command} --json")).good().json();
    assert_eq!(run["strategies"][0]["timeframe"], "1d");
    assert_eq!(run["series"][0]["timeframe"], "1h");
    let summary = bench.run(command).good().stdout;
    assert!(summary.contains("is shown 1d candles made of the 1h candles"), "{summary}");
}

#[test]
fn strategies_share_one_account() {
    let bench = bench();
    bench.write("eth.csv", csv(400, 86_400));
    let run = bench
        .run(
            "backtest --strategy sma-cross --strategy slower=sma-cross --param slower.fast=20 --param slower.slow=50 \
             --data daily.csv --symbol BTC/USDT --data eth.csv --symbol ETH/USDT --timeframe 1d --positions-max 1 --json",
        )
        .good()
        .json();
    assert_eq!(run["strategies"][1]["strategy_id"], "slower");
    assert_eq!(run["strategies"][1]["parameters"]["slow"], "50");
    assert_eq!(run["series"].as_array().map(Vec::len), Some(2));
    assert!(
        run["signals"]["rejected_by_reason"]["max_positions"].as_u64().is_some_and(|n| n > 0),
        "{}",
        run["signals"]
    );
}

#[test]
fn run_file_and_options_give_the_same_run() {
    let bench = bench();
    bench.write(
        "run.toml",
        "timeframe = \"1d\"\nfee_bps = 10\nslippage_bps = 0\n\
         [[series]]\ndata = \"daily.csv\"\nsymbol = \"BTC/USDT\"\n\
         [[strategies]]\nstrategy = \"sma-cross\"\nparameters = { fast = 5 }\n\
         risk = { sizing = { notional = 5000 }, stop_loss_pct = 3 }\n",
    );
    let from_file = bench.run("backtest --config run.toml --json").good().json();
    let options = "--param fast=5 --fee-bps 10 --slippage-bps 0 --notional 5000 --stop-loss-pct 3 --json";
    assert_eq!(from_file["run_id"], bench.run(&format!("{DAILY} {options}")).good().json()["run_id"]);
}

#[test]
fn reader_that_goes_away_is_no_error() {
    use std::io::{BufRead, BufReader};
    use std::process::Stdio;
    let bench = bench();
    let words = format!("{DAILY} --json");
    let mut child =
        bench.command().args(words.split_whitespace()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::with_capacity(64, child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap().as_str()), (Some(0), ""));
}

/// The reference trades, in the words of the command that must work as written.
#[test]
fn reference_trades_to_the_cent() {
    let Some(data) = std::env::var_os("SENTINEL_DATA").map(PathBuf::from).filter(|folder| folder.is_dir()) else {
        eprintln!("SKIPPED reference_trades_to_the_cent: SENTINEL_DATA names no folder of candles");
        return;
    };
    let bench = Bench::new();
    let check = |file: &str, timeframe: &str, bars: u64, entries: u64, equity: &str| {
        let words = format!(
            "backtest --strategy sma-cross --param fast=10 --param slow=30 --param threshold=0.00001 --data {} \
             --symbol BTC/USDT --timeframe {timeframe} --quantity 0.1 --fee-bps 10 --fee-in quote --slippage-bps 0 \
             --cash 100000 --gaps flat --json",
            data.join(file).display()
        );
        let run = bench.run(&words).good().json();
        assert_eq!((run["bars"].as_u64(), run["entries"].as_u64()), (Some(bars), Some(entries)), "{file}");
        let found: f64 = run["final_equity"].as_str().unwrap().parse().unwrap();
        assert_eq!(format!("{found:.2}"), equity, "{file}");
        assert_eq!(run["lookahead_verified"], true, "{file}");
    };
    check("btcusdt-1d.csv", "1d", 3_178, 61, "104236.90");
    check("btcusd-1m-2019.csv.gz", "1m", 525_600, 10_239, "84978.40");
}

/// What `--save` writes is asked for beside what was traded, and the same run is there once.
#[test]
fn run_is_written_to_the_warehouse_once() {
    let bench = bench();
    let ask = |sql: &str| bench.run_words(["query", sql, "--json"]).good().json();
    assert_eq!(ask("SELECT backtest_id FROM backtest_runs_test"), Value::Array(Vec::new()));
    let run = bench.run(&format!("{DAILY} --save --json")).good().json();
    let counts = "SELECT (SELECT COUNT(*) FROM backtest_runs_test) AS runs, \
                  (SELECT COUNT(*) FROM signals_test WHERE is_backtest) AS signals, \
                  (SELECT COUNT(*) FROM positions_test WHERE is_backtest) AS positions, \
                  (SELECT COUNT(*) FROM backtest_equity_curve_test) AS points";
    let first = ask(counts);
    assert_eq!(first[0]["runs"], 1);
    assert_eq!(first[0]["points"], 400);
    assert_eq!(first[0]["signals"], run["signals"]["total"]);
    let held = run["trades"].as_array().unwrap().len() + run["open_positions"].as_array().unwrap().len();
    assert_eq!(first[0]["positions"], held);
    bench.run(&format!("{DAILY} --save")).good();
    assert_eq!(ask(counts), first);

    let told = ask("SELECT backtest_id, status FROM backtest_runs_test");
    assert_eq!((&told[0]["backtest_id"], &told[0]["status"]), (&run["run_id"], &Value::from("completed")));
    let sums = ask("SELECT SUM(p.pnl) AS pnl, COUNT(s.id) AS signals FROM positions_test p \
                    JOIN signals_test s ON s.id = p.signal_id WHERE p.status <> 'open'");
    let trades = run["trades"].as_array().unwrap();
    assert_eq!(sums[0]["signals"], trades.len());
    let money = |value: &Value| value.as_str().unwrap().parse::<rust_decimal::Decimal>().unwrap();
    let profit: rust_decimal::Decimal = trades.iter().map(|trade| money(&trade["pnl_usd"])).sum();
    assert_eq!(money(&sums[0]["pnl"]), profit);
    // Another run is another id.
    bench.run(&format!("{DAILY} --save --slippage-bps 7")).good();
    assert_eq!(ask(counts)[0]["runs"], 2);
}

#[test]
fn stops_that_a_strategy_reckons_are_saved_on_the_grid() {
    let bench = Bench::new();
    bench.write_daily("daily.csv", 200);
    let options = "--data daily.csv --symbol BTC/USDT --timeframe 1d --param entry=5 --param exit=3";
    bench.run(&format!("backtest --strategy donchian-turtle {options} --save --json")).good();
    let stops =
        "SELECT count(*) AS stops FROM signals_test WHERE stop_loss IS NOT NULL AND stop_loss = round(stop_loss, 2)";
    let found = bench.run_words(["query", stops, "--json"]).good().json();
    assert!(found[0]["stops"].as_u64().is_some_and(|stops| stops > 0), "{found}");
}
