//! `sentinel compare` from end to end.

use crate::harness::Bench;

fn with_two_runs() -> (Bench, [String; 2]) {
    let bench = Bench::new();
    bench.write_daily("daily.csv", 400);
    let ids = ["5", "10"].map(|fast| {
        let command = format!(
            "backtest --strategy sma-cross --param fast={fast} --data daily.csv --symbol BTC/USDT --timeframe 1d --json"
        );
        bench.run(&command).good().json()["run_id"].as_str().unwrap().to_owned()
    });
    (bench, ids)
}

#[test]
fn runs_are_found_by_id_beginning_and_path() {
    let (bench, [first, second]) = with_two_runs();
    let path = bench.home().join("runs").join(&second[..12]).join("run.json");
    for names in [
        format!("{first} {second}"),
        format!("{} {}", &first[..8], &second[..8]),
        format!("{first} last"),
        format!("{first} {}", path.display()),
        String::new(),
    ] {
        let compared = bench.run(&format!("compare {names} --json")).good().json();
        let parameters = compared["rows"].as_array().unwrap().iter().find(|row| row["name"] == "parameters").unwrap();
        let text = |run: usize| parameters["cells"][run]["text"].as_str().unwrap();
        assert!(text(0).contains("fast=5") && text(1).contains("fast=10"), "{names}: {parameters}");
    }
}

#[test]
fn table_is_short_unless_asked() {
    let (bench, _) = with_two_runs();
    let short = bench.run("compare").good().stdout;
    let long = bench.run("compare --all").good().stdout;
    assert!(short.contains("Sharpe ratio") && short.lines().count() < long.lines().count());
}

#[test]
fn runs_that_are_not_there() {
    let bench = Bench::new();
    bench.run("compare").refused(2, &["0 runs saved, 2 needed", "sentinel backtest"]);
    let (bench, [first, _]) = with_two_runs();
    bench.run("compare zzz last").refused(2, &["no saved run zzz", &first[..12]]);
    bench.run("compare last").refused(2, &["name at least two"]);
    bench.write("other.json", "{}");
    bench.run("compare last other.json").refused(1, &["cannot use other.json", "not the JSON of a backtest"]);
    bench.write("newer.json", "{\"format\": 99}");
    bench.run("compare last newer.json").refused(1, &["newer.json", "format 99", "newer sentinel"]);
}
