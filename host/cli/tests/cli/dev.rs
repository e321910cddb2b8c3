//! `sentinel dev` and `sentinel thread`.

use std::fs;

use serde_json::Value;

use crate::harness::Bench;

const CONFIG: &str = "\
id = \"trend\"
timeframe = \"1d\"
assets = [\"binance:BTC/USDT\"]
parameters = { fast = 3, slow = 8 }
risk = { sizing = { equity_pct = 50 }, stop_loss_pct = 5 }
";
const RUN: &str = "\
from = 2020-01-01
to = 2020-05-30
[[series]]
symbol = \"BTC/USDT\"
exchange = \"binance\"
[[strategies]]
id = \"trend\"
strategy = \"sma-cross\"
timeframe = \"1d\"
parameters = { fast = 3, slow = 8 }
risk = { sizing = { equity_pct = 50 }, stop_loss_pct = 5 }
";
const TRADES: &str = "SELECT entry_time, exit_time, strategy_id, quantity, entry_fill_price, exit_fill_price, pnl_usd, \
                      exit_reason FROM fact_trades_test ORDER BY entry_time";

/// A data folder with 150 days of candles and one strategy that decides on them.
fn traded() -> Bench {
    let bench = with_candles();
    bench.write("trend.toml", CONFIG);
    bench.run("strategy register sma-cross --config trend.toml --at 2020-01-01").good();
    bench
}

fn with_candles() -> Bench {
    let bench = Bench::new();
    bench.write_daily("daily.csv", 150);
    bench.run("data import daily.csv --symbol BTC/USDT --timeframe 1d --exchange binance").good();
    bench
}

fn trades(bench: &Bench) -> Value {
    bench.run_words(["query", TRADES, "--json"]).good().json()
}

#[test]
fn past_is_traded_as_the_backtest_trades_it_and_can_be_replayed() {
    let bench = traded();
    let thread = bench.run("dev --from 2020-01-01 --to 2020-05-30 --json").good().json();
    bench.write("run.toml", RUN);
    let backtest = bench.run("backtest --config run.toml --no-save --json").good().json();
    let told = backtest["trades"].as_array().unwrap();
    assert!(told.len() > 2, "{} trades prove nothing", told.len());
    let found = trades(&bench);
    let found = found.as_array().unwrap();
    assert_eq!(found.len(), told.len());
    for (found, told) in found.iter().zip(told) {
        for (column, name) in [("pnl_usd", "pnl_usd"), ("exit_fill_price", "exit_fill_price")] {
            let number = |value: &Value| value.to_string().trim_matches('"').parse::<f64>().unwrap();
            let (found, told) = (number(&found[column]), number(&told[name]));
            assert!((found - told).abs() < 1e-9, "{column}: {found} and {told}");
        }
    }
    let equity = |value: &Value| value.to_string().trim_matches('"').parse::<f64>().unwrap();
    assert!((equity(&thread["last_snapshot"]["equity"]) - equity(&backtest["final_equity"])).abs() < 1e-6);
    assert_eq!(bench.run("thread --json").good().json(), thread, "asking changes nothing");
    let replayed = bench.run("replay --json").good().json();
    assert!(replayed["decisions"].as_u64().is_some_and(|decisions| decisions > 0), "{replayed:#}");
    assert!(bench.run("status").good().stdout.contains("Last decisions"));
}

#[test]
fn half_and_half_is_the_whole() {
    let (whole, halves) = (traded(), traded());
    let at_once = whole.run("dev --from 2020-01-01 --to 2020-05-30 --json").good().json();
    halves.run("dev --from 2020-01-01 --to 2020-03-10").good();
    let in_two = halves.run("dev --from 2020-03-10 --to 2020-05-30 --json").good().json();
    assert_eq!(trades(&halves), trades(&whole));
    for part in ["signals", "positions", "archived"] {
        assert_eq!(in_two[part], at_once[part], "{part}");
    }
    let again = halves.run("dev --from 2020-03-10 --to 2020-05-30 --json").good();
    assert!(again.stderr.contains("already"), "{again:?}");
}

#[test]
fn backup_of_the_half_way_goes_on_to_the_same_end() {
    let (whole, bench) = (traded(), traded());
    whole.run("dev --from 2020-01-01 --to 2020-05-30").good();
    bench.run("dev --from 2020-01-01 --to 2020-03-10").good();
    let taken = bench.run("backup half.sentinel --json").good().json();
    let files = taken["manifest"]["files"].as_object().unwrap();
    assert!(files.contains_key("broker.sqlite") && files.contains_key("simulated-time.json"), "{files:?}");
    bench.run("dev --from 2020-03-10 --to 2020-04-10").good();

    bench.run("--data-dir elsewhere data import daily.csv --symbol BTC/USDT --timeframe 1d --exchange binance").good();
    bench.run("--data-dir elsewhere restore half.sentinel").good();
    bench.run("--data-dir elsewhere dev --from 2020-03-10 --to 2020-05-30").good();
    let restored = bench.run_words(["--data-dir", "elsewhere", "query", TRADES, "--json"]).good().json();
    assert_eq!(restored, trades(&whole));
}

#[test]
fn what_lies_in_the_folder_of_strategies_is_registered() {
    let bench = with_candles();
    bench.run("strategy new dropped").good();
    bench.write("dropped/sentinel.toml", CONFIG.replace("trend", "dropped").replace("{ fast = 3, slow = 8 }", "{}"));
    let ran = bench.run("dev --from 2020-01-01 --to 2020-01-20 --watch dropped").good();
    assert!(ran.stderr.contains("dropped is built"), "{ran:?}");
    assert!(bench.home().join("strategies/dropped.wasm").is_file());
    let history = bench.run("strategy history dropped --json").good().json();
    assert_eq!(history[0]["valid_from"], "2020-01-01T00:00:00Z", "{history:#}");
    bench.run("dev --from 2020-01-01 --to 2020-01-22 --watch nowhere").refused(2, &["nowhere", "strategy new"]);
    fs::remove_file(bench.work().join("dropped/sentinel.toml")).unwrap();
    bench.run("dev --from 2020-01-01 --to 2020-01-22 --watch dropped").refused(2, &["sentinel.toml"]);
}

#[test]
fn what_cannot_be_simulated_is_refused_with_what_to_do() {
    let bench = with_candles();
    bench.run("dev --from 2020-01-01 --to 2020-02-01").refused(2, &["strategy register"]);
    bench.write("trend.toml", CONFIG);
    bench.run("strategy register sma-cross --config trend.toml --at 2021-01-01").good();
    bench.run("dev --from 2020-01-01 --to 2020-02-01").refused(1, &["2021-01-01", "--at 2020-01-01"]);
    bench.run("dev --from 2021-01-01 --to 2021-02-01").refused(1, &["binance:BTC/USDT 1d"]);
    bench.run("dev --from 2020-02-01 --to 2020-01-01").refused(2, &["--from is not before --to"]);
    bench.run("dev --from 2020-02-01").refused(2, &["--to"]);
    bench.run("dev --from 2020-01-01 --to 2020-02-01 --speed 0").refused(2, &["--speed"]);
}

#[test]
fn real_time_needs_keys_and_stores_of_its_own() {
    let bench = traded();
    let account = bench.home().join("account.toml");
    fs::write(&account, "broker = { kind = \"alpaca-paper\" }").unwrap();
    bench.run("dev").refused(2, &["APCA_API_KEY_ID"]);
    fs::write(&account, "broker = { kind = \"alpaca-live\" }").unwrap();
    bench.run("dev").refused(2, &["SENTINEL_LIVE_TRADING"]);
    fs::write(&account, "cash = 5\nlimit = 3").unwrap();
    bench.run("run snapshot-accounts").refused(2, &["account.toml", "line 2", "unknown field `limit`"]);
    fs::remove_file(&account).unwrap();
    bench.run("dev --from 2020-01-01 --to 2020-01-20").good();
    bench.run("dev").refused(2, &["simulated time", "--data-dir"]);
    bench.run("dev --from 2019-12-01 --to 2020-01-20").refused(2, &["began at 2020-01-01"]);
}

#[test]
fn function_runs_alone_on_what_a_simulation_left() {
    let bench = traded();
    bench.run("dev --from 2020-01-01 --to 2020-03-01").good();
    let before = trades(&bench);
    for name in ["archive-trades", "snapshot-accounts", "patch-fees", "cleanup-hot-store"] {
        let ran = bench.run(&format!("run {name} --at 2020-03-01T03:00:00Z --json")).good().json();
        assert_eq!(ran["status"], "SUCCEEDED", "{ran:#}");
    }
    assert_eq!(trades(&bench), before);
    let names = bench.run("functions --json").good().json();
    assert!(names.as_array().unwrap().len() >= 14, "{names:#}");
}

#[test]
fn paused_account_buys_nothing_and_still_sells() {
    let (whole, bench) = (traded(), traded());
    let thread = whole.run("dev --from 2020-01-01 --to 2020-05-30 --json").good().json();
    let first = trades(&whole)[0].clone();
    let exit = first["exit_time"].as_str().unwrap();
    bench.run("pause").refused(2, &["no function has looked at the account"]);

    // Bought before the pause: the exit is the very same, and nothing comes after it.
    let held = format!("{}T00:00:00Z", &exit[..10]);
    bench.run(&format!("dev --from 2020-01-01 --to {held}")).good();
    let paused = bench.run_words(["pause", "--reason", "maintenance", "--json"]).good().json();
    assert_eq!(paused["paused"]["reason"], "maintenance");
    assert!(bench.run("status").good().stdout.contains("maintenance; nothing new is bought"));
    let under = bench.run(&format!("dev --from {held} --to 2020-05-01 --json")).good().json();
    assert_eq!(trades(&bench).as_array().unwrap().len(), 1, "{under:#}");
    assert_eq!(trades(&bench)[0], first);
    assert!(under["rejected"]["account_paused"].as_u64().is_some_and(|count| count > 0), "{under:#}");
    bench.run("resume").good();
    let after = bench.run("dev --from 2020-05-01 --to 2020-05-30 --json").good().json();
    assert!(after["positions"] != under["positions"], "{after:#} and the whole {thread:#}");
}
