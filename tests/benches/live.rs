//! How long the functions take from a closed candle to what is stored, and from a signal to an order at the broker:
//! `cargo bench -p sentinel-tests --bench live`.
#![expect(clippy::disallowed_methods, clippy::print_stdout, reason = "a bench measures time and prints it")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sentinel_backtest::market::{MarketSeries, StrategySetup};
use sentinel_domain::candles::{Candles, Columns};
use sentinel_domain::closes::CandleClosed;
use sentinel_domain::documents::{Collection, Precondition, Records};
use sentinel_domain::environment::Environment;
use sentinel_domain::instrument::{Instrument, InstrumentRules};
use sentinel_domain::live::CandleChunk;
use sentinel_domain::session::SessionLength;
use sentinel_domain::timeframe::Timeframe;
use sentinel_embedded::documents::{Durability, SqliteDocuments};
use sentinel_function_runtime::RunRequest;
use sentinel_functions::Desktop;
use sentinel_laptop::Simulation;
use sentinel_tests::counting::{Charged, CountingStore, Made};
use sentinel_tests::parity::Scenario;
use sentinel_tests::{data, reference, shipped};

/// As in the binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SYMBOLS: usize = 500;
const VERSIONS: usize = 20;
const LANES_PER_SHARD: usize = 1_000;
const ROUNDS: usize = 5;
/// Bars of the session before the first close that is measured.
const SESSION_BARS: usize = 200;

fn main() {
    let Some(folder) = data::folder("live") else { return };
    let hourly = data::candles(&folder, "btcusdt-1h.csv.gz", Timeframe::H1);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.unwrap_or_else(|error| panic!("{error}"));
    runtime.block_on(async {
        evaluations(&hourly).await;
        orders(&hourly).await;
    });
}

/// One close of many symbols and versions, on a store that waits for the disk as it does in real time.
async fn evaluations(hourly: &Candles) {
    let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
    // A month's first candle, so that the session has just so many bars.
    let length = SessionLength::of(Timeframe::H1);
    let times = &hourly.columns().open_time;
    let first = (0..times.len()).find(|row| length.around(times[*row]).start == times[*row] && *row > 1_000);
    let first = first.unwrap_or_else(|| panic!("no month begins"));
    let candles = hourly.between(times[first - 100], times[first + SESSION_BARS + ROUNDS]);
    let candles = candles.unwrap_or_else(|| panic!("no candles"));
    let instruments: Vec<Instrument> = (0..SYMBOLS)
        .map(|index| format!("binance:C{index}/USDT").parse().unwrap_or_else(|error| panic!("{error}")))
        .collect();
    let scenario = many(&candles, &instruments);
    let simulation = scenario.simulation(folder.path()).await;
    let (desktop, counted) = real_time(simulation, folder.path()).await;
    keep(&desktop, &candles, &instruments, length).await;

    let shards = u32::try_from((SYMBOLS * VERSIONS).div_ceil(LANES_PER_SHARD)).unwrap_or(u32::MAX);
    let mut took = Vec::new();
    counted.take();
    for round in 0..ROUNDS {
        let close_time = times[first + SESSION_BARS + round];
        let begin = Instant::now();
        let mut decided = 0;
        for shard in 0..shards {
            let event = CandleClosed { close_time, shard, shards }.event("TEST|parity");
            let outcome = desktop.run("evaluate-strategies", RunRequest::of_event(event)).await;
            decided += outcome.unwrap_or_else(|error| panic!("{error}")).job_run().rows_in;
        }
        took.push(begin.elapsed());
        assert_eq!(decided, (SYMBOLS * VERSIONS) as u64, "every lane decides");
    }
    print("evaluated and stored: 500 symbols x 20 versions, first close (loads the code)", &took[..1], 1);
    print("the same, later closes", &took[1..], SYMBOLS * VERSIONS);
    let charged = counted.take();
    let a_shard = |sum: usize| sum / ROUNDS / shards as usize;
    println!(
        "a shard of {LANES_PER_SHARD} evaluations: {} documents read, {} written, {} deleted, in {} calls",
        a_shard(charged.reads),
        a_shard(charged.writes),
        a_shard(charged.deletes),
        a_shard(charged.calls)
    );
}

/// The strategies, each under its own parameters, on all instruments.
fn many(candles: &Candles, instruments: &[Instrument]) -> Scenario {
    let runtime = shipped::runtime();
    let strategy = shipped::load(&runtime, "sma-cross");
    let series = instruments.iter().map(|instrument| {
        let candles = Candles::new(instrument.clone(), Timeframe::H1, candles.columns().clone());
        let candles = Arc::new(candles.unwrap_or_else(|error| panic!("{error}")));
        MarketSeries::new(candles, InstrumentRules::default(), "flat", 0)
    });
    let strategies = (0..VERSIONS).map(|version| {
        let slow = (20 + version).to_string();
        let setup = reference::setup(strategy.clone(), candles, &[("fast", "5"), ("slow", &slow)]);
        let strategy_id = format!("sma-{version:02}");
        StrategySetup { strategy_id, series: (0..SYMBOLS).collect(), timeframe: Timeframe::H1, ..setup }
    });
    Scenario {
        series: series.collect(),
        strategies: strategies.collect(),
        components: BTreeMap::from([(strategy.component_hash(), shipped::component("sma-cross"))]),
        account: reference::account(),
    }
}

/// Takes the stores of a simulation for trading in real time: each commit waits for the disk. What would be charged for
/// is counted.
async fn real_time(mut simulation: Simulation, folder: &Path) -> (Desktop, Arc<CountingStore>) {
    let store = Arc::new(CountingStore::new(waiting_for_the_disk(folder)));
    let mut kept = None;
    simulation.restart(|mut wiring| {
        wiring.store = store.clone();
        kept = Some(wiring.clone());
        wiring
    });
    (Desktop::new(kept.unwrap_or_else(|| panic!("there is a wiring"))), store)
}

fn waiting_for_the_disk(folder: &Path) -> Arc<SqliteDocuments> {
    let store = SqliteDocuments::open(&folder.join("hot.sqlite"), Environment::Test, Durability::PowerCut);
    Arc::new(store.unwrap_or_else(|error| panic!("{error}")))
}

/// Puts the candles of every instrument into the hot store, as `ingest-candles` does.
async fn keep(desktop: &Desktop, candles: &Candles, instruments: &[Instrument], length: SessionLength) {
    let store = desktop.runtime().store.as_ref();
    let records = Records::<CandleChunk>::of(store, Environment::Test);
    let columns = candles.columns();
    for instrument in instruments {
        let mut writes = Vec::new();
        let mut row = 0;
        while row < candles.len() {
            let session = length.around(columns.open_time[row]);
            let end = columns.open_time.partition_point(|time| *time < session.end);
            let columns: Columns = columns.slice(row..end);
            let chunk = CandleChunk::of(instrument, Timeframe::H1, columns, session.start);
            let chunk = chunk.unwrap_or_else(|| panic!("there are candles"));
            writes.push(records.put(&chunk, Precondition::Any).unwrap_or_else(|error| panic!("{error}")));
            row = end;
        }
        store.commit(writes).await.unwrap_or_else(|error| panic!("{error}"));
    }
}

/// Moments at which orders go out, whole: the candle is fetched and kept, the strategy decides, the gate lets its signal
/// through, the order is sent over HTTP, and the books are brought up to its fill.
async fn orders(hourly: &Candles) {
    let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
    let first = hourly.columns().open_time[0];
    let candles = hourly.between(first, first + 1_500 * Timeframe::H1.millis()).unwrap_or_else(|| panic!("no candles"));
    let (candles, _) = sentinel_domain::candles::gaps::apply(candles, sentinel_domain::candles::gaps::GapPolicy::Flat)
        .unwrap_or_else(|error| panic!("{error}"));
    let scenario = Scenario::on(candles, &[("sma-cross", &[("fast", "2"), ("slow", "4")])], |_| {});
    let mut simulation = scenario.simulation(folder.path()).await;
    let store = Arc::new(CountingStore::new(waiting_for_the_disk(folder.path())));
    let counted = Arc::clone(&store);
    simulation.restart(|mut wiring| {
        wiring.store = store;
        wiring
    });
    let (mut moments, mut with_order) = (Vec::new(), Vec::new());
    let sent = |simulation: &Simulation| simulation.broker().look(|exchange| exchange.orders().len());
    let (mut took, mut to_order) = (Vec::new(), Vec::new());
    while simulation.next_moment().is_some() {
        let (before, begin) = (sent(&simulation), Instant::now());
        simulation.run_next().await.unwrap_or_else(|error| panic!("{error}"));
        let elapsed = begin.elapsed();
        let (charged, commits) = (counted.take(), counted.take_commits());
        if sent(&simulation) > before {
            took.push(elapsed);
            to_order.extend(from_signal_to_order(&commits));
            with_order.push(charged);
        } else {
            moments.push(charged);
        }
    }
    for (what, charged) in [("a close without an order", moments), ("a close with an order and its fill", with_order)] {
        let mean = |part: fn(&Charged) -> usize| charged.iter().map(part).sum::<usize>() as f64 / charged.len() as f64;
        println!(
            "{what}: {:.1} documents read, {:.1} written, {:.1} deleted, in {:.1} calls",
            mean(|it| it.reads),
            mean(|it| it.writes),
            mean(|it| it.deletes),
            mean(|it| it.calls)
        );
    }
    print("from a signal that is stored to its order, accepted at the broker and so noted in the books", &to_order, 1);
    print("from a candle's close to the order at the broker and its fill in the books", &took, 1);
}

/// The first commit with signals stores them. The gate's decides on them, beside positions and account; what is written to
/// positions alone after it is what the broker has answered.
fn from_signal_to_order(commits: &[Made]) -> Option<Duration> {
    let [signals, positions] = [Collection::LiveSignals, Collection::LivePositions].map(|collection| {
        let name = Environment::Test.collection(collection);
        move |made: &&Made| made.collections.contains(&name)
    });
    let stored = commits.iter().find(&signals)?;
    let decided = commits.iter().position(|made| signals(&made) && positions(&made))?;
    let answered = commits[decided + 1..].iter().find(&positions)?;
    Some(answered.at - stored.at)
}

fn print(what: &str, took: &[Duration], per: usize) {
    let mut sorted = took.to_vec();
    sorted.sort();
    let at = |per_cent: usize| sorted[(sorted.len() - 1) * per_cent / 100];
    let each = if per > 1 { format!(", {:.1?} each", at(50) / u32::try_from(per).unwrap_or(1)) } else { String::new() };
    println!("{what}: median {:.2?}, p99 {:.2?}, most {:.2?} of {}{each}", at(50), at(99), at(100), sorted.len());
}
