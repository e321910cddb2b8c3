//! `sentinel sweep` from end to end.

use crate::harness::Bench;

const SWEEP: &str = "sweep --strategy sma-cross --data daily.csv --symbol BTC/USDT --timeframe 1d";

fn bench() -> Bench {
    let bench = Bench::new();
    bench.write_daily("daily.csv", 400);
    bench
}

#[test]
fn every_point_is_there_best_first() {
    let ran = bench().run(&format!("{SWEEP} --grid fast=5..15:5 --grid slow=10,30 --sort final_equity --json")).good();
    let sweep = ran.json();
    let points = sweep["points"].as_array().unwrap();
    assert_eq!(points.len(), 6);
    let equities: Vec<f64> = points.iter().filter_map(|point| point["final_equity"].as_str()?.parse().ok()).collect();
    assert!(equities.is_sorted_by(|a, b| a >= b), "{equities:?}");
    // fast = 10 and 15 against slow = 10 are no pairs.
    assert_eq!(points.iter().filter(|point| point["refused_because"].is_string()).count(), 2);
    assert!(points[5]["refused_because"].is_string(), "what was refused comes last");
}

#[test]
fn point_equals_the_backtest_of_its_parameters() {
    let bench = bench();
    let sweep = bench.run(&format!("{SWEEP} --grid fast=7 --grid slow=21 --json")).good().json();
    let run = bench
        .run("backtest --strategy sma-cross --data daily.csv --symbol BTC/USDT --timeframe 1d --param fast=7 --param slow=21 --json")
        .good()
        .json();
    assert_eq!(sweep["points"][0]["final_equity"], run["final_equity"]);
    assert_eq!(sweep["points"][0]["entries"], run["entries"]);
    assert_eq!(sweep["points"][0]["metrics"]["sharpe_ratio"], run["metrics"]["sharpe_ratio"]["value"]);
}

#[test]
fn table_shows_the_top() {
    let said = bench().run(&format!("{SWEEP} --grid fast=5..9 --top 2")).good().stdout;
    assert!(said.contains("and 3 more"), "{said}");
}

#[test]
fn bad_grids_are_wrong_usage() {
    let bench = bench();
    let check = |grid: &str, part: &str| {
        bench.run(&format!("{SWEEP} --grid {grid}")).refused(2, &[part]);
    };
    check("fast=9..1", "not a list of values");
    check("fest=1,2", "no parameter \"fest\"");
    check("fast=1,x", "\"x\" is not a whole number");
    check("fast=1 --grid fast=2", "named twice");
    check("fast=1 --sort luck", "luck");
}
