//! `sentinel backtest --as-recorded`: the history of the registry traded once by the functions, once by the backtest.

use std::fmt::Write as _;
use std::fs;

use serde_json::Value;

use crate::harness::Bench;

const SPAN: &str = "--from 2020-01-01 --to 2020-04-30";
const TREND: &str = "\
id = \"trend\"
timeframe = \"1d\"
assets = [\"binance:BTC/USDT\"]
priority = 100
parameters = { fast = 2, slow = 5 }
risk = { sizing = { equity_pct = 50 }, stop_loss_pct = 5 }
";
const TRADES: &str = "SELECT strategy_id, strategy_version, entry_time, exit_time, quantity, entry_fill_price, \
                      exit_fill_price, pnl_usd, exit_reason FROM fact_trades_test ORDER BY entry_time, strategy_id";

/// 120 days of waves, eleven days each, and two strategies that want the one position of the account. One of them gets
/// other parameters, sizes, exits and priority half-way, is switched off while it holds a position.
fn changing() -> Bench {
    let bench = Bench::new();
    let mut candles = "timestamp,open,high,low,close,volume\n".to_owned();
    let wave = |day: i32| 100.0 + 9.0 * (f64::from(day) * 0.57).sin() + 4.0 * (f64::from(day) * 0.21).sin();
    for day in 0..120 {
        let (open, close) = (wave(day - 1), wave(day));
        let (high, low) = (open.max(close) + 1.0, open.min(close) - 1.0);
        let time = 1_577_836_800 + i64::from(day) * 86_400;
        writeln!(candles, "{time},{open:.2},{high:.2},{low:.2},{close:.2},10").unwrap();
    }
    bench.write("waves.csv", candles);
    bench.run("data import waves.csv --symbol BTC/USDT --timeframe 1d --exchange binance").good();
    fs::write(bench.home().join("account.toml"), "cash = 50000\nlimits = { positions_max = 1 }").unwrap();

    bench.write("trend.toml", TREND);
    bench.write("rival.toml", TREND.replace("trend", "rival").replace("slow = 5", "slow = 7").replace("100", "200"));
    let other = TREND.replace("fast = 2, slow = 5", "fast = 3, slow = 6").replace("priority = 100", "priority = 300");
    bench
        .write("other.toml", other.replace("equity_pct = 50", "equity_pct = 80").replace("stop_loss", "trailing_stop"));
    bench.run("strategy register sma-cross --config trend.toml --at 2020-01-01").good();
    bench.run("strategy register sma-cross --config rival.toml --at 2020-01-01").good();
    bench.run("strategy register sma-cross --config other.toml --at 2020-02-06").good();
    bench.run("strategy deactivate rival --at 2020-02-25").good();
    bench.run("strategy deactivate trend --at 2020-03-10").good();
    bench
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Returns the trades with what both sides tell of them, by entry.
fn told(trades: &Value) -> Vec<Vec<String>> {
    let names = [
        "entry_time",
        "strategy_id",
        "exit_time",
        "exit_reason",
        "quantity",
        "entry_fill_price",
        "exit_fill_price",
        "pnl_usd",
    ];
    let of_trade = |trade: &Value| names.iter().map(|name| text(&trade[name])).collect();
    let mut told: Vec<Vec<String>> = trades.as_array().unwrap().iter().map(of_trade).collect();
    told.sort();
    told
}

#[test]
fn history_is_traded_as_the_functions_traded_it() {
    let bench = changing();
    let before = bench.run(&format!("backtest --as-recorded {SPAN} --json")).good().json();
    bench.run("strategy activate trend --at 2020-04-01").good();
    let run = bench.run(&format!("backtest --as-recorded {SPAN} --save --json")).good().json();
    assert_ne!(before["run_id"], run["run_id"], "a switch within the span makes another run");
    let expected = told(&run["trades"]);
    assert!(expected.len() > 8, "{} trades prove nothing", expected.len());
    let held_over = |day: &str| expected.iter().any(|trade| trade[0].as_str() < day && trade[2].as_str() > day);
    assert!(held_over("2020-02-06") && held_over("2020-03-10"), "{expected:#?}");
    for reason in ["max_positions", "strategy_paused"] {
        assert!(run["signals"]["rejected_by_reason"][reason].as_u64() > Some(0), "{:#}", run["signals"]);
    }

    bench.run(&format!("dev {SPAN}")).good();
    let traded = bench.run_words(["query", TRADES, "--json"]).good().json();
    assert_eq!(told(&traded), expected);
    let saved = "SELECT strategy_version FROM positions_test WHERE is_backtest AND status <> 'open' ORDER BY \
                 entry_timestamp, strategy_id";
    let saved = bench.run_words(["query", saved, "--json"]).good().json();
    let versions = |rows: &Value| -> Vec<String> {
        rows.as_array().unwrap().iter().map(|row| text(&row["strategy_version"])).collect()
    };
    assert_eq!(versions(&saved), versions(&traded), "each trade was made by the version that the functions name");

    // What one strategy did alone is another question.
    let alone = bench.run(&format!("backtest --as-recorded {SPAN} --strategy-id trend --json")).good().json();
    assert_ne!(alone["run_id"], run["run_id"]);
    assert!(told(&alone["trades"]).iter().all(|trade| trade[1] == "trend"));
    bench.run("strategy deactivate trend --at 2020-05-10").good();
    let again = bench.run(&format!("backtest --as-recorded {SPAN} --json")).good().json();
    assert_eq!(again["run_id"], run["run_id"], "what came after the span is no part of it");
}

#[test]
fn one_version_that_never_changed_is_an_ordinary_backtest() {
    let bench = Bench::new();
    bench.write_daily("daily.csv", 150);
    bench.run("data import daily.csv --symbol BTC/USDT --timeframe 1d --exchange binance").good();
    bench.write("trend.toml", TREND);
    bench.run("strategy register sma-cross --config trend.toml --at 2019-01-01").good();
    let options = "--strategy trend=sma-cross --param fast=2 --param slow=5 --timeframe 1d --symbol BTC/USDT \
                   --equity-pct 50 --stop-loss-pct 5";
    let ordinary = bench.run(&format!("backtest {options} --json")).good().json();
    let recorded = bench.run("backtest --as-recorded --from 2020-01-01 --to 2021-01-01 --json").good().json();
    for part in ["trades", "final_equity", "signals", "daily_equity", "strategy_version", "bars"] {
        assert_eq!(recorded[part], ordinary[part], "{part}");
    }
    assert_eq!(recorded["strategies"][0]["recorded"]["valid_from"], "2019-01-01T00:00:00Z");
    assert_eq!(ordinary["strategies"][0].get("recorded"), None);
}

#[test]
fn what_does_not_fit_is_refused_with_what_to_do() {
    let bench = Bench::new();
    let recorded = |rest: &str| bench.run(&format!("backtest --as-recorded {rest}"));
    recorded(SPAN).refused(2, &["no strategy is registered", "strategy register"]);
    recorded("--from 2020-01-01").refused(2, &["--to"]);
    recorded("--from 2020-02-01 --to 2020-01-01").refused(2, &["--from is not before --to"]);
    for option in ["--strategy sma-cross", "--symbol BTC/USDT", "--cash 5", "--stop-loss-pct 3", "--config run.toml"] {
        let name = option.split(' ').next().unwrap();
        recorded(&format!("{SPAN} {option}")).refused(2, &["--as-recorded", "cannot be used with", name]);
    }
    bench
        .run("backtest --strategy-id trend --strategy sma-cross --symbol BTC/USDT --timeframe 1d")
        .refused(2, &["--as-recorded"]);
    bench.write("trend.toml", TREND);
    bench.run("strategy register sma-cross --config trend.toml --at 2020-01-01").good();
    recorded(&format!("{SPAN} --strategy-id trent")).refused(2, &["no strategy trent", "did you mean trend?"]);
    recorded(SPAN).refused(1, &["binance:BTC/USDT 1d", "2020-04-30"]);
    recorded("--from 2019-01-01 --to 2019-02-01").refused(1, &["no strategy decides", "2020-01-01"]);
    fs::write(bench.home().join("account.toml"), "finest = \"1d\"").unwrap();
    bench.write("hourly.toml", TREND.replace("trend", "hourly").replace("1d", "1h"));
    bench.run("strategy register sma-cross --config hourly.toml --at 2020-01-01").good();
    recorded(SPAN).refused(2, &["finest", "hourly is shown 1h"]);
}
