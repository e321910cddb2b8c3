//! Every statement that reaches BigQuery: executed by its counterpart, understood by Google's own analyser, and never
//! without the days it reads.
//!
//! The thread with its nights writes to and asks the counterpart itself; what it sent is then looked at, with what replay
//! and the command line ask, what is written to each table, and the views that Terraform deploys.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use rust_decimal::dec;
use sentinel_bigquery::{BigQuerySettings, BigQueryWarehouse, Statement, Statements};
use sentinel_contracts::counterpart::Counterpart;
use sentinel_domain::candles::gaps::{GapPolicy, apply};
use sentinel_domain::components::ComponentStore;
use sentinel_domain::environment::Environment;
use sentinel_domain::tables::export::bigquery_schema;
use sentinel_domain::tables::{self, AccountSnapshot, Cell, FactTrade, PARTITION, Table, TableSchema};
use sentinel_domain::timeframe::{Timeframe, UnixMillis};
use sentinel_domain::warehouse::sql::{about_signal, last_day};
use sentinel_domain::warehouse::{EVERY_DAY, TableId, Warehouse, WarehouseExt};
use sentinel_embedded::components::ComponentFolder;
use sentinel_embedded::documents::{Durability, SqliteDocuments};
use sentinel_evaluate_strategies::Library;
use sentinel_function_runtime::StoreReader;
use sentinel_replay::{ReplayRange, last_close, replay_archived};
use sentinel_runtime::{LazyRuntime, RuntimeConfig};
use sentinel_tests::data;
use sentinel_tests::parity::Scenario;
use serde_json::{Value, json};

const ENVIRONMENT: Environment = Environment::Test;
const DAYS: usize = 21;

/// What Terraform puts in the place of a table that a view reads, in `terraform/modules/warehouse/main.tf`.
const ALL_DAYS: &str = "(SELECT * FROM ${table} WHERE ds >= DATE '2000-01-01')";

#[test]
fn every_statement_is_executed_and_understood() {
    let test = "every_statement_is_executed_and_understood";
    let Some(address) = Counterpart::BigQuery.address() else { return };
    let Some(scenario) = scenario(test) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let statements = Statements::default();
    let dataset = format!("sql_{}", std::process::id());
    let settings = BigQuerySettings {
        statements: Some(statements.clone()),
        ..BigQuerySettings::counterpart(&address, "sentinel", &dataset)
    };
    runtime.block_on(async {
        let warehouse: Arc<dyn Warehouse> = Arc::new(BigQueryWarehouse::connect(settings).await.unwrap());
        warehouse.ensure_all(|name| ENVIRONMENT.table(name)).await.unwrap();
        trade(&scenario, &warehouse).await;
        replayed(&warehouse).await;
        asked(&warehouse).await;
    });
    let mut all = statements.all();
    let executed = all.len();
    all.extend(tables::all().into_iter().map(table).flat_map(|table| Statements::of_table(&table)));
    all.extend(deployed());
    println!("{executed} statements were executed, {} are looked at", all.len());
    understood(&dataset, &all);
}

/// Runs the functions of three weeks with two nights.
async fn trade(scenario: &Scenario, warehouse: &Arc<dyn Warehouse>) {
    let folder = tempfile::tempdir().unwrap();
    let mut simulation = scenario.simulation_in(folder.path(), ENVIRONMENT).await;
    simulation.add_archive(warehouse, Some(scenario.series[0].instrument().as_ref().clone()));
    let candles = scenario.series[0].candles();
    for row in [candles.len() / 2, candles.len() - 1] {
        let end = candles.close_time(row);
        simulation.run_until(end + 1).await.unwrap();
        simulation.night(end).await.unwrap();
    }
    simulation.run_until(UnixMillis::MAX).await.unwrap();
    let trades: Vec<FactTrade> = warehouse.select(&table(FactTrade::schema()), EVERY_DAY, &[]).await.unwrap();
    assert!(!trades.is_empty(), "nothing was traded, so little was asked");
}

/// Replays what the warehouse remembers, with a hot store that remembers nothing: its versions are missing there, which
/// is found out after everything was asked.
async fn replayed(warehouse: &Arc<dyn Warehouse>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hot.sqlite");
    let store = SqliteDocuments::open(&path, ENVIRONMENT, Durability::ProcessEnd).unwrap();
    let reader = StoreReader { store: Arc::new(store), environment: ENVIRONMENT };
    assert!(last_close(&reader, Some(warehouse)).await.unwrap().is_some(), "no decision was archived");
    let components: Arc<dyn ComponentStore> = Arc::new(ComponentFolder::new(folder.path()));
    let sandbox = Arc::new(LazyRuntime::new(RuntimeConfig::default()));
    let library = Library::new(components, sandbox);
    drop(replay_archived(&reader, Some(warehouse), &library, &ReplayRange::default(), |_, _| ()).await);
}

/// Asks what the command line asks, and what references are checked with.
async fn asked(warehouse: &Arc<dyn Warehouse>) {
    let snapshots = table(AccountSnapshot::schema());
    let last: Vec<AccountSnapshot> = warehouse.select(&snapshots, &last_day(&snapshots), &[]).await.unwrap();
    assert_eq!(last.len(), 1);
    for schema in tables::all() {
        let name = table(schema);
        if schema.position("signal_id").is_some() {
            warehouse.query(&about_signal(&name), &[Cell::Text("0".to_owned())]).await.unwrap();
        }
        let every = format!("SELECT COUNT(*) AS row_count FROM {name} AS t WHERE {EVERY_DAY}");
        warehouse.query(&every, &[]).await.unwrap();
        for reference in schema.references {
            let target = table(tables::named(reference.table).unwrap());
            let (from, to) = ("2017-01-01".parse().unwrap(), "2017-01-02".parse().unwrap());
            warehouse.orphans(&name, reference, &target, from, to).await.unwrap();
        }
    }
}

fn table(schema: &'static TableSchema) -> TableId {
    TableId::new(schema, |name| ENVIRONMENT.table(name))
}

/// Returns the views as Terraform writes them, with full names in the places of their tables.
fn deployed() -> Vec<Statement> {
    let terraform = root().join("terraform");
    let main = std::fs::read_to_string(terraform.join("modules/warehouse/main.tf")).unwrap();
    assert!(main.contains(ALL_DAYS), "modules/warehouse/main.tf writes views otherwise than this test");
    let full = |name: &str| format!("`project.warehouse.{name}`");
    let mut found = Vec::new();
    for (folder, all_days) in [("schema", true), ("sql", false)] {
        for entry in std::fs::read_dir(terraform.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|ending| ending != "sql") {
                continue;
            }
            let mut sql = std::fs::read_to_string(&path).unwrap();
            for schema in tables::all() {
                let name = full(schema.name);
                let written = if all_days { ALL_DAYS.replace("${table}", &name) } else { name };
                sql = sql.replace(&format!("{{{}}}", schema.name), &written);
            }
            found.push(Statement { sql, parameters: json!([]) });
        }
    }
    assert!(found.len() >= 2, "{} views", found.len());
    found
}

/// Has all of them looked at, in one go: the analyser takes most of a minute to start.
fn understood(dataset: &str, statements: &[Statement]) {
    let emulators = root().join("scripts/emulators");
    let python = Command::new(emulators.join("bigquery.sh")).arg("--python").output().unwrap();
    assert!(python.status.success(), "{}", String::from_utf8_lossy(&python.stderr));
    let python = String::from_utf8(python.stdout).unwrap();
    let mut check = Command::new(python.trim());
    check.arg(emulators.join("bigquery_sql.py")).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut check = check.spawn().unwrap();
    let given = json!({ "tables": catalog(dataset), "statements": statements });
    check.stdin.take().unwrap().write_all(given.to_string().as_bytes()).unwrap();
    let told = check.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&told.stdout);
    println!("{text}");
    assert!(told.status.success(), "{text}");
    // The checker itself looked at all of them.
    assert!(text.contains(&format!("{} statements, 0 faults", statements.len())), "{text}");
}

fn catalog(dataset: &str) -> Value {
    let known = |schema: &&'static TableSchema| {
        let name = ENVIRONMENT.table(schema.name);
        assert!(schema.position(PARTITION).is_some());
        json!({
            "names": [&name, format!("sentinel.{dataset}.{name}"), format!("project.warehouse.{}", schema.name)],
            "fields": bigquery_schema(schema),
            "partitioned": true,
        })
    };
    tables::all().iter().map(known).collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn scenario(test: &str) -> Option<Scenario> {
    let folder = data::folder(test)?;
    let (candles, _) = apply(data::candles(&folder, "btcusdt-1d.csv", Timeframe::D1), GapPolicy::Flat).unwrap();
    let times = &candles.columns().open_time;
    let candles = candles.between(times[0], times[DAYS] + 1).unwrap();
    let strategies = [("sma-cross", [("fast", "2"), ("slow", "5")].as_slice()), ("own-memory", &[])];
    let mut scenario = Scenario::on(candles, &strategies, |setup| setup.risk.stop_loss_pct = Some(dec!(3)));
    scenario.account.limits.positions_max = Some(1);
    Some(scenario)
}
