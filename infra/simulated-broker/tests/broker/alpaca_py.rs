//! Alpaca's own SDK for Python trades with the broker, and its answers fit Alpaca's OpenAPI documents.
//!
//! Needs `python3` with the module `venv`, and once the two packages; they are kept beside the other tools that tests
//! fetch. Where they cannot be had, the test says that it skips itself.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rust_decimal::dec;
use sentinel_domain::fees::FeeSchedule;
use sentinel_domain::hash::ContentHash;
use sentinel_domain::instrument::InstrumentRules;
use sentinel_simulated_broker::{Keys, Moment, Options, Settings, SimulatedBroker};

use crate::scene::{MINUTE, btc, minutes};

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/alpaca_py")
}

fn cache_folder() -> PathBuf {
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or_else(home);
    cache.unwrap_or_else(std::env::temp_dir).join("crypto-sentinel/tools")
}

/// Runs a command to its end and returns what it printed, or what it complained of.
fn run(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        return Ok(said(&output.stdout));
    }
    Err(format!("{}{}", said(&output.stdout), said(&output.stderr)))
}

/// Returns a Python with the packages. The environment gets its name when it is complete.
fn python() -> Result<PathBuf, String> {
    let version = run(Command::new("python3").args(["-c", "import sys; print('%d.%d' % sys.version_info[:2])"]))?;
    let files = ["requirements.txt", "specifications.txt"].map(|name| scripts().join(name));
    let pins = files.iter().map(fs::read).collect::<Result<Vec<_>, _>>().map_err(|error| error.to_string())?.concat();
    let name = format!("alpaca-py-python{}-{}", version.trim(), ContentHash::of(&pins).short());
    let folder = cache_folder().join(name);
    if folder.is_dir() {
        return Ok(folder.join("bin/python"));
    }
    fs::create_dir_all(cache_folder()).map_err(|error| error.to_string())?;
    let partial = tempfile::tempdir_in(cache_folder()).map_err(|error| error.to_string())?;
    run(Command::new("python3").args(["-I", "-m", "venv"]).arg(partial.path()))?;
    let pip = || {
        let mut pip = Command::new(partial.path().join("bin/python"));
        pip.args(["-I", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:"]);
        pip
    };
    run(pip().arg("-r").arg(&files[0]))?;
    run(pip().args(["--no-deps", "-r"]).arg(&files[1]))?;
    match fs::rename(partial.path(), &folder) {
        Err(error) if !folder.is_dir() => Err(error.to_string()),
        _ => Ok(folder.join("bin/python")),
    }
}

#[test]
fn alpacas_own_sdk_trades_here() {
    run_script("alpacas_own_sdk_trades_here", "trade.py", None);
}

#[test]
fn alpacas_own_stream_hears_of_its_orders_here() {
    let keys = Keys { key_id: "key".to_owned(), secret: "secret".to_owned() };
    run_script("alpacas_own_stream_hears_of_its_orders_here", "stream.py", Some(keys));
}

fn run_script(test: &str, script: &str, keys: Option<Keys>) {
    let python = match python() {
        Ok(python) => python,
        Err(reason) => return eprintln!("SKIPPED {test}: no Python with alpaca-py can be had here: {reason}"),
    };
    let settings = Settings { cash: dec!(100_000), fees: FeeSchedule::default(), ..Settings::default() };
    let broker = SimulatedBroker::start(Options { settings, keys, ..Options::default() }).unwrap();
    let rows: Vec<[f64; 4]> = (0..3 * 1440)
        .map(f64::from)
        .map(|minute| [1000.0 + minute, 1001.0 + minute, 1000.0 + minute, 1001.0 + minute])
        .collect();
    broker.load(&minutes(&btc(), &rows), InstrumentRules::default()).unwrap();
    broker.advance(Moment::at_close(MINUTE)).unwrap();
    let said = run(Command::new(python).arg("-I").arg(scripts().join(script)).arg(broker.url()));
    eprintln!("{}", said.unwrap_or_else(|complaint| panic!("{complaint}")));
}
