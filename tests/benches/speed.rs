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
use sentinel_domain::timeframe::Timeframe;
use sentinel_tests::native::{Reference, sma_cross, sma_cross_with_equity};
use sentinel_tests::{data, reference, shipped};

const ROUNDS: usize = 25;

fn main() {
    let Some(folder) = data::folder("the speed bench") else { return };
    let minutes = data::candles(&folder, "btcusd-1m-2019.csv.gz", Timeframe::M1);
    let (minutes, _) = apply(minutes, GapPolicy::Flat).unwrap_or_else(|error| panic!("{error}"));
    backtest(&minutes);
    sweep_of_100(&minutes);
    linearity(&minutes);
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

/// Lets all contestants take turns and prints each one's best round against the first one's. Words on the command
/// line keep those whose name holds one of them, besides the first.
fn race(title: &str, rounds: usize, mut contestants: Vec<Contestant<'_>>) {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
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
    let result = backtest.run().unwrap_or_else(|error| panic!("{error}"));
    println!("reference: {} bars, {} entries, final equity {:.2}", bars, result.entries, result.equity_final);
    let columns = minutes.columns();
    let (open, close) = (&columns.open, &columns.close);
    let plain = sma_cross(open, close, &Reference::default());
    println!("native:    {} bars, {} entries, final equity {:.2}", bars, plain.entries, plain.equity);

    let (one, two) = (pool(1), pool(2));
    let mut equity = Vec::new();
    let signals = backtest.evaluate().unwrap_or_else(|error| panic!("{error}"));
    race("Backtest of one strategy on a year of minutes", ROUNDS, vec![
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
    ]);
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

fn linearity(minutes: &Candles) {
    let _ = minutes;
}
