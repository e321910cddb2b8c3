//! What the sandbox costs: `cargo bench -p sentinel-runtime -- FILE.wasm…`, for each component a line.
//!
//! Prints medians of many rounds, with the fastest tenth in brackets, because the machines this runs on are shared. A
//! native loop over the same bars runs beside, so that the ratio means something on any machine.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    missing_docs,
    reason = "a bench measures time and prints"
)]

use std::collections::BTreeMap;
use std::fmt;
use std::hint::black_box;
use std::time::Instant;

use sentinel_domain::candles::Candles;
use sentinel_domain::instrument::InstrumentRules;
use sentinel_domain::session::sessions;
use sentinel_domain::timeframe::Timeframe;
use sentinel_runtime::{Limits, LimitsClass, Runtime, RuntimeConfig, Strategy, synthetic_candles};

fn main() {
    let files: Vec<_> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    if files.is_empty() {
        println!("name the components to measure: cargo bench -p sentinel-runtime -- FILE.wasm…");
        return;
    }
    let cache = tempfile::tempdir().unwrap();
    let runtime = Runtime::new(RuntimeConfig { cache_dir: Some(cache.path().into()), ..RuntimeConfig::default() });
    let runtime = runtime.unwrap();
    let candles = synthetic_candles(Timeframe::M1, 365 * 1_440, 42).unwrap();
    println!("native loop: {} for each of {} bars", native_loop(&candles), candles.len());
    for file in files {
        let component = std::fs::read(&file).unwrap();
        let limits = Limits::of(LimitsClass::suggest(component.len() as u64));
        let start = Instant::now();
        let strategy = runtime.load(&component, limits.clone()).unwrap();
        let compiled = start.elapsed();
        let loaded = measure(50, || drop(black_box(runtime.load(&component, limits.clone()).unwrap())));
        println!("{file} ({} KiB): compiled in {compiled:.1?}, loaded precompiled in {loaded}", component.len() / 1024);
        run(&strategy, &candles);
    }
}

fn run(strategy: &Strategy, candles: &Candles) {
    let (columns, rules) = (candles.columns(), InstrumentRules::default());
    let parameters = strategy.manifest().resolve_parameters(&BTreeMap::new()).unwrap();
    let open = || strategy.open(candles.instrument(), candles.timeframe(), &rules, &parameters).unwrap();
    let mut out = Vec::new();

    let fresh = measure(2_000, || drop(black_box(open())));
    let mut first = (0..candles.len() - 200).step_by(197).cycle();
    let evaluation = measure(2_000, || {
        out.clear();
        let first = first.next().unwrap();
        open().on_bars(columns, first..first + 200, &mut out).unwrap();
    });
    let mut session = open();
    let mut row = 0;
    let call = measure(2_000, || {
        session.on_bars(columns, row..row + 1, &mut out).unwrap();
        row += 1;
    });
    let sessions = sessions(&columns.open_time, candles.timeframe());
    let warm_up_bars =
        strategy.warm_up_bars(candles.instrument(), candles.timeframe(), &rules, &parameters).unwrap() as usize;
    let batch = measure(9, || {
        out.clear();
        for one in &sessions {
            let mut session = open();
            session.warm_up(columns, one.warm_up(warm_up_bars)).unwrap();
            session.on_bars(columns, one.bars.clone(), &mut out).unwrap();
        }
    });
    println!("  fresh and opened {fresh}, and shown 200 bars {evaluation}, shown one more bar {call}");
    println!("  a bar of a year in {} sessions {}; {} signals", sessions.len(), batch.each(candles.len()), out.len());
}

/// A cross of two moving averages, written as one would without a sandbox.
fn native_loop(candles: &Candles) -> Measured {
    let close = &candles.columns().close;
    measure(15, || {
        let (mut fast, mut slow, mut is_long, mut crosses) = (0.0, 0.0, false, 0_u32);
        for (row, price) in close.iter().enumerate() {
            fast += price - if row >= 10 { close[row - 10] } else { 0.0 };
            slow += price - if row >= 30 { close[row - 30] } else { 0.0 };
            if row >= 30 && (fast / 10.0 - slow / 30.0 > 1e-5) != is_long {
                is_long = !is_long;
                crosses += 1;
            }
        }
        black_box(crosses);
    })
    .each(close.len())
}

struct Measured {
    median_ns: f64,
    fastest_tenth_ns: f64,
}

impl Measured {
    fn each(self, count: usize) -> Self {
        let count = count as f64;
        Self { median_ns: self.median_ns / count, fastest_tenth_ns: self.fastest_tenth_ns / count }
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = |nanos: f64| match nanos {
            ..1e3 => format!("{nanos:.1} ns"),
            1e3..1e6 => format!("{:.1} µs", nanos / 1e3),
            _ => format!("{:.2} ms", nanos / 1e6),
        };
        write!(f, "{} ({})", time(self.median_ns), time(self.fastest_tenth_ns))
    }
}

fn measure(rounds: usize, mut work: impl FnMut()) -> Measured {
    let mut times: Vec<_> = (0..rounds)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed().as_nanos() as f64
        })
        .collect();
    times.sort_unstable_by(f64::total_cmp);
    Measured { median_ns: times[rounds / 2], fastest_tenth_ns: times[rounds / 10] }
}
