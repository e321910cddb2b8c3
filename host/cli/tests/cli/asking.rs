//! `sentinel run`, `functions`, `status`, `query`, `explain`, `quarantine`, `replay` on stores of their own.

use std::time::{Duration, Instant};

use crate::harness::Bench;
use crate::registry::CONFIG;

#[test]
fn functions_are_listed_for_people_and_for_terraform() {
    let bench = Bench::new();
    let functions = bench.run("functions --json").good().json();
    let register = &functions.as_array().unwrap().iter().find(|f| f["name"] == "register-strategy").unwrap();
    assert_eq!(register["triggers"][0]["kind"], "object_finalized");
    assert!(register["timeout_seconds"].is_u64() && register["memory_mib"].is_u64());
    assert!(bench.run("functions").good().stdout.contains("expire-signals"));
}

#[test]
fn function_runs_once_and_leaves_its_row() {
    let bench = Bench::new();
    let run = bench.run("run expire-signals --at 2024-03-01T00:05:00Z --json").good().json();
    assert_eq!((&run["status"], &run["ds"], &run["rows_in"]), (&"SUCCEEDED".into(), &"2024-03-01".into(), &0.into()));
    let status = bench.run("status --at 2024-03-01 --json").good().json();
    assert_eq!(status["jobs"][0]["job_name"], "expire-signals");
    bench.run("run expire-signal").refused(2, &["no function expire-signal", "did you mean expire-signals?"]);
    bench.write("event.json", "{}");
    bench.run("run register-strategy --event event.json").refused(2, &["event.json", "CloudEvent"]);
    bench.run("run register-strategy --event absent.json").refused(1, &["absent.json"]);
    bench.run("run register-strategy").refused(1, &["register-strategy", "started by an upload"]);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "what is tested is how long it takes")]
fn function_with_nothing_to_do_starts_and_ends_at_once() {
    let bench = Bench::new();
    bench.run("run expire-signals").good();
    let timed = |_| {
        let start = Instant::now();
        bench.run("run expire-signals").good();
        start.elapsed()
    };
    // The best of some: other tests run beside this one.
    let best = (0..10).map(timed).min().unwrap();
    assert!(best < Duration::from_millis(100), "the best of ten took {best:?}");
}

#[test]
fn status_of_a_new_home_says_that_there_is_nothing() {
    let bench = Bench::new();
    let said = bench.run("status").good().stdout;
    for part in ["Environment DEV", "No position is open.", "No job has run yet.", "Nothing was decided yet.", "No row"]
    {
        assert!(said.contains(part), "\"{part}\" is missing in:\n{said}");
    }
}

#[test]
fn status_tells_why_a_job_failed() {
    let bench = Bench::new();
    bench.write("bad.toml", CONFIG.replace("fast", "fats"));
    bench.run("strategy register sma-cross --config bad.toml").refused(2, &["fats"]);
    let status = bench.run("status --json").good().json();
    assert_eq!(status["jobs"][0]["status"], "FAILED");
    assert!(status["jobs"][0]["error"].as_str().unwrap().contains("did you mean fast?"));
    assert!(bench.run("status").good().stdout.contains("FAILED"));
}

#[test]
fn answers_come_as_table_csv_and_json() {
    let bench = Bench::new();
    let ask = |format: &[&str]| {
        let sql = "SELECT 1 AS one, 'a, \"b\"' AS text, NULL AS nothing";
        bench.run_words(["query", sql].into_iter().chain(format.iter().copied())).good().stdout
    };
    assert_eq!(ask(&["--format", "csv"]), "one,text,nothing\n1,\"a, \"\"b\"\"\",\n");
    let json: serde_json::Value = serde_json::from_str(&ask(&["--json"])).unwrap();
    assert_eq!(json, serde_json::json!([{ "one": 1, "text": "a, \"b\"", "nothing": null }]));
    assert_eq!(ask(&["--format", "json"]), ask(&["--json"]));
    let table = ask(&[]);
    assert!(table.contains("one") && table.contains("NULL") && table.contains("1 row"), "{table}");
}

#[test]
fn questions_that_write_or_are_wrong_are_refused() {
    let bench = Bench::new();
    for (sql, part) in [
        ("SELEC 1", "syntax error"),
        ("SELECT * FROM absent", "does not exist"),
        ("CREATE TABLE t (a INT)", "read-only"),
        ("SELECT * FROM read_csv('/etc/passwd')", "disabled"),
    ] {
        bench.run_words(["query", sql]).refused(1, &[part]);
    }
}

#[test]
fn what_is_not_known_is_told() {
    let bench = Bench::new();
    bench.run("explain 3f2a91").refused(2, &["no signal 3f2a91"]);
    bench.run("quarantine show 3f2a91").refused(2, &["no row 3f2a91"]);
    assert!(bench.run("quarantine list").good().stdout.contains("No row is in quarantine."));
    assert_eq!(bench.run("quarantine retry --json").good().json()["healed"], 0);
    assert!(bench.run("replay").good().stdout.contains("No decision is recorded"));
    assert_eq!(bench.run("replay --json").good().json()["decisions"], 0);
    bench.run("replay --from 2024-02-01 --to 2024-01-01").refused(2, &["--from is not before --to"]);
}
