//! The asking commands on stores in which something has happened, written through the ports.

use std::sync::Arc;

use sentinel_cloud::Adapters;
use sentinel_contracts::counterpart::Counterpart;
use sentinel_domain::documents::{Collection, DocumentStore, Precondition, Write};
use sentinel_domain::environment::Environment;
use sentinel_domain::hash::ContentHash;
use sentinel_domain::instrument::{Instrument, InstrumentRules};
use sentinel_domain::live::{Account, LiveSignal, RejectedBy, RejectedSignal, signal_id};
use sentinel_domain::risk::RiskParams;
use sentinel_domain::signal::{SignalState, SignalType};
use sentinel_domain::timeframe::{Timeframe, UnixMillis};
use sentinel_domain::warehouse::WarehouseExt;
use serde_json::json;

use crate::world::{World, put};

/// 2024-03-01T12:00:00Z
const CLOSE: UnixMillis = 1_709_294_400_000;

fn rejected() -> RejectedSignal {
    let instrument = Instrument { exchange: "binance".parse().unwrap(), symbol: "BTC/USDT".parse().unwrap() };
    let signal = LiveSignal {
        signal_id: signal_id("TEST|main", "trend", &instrument, Timeframe::H1, CLOSE),
        status: SignalState::Rejected,
        account_id: "main".to_owned(),
        strategy_id: "trend".to_owned(),
        strategy_version: ContentHash::of(b"version"),
        priority: 100,
        instrument,
        timeframe: Timeframe::H1,
        close_time: CLOSE,
        signal_type: SignalType::Buy,
        pattern_name: "cross-up".to_owned(),
        confidence: 61.5,
        reasons: vec!["trend".to_owned()],
        warnings: Vec::new(),
        stop_loss: None,
        take_profit: None,
        valid_bars: None,
        price: 111.0,
        volume: 10.0,
        volume_delta: None,
        imbalance: None,
        risk_params: RiskParams::default(),
        rules: InstrumentRules::default(),
        expiration_at: CLOSE + 3_600_000,
        rejection: Some(RejectedBy { reason: "buying_power".to_owned(), detail: "needs 100, has 7".to_owned() }),
    };
    RejectedSignal { signal, quantity: None }
}

async fn quarantine(store: &Arc<dyn DocumentStore>) {
    let body = json!({
        "quarantine_id": "abc123def456abc1", "table": "fact_trades", "job_name": "archive-trades", "run_id": "r",
        "ds": "2024-03-01", "source_collection": "live_positions", "source_id": "p", "noted_at": CLOSE,
        "reasons": [{ "column": "pnl_usd", "found": "5", "allowed": "4 = net_proceeds - cost" }],
        "row": { "pnl_usd": "5" },
    });
    let collection = Environment::Test.collection(Collection::Quarantine);
    store.commit(vec![Write::put(collection, "abc123def456abc1", body, Precondition::Any)]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_stores_are_asked_and_the_account_is_paused() {
    let Some(mut world) = World::on(&[Counterpart::Firestore, Counterpart::BigQuery]) else { return };
    world.variables.insert("SENTINEL_ACCOUNT", "id = \"trial\"".to_owned());
    let stores = world.stores();
    let documents = stores.documents().await.unwrap();
    let warehouse = stores.warehouse().await.unwrap();
    warehouse.ensure_all(|name| Environment::Test.table(name)).await.unwrap();
    let rejected = rejected();
    put(&documents, &rejected).await;
    quarantine(&documents).await;

    world.run("pause").refused(2, &["no function has looked at the account trial yet"]);
    put(&documents, &Account { account_id: "trial".to_owned(), ..Account::default() }).await;
    let paused = world.run("pause --reason maintenance").good().stdout;
    assert!(paused.contains("Account trial is paused") && paused.contains("--target cloud resume"), "{paused}");

    let status = world.run("status --json").good().json();
    assert_eq!(status["environment"], "TEST");
    assert_eq!(status["accounts"][0]["paused"]["reason"], "maintenance");
    assert_eq!(status["quarantined"], 1);
    let said = world.run("resume --json").good().json();
    assert_eq!((&said["account_id"], said["paused"].is_null()), (&"trial".into(), true));

    let thread = world.run("thread --json").good().json();
    assert_eq!((&thread["signals"]["REJECTED"], &thread["archived"]["fact_trades"]), (&1.into(), &0.into()));
    let life = world.run(&format!("explain {} --json", &rejected.signal.signal_id[..12])).good().json();
    assert_eq!(life["signal"]["rejection"]["reason"], "buying_power");
    world.run("explain ffffffffffff").refused(2, &["no signal ffffffffffff", "TEST", "--target cloud query"]);

    let listed = world.run("quarantine list --json").good().json();
    assert_eq!(listed[0]["quarantine_id"], "abc123def456abc1");
    assert!(world.run("quarantine show abc1").good().stdout.contains("net_proceeds"));
    assert!(world.run("replay").good().stdout.contains("No decision is recorded"));
    assert!(world.run("strategy list").good().stdout.contains("--target cloud strategy upload"));
    ask(&world);
}

/// The SQL is BigQuery's, reads, and says what it costs.
fn ask(world: &World) {
    let query = |sql: &str| {
        let mut command = world.command("query");
        crate::world::Ran::of(command.arg(sql).args(["--format", "csv"]))
    };
    let said = query("SELECT COUNT(*) AS trades FROM fact_trades_test WHERE ds >= '2024-01-01'").good();
    assert_eq!(said.stdout, "trades\n0\n");
    assert!(said.stderr.contains("bytes billed"), "{said:?}");
    query("DELETE FROM fact_trades_test WHERE ds >= '2024-01-01'").refused(1, &["only SELECT"]);
}
