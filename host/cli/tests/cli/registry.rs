//! `sentinel strategy register` and its kin.

use std::fs;

use crate::harness::Bench;

pub(crate) const CONFIG: &str = "\
id = \"trend\"
timeframe = \"1h\"
assets = [\"binance:BTC/USDT\"]
parameters = { fast = 5, slow = 20 }
risk = { sizing = { equity_pct = 20 }, stop_loss_pct = 5 }
";

#[test]
fn registering_opens_versions_and_the_same_again_changes_nothing() {
    let bench = Bench::new();
    bench.write("a.toml", CONFIG);
    bench.write("b.toml", CONFIG.replace("fast = 5", "fast = 6"));
    let first = bench.run("strategy register sma-cross --config a.toml --at 2024-01-01 --json").good().json();
    assert_eq!((&first["changed"], &first["version"]["ordinal"]), (&true.into(), &1.into()));
    let again = bench.run("strategy register sma-cross --config a.toml --json").good().json();
    assert_eq!((&again["changed"], &again["version"]), (&false.into(), &first["version"]));
    let said = bench.run("strategy register sma-cross --config b.toml --at 2024-02-01").good().stdout;
    assert!(said.contains("trend version 2 (") && said.contains("from 2024-02-01 on"), "{said}");

    let rows = bench.run("strategy history trend --json").good().json();
    assert_eq!(rows[0]["valid_to"], rows[1]["valid_from"]);
    assert_eq!((&rows[0]["is_current"], &rows[1]["is_current"]), (&false.into(), &true.into()));
    let listed = bench.run("strategy list --json").good().json();
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert_eq!(listed[0], rows[1]);
    let then = bench.run("strategy show trend --as-of 2024-01-31T23:59:59Z --json").good().json();
    assert_eq!((&then, &then["parameters"]["fast"]), (&rows[0], &"5".into()));
    let said = bench.run("strategy show trend").good().stdout;
    assert!(said.contains("Long while a fast moving average") && said.contains("risk.stop_loss_pct"), "{said}");
    bench.run("strategy show trend --as-of 2023-12-31").refused(1, &["no version of trend", "2024-01-01"]);
}

#[test]
fn what_is_registered_is_what_was_backtested() {
    let bench = Bench::new();
    bench.write("a.toml", CONFIG.replace("1h", "1d"));
    bench.write_daily("daily.csv", 60);
    let registered = bench.run("strategy register sma-cross --config a.toml --json").good().json();
    let options = "--data daily.csv --symbol BTC/USDT --timeframe 1d --param fast=5 --param slow=20 --equity-pct 20 \
                   --stop-loss-pct 5 --json --no-save";
    let run = bench.run(&format!("backtest --strategy sma-cross {options}")).good().json();
    assert_eq!(run["strategy_version"], registered["version"]["version"], "{run:#}");
}

#[test]
fn switching_opens_a_version_that_may_not_trade() {
    let bench = Bench::new();
    bench.write("a.toml", CONFIG);
    bench.run("strategy register sma-cross --config a.toml --at 2024-01-01").good();
    let off = bench.run("strategy deactivate trend --at 2024-02-01 --json").good().json();
    assert_eq!((&off["changed"], &off["version"]["active"]), (&true.into(), &false.into()));
    let again = bench.run("strategy deactivate trend --json").good().json();
    assert_eq!(again["changed"], false);
    let said = bench.run("strategy activate trend --at 2024-03-01").good().stdout;
    assert!(said.contains("trend version 3") && said.contains("is active"), "{said}");
    bench.run("strategy activate trend --at 2024-01-15").good();
    bench.run("strategy deactivate trend --at 2024-01-15").refused(2, &["would rewrite history", "2024-03-01"]);
}

#[test]
fn configs_that_cannot_be_used_are_told_with_their_line() {
    let bench = Bench::new();
    for (config, parts) in [
        (CONFIG.replace("assets", "asets"), ["bad.toml, line 3", "did you mean assets?"]),
        (CONFIG.replace("fast", "fats"), ["bad.toml, line 4", "did you mean fast?"]),
        (CONFIG.replace("slow = 20", "slow = 200000"), ["bad.toml, line 4", "allowed is"]),
        (CONFIG.replace("binance:", ""), ["bad.toml, line 3", "names no exchange"]),
        (CONFIG.replace("= 5 }", "= 500 }"), ["bad.toml, line 5", "stop_loss_pct is 500"]),
        (CONFIG.replace("1h", "7m"), ["bad.toml, line 2", "7m"]),
        (CONFIG.replace("\"1h\"", "\"1h"), ["bad.toml, line 2", ""]),
    ] {
        bench.write("bad.toml", config);
        bench.run("strategy register sma-cross --config bad.toml").refused(2, &parts);
    }
    bench.run("strategy register sma-cross --config absent.toml").refused(1, &["absent.toml", "No such file"]);
    bench.run("strategy list --json").good();
}

#[test]
fn components_that_are_no_strategies_are_refused() {
    let bench = Bench::new();
    bench.write("a.toml", CONFIG);
    bench.write("text.wasm", "hello");
    bench.run("strategy register text.wasm --config a.toml").refused(1, &["not WebAssembly"]);
    bench.run("strategy register absent.wasm --config a.toml").refused(1, &["absent.wasm"]);
    assert_eq!(bench.run("strategy list --json").good().json(), serde_json::json!([]));
    assert!(bench.run("strategy list").good().stdout.contains("No strategy is registered yet"));
}

#[test]
fn unknown_strategies_are_told_with_the_known_ones() {
    let bench = Bench::new();
    bench.run("strategy history trend").refused(2, &["no strategy trend", "none yet"]);
    bench.write("a.toml", CONFIG);
    bench.run("strategy register sma-cross --config a.toml").good();
    bench.run("strategy history tredn").refused(2, &["there is trend", "did you mean trend?"]);
    bench.run("strategy deactivate other").refused(2, &["no strategy other"]);
}

#[test]
fn dropped_pair_is_registered_by_its_event() {
    let bench = Bench::new();
    let component = bench.run("strategy inspect sma-cross --json").good().json()["file"].as_str().unwrap().to_owned();
    let folder = bench.home().join("strategies");
    fs::create_dir_all(&folder).unwrap();
    fs::copy(component, folder.join("trend.wasm")).unwrap();
    fs::write(folder.join("trend.toml"), CONFIG).unwrap();
    let event = serde_json::json!({
        "specversion": "1.0", "id": "1", "source": "//storage/strategies", "time": "2024-01-01T00:00:00Z",
        "type": "google.cloud.storage.object.v1.finalized", "data": { "bucket": "strategies", "name": "trend.wasm" },
    });
    bench.write("event.json", event.to_string());
    let run = bench.run("run register-strategy --event event.json --json").good().json();
    assert_eq!((&run["status"], &run["rows_out"]), (&"SUCCEEDED".into(), &1.into()));
    let again = bench.run("run register-strategy --event event.json --json").good().json();
    assert_eq!(again["duplicate"], true);
    let row = bench.run("strategy show trend --json").good().json();
    assert_eq!(row["valid_from"], "2024-01-01T00:00:00Z");
}

#[test]
fn environments_do_not_see_each_other() {
    let bench = Bench::new();
    bench.write("a.toml", CONFIG);
    bench.run("strategy register sma-cross --config a.toml").good();
    let list = |environment: &str| {
        crate::harness::Ran::of(bench.command().env("ENVIRONMENT", environment).args(["strategy", "list", "--json"]))
    };
    assert_eq!(list("DEV").good().json().as_array().unwrap().len(), 1);
    assert_eq!(list("PROD").good().json(), serde_json::json!([]));
    list("prod").refused(2, &["\"prod\"", "PROD, DEV, TEST"]);
}
