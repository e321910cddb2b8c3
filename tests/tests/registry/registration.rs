//! `register-strategy`: what becomes a version, what does not, and that nothing becomes one twice.

use std::error::Error;

use sentinel_domain::components::ComponentStore;
use sentinel_domain::documents::{Collection, DocumentStore};
use sentinel_domain::hash::ContentHash;
use sentinel_domain::registry::{Change, Registration};
use sentinel_function_runtime::{Holder, JobStatus, RunError, RunRequest, Runtime};
use sentinel_register_strategy::{ActivationRequest, DropFolder, finalized, history};
use sentinel_tests::{hostile, shipped};

use crate::world::World;

const CONFIG: &str = "timeframe = \"1h\"\nassets = [\"binance:BTC/USDT\"]\nparameters = { fast = 5, slow = 20 }\n";

fn told(error: &RunError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[tokio::test]
async fn upload_becomes_a_version_with_its_component_and_its_message() {
    let world = World::new();
    let component = shipped::component("sma-cross");
    let run = world.register(&component, CONFIG, 1_000).await;
    assert_eq!((run.status, run.rows_out), (JobStatus::Succeeded, 1), "{run:?}");
    let [row] = &world.history("sma-cross").await[..] else { panic!("one version") };
    assert_eq!((row.valid_from, row.valid_to, row.is_current, row.active), (1_000, None, true, true));
    assert_eq!(row.component_hash, ContentHash::of(&component));
    assert_eq!(row.config.parameters["fast"].to_string(), "5");
    assert_eq!(world.components.get(&row.component_hash).await.unwrap(), Some(component));
    assert_eq!(world.count(Collection::Outbox).await, 1);
}

#[tokio::test]
async fn same_component_and_config_change_nothing() {
    let world = World::new();
    let component = shipped::component("sma-cross");
    world.register(&component, CONFIG, 1_000).await;
    let before = world.history("sma-cross").await;
    for at in [500, 1_000, 2_000] {
        let run = world.register(&component, CONFIG, at).await;
        assert_eq!(run.status, JobStatus::Succeeded);
    }
    // Another way of writing it is no other config.
    world.register(&component, &format!("# again\n{CONFIG}active = true\n"), 3_000).await;
    assert_eq!(world.history("sma-cross").await, before);
    assert_eq!(world.count(Collection::Outbox).await, 1);
}

#[tokio::test]
async fn changed_config_opens_a_version_and_closes_the_one_before() {
    let world = World::new();
    let component = shipped::component("sma-cross");
    world.register(&component, CONFIG, 1_000).await;
    world.register(&component, &CONFIG.replace("fast = 5", "fast = 6"), 2_000).await;
    let event = ActivationRequest { strategy_id: "sma-cross".to_owned(), active: false }.event(3_000);
    world.run(&world.function(), RunRequest::of_event(event)).await.unwrap();
    let rows = world.history("sma-cross").await;
    let times: Vec<_> = rows.iter().map(|row| (row.valid_from, row.valid_to, row.is_current, row.active)).collect();
    let expected = [(1_000, Some(2_000), false, true), (2_000, Some(3_000), false, true), (3_000, None, true, false)];
    assert_eq!(times, expected);
    assert_eq!(rows[1].version, rows[2].version, "switching is no change of what is decided");
    // History is not rewritten.
    world.upload("f.toml", CONFIG);
    let late = told(&world.uploaded("f.toml", 2_500).await.unwrap_err());
    assert!(late.contains("would rewrite history"), "{late}");
    assert_eq!(world.history("sma-cross").await, rows);
}

#[tokio::test]
async fn whichever_file_comes_last_starts_it() {
    let world = World::new();
    world.upload("f.wasm", shipped::component("sma-cross"));
    let run = world.uploaded("f.wasm", 1_000).await.unwrap();
    assert_eq!(run.rows_out, 0);
    assert!(run.notes[0].contains("waits for f.toml"), "{:?}", run.notes);
    world.upload("f.toml", CONFIG);
    assert_eq!(world.uploaded("f.toml", 2_000).await.unwrap().rows_out, 1);
    let run = world.uploaded("readme.md", 3_000).await.unwrap();
    assert!(run.notes[0].contains("left alone"), "{:?}", run.notes);
}

#[tokio::test]
async fn what_a_check_refuses_is_no_version_and_is_not_kept() {
    let world = World::new();
    let config = "timeframe = \"1m\"\nassets = [\"binance:BTC/USDT\"]\n";
    for (guest, part) in [
        ("imports-files", "import"),
        ("peeks", "peeks is refused at"),
        ("trap", "trap"),
        ("endless-describe", "fuel"),
        ("core-module", "component"),
    ] {
        world.upload("f.wasm", hostile::component(guest));
        world.upload("f.toml", config);
        let error = world.uploaded("f.wasm", 1_000).await.unwrap_err();
        assert!(!error.is_retryable(), "{guest}");
        let text = told(&error);
        assert!(text.contains(part), "{guest}: {text}");
    }
    assert_eq!(world.count(Collection::DimStrategies).await, 0);
    assert_eq!(world.components.list().await.unwrap(), []);
}

#[tokio::test]
async fn config_that_does_not_fit_is_told_with_its_line() {
    let world = World::new();
    let component = shipped::component("sma-cross");
    world.upload("f.wasm", &component);
    for (config, parts) in [
        (CONFIG.replace("fast", "fats"), ["f.toml, line 3", "did you mean fast?"]),
        (CONFIG.replace("fast = 5", "fast = 0"), ["f.toml, line 3", "allowed is"]),
        (CONFIG.replace("\"1h\"", "\"1 h\""), ["f.toml, line 1", "1 h"]),
        (format!("id = \"Sma Cross\"\n{CONFIG}"), ["id is \"Sma Cross\"", "lower-case"]),
        (format!("{CONFIG}color = 1\n"), ["f.toml, line 4", "unknown field `color`"]),
    ] {
        world.upload("f.toml", config);
        let text = told(&world.uploaded("f.toml", 1_000).await.unwrap_err());
        for part in parts {
            assert!(text.contains(part), "\"{part}\" is missing in: {text}");
        }
    }
}

#[tokio::test]
async fn dropped_pair_does_not_come_into_force_again_because_somebody_looks_again() {
    let world = World::new();
    let folder = world.folder.path().join("uploads");
    world.upload("trend.wasm", shipped::component("sma-cross"));
    world.upload("trend.toml", CONFIG);
    let mut drops = DropFolder::default();
    assert_eq!(drops.scan(&folder, None).unwrap(), [], "it may still be being written");
    let event = drops.scan(&folder, None).unwrap().remove(0);
    world.run(&world.function(), RunRequest::of_event(event.clone())).await.unwrap();
    let off = ActivationRequest { strategy_id: "sma-cross".to_owned(), active: false }.event(event.time.unwrap() + 1);
    world.run(&world.function(), RunRequest::of_event(off)).await.unwrap();
    let rows = world.history("sma-cross").await;
    assert_eq!(rows.iter().map(|row| row.active).collect::<Vec<_>>(), [true, false]);
    // A program that starts anew finds the pair, which nobody touched.
    let mut drops = DropFolder::default();
    drops.scan(&folder, None).unwrap();
    let again = drops.scan(&folder, None).unwrap().remove(0);
    assert_eq!(again, event);
    world.run(&world.function(), RunRequest::of_event(again.clone())).await.unwrap();
    assert_eq!(world.history("sma-cross").await, rows);
    // Even when the run is long forgotten: its time is past.
    let forgotten = finalized("strategies", "trend.wasm", "forgotten", event.time.unwrap());
    let refused = told(&world.run(&world.function(), RunRequest::of_event(forgotten)).await.unwrap_err());
    assert!(refused.contains("would rewrite history"), "{refused}");
}

#[tokio::test]
async fn of_two_that_read_the_same_history_one_is_turned_away() {
    let world = World::new();
    let component = shipped::component("sma-cross");
    world.register(&component, CONFIG, 1_000).await;
    let versions = world.versions();
    let row = world.history("sma-cross").await.remove(0);
    let wanted = |description: &str, active| Registration {
        component_hash: row.component_hash,
        git_hash: None,
        active,
        config: row.config.clone(),
        assets: if active { row.assets.iter().chain(&row.assets).cloned().collect() } else { row.assets.clone() },
        description: description.to_owned(),
        wit_version: row.wit_version.clone(),
    };
    let known = history::read(&versions, "sma-cross").await.unwrap();
    let change = |registration, at| known.history.register(registration, at).unwrap();
    let (first, second): (Change, Change) = (change(wanted("a", false), 2_000), change(wanted("b", true), 2_500));
    world.store.commit(known.writes(&versions, &first).unwrap()).await.unwrap();
    let error = world.store.commit(known.writes(&versions, &second).unwrap()).await.unwrap_err();
    assert!(error.is_conflict(), "{error}");
    let rows = world.history("sma-cross").await;
    assert_eq!((rows.len(), rows[1].description.as_str()), (2, "a"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn registrations_at_once_leave_one_history() {
    let world = World::new();
    let component = shipped::component("sma-cross");
    world.upload("a.wasm", &component);
    world.upload("b.wasm", &component);
    world.upload("a.toml", CONFIG);
    world.upload("b.toml", CONFIG.replace("fast = 5", "fast = 6"));
    let register = |name: &'static str, at| {
        let runtime = Runtime { holder: Holder::named(name), ..world.runtime.clone() };
        let function = world.function();
        tokio::spawn(async move {
            let event = finalized("strategies", name, "1", at);
            loop {
                match runtime.run_once(&function, RunRequest::of_event(event.clone())).await {
                    Err(error) if error.is_retryable() => tokio::time::sleep(std::time::Duration::from_millis(5)).await,
                    ended => return ended.is_ok(),
                }
            }
        })
    };
    let (a, b) = (register("a.toml", 1_000), register("b.toml", 2_000));
    let (a, b) = (a.await.unwrap(), b.await.unwrap());
    let rows = world.history("sma-cross").await;
    assert!(b, "the later one always fits");
    // When the later one was faster, the earlier one would rewrite history and is refused.
    assert_eq!(rows.len(), if a { 2 } else { 1 });
    assert_eq!(rows.iter().filter(|row| row.is_current).count(), 1);
    assert!(rows.windows(2).all(|pair| pair[0].valid_to == Some(pair[1].valid_from)));
}
