//! A full disk, played by a tiny file system in memory.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness::{Bench, files_below};

/// A file system of 200 kB, gone when dropped.
struct TinyDisk {
    path: PathBuf,
}

impl TinyDisk {
    /// Returns `None` where only an administrator may mount.
    fn mount(path: PathBuf) -> Option<Self> {
        fs::create_dir_all(&path).unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=200k", "tmpfs"]).arg(&path).output();
        mounted.is_ok_and(|output| output.status.success()).then_some(Self { path })
    }
}

impl Drop for TinyDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg(&self.path).status();
        let is_gone = unmounted.is_ok_and(|status| status.success());
        // A second panic would hide why the test failed.
        assert!(is_gone || std::thread::panicking(), "{} stays mounted", self.path.display());
    }
}

/// Names of what a write left behind.
fn leftovers(folder: &Path) -> Vec<PathBuf> {
    let is_candles_or_run = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        name.contains("tmp") || name.ends_with(".parquet") || name.ends_with("run.json") || name.ends_with(".html")
    };
    files_below(folder).into_iter().filter(is_candles_or_run).collect()
}

#[test]
fn full_disk_leaves_nothing_half_written() {
    let bench = Bench::new();
    bench.write_daily("daily.csv", 3_000);
    let Some(disk) = TinyDisk::mount(bench.home()) else {
        eprintln!("SKIPPED full_disk_leaves_nothing_half_written: only root may mount a small file system");
        return;
    };
    bench.run("data simulate --timeframe 1h").refused(1, &["no space left for", "free some space"]);
    assert_eq!(leftovers(&disk.path), [] as [PathBuf; 0]);
    let listed = bench.run("data list --json").good();
    assert_eq!(listed.json(), serde_json::json!([]));

    let backtest = "backtest --strategy sma-cross --data daily.csv --symbol BTC/USDT --timeframe 1d --json";
    let ran = bench.run(backtest).good();
    assert!(
        ran.stderr.contains("warning: the run is not saved: ") && ran.stderr.contains("No space left"),
        "{}",
        ran.stderr
    );
    assert_eq!(leftovers(&disk.path), [] as [PathBuf; 0]);

    let ran = bench.run(&format!("{backtest} --save"));
    assert_eq!(ran.status, 1);
    assert!(ran.stderr.starts_with("error: the run is not saved: cannot write"), "{}", ran.stderr);

    let report = disk.path.join("report.html");
    let ran = bench.run(&format!("{backtest} --no-save --report {}", report.display()));
    ran.refused(1, &["cannot write", "report.html", "No space left on device"]);
    assert_eq!(leftovers(&disk.path), [] as [PathBuf; 0]);
}

#[test]
fn output_that_goes_nowhere_is_an_error() {
    let Ok(full) = fs::File::options().write(true).open("/dev/full") else {
        eprintln!("SKIPPED output_that_goes_nowhere_is_an_error: there is no /dev/full here");
        return;
    };
    let bench = Bench::new();
    let output = bench.command().args(["data", "list"]).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(stderr, "error: cannot write to standard output: No space left on device\n");
}
