//! Where a run has ended: every row that any store or the broker holds, in words.
//!
//! Left out is how the runs went: who held which lease when, and how often a run was started (`job_locks`, most of
//! `job_metadata`), for that is what being killed changes. Of these stays that each run has ended well, that no lease is
//! held, and that no event waits. Runs of `sync-positions` that ended well are not listed: a carrier that is rude asks
//! for more of them.

use std::collections::BTreeMap;

use sentinel_domain::closes::POSITIONS_DUE;
use sentinel_domain::documents::{Collection, Document, DocumentStore, Query};
use sentinel_domain::tables;
use sentinel_domain::warehouse::{TableId, Warehouse};
use sentinel_simulated_broker::exchange::Exchange;
use serde_json::{Value, json};

use crate::stage::{ENVIRONMENT, Stage};

/// Lines by what they are of: a collection, a table, the broker.
pub(crate) type Ending = BTreeMap<String, Vec<String>>;

pub(crate) async fn of(stage: &Stage) -> Ending {
    let mut ending = Ending::new();
    let store = stage.place.documents();
    for collection in Collection::ALL {
        let name = ENVIRONMENT.collection(collection);
        let documents = store.query(&Query::of(name)).await.unwrap();
        let lines = documents.iter().filter_map(|document| line(collection, document)).collect();
        ending.insert(format!("hot {name}"), lines);
    }
    let warehouse = stage.place.warehouse();
    for schema in tables::all() {
        let table = TableId { schema, physical_name: ENVIRONMENT.table(schema.name) };
        warehouse.ensure(&table).await.unwrap();
        let columns: Vec<String> = schema.columns.iter().map(|column| format!("t.{}", column.name)).collect();
        let sql = format!("SELECT {} FROM {table} AS t ORDER BY ALL", columns.join(", "));
        let rows = warehouse.query(&sql, &[]).await.unwrap();
        ending.insert(format!("cold {table}"), rows.to_json().into_iter().map(|row| json!(row).to_string()).collect());
    }
    stage.broker.look(|exchange| ending.extend(at_broker(exchange)));
    ending.values_mut().for_each(|lines| lines.sort());
    ending
}

fn line(collection: Collection, document: &Document) -> Option<String> {
    let Document { id, body, expire_at, .. } = document;
    match collection {
        Collection::JobLocks => (!body["run_id"].is_null()).then(|| format!("{id} is held by {}", body["holder"])),
        Collection::JobMetadata if body["event"]["type"] == POSITIONS_DUE && is_done(body) => None,
        Collection::JobMetadata if is_done(body) => Some(format!("{id} for {} ended", body["ds"])),
        Collection::JobMetadata => Some(format!("{id} for {} is {}: {}", body["ds"], body["status"], body["error"])),
        _ => Some(format!("{id} {body} {expire_at:?}")),
    }
}

fn is_done(body: &Value) -> bool {
    body["status"] == "SUCCEEDED" || body["status"] == "PARTIAL"
}

fn at_broker(exchange: &Exchange) -> Vec<(String, Vec<String>)> {
    let orders = exchange.orders().iter().map(|order| format!("{order:?}")).collect();
    let activities = exchange.activities().iter().map(|activity| format!("{activity:?}")).collect();
    let positions = exchange.positions().iter().map(|position| format!("{position:?}")).collect();
    vec![
        ("broker orders".to_owned(), orders),
        ("broker activities".to_owned(), activities),
        ("broker positions".to_owned(), positions),
        ("broker account".to_owned(), vec![format!("{:?}", exchange.account())]),
    ]
}

/// Takes for granted that both are the same; otherwise shows the lines that only one of them has.
pub(crate) fn same(found: &Ending, expected: &Ending) {
    let mut differences = Vec::new();
    for (name, lines) in expected {
        let theirs = found.get(name).map(Vec::as_slice).unwrap_or_default();
        differences.extend(only_in(lines, theirs).map(|line| format!("- {name}: {line}")));
        differences.extend(only_in(theirs, lines).map(|line| format!("+ {name}: {line}")));
    }
    assert!(differences.is_empty(), "{} lines differ:\n{}", differences.len(), differences.join("\n"));
    assert_eq!(found, expected, "a line is there more than once");
}

fn only_in<'a>(lines: &'a [String], others: &'a [String]) -> impl Iterator<Item = &'a String> {
    lines.iter().filter(|line| !others.contains(line))
}

/// Takes for granted that a run is worth comparing with: there is something of everything.
pub(crate) fn is_rich(ending: &Ending) {
    let count = |name: &str| ending.get(name).map_or(0, Vec::len);
    let has =
        |name: &str, part: &str| ending.get(name).is_some_and(|lines| lines.iter().any(|line| line.contains(part)));
    assert!(count("cold fact_trades_test") >= 3, "{ending:#?}");
    for (table, least) in [
        ("fact_rejected_signals_test", 1),
        ("fact_signals_expired_test", 1),
        ("snapshot_accounts_test", 4),
        ("summary_strategy_performance_test", 3),
        ("dim_strategies_test", 3),
        ("signals_test", 6),
        ("positions_test", 4),
    ] {
        assert!(count(&format!("cold {table}")) >= least, "{table} has {}", count(&format!("cold {table}")));
    }
    assert!(has("cold fact_trades_test", "\"fee_finalized\":true"), "no fee is settled");
    assert!(has("cold positions_test", "ABANDONED") || has("cold positions_test", "abandoned"), "no entry died");
    for reason in ["stop", "signal"] {
        assert!(has("cold fact_trades_test", &format!("\"exit_reason\":\"{reason}\"")), "no exit by {reason}");
    }
    assert_eq!(count("hot test_outbox"), 0, "events wait");
    assert_eq!(count("hot test_quarantine"), 0, "{:?}", ending["hot test_quarantine"]);
}
