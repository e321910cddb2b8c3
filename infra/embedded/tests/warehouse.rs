//! The warehouse: the port's contract, and what only this adapter promises.

#![expect(clippy::unwrap_used, reason = "a test may fail")]
#![expect(clippy::print_stdout, reason = "child processes tell their parents how far they are")]

mod contract {
    use sentinel_embedded::warehouse::DuckWarehouse;
    use tempfile::TempDir;

    async fn fresh() -> (TempDir, DuckWarehouse) {
        let folder = TempDir::new().unwrap();
        let warehouse = super::open(folder.path());
        (folder, warehouse)
    }

    sentinel_contracts::warehouse_contract!(fresh);
}

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use duckdb::Connection;
use sentinel_contracts::warehouse::{Probe, all, count, made, probe};
use sentinel_domain::environment::Environment;
use sentinel_domain::tables::Cell;
use sentinel_domain::warehouse::{EVERY_DAY, Merged, RowKey, TableId, Warehouse, WarehouseError, WarehouseExt};
use sentinel_embedded::warehouse::DuckWarehouse;
use tempfile::TempDir;

fn open(folder: &Path) -> DuckWarehouse {
    DuckWarehouse::new(folder.join("warehouse.duckdb"), "test")
}

/// Which folder a child process works in, what it does, and as which of several.
const CHILD_FOLDER: &str = "SENTINEL_TEST_CHILD_FOLDER";
const CHILD_WORK: &str = "SENTINEL_TEST_CHILD_WORK";
const CHILD_NUMBER: &str = "SENTINEL_TEST_CHILD_NUMBER";

/// Rows of one batch of a child that merges until it is killed.
const BATCH: i64 = 500;

fn child(folder: &Path, work: &str, number: i64) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "work_of_a_child_process", "--ignored", "--nocapture"]).stdout(Stdio::piped());
    command.env(CHILD_FOLDER, folder).env(CHILD_WORK, work).env(CHILD_NUMBER, number.to_string()).spawn().unwrap()
}

#[tokio::test]
#[ignore = "the work of the processes that other tests start"]
async fn work_of_a_child_process() {
    let Some(folder) = std::env::var_os(CHILD_FOLDER) else { return };
    let number: i64 = std::env::var(CHILD_NUMBER).unwrap().parse().unwrap();
    let warehouse = open(Path::new(&folder));
    let table = made(&warehouse).await;
    match std::env::var(CHILD_WORK).unwrap().as_str() {
        "merge-some" => {
            for n in 0..10 {
                warehouse.merge_rows(&table, &[probe(number * 1_000 + n), probe(n)]).await.unwrap();
            }
        }
        "merge-until-killed" => {
            for batch in 0.. {
                let rows: Vec<_> = (batch * BATCH..(batch + 1) * BATCH).map(probe).collect();
                warehouse.merge_rows(&table, &rows).await.unwrap();
                // The parent counts these lines and kills in between.
                println!("committed {batch}");
            }
        }
        other => panic!("{other} is no work"),
    }
}

/// Functions hold the port, not the adapter.
#[tokio::test]
async fn typed_rows_go_through_the_port() {
    let folder = TempDir::new().unwrap();
    let warehouse: Arc<dyn Warehouse> = Arc::new(open(folder.path()));
    let table = TableId::of::<Probe>("probe_test");
    warehouse.ensure(&table).await.unwrap();
    warehouse.merge_rows(&table, &[probe(1)]).await.unwrap();
    let day = Cell::Date(probe(1).ds);
    assert_eq!(warehouse.select::<Probe>(&table, "t.ds = ?", &[day]).await.unwrap(), [probe(1)]);
}

/// Making the store at once is part of it: nobody has opened it before.
#[tokio::test]
async fn processes_at_once_lose_nothing() {
    let folder = TempDir::new().unwrap();
    let mut children: Vec<_> = (1..=4).map(|number| child(folder.path(), "merge-some", number)).collect();
    for child in &mut children {
        assert!(child.wait().unwrap().success());
    }
    let warehouse = open(folder.path());
    let table = made(&warehouse).await;
    assert_eq!(count(&warehouse, &table).await, 50);
}

/// Kills a writer at some moment, again and again, and looks whether each batch is there whole or not at all.
#[tokio::test]
async fn a_killed_writer_leaves_whole_batches() {
    let folder = TempDir::new().unwrap();
    for round in 0..6_u64 {
        let mut child = child(folder.path(), "merge-until-killed", 0);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut committed = -1;
        while committed < 1 {
            let line = lines.next().unwrap().unwrap();
            if let Some(batch) = line.trim().strip_prefix("committed ") {
                committed = batch.parse().unwrap();
            }
        }
        // Another moment of the third batch's session in each round.
        std::thread::sleep(Duration::from_millis(7 * round));
        child.kill().unwrap();
        child.wait().unwrap();
        let committed_later = lines.map_while(Result::ok).filter(|line| line.contains("committed ")).count();

        let warehouse = open(folder.path());
        let table = made(&warehouse).await;
        let rows = count(&warehouse, &table).await;
        let reported = (committed + 1 + i64::try_from(committed_later).unwrap()) * BATCH;
        assert_eq!(rows % BATCH, 0, "round {round}: half a batch is there");
        assert!(rows >= reported, "round {round}: {rows} rows, but {reported} had been committed");
    }
    let warehouse = open(folder.path());
    let table = made(&warehouse).await;
    let rows = count(&warehouse, &table).await;
    let again: Vec<_> = (0..rows).map(probe).collect();
    assert_eq!(warehouse.merge_rows(&table, &again).await.unwrap().unchanged, u64::try_from(rows).unwrap());
}

#[tokio::test]
async fn what_a_killed_writer_committed_is_read_without_another_write() {
    let folder = TempDir::new().unwrap();
    let warehouse = open(folder.path());
    let table = made(&warehouse).await;
    // A log beside the store, as a killed writer leaves it: committed, not yet folded in.
    let path = folder.path().join("warehouse.duckdb");
    warehouse.close();
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch("SET checkpoint_threshold = '1TB'; CREATE TABLE left_behind AS SELECT 7 AS n").unwrap();
    let killed = folder.path().join("killed");
    std::fs::create_dir(&killed).unwrap();
    for name in ["warehouse.duckdb", "warehouse.duckdb.wal"] {
        std::fs::copy(folder.path().join(name), killed.join(name)).unwrap();
    }
    drop(connection);

    let answer = open(&killed).query("SELECT n FROM left_behind", &[]).await.unwrap();
    assert_eq!(answer.single(), Some(&Cell::Integer(7)));
    assert_eq!(count(&open(&killed), &table).await, 0);
}

/// A writer that is killed while it writes the first entry of the log leaves one that nothing can be made of: DuckDB
/// leaves it lying there, and so it must not be waited for that it goes by itself.
#[tokio::test]
async fn a_log_that_was_torn_in_its_first_entry_is_no_hindrance() {
    let folder = TempDir::new().unwrap();
    let warehouse = open(folder.path());
    let table = made(&warehouse).await;
    warehouse.merge_rows(&table, &[probe(1)]).await.unwrap();
    warehouse.close();
    let path = warehouse.path().to_owned();
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch("SET checkpoint_threshold = '1TB'; CREATE TABLE half_written AS SELECT 7 AS n").unwrap();
    let log = folder.path().join("warehouse.duckdb.wal");
    let whole = std::fs::read(&log).unwrap();
    for length in [0, 1, 20, whole.len() / 2, whole.len() - 1] {
        let torn = folder.path().join(format!("torn-{length}"));
        std::fs::create_dir(&torn).unwrap();
        std::fs::copy(&path, torn.join("warehouse.duckdb")).unwrap();
        std::fs::write(torn.join("warehouse.duckdb.wal"), &whole[..length]).unwrap();
        let left = open(&torn);
        let counted = tokio::time::timeout(Duration::from_secs(20), async { count(&left, &table).await }).await;
        assert_eq!(counted, Ok(1), "torn after {length} of {} bytes", whole.len());
        assert!(left.query("SELECT n FROM half_written", &[]).await.is_err(), "half a transaction is there");
        left.merge_rows(&table, &[probe(2)]).await.unwrap();
        left.close();
        assert_eq!(count(&open(&torn), &table).await, 2, "torn after {length} bytes");
    }
}

#[tokio::test]
async fn a_store_from_a_newer_version_is_refused() {
    let folder = TempDir::new().unwrap();
    let warehouse = open(folder.path());
    let table = made(&warehouse).await;
    warehouse.close();
    let connection = Connection::open(warehouse.path()).unwrap();
    connection.execute_batch("UPDATE sentinel_store SET format = 99").unwrap();
    drop(connection);
    for error in [
        warehouse.check(&table).await.unwrap_err(),
        warehouse.merge_rows(&table, &[probe(1)]).await.unwrap_err(),
        warehouse.query("SELECT 1", &[]).await.unwrap_err(),
    ] {
        let text = error.to_string();
        assert!(matches!(error, WarehouseError::NewerStore { .. }), "{text}");
        assert!(text.contains("format 99") && text.contains("use a newer sentinel"), "{text}");
    }
}

#[tokio::test]
async fn a_file_that_is_no_store_is_refused() {
    let folder = TempDir::new().unwrap();
    std::fs::write(
        folder.path().join("warehouse.duckdb"),
        "a shopping list, long enough to be looked into".repeat(400),
    )
    .unwrap();
    let error = open(folder.path()).query("SELECT 1", &[]).await.unwrap_err();
    assert!(error.to_string().contains("warehouse.duckdb"), "{error}");
    assert!(!error.is_retryable());
}

/// A program that does not know of the lock file holds the store: it is waited for, and named.
#[tokio::test]
async fn a_foreign_holder_is_named() {
    let folder = TempDir::new().unwrap();
    let warehouse = open(folder.path()).with_wait(Duration::from_millis(50));
    made(&warehouse).await;
    warehouse.close();
    let mut holder = child_that_holds(warehouse.path());
    let error = warehouse.query("SELECT 1", &[]).await.unwrap_err();
    let text = error.to_string();
    let pid = holder.id().to_string();
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert!(matches!(error, WarehouseError::Busy { .. }), "{text}");
    assert!(text.contains(&pid), "{text} does not name process {pid}");
    warehouse.query("SELECT 1", &[]).await.unwrap();
}

/// Starts a process that has the file open as DuckDB's own program would.
fn child_that_holds(path: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "work_of_a_foreign_holder", "--ignored", "--nocapture"]).stdout(Stdio::piped());
    let mut child = command.env(CHILD_FOLDER, path).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.map_while(Result::ok).any(|line| line.contains("holding")));
    child
}

#[test]
#[ignore = "the work of a process that another test starts"]
fn work_of_a_foreign_holder() {
    let Some(path) = std::env::var_os(CHILD_FOLDER) else { return };
    let _connection = Connection::open(path).unwrap();
    println!("holding");
    std::thread::sleep(Duration::from_secs(60));
}

#[tokio::test]
async fn a_long_query_moves_to_a_copy_and_lets_writers_through() {
    let folder = TempDir::new().unwrap();
    let warehouse = open(folder.path()).with_query_in_place(Duration::from_millis(30));
    let table = made(&warehouse).await;
    warehouse.merge_rows(&table, &[probe(1)]).await.unwrap();
    // A second of work that no optimiser can shorten.
    let long = "SELECT COUNT(*) FROM range(8000) a, range(10000) b WHERE (a.range * b.range) % 7 = 3";
    let mut asking = warehouse.query(long, &[]);
    let writing = async {
        tokio::time::sleep(Duration::from_millis(150)).await;
        warehouse.clone().merge_rows(&table, &[probe(2)]).await
    };
    tokio::select! {
        answer = &mut asking => panic!("the writer had to wait for {answer:?}"),
        written = writing => assert_eq!(written.unwrap().inserted, 1),
    }
    assert!(matches!(asking.await.unwrap().single(), Some(Cell::Integer(_))));
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().starts_with(".snapshot")), "{left:?}");
}

/// What one process keeps for a moment, another gets as soon as it asks.
#[tokio::test]
async fn a_kept_session_makes_way() {
    let folder = TempDir::new().unwrap();
    let (one, other) = (open(folder.path()), open(folder.path()).with_wait(Duration::from_millis(500)));
    let table = made(&one).await;
    for n in 0..10 {
        one.merge_rows(&table, &[probe(2 * n)]).await.unwrap();
        assert_eq!(count(&other, &table).await, 2 * n + 1);
        other.merge_rows(&table, &[probe(2 * n + 1)]).await.unwrap();
    }
    assert_eq!(count(&one, &table).await, 20);
}

sentinel_domain::table! {
    /// A table whose rows are never settled.
    pub struct Label in "label" {
        grain: "one trial",
        key: ["label_id"],
    }
    columns {
        /// The key.
        label_id: String,
        /// What may change.
        text: String,
        /// The moment the row is about.
        timestamp: DateTime<Utc>,
        /// Logical date.
        ds: NaiveDate [; Rule::DateOf("timestamp")],
    }
}

/// A session remembers what it wrote; what another has written since, it cannot know.
#[tokio::test]
async fn rows_that_another_has_changed_are_asked_for_again() {
    let folder = TempDir::new().unwrap();
    let (one, other) = (open(folder.path()), open(folder.path()));
    let table = TableId::of::<Label>("label_test");
    one.ensure(&table).await.unwrap();
    let timestamp = DateTime::UNIX_EPOCH;
    let label =
        |text: &str| Label { label_id: "one".to_owned(), text: text.to_owned(), timestamp, ds: timestamp.date_naive() };
    let (mine, theirs) = (label("mine"), label("theirs"));
    let outcome = |merged: Merged| (merged.inserted, merged.updated, merged.unchanged);
    for (first, again) in [((1, 0, 0), (0, 0, 1)), ((0, 1, 0), (0, 0, 1))] {
        assert_eq!(outcome(one.merge_rows(&table, std::slice::from_ref(&mine)).await.unwrap()), first);
        assert_eq!(one.existing_keys(&table, &[RowKey::of(&mine)]).await.unwrap(), [true]);
        assert_eq!(outcome(one.merge_rows(&table, std::slice::from_ref(&mine)).await.unwrap()), again);
        assert_eq!(outcome(other.merge_rows(&table, std::slice::from_ref(&theirs)).await.unwrap()), (0, 1, 0));
    }
    assert_eq!(one.select::<Label>(&table, EVERY_DAY, &[]).await.unwrap(), [theirs]);
}

/// A question that is not plainly one is not asked where writing is possible.
#[tokio::test]
async fn nothing_is_written_through_a_kept_session() {
    let folder = TempDir::new().unwrap();
    let warehouse = open(folder.path());
    let table = made(&warehouse).await;
    for sql in [
        "WITH gone AS (SELECT 1) DELETE FROM probe_test",
        "SELECT 1; COMMIT; DELETE FROM probe_test",
        "COMMIT; DELETE FROM probe_test",
        "WITH new AS (SELECT 1) INSERT INTO sentinel_store SELECT 99",
    ] {
        warehouse.merge_rows(&table, &[probe(1)]).await.unwrap();
        assert!(warehouse.query(sql, &[]).await.is_err(), "{sql}");
        assert_eq!(count(&warehouse, &table).await, 1, "{sql}");
    }
}

#[tokio::test]
async fn copies_of_killed_processes_are_removed() {
    let folder = TempDir::new().unwrap();
    let warehouse = open(folder.path()).with_query_in_place(Duration::ZERO);
    made(&warehouse).await;
    let leftover = folder.path().join(".snapshot-dead");
    std::fs::create_dir(&leftover).unwrap();
    std::fs::write(leftover.join("in-use"), "").unwrap();
    warehouse.query("SELECT 1", &[]).await.unwrap();
    assert!(!leftover.exists());
}

#[tokio::test]
async fn a_copy_is_a_store_of_its_own() {
    let folder = TempDir::new().unwrap();
    let warehouse = open(folder.path());
    let table = made(&warehouse).await;
    warehouse.merge_rows(&table, &[probe(1)]).await.unwrap();
    let target = folder.path().join("backup.duckdb");
    warehouse.copy_to(&target).await.unwrap();
    warehouse.merge_rows(&table, &[probe(2)]).await.unwrap();
    let copy = DuckWarehouse::new(target, "test");
    assert_eq!(all(&copy, &table).await, [probe(1)]);
}

#[tokio::test]
async fn sql_stays_inside_the_store() {
    let folder = TempDir::new().unwrap();
    let warehouse = open(folder.path());
    made(&warehouse).await;
    let outside = folder.path().join("outside.csv");
    std::fs::write(&outside, "secret\n1\n").unwrap();
    for sql in [
        format!("SELECT * FROM read_csv('{}')", outside.display()),
        format!("COPY (SELECT 1) TO '{}'", folder.path().join("written.csv").display()),
        format!("ATTACH '{}' AS other", folder.path().join("other.duckdb").display()),
    ] {
        let error = warehouse.query(&sql, &[]).await.unwrap_err();
        assert!(matches!(error, WarehouseError::Query { .. }), "{error}");
    }
    assert!(!folder.path().join("written.csv").exists());
}

/// A condition on the logical date reads that day's blocks and no others.
#[tokio::test]
async fn other_days_are_not_read() {
    let folder = TempDir::new().unwrap();
    let warehouse = open(folder.path());
    let table = made(&warehouse).await;
    warehouse.merge_rows(&table, &[probe(0)]).await.unwrap();
    // Four blocks of rows, as years of days would write them.
    warehouse.close();
    let connection = Connection::open(warehouse.path()).unwrap();
    let fill = "INSERT INTO probe_test SELECT * REPLACE (probe_id || n AS probe_id, (ds + n // 1440) AS ds) \
                FROM probe_test, (SELECT CAST(range AS INTEGER) AS n FROM range(1, 491520)) ORDER BY n";
    connection.execute_batch(&fill.replace("SELECT * REPLACE", "SELECT * EXCLUDE (n) REPLACE")).unwrap();
    drop(connection);
    let last = probe(0).ds + chrono::TimeDelta::days(491_519 / 1_440);
    let day = [Cell::Date(last)];
    let plan = warehouse.query("EXPLAIN (ANALYZE, FORMAT json) SELECT COUNT(note) FROM probe_test WHERE ds = ?", &day);
    let plan = plan.await.unwrap().rows.into_iter().flatten().next_back().unwrap().to_string();
    let plan: serde_json::Value = serde_json::from_str(&plan).unwrap();
    let scanned = plan["cumulative_rows_scanned"].as_u64().unwrap();
    assert_eq!(count(&warehouse, &table).await, 491_520);
    assert!((1..=122_880).contains(&scanned), "{scanned} rows of 491,520 were read for one day");
}

/// The questions that the users wrote down, word for word.
const QUESTIONS: [&str; 6] = [
    "SELECT signal_type, COUNT(*) as total_signals, AVG(CASE WHEN p.pnl > 0 THEN 1 ELSE 0 END) as win_rate, \
     AVG(p.pnl) as avg_pnl FROM signals s JOIN positions p ON s.id = p.signal_id GROUP BY signal_type;",
    "SELECT strategy_name, COUNT(*) as runs, AVG(win_rate) as avg_win_rate, AVG(sharpe_ratio) as avg_sharpe, \
     AVG(max_drawdown) as avg_max_dd FROM backtest_runs WHERE status = 'completed' GROUP BY strategy_name \
     ORDER BY avg_sharpe DESC;",
    "SELECT close FROM candles WHERE exchange = 'coinbase' AND interval = '1m' ORDER BY timestamp DESC LIMIT 1",
    "SELECT DATE(entry_timestamp) as date, COUNT(*) as trades, SUM(pnl) as daily_pnl, AVG(pnl_pct) as avg_return \
     FROM positions WHERE status = 'closed' AND entry_timestamp > NOW() - INTERVAL '7 days' \
     GROUP BY DATE(entry_timestamp) ORDER BY date DESC;",
    "SELECT s.signal_type, s.confidence_level, COUNT(*) as count, AVG(p.pnl) as avg_pnl, STDDEV(p.pnl) as pnl_stddev \
     FROM signals s JOIN positions p ON s.id = p.signal_id WHERE p.status = 'closed' \
     GROUP BY s.signal_type, s.confidence_level HAVING COUNT(*) > 10 ORDER BY avg_pnl DESC;",
    "WITH strategy_metrics AS (SELECT backtest_id, strategy_name, win_rate, sharpe_ratio, max_drawdown, total_pnl \
     FROM backtest_runs WHERE status = 'completed') SELECT * FROM strategy_metrics ORDER BY sharpe_ratio DESC LIMIT 10;",
];

#[tokio::test]
async fn the_users_questions_are_understood() {
    let folder = TempDir::new().unwrap();
    let warehouse = open(folder.path());
    warehouse.ensure_all(str::to_owned).await.unwrap();
    for question in QUESTIONS {
        let answer = warehouse.query(question, &[]).await.unwrap_or_else(|error| panic!("{question}: {error}"));
        assert!(!answer.columns.is_empty());
    }
}

/// What was never archived has no rows; that is an answer, and no failure.
#[tokio::test]
async fn every_table_is_there_before_anything_is_written() {
    let folder = TempDir::new().unwrap();
    let warehouse = open(folder.path()).with_tables_of(Environment::Test);
    let ask = "SELECT * FROM fact_rejected_signals_test";
    let answer = warehouse.query(ask, &[]).await.unwrap();
    assert!(answer.rows.is_empty());
    assert!(answer.columns.iter().any(|column| column == "rejection_reason"));
    assert!(warehouse.query("SELECT * FROM agg_strategy_daily_test", &[]).await.unwrap().rows.is_empty());
    let error = warehouse.query("SELECT * FROM fact_rejected_signals", &[]).await.unwrap_err();
    assert!(error.to_string().contains("fact_rejected_signals_test"), "{error}");
}

/// A store of an earlier release lacks what is new since.
#[tokio::test]
async fn tables_that_a_store_lacks_are_made_when_they_are_asked_for() {
    let folder = TempDir::new().unwrap();
    let old = open(folder.path());
    let table = made(&old).await;
    old.merge_rows(&table, &[probe(1)]).await.unwrap();
    old.close();
    let warehouse = open(folder.path()).with_tables_of(Environment::Prod);
    assert!(warehouse.query("SELECT * FROM decisions", &[]).await.unwrap().rows.is_empty());
    assert_eq!(count(&warehouse, &table).await, 1);
}
