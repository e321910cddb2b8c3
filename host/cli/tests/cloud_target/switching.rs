//! `strategy activate` and `deactivate`: one more version, by a run of `register-strategy` here on the deployment's hot
//! store, which is all that it needs.

use std::collections::BTreeMap;
use std::sync::Arc;

use sentinel_cloud::Adapters;
use sentinel_contracts::counterpart::Counterpart;
use sentinel_domain::documents::{DocumentStore, Records};
use sentinel_domain::environment::Environment;
use sentinel_domain::hash::ContentHash;
use sentinel_domain::instrument::Instrument;
use sentinel_domain::live::{Decided, DecisionChunk};
use sentinel_domain::registry::{Change, History, Registration, StrategyVersion};
use sentinel_domain::strategy::{ParameterValue, StrategyConfig};
use sentinel_domain::timeframe::{Timeframe, UnixMillis};
use sentinel_function_runtime::outbox::OutboxRow;
use sentinel_function_runtime::{JobRun, JobStatus, LeaseRow};
use serde_json::{Value, json};

use crate::world::{Ran, World, put};

/// 2024-01-01T00:00:00Z
const BEGINS: UnixMillis = 1_704_067_200_000;
/// 2024-02-01T00:00:00Z
const DECIDED: UnixMillis = 1_706_745_600_000;

fn instrument() -> Instrument {
    Instrument { exchange: "binance".parse().unwrap(), symbol: "BTC/USDT".parse().unwrap() }
}

fn first_version() -> StrategyVersion {
    let registration = Registration {
        component_hash: ContentHash::of(b"component"),
        git_hash: None,
        active: true,
        config: StrategyConfig {
            parameters: BTreeMap::from([("fast".to_owned(), ParameterValue::Integer(5))]),
            timeframe: Timeframe::H1,
            gaps: "refuse".to_owned(),
            limits: json!({}),
            risk_params: json!({}),
        },
        assets: vec![instrument()],
        description: "follows the trend".to_owned(),
        wit_version: "0.1.0".to_owned(),
    };
    match History::new("trend", Vec::new()).register(registration, BEGINS).unwrap() {
        Change::Opened { opened, .. } => *opened,
        Change::Unchanged => panic!("a first version is a change"),
    }
}

fn decision(version: &StrategyVersion) -> DecisionChunk {
    let hash = ContentHash::of(b"shown");
    let decided = Decided {
        strategy_id: "trend".to_owned(),
        version: version.version,
        component_hash: version.component_hash,
        config_hash: version.config_hash,
        instrument: instrument(),
        timeframe: Timeframe::H1,
        revision: 0,
        warm_up_bars: 0,
        session_bars: 1,
        input_hash: hash,
        fuel: 1,
        output_hash: hash,
        signal_id: None,
        failure: None,
    };
    DecisionChunk {
        namespace: "TEST|main".to_owned(),
        close_time: DECIDED,
        shard: 0,
        shards: 1,
        decided_at: DECIDED,
        engine_version: "1".to_owned(),
        decided: vec![decided],
        archived: false,
    }
}

async fn runs(store: &Arc<dyn DocumentStore>) -> Vec<JobRun> {
    let runs = Records::<JobRun>::of(store.as_ref(), Environment::Test);
    runs.all(runs.select()).await.unwrap().into_iter().map(|run| run.record).collect()
}

async fn told(store: &Arc<dyn DocumentStore>) -> Vec<(String, Value)> {
    let outbox = Records::<OutboxRow>::of(store.as_ref(), Environment::Test);
    let rows = outbox.all(outbox.select()).await.unwrap().into_iter().map(|row| row.record);
    let mut told: Vec<_> = rows.map(|row| (row.topic, row.event.data["ordinal"].clone())).collect();
    told.sort_by_key(|(_, ordinal)| ordinal.as_u64());
    told
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_switch_opens_a_version_tells_of_it_and_leaves_no_lease() {
    let Some(world) = World::on(&[Counterpart::Firestore]) else { return };
    let store = world.stores().documents().await.unwrap();
    let first = first_version();
    put(&store, &first).await;
    put(&store, &decision(&first)).await;

    world.run("strategy deactivate tredn").refused(2, &["no strategy tredn", "did you mean trend?"]);
    let late = "strategy deactivate trend --at 2024-01-15";
    world.run(late).refused(2, &["would rewrite history", "decided at the close of 2024-02-01"]);
    let off = world.run("strategy deactivate trend --json").good().json();
    assert_eq!((&off["changed"], &off["version"]["active"]), (&true.into(), &false.into()));
    assert_eq!(world.run("strategy deactivate trend --json").good().json()["changed"], false);
    assert_eq!(world.run("strategy list --json").good().json()[0], off["version"]);
    let on = world.run("strategy activate trend").good().stdout;
    assert!(on.contains("trend version 3") && on.contains("is active"), "{on}");

    let rows = world.run("strategy history trend --json").good().json();
    let active: Vec<_> = rows.as_array().unwrap().iter().map(|row| row["active"].as_bool().unwrap()).collect();
    assert_eq!(active, [true, false, true]);
    assert_eq!((&rows[0]["valid_to"], &rows[1]["valid_to"]), (&rows[1]["valid_from"], &rows[2]["valid_from"]));
    let then = world.run("strategy show trend --as-of 2024-01-20 --json").good().json();
    assert_eq!(then, rows[0]);

    assert_eq!(told(&store).await, [("strategies".to_owned(), 2.into()), ("strategies".to_owned(), 3.into())]);
    let ran = runs(&store).await;
    assert!(ran.iter().all(|run| run.job_name == "register-strategy"), "{ran:?}");
    assert_eq!(ran.iter().filter(|run| run.status == JobStatus::Succeeded).count(), 3, "{ran:?}");
    let leases = Records::<LeaseRow>::of(store.as_ref(), Environment::Test);
    let leases = leases.all(leases.select()).await.unwrap();
    assert!(!leases.is_empty() && leases.iter().all(|lease| lease.record.run_id.is_none()), "{leases:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn people_who_switch_at_once_wait_for_each_other() {
    let Some(world) = World::on(&[Counterpart::Firestore]) else { return };
    let store = world.stores().documents().await.unwrap();
    put(&store, &first_version()).await;
    let typed = ["deactivate", "activate", "deactivate", "activate"].map(|word| {
        let mut command = world.command(&format!("strategy {word} trend --json"));
        tokio::task::spawn_blocking(move || Ran::of(&mut command))
    });
    let mut changes = 0;
    for ran in typed {
        changes += usize::from(ran.await.unwrap().good().json()["changed"] == true);
    }
    let rows = world.run("strategy history trend --json").good().json();
    let rows = rows.as_array().unwrap();
    assert_eq!(rows.len(), 1 + changes, "{rows:#?}");
    for pair in rows.windows(2) {
        assert_eq!(pair[0]["valid_to"], pair[1]["valid_from"]);
        assert_ne!(pair[0]["active"], pair[1]["active"]);
    }
    assert_eq!(rows.iter().filter(|row| row["is_current"] == true).count(), 1);
}
