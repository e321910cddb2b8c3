//! Several programs use both stores at once: one trades and archives, one runs a function, one asks, one writes to the
//! warehouse. Nobody is ever told that a store is locked.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use sentinel_domain::tables::{AccountSnapshot, Table};
use sentinel_domain::warehouse::{EVERY_DAY, TableId, Warehouse, WarehouseExt};

use crate::child::{self, Until};
use crate::points::Choice;
use crate::stage::{ENVIRONMENT, Place, Stage};

/// How often the long process goes through its last night again.
const NIGHTS: u64 = 2;
/// How long each of the others rests: what is tried is that they meet, not how long they wait for each other.
const REST: Duration = Duration::from_millis(150);

#[test]
fn nobody_is_told_that_a_store_is_locked() {
    let stage = Stage::new();
    let mut trading = child::start(&stage.place, Choice::Nowhere, Until::Nights(NIGHTS));
    let asked = "SELECT count(*) FROM information_schema.tables";
    let commands: [&[&str]; 3] = [
        &["run", "expire-signals", "--at", "2024-01-01T00:00:00Z"],
        &["query", asked],
        &["status", "--at", "2024-01-10"],
    ];
    let (place, is_over) = (&stage.place, &AtomicBool::new(false));
    let counts: Vec<u32> = thread::scope(|scope| {
        let mut workers: Vec<_> =
            commands.into_iter().map(|words| scope.spawn(move || until(is_over, || program(place, words)))).collect();
        workers.push(scope.spawn(move || until(is_over, || write_snapshots_back(place))));
        let was_killed = child::was_killed(&mut trading, place);
        is_over.store(true, Ordering::SeqCst);
        assert!(!was_killed);
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    });
    println!("beside one process that traded: {counts:?} runs, queries, looks and merges");
    assert!(counts.iter().all(|count| *count >= 3), "{counts:?}");
}

/// Works again and again until it is over, and returns how often.
fn until(is_over: &AtomicBool, work: impl Fn()) -> u32 {
    let mut times = 0;
    while !is_over.load(Ordering::SeqCst) {
        work();
        times += 1;
        thread::sleep(REST);
    }
    times
}

/// Runs the program and takes for granted that it succeeds.
fn program(place: &Place, words: &[&str]) {
    let mut command = Command::new(sentinel());
    command.args(words).env("SENTINEL_HOME", &place.home).env("ENVIRONMENT", ENVIRONMENT.as_str());
    let output = command.env("SENTINEL_CACHE", Place::compiled()).output().unwrap();
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Merges the snapshots that are there by now into their table once more, which changes nothing.
fn write_snapshots_back(place: &Place) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let table = TableId::of::<AccountSnapshot>(ENVIRONMENT.table(AccountSnapshot::schema().name));
    let warehouse = place.warehouse();
    runtime.block_on(async {
        warehouse.ensure(&table).await.unwrap();
        let rows = warehouse.select::<AccountSnapshot>(&table, EVERY_DAY, &[]).await.unwrap();
        let merged = warehouse.merge_rows(&table, &rows).await.unwrap();
        assert_eq!((merged.inserted, merged.updated), (0, 0));
    });
}

/// Returns the program's binary, which every build of the whole workspace makes.
fn sentinel() -> std::path::PathBuf {
    let tests = std::env::current_exe().unwrap();
    let program = tests.parent().and_then(Path::parent).unwrap().join("sentinel");
    assert!(program.is_file(), "{} is not there: build with --workspace", program.display());
    program
}
