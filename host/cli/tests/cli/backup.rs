//! `sentinel backup` and `sentinel restore`.

use std::fs;

use crate::harness::{Bench, Ran};
use crate::registry::CONFIG;

#[test]
fn restored_stores_are_the_ones_of_the_backup() {
    let bench = Bench::new();
    bench.write("a.toml", CONFIG);
    bench.write("b.toml", CONFIG.replace("fast = 5", "fast = 6"));
    bench.run("strategy register sma-cross --config a.toml --at 2024-01-01").good();
    bench.run_words(["query", "SELECT 1"]).good();
    let then = bench.run("strategy history trend --json").good().json();
    let taken = bench.run("backup b.sentinel --json").good().json();
    let files = taken["manifest"]["files"].as_object().unwrap();
    assert!(files.contains_key("hot.sqlite") && files.contains_key("warehouse.duckdb"), "{files:?}");
    assert_eq!(files.keys().filter(|name| name.starts_with("components/")).count(), 1);
    bench.run("strategy register sma-cross --config b.toml --at 2024-02-01").good();

    bench.run("--data-dir elsewhere restore b.sentinel").good();
    assert_eq!(bench.run("--data-dir elsewhere strategy history trend --json").good().json(), then);
    // The component came along: what is registered can be registered again without a change.
    let again = bench.run("--data-dir elsewhere strategy activate trend --json").good().json();
    assert_eq!(again["changed"], false);
    assert_eq!(bench.run("strategy history trend --json").good().json().as_array().unwrap().len(), 2);
}

#[test]
fn nothing_is_replaced() {
    let bench = Bench::new();
    bench.run("status").good();
    bench.run("backup b.sentinel").good();
    bench.run("backup b.sentinel").refused(2, &["b.sentinel is there already"]);
    bench.run("restore b.sentinel").refused(2, &["hot.sqlite is there already", "--data-dir"]);
    let left: Vec<_> = fs::read_dir(bench.work()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["b.sentinel"]);
}

#[test]
fn damaged_and_foreign_files_are_refused_and_leave_nothing() {
    let bench = Bench::new();
    bench.run("status").good();
    bench.run("backup b.sentinel").good();
    let good = fs::read(bench.work().join("b.sentinel")).unwrap();
    let mut damaged = good.clone();
    // Inside of the hot store: the manifest and two headers come before.
    damaged[8_000] ^= 1;
    for (bytes, part) in [
        (damaged, "is damaged"),
        (good[..good.len() / 2].to_vec(), "is damaged"),
        (b"hello".to_vec(), "backup"),
        (Vec::new(), "empty"),
    ] {
        bench.write("bad.sentinel", bytes);
        bench.run("--data-dir elsewhere restore bad.sentinel").refused(1, &["cannot restore bad.sentinel", part]);
        let stores = bench.work().join("elsewhere/stores");
        assert_eq!(fs::read_dir(&stores).map_or(0, Iterator::count), 0, "{part}");
    }
    let other = Ran::of(bench.command().env("ENVIRONMENT", "PROD").args(["restore", "b.sentinel"]));
    other.refused(2, &["a backup of DEV", "ENVIRONMENT=DEV"]);
    bench.run("restore absent.sentinel --data-dir elsewhere").refused(1, &["absent.sentinel"]);
    bench.run("backup absent/b.sentinel").refused(1, &["cannot write to absent"]);
}

#[test]
fn backup_is_whole_while_others_write() {
    let bench = Bench::new();
    bench.run("status").good();
    let mut writers: Vec<_> = (0..3)
        .map(|day| {
            let at = format!("2024-01-0{}", day + 1);
            bench.command().args(["run", "expire-signals", "--at", &at]).spawn().unwrap()
        })
        .collect();
    for name in ["a", "b", "c"] {
        bench.run(&format!("backup {name}.sentinel")).good();
        bench.run(&format!("--data-dir {name} restore {name}.sentinel")).good();
        bench.run(&format!("--data-dir {name} status --json")).good().json();
    }
    for writer in &mut writers {
        assert!(writer.wait().unwrap().success());
    }
}

#[test]
fn folder_of_backups_is_a_row_of_points_in_time() {
    let bench = Bench::new();
    fs::create_dir(bench.work().join("points")).unwrap();
    bench.write("points/notes.sentinel", "no backup");
    bench.run("restore points --data-dir elsewhere").refused(2, &["points holds no backup of DEV"]);
    let mut taken = Vec::new();
    for (fast, day) in [(5, "2024-01-01"), (6, "2024-02-01")] {
        bench.write("a.toml", CONFIG.replace("fast = 5", &format!("fast = {fast}")));
        bench.run(&format!("strategy register sma-cross --config a.toml --at {day}")).good();
        let backup = bench.run("backup points --json").good().json();
        taken.push(backup["manifest"]["taken_at"].as_str().unwrap().to_owned());
    }

    let versions = |folder: &str, options: &str| {
        bench.run(&format!("--data-dir {folder} restore points {options}")).good();
        let history = bench.run(&format!("--data-dir {folder} strategy history trend --json")).good().json();
        history.as_array().unwrap().len()
    };
    assert_eq!(versions("first", &format!("--at {}", taken[0])), 1);
    assert_eq!(versions("second", &format!("--at {}", taken[1])), 2);
    assert_eq!(versions("last", ""), 2);
    bench.run("--data-dir none restore points --at 2020-01-01").refused(2, &["the first was taken at", &taken[0]]);
    let file = fs::read_dir(bench.work().join("points")).unwrap().next().unwrap().unwrap().path();
    bench
        .run_words(["--data-dir", "none", "restore", &file.display().to_string(), "--at", "2024-01-01"])
        .refused(2, &["name the folder"]);
}
