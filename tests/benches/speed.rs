//! How fast the sandbox is, as ratios against a native loop in the same run.
//!
//! Machines differ and are noisy, so every figure is the best of several rounds in which all contestants take turns,
//! and what counts is the ratio. Run it with `make bench`.

use std::hint::black_box;
use std::time::Instant;

use sentinel_backtest::run::Backtest;
use sentinel_backtest::sweep::{Grid, sweep};
use sentinel_domain::candles::Candles;
use sentinel_domain::candles::gaps::{GapPolicy, apply};
use sentinel_domain::instrument::InstrumentRules;
use sentinel_domain::timeframe::Timeframe;
use sentinel_runtime::{Limits, LimitsClass, Runtime, RuntimeConfig};
use sentinel_tests::native::{Reference, sma_cross, sma_cross_with_equity};
use sentinel_tests::{data, reference, shipped};

const ROUNDS: usize = 25;

/// As in the binary `sentinel`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let Some(folder) = data::folder("the speed bench") else { return };
    let minutes = data::candles(&folder, "btcusd-1m-2019.csv.gz", Timeframe::M1);
    let (minutes, _) = apply(minutes, GapPolicy::Flat).unwrap_or_else(|error| panic!("{error}"));
    backtest(&minutes);
    sweep_of_100(&minutes);
    if words().is_empty() {
        linearity(&minutes);
        evaluation(&minutes);
    }
}

/// The words on the command line: they keep the contestants whose name holds one of them.
fn words() -> Vec<String> {
    std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect()
}

/// Something to time, by name, and how many bars it passes over.
struct Contestant<'a> {
    name: &'static str,
    bars: usize,
    run: Box<dyn FnMut() + 'a>,
}

impl<'a> Contestant<'a> {
    fn new(name: &'static str, bars: usize, run: impl FnMut() + 'a) -> Self {
        Self { name, bars, run: Box::new(run) }
    }
}

/// Lets all contestants take turns and prints each one's best round against the first one's, which always runs.
fn race(title: &str, rounds: usize, mut contestants: Vec<Contestant<'_>>) {
    let words = words();
    let mut index = 0;
    contestants.retain(|contestant| {
        index += 1;
        index == 1 || words.is_empty() || words.iter().any(|word| contestant.name.contains(word.as_str()))
    });
    if contestants.len() < 2 {
        return;
    }
    let mut best = vec![f64::INFINITY; contestants.len()];
    for _ in 0..rounds {
        for (contestant, best) in contestants.iter_mut().zip(&mut best) {
            *best = best.min(seconds(&mut contestant.run));
        }
    }
    println!("\n{title}");
    println!("{:<52} {:>9} {:>9} {:>10} {:>8}", "", "ms", "ns/bar", "M bars/s", "ratio");
    let per_bar = |index: usize| best[index] / contestants[index].bars as f64;
    for (index, contestant) in contestants.iter().enumerate() {
        println!(
            "{:<52} {:>9.2} {:>9.2} {:>10.1} {:>8.2}",
            contestant.name,
            best[index] * 1e3,
            per_bar(index) * 1e9,
            1e-6 / per_bar(index),
            per_bar(index) / per_bar(0),
        );
    }
}

#[expect(clippy::disallowed_methods, reason = "a bench measures the machine's own time")]
fn seconds(run: &mut dyn FnMut()) -> f64 {
    let start = Instant::now();
    run();
    start.elapsed().as_secs_f64()
}

fn pool(threads: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap_or_else(|error| panic!("{error}"))
}

fn run(backtest: &Backtest) {
    black_box(backtest.run().unwrap_or_else(|error| panic!("{error}")));
}

fn backtest(minutes: &Candles) {
    let runtime = shipped::runtime();
    let bars = minutes.len();
    let backtest = reference::backtest(shipped::load(&runtime, "sma-cross"), minutes.clone(), &reference::PARAMETERS);
    let (result, _) = backtest.run().unwrap_or_else(|error| panic!("{error}"));
    println!("reference: {} bars, {} entries, final equity {:.2}", bars, result.entries, result.equity_final);
    let columns = minutes.columns();
    let (open, close) = (&columns.open, &columns.close);
    let plain = sma_cross(open, close, &Reference::default());
    println!("native:    {} bars, {} entries, final equity {:.2}", bars, plain.entries, plain.equity);

    let (one, two) = (pool(1), pool(2));
    let mut equity = Vec::new();
    let signals = backtest.evaluate().unwrap_or_else(|error| panic!("{error}"));
    race(
        "Backtest of one strategy on a year of minutes",
        ROUNDS,
        vec![
            Contestant::new("native loop: trades and final equity", bars, || {
                black_box(sma_cross(black_box(open), black_box(close), &Reference::default()));
            }),
            Contestant::new("native loop: with equity curve and drawdown", bars, || {
                black_box(sma_cross_with_equity(black_box(open), black_box(close), &Reference::default(), &mut equity));
            }),
            Contestant::new("sandbox only, one thread", bars, || {
                one.install(|| drop(black_box(backtest.evaluate())));
            }),
            Contestant::new("account only, one thread", bars, || drop(black_box(backtest.settle(&signals)))),
            Contestant::new("backtest, one thread", bars, || one.install(|| run(&backtest))),
            Contestant::new("backtest, two threads", bars, || two.install(|| run(&backtest))),
        ],
    );
}

fn sweep_of_100(minutes: &Candles) {
    let runtime = shipped::runtime();
    let backtest = reference::backtest(shipped::load(&runtime, "sma-cross"), minutes.clone(), &reference::PARAMETERS);
    let grid = Grid::parse(["fast=5..14", "slow=20..65:5"]).unwrap_or_else(|error| panic!("{error}"));
    let fixed = [("threshold".to_owned(), "0.00001".to_owned())].into();
    let manifest = backtest.strategies()[0].component.manifest();
    let points = grid.points(manifest, &fixed).unwrap_or_else(|error| panic!("{error}"));
    let bars = minutes.len() * points.len();
    let columns = minutes.columns();
    let (one, two) = (pool(1), pool(2));
    let contestants = vec![
        Contestant::new("native loop, one thread", bars, || {
            for fast in 5..15 {
                for slow in (20..=65).step_by(5) {
                    let reference = Reference { fast, slow, ..Reference::default() };
                    black_box(sma_cross(black_box(&columns.open), black_box(&columns.close), &reference));
                }
            }
        }),
        Contestant::new("sweep, one thread", bars, || {
            one.install(|| drop(black_box(sweep(&backtest, points.clone(), || ()))));
        }),
        Contestant::new("sweep, two threads", bars, || {
            two.install(|| drop(black_box(sweep(&backtest, points.clone(), || ()))));
        }),
    ];
    race("Sweep of 100 pairs on the same bars (pair-bars)", 3, contestants);
}

/// Cost by bars at equal density of orders, and by orders at equal bars.
fn linearity(minutes: &Candles) {
    let runtime = shipped::runtime();
    let one = pool(1);
    let part = |bars: usize| {
        let times = &minutes.columns().open_time;
        minutes.between(times[0], times[bars - 1] + 1).unwrap_or_else(|| panic!("the year has {bars} minutes"))
    };
    let whole = minutes.len();
    let by_bars: Vec<Backtest> = [whole / 4, whole / 2, whole]
        .into_iter()
        .map(|bars| reference::backtest(shipped::load(&runtime, "sma-cross"), part(bars), &reference::PARAMETERS))
        .collect();
    let names = ["a quarter of the year", "half of it: 2x the bars", "all of it: 4x the bars"];
    let contestants = names.into_iter().zip(&by_bars);
    let contestants =
        contestants.map(|(name, backtest)| Contestant::new(name, backtest.bars(), || one.install(|| run(backtest))));
    race("Linear in bars: the same cost for each", 7, contestants.collect());

    println!("\nLinear in orders: the same bars, more orders (account only)");
    println!("{:<40} {:>9} {:>9} {:>12}", "", "entries", "ms", "us an entry");
    let mut base = None;
    for (fast, slow) in [("160", "480"), ("40", "120"), ("20", "60"), ("10", "30"), ("5", "15")] {
        let parameters = [("fast", fast), ("slow", slow), ("threshold", "0.00001")];
        let backtest = reference::backtest(shipped::load(&runtime, "sma-cross"), minutes.clone(), &parameters);
        let signals = backtest.evaluate().unwrap_or_else(|error| panic!("{error}"));
        let mut settle = || drop(black_box(backtest.settle(&signals)));
        let best = (0..7).map(|_| seconds(&mut settle)).fold(f64::INFINITY, f64::min);
        let entries = backtest.settle(&signals).entries as f64;
        // What the first costs beyond its few orders is the cost of the bars.
        let (first_entries, first) = *base.get_or_insert((entries, best));
        let each = if entries > first_entries { (best - first) / (entries - first_entries) * 1e6 } else { 0.0 };
        println!("{:<40} {:>9} {:>9.2} {:>12.3}", format!("fast {fast}, slow {slow}"), entries, best * 1e3, each);
    }
}

/// One evaluation as live does it: a fresh sandbox, 200 bars.
fn evaluation(minutes: &Candles) {
    let cache = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
    let config = RuntimeConfig { cache_dir: Some(cache.path().to_owned()), ..RuntimeConfig::default() };
    let runtime = Runtime::new(config).unwrap_or_else(|error| panic!("{error}"));
    println!("\nOne evaluation of 200 bars in a fresh sandbox (medians)");
    println!("{:<28} {:>8} {:>14} {:>16} {:>14}", "", "columns", "evaluation us", "precompiled ms", "ns a bar");
    for name in ["sma-cross", "six-columns", "sma-cross-python", "sma-cross-javascript"] {
        let Some(component) = shipped::component_if_tools(name) else { continue };
        let limits = Limits::of(LimitsClass::suggest(component.len() as u64));
        let load = || runtime.load(&component, limits.clone()).unwrap_or_else(|error| panic!("{name}: {error}"));
        let strategy = load();
        let loads = median(if component.len() < 1_000_000 { 50 } else { 7 }, || drop(black_box(load())));
        let parameters = strategy.manifest().resolve_parameters(&[].into()).unwrap_or_else(|error| panic!("{error}"));
        let (columns, rules) = (minutes.columns(), InstrumentRules::default());
        let open = || {
            let opened = strategy.open(minutes.instrument(), minutes.timeframe(), &rules, &parameters);
            opened.unwrap_or_else(|error| panic!("{name}: {error}"))
        };
        let mut signals = Vec::new();
        let mut show = |bars: usize, first: usize| {
            signals.clear();
            open()
                .on_bars(columns, first..first + bars, &mut signals)
                .unwrap_or_else(|error| panic!("{name}: {error}"));
        };
        let mut first = 0;
        let rounds = if component.len() < 1_000_000 { 3_000 } else { 50 };
        let evaluation = median(rounds, || {
            first = (first + 197) % (minutes.len() - 200);
            show(200, first);
        });
        let batch = median(9, || show(20_000, 0));
        println!(
            "{name:<28} {:>8} {:>14.1} {:>16.3} {:>14.1}",
            strategy.manifest().columns.names().len(),
            evaluation * 1e6,
            loads * 1e3,
            batch / 20_000.0 * 1e9
        );
    }
}

fn median(rounds: usize, mut run: impl FnMut()) -> f64 {
    let mut times: Vec<f64> = (0..rounds).map(|_| seconds(&mut run)).collect();
    times.sort_by(f64::total_cmp);
    times[rounds / 2]
}
