//! How long it takes from a closed candle to a position, between processes: the real program once for each function,
//! Google's emulators of Firestore and Pub/Sub, Cloud Storage's counterpart, and the local broker over HTTP.
//!
//! `make bench-cloud`, which is `EMULATORS="firestore pubsub storage" scripts/emulators.sh cargo bench --workspace
//! --bench latency`. SENTINEL_LATENCY_ROUNDS says how many closes are measured. Each close gives one order, a purchase and a
//! sale in turn. What Pub/Sub's emulator takes by itself is measured beside it, with an endpoint that answers at once.
//!
//! Start with [`world`]: what runs. [`relay`] is what stands between the processes and looks at the clock.
#![expect(clippy::disallowed_methods, clippy::print_stdout, reason = "a bench measures time and prints it")]
#![expect(clippy::unwrap_used, reason = "a bench that cannot set itself up has failed")]

mod market;
mod relay;
mod world;

#[expect(dead_code, reason = "the program's tests use the rest")]
#[path = "../../tests/function_program/tokens.rs"]
mod tokens;

use std::time::{SystemTime, UNIX_EPOCH};

use sentinel_contracts::counterpart::Counterpart;

use self::world::{Timeline, World};

/// The first closes load the strategy and open connections.
const WARM_UP: usize = 4;
const ROUNDS: usize = 60;

fn main() {
    let there = [Counterpart::Firestore, Counterpart::PubSub, Counterpart::Storage].map(Counterpart::address);
    let [Some(firestore), Some(pubsub), Some(storage)] = there else { return };
    let rounds = std::env::var("SENTINEL_LATENCY_ROUNDS").ok().map_or(ROUNDS, |text| text.parse().unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let timelines = runtime.block_on(async {
        let mut world = World::start([firestore, pubsub, storage], WARM_UP + rounds).await;
        let mut timelines = Vec::new();
        for close_time in world.closes() {
            timelines.push(world.close(close_time).await);
        }
        timelines.split_off(WARM_UP)
    });
    report(&timelines);
}

fn report(timelines: &[Timeline]) {
    let print = |what: &str, took: &dyn Fn(&Timeline) -> i64| {
        let mut sorted: Vec<_> = timelines.iter().map(took).collect();
        sorted.sort_unstable();
        let at = |per_cent: usize| to_millis(sorted[(sorted.len() - 1) * per_cent / 100]);
        println!("{what:<66}{:>8.1}{:>8.1}{:>8.1}", at(50), at(99), at(100));
    };
    println!("{} closes with an order each, in milliseconds{:>33}{:>8}{:>8}", timelines.len(), "median", "p99", "most");
    print("Pub/Sub's emulator alone: published to an endpoint that answers", &|it| it.echo);
    print("candle-closed published to signals stored", &|it| it.stored - it.published);
    print("  of it from the message's arrival", &|it| it.stored - it.evaluate.0);
    print("  evaluate-strategies, from arrival to answer", &|it| it.evaluate.1 - it.evaluate.0);
    print("signals stored to order accepted", &|it| it.accepted - it.stored);
    print("  of it without Pub/Sub's own", &|it| it.accepted - it.stored - it.echo);
    print("  of it from the message's arrival", &|it| it.accepted - it.execute.0);
    print("  execute-signals, from arrival to answer", &|it| it.execute.1 - it.execute.0);
    print("order accepted, and filled, to the position stored with its stop", &|it| it.position - it.accepted);
    print("  of it without Pub/Sub's own", &|it| it.position - it.accepted - it.echo);
    print("  sync-positions, from arrival to answer", &|it| it.sync.1 - it.sync.0);
    print("candle-closed published to the position stored", &|it| it.position - it.published);
}

#[expect(clippy::cast_precision_loss, reason = "a time to be shown")]
fn to_millis(micros: i64) -> f64 {
    micros as f64 / 1_000.0
}

/// Returns the machine's time in microseconds since 1970: the clock that all processes share.
fn micros() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_micros()).unwrap()
}
