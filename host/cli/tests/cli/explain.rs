//! `sentinel explain`, `status` and `quarantine` on stores in which something has happened.

use std::fs;

use sentinel_domain::candles::Columns;
use sentinel_domain::documents::{Collection, DocumentStore, Precondition, Record, Records, Write};
use sentinel_domain::environment::Environment;
use sentinel_domain::hash::ContentHash;
use sentinel_domain::instrument::{Instrument, InstrumentRules};
use sentinel_domain::live::{
    Account, CandleChunk, Decided, DecisionChunk, LiveSignal, RejectedBy, RejectedSignal, signal_id,
};
use sentinel_domain::risk::RiskParams;
use sentinel_domain::signal::{SignalState, SignalType};
use sentinel_domain::timeframe::{Timeframe, UnixMillis};
use sentinel_embedded::documents::{Durability, SqliteDocuments};
use serde_json::json;

use crate::harness::Bench;

/// 2024-03-01T12:00:00Z
const CLOSE: UnixMillis = 1_709_294_400_000;
const HOUR: UnixMillis = 3_600_000;
/// 2024-03-01T00:00:00Z
const SESSION: UnixMillis = CLOSE - 12 * HOUR;

fn instrument() -> Instrument {
    Instrument { exchange: "binance".parse().unwrap(), symbol: "BTC/USDT".parse().unwrap() }
}

fn rejected() -> RejectedSignal {
    let signal = LiveSignal {
        signal_id: signal_id("dev.paper", "trend", &instrument(), Timeframe::H1, CLOSE),
        status: SignalState::Rejected,
        account_id: "paper".to_owned(),
        strategy_id: "trend".to_owned(),
        strategy_version: ContentHash::of(b"version"),
        priority: 100,
        instrument: instrument(),
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
        expiration_at: CLOSE + HOUR,
        rejection: Some(RejectedBy { reason: "buying_power".to_owned(), detail: "needs 100, has 7".to_owned() }),
    };
    RejectedSignal { signal, quantity: None }
}

fn decided(signal_id: Option<String>, failure: Option<&str>) -> Decided {
    Decided {
        strategy_id: "trend".to_owned(),
        version: ContentHash::of(b"version"),
        component_hash: ContentHash::of(b"component"),
        config_hash: ContentHash::of(b"config"),
        instrument: instrument(),
        timeframe: Timeframe::H1,
        revision: 0,
        warm_up_bars: 3,
        session_bars: 12,
        input_hash: ContentHash::of(b"input"),
        fuel: 4_711,
        output_hash: ContentHash::of(b"output"),
        signal_id,
        failure: failure.map(str::to_owned),
    }
}

/// Twelve hours of candles that rise by one an hour.
fn candles() -> CandleChunk {
    let rows = |from: f64| (0..12).map(|row| from + f64::from(row)).collect::<Vec<_>>();
    let columns = Columns {
        open_time: (0..12).map(|row| SESSION + row * HOUR).collect(),
        open: rows(99.5),
        high: rows(101.0),
        low: rows(99.0),
        close: rows(100.0),
        volume: vec![10.0; 12],
        ..Columns::default()
    };
    CandleChunk::of(&instrument(), Timeframe::H1, columns, CLOSE).unwrap()
}

fn quarantined() -> Write {
    let body = json!({
        "quarantine_id": "abc123def456abc1", "table": "fact_trades", "job_name": "archive-trades", "run_id": "r",
        "ds": "2024-03-01", "source_collection": "live_positions", "source_id": "p", "noted_at": CLOSE,
        "reasons": [
            { "column": "pnl_usd", "found": "5", "allowed": "4 = net_proceeds - cost" },
            { "column": "exit_time", "found": "NULL", "allowed": "a value" },
        ],
        "row": { "pnl_usd": "5" },
    });
    let collection = Environment::Dev.collection(Collection::Quarantine);
    Write::put(collection, "abc123def456abc1", body, Precondition::Any)
}

/// Returns a bench in whose stores one signal was rejected, one strategy failed and one row was held back; and the
/// signal's id.
fn happened() -> (Bench, String) {
    let bench = Bench::new();
    let folder = bench.home().join("stores/dev");
    fs::create_dir_all(&folder).unwrap();
    let store = SqliteDocuments::open(&folder.join("hot.sqlite"), Environment::Dev, Durability::ProcessEnd).unwrap();
    fn put<T: Record>(store: &SqliteDocuments, record: &T) -> Write {
        Records::of(store, Environment::Dev).put(record, Precondition::Any).unwrap()
    }
    let rejected = rejected();
    let id = rejected.signal.signal_id.clone();
    let chunk = DecisionChunk {
        namespace: "dev.paper".to_owned(),
        close_time: CLOSE,
        shard: 0,
        shards: 1,
        decided_at: CLOSE,
        engine_version: "wasmtime 48".to_owned(),
        decided: vec![decided(Some(id.clone()), None), decided(None, Some("it ran out of fuel"))],
        archived: false,
    };
    let troubles = [("order entry-1".to_owned(), "the broker does not know it".to_owned())].into();
    let account = Account { account_id: "paper".to_owned(), equity: Some(1_000.0), troubles, ..Account::default() };
    let writes = vec![
        put(&store, &rejected),
        put(&store, &chunk),
        put(&store, &candles()),
        put(&store, &account),
        quarantined(),
    ];
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(store.commit(writes)).unwrap();
    (bench, id)
}

#[test]
fn life_of_a_rejected_signal_is_told_from_candles_to_gate() {
    let (bench, id) = happened();
    let life = bench.run(&format!("explain {} --json", &id[..10])).good().json();
    assert_eq!(life["signal_id"], id);
    assert_eq!(life["candles"].as_array().unwrap().len(), 5);
    assert_eq!((&life["candles"][4]["close"], &life["decision"]["fuel"]), (&111.0.into(), &4_711.into()));
    assert_eq!(life["signal"]["rejection"]["reason"], "buying_power");
    let said = bench.run(&format!("explain {id}")).good().stdout;
    for part in [
        "trend, version",
        "binance:BTC/USDT 1h, the bar that closed 2024-03-01 12:00",
        "BUY, cross-up (confidence 61.5)",
        "4711 on wasmtime 48",
        "REJECTED",
        "buying_power: needs 100, has 7",
    ] {
        assert!(said.contains(part), "\"{part}\" is missing in:\n{said}");
    }
}

#[test]
fn status_tells_why_nothing_was_traded() {
    let (bench, _) = happened();
    let status = bench.run("status --json").good().json();
    assert_eq!(status["decisions"]["rejections"], json!({ "buying_power": 1 }));
    assert_eq!(status["decisions"]["failures"], json!({ "it ran out of fuel": 1 }));
    assert_eq!((&status["quarantined"], &status["decisions"]["signals"]), (&1.into(), &1.into()));
    let said = bench.run("status").good().stdout;
    for part in [
        "order entry-1: the broker does not know it",
        "2 evaluations, 1 signal",
        "could not decide: it ran out of fuel",
        "rejected in the day before: 1 buying_power",
        "1 row in quarantine",
    ] {
        assert!(said.contains(part), "\"{part}\" is missing in:\n{said}");
    }
}

#[test]
fn held_back_row_is_shown_with_every_reason() {
    let (bench, _) = happened();
    let listed = bench.run("quarantine list").good().stdout;
    assert!(
        listed.contains("abc123def456") && listed.contains("pnl_usd is 5") && listed.contains("1 more"),
        "{listed}"
    );
    let shown = bench.run("quarantine show abc").good().stdout;
    assert!(shown.contains("exit_time") && shown.contains("a value") && shown.contains("archive-trades"), "{shown}");
    assert_eq!(bench.run("quarantine show abc --json").good().json()["row"]["pnl_usd"], "5");
}

#[test]
fn recorded_decisions_without_their_version_are_differences() {
    let (bench, _) = happened();
    let ran = bench.run("replay --json");
    assert_eq!(ran.status, 1, "{ran:#?}");
    let verdict = ran.json();
    assert_eq!((&verdict["decisions"], &verdict["same"]), (&2.into(), &0.into()));
    assert_eq!(verdict["differences"][0]["difference"], "no_version");
    let ran = bench.run("replay");
    assert!(ran.stdout.contains("no version that was active then") && ran.stdout.contains("2 different"), "{ran:#?}");
}
