//! What the sandbox costs, for one component: `cargo bench -p sentinel-runtime -- FILE.wasm…`.
//!
//! Prints medians over many rounds, because the machines this runs on are shared.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    missing_docs,
    reason = "a bench"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use sentinel_domain::candles::{Candles, Columns};
use sentinel_domain::instrument::{Instrument, InstrumentRules};
use sentinel_domain::timeframe::Timeframe;
use sentinel_runtime::{Limits, LimitsClass, Runtime, RuntimeConfig, Strategy};

fn main() {
    let files: Vec<_> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"))
        .collect();
    let env = |name: &str, default: usize| {
        std::env::var(name)
            .ok()
            .and_then(|v| v.parse().ok())
            .unwrap_or(default)
    };
    let mut config = RuntimeConfig::default();
    config.memory_resident_bytes = env("MEM_RES", config.memory_resident_bytes);
    config.table_resident_bytes = env("TAB_RES", config.table_resident_bytes);
    let runtime = Runtime::new(config).unwrap();
    for file in files {
        let bytes = std::fs::read(&file).unwrap();
        let limits = Limits::of(LimitsClass::suggest(bytes.len() as u64));
        let start = Instant::now();
        let strategy = runtime.load(&bytes, limits.clone()).unwrap();
        println!("{file}: load {:?}", start.elapsed());
        run(&strategy);
    }
}

fn run(strategy: &Strategy) {
    let candles = candles(526_000);
    let (instrument, columns, rules) = (
        candles.instrument(),
        candles.columns(),
        InstrumentRules::default(),
    );
    let parameters = strategy
        .manifest()
        .resolve_parameters(&Default::default())
        .unwrap();
    let open = || {
        strategy
            .open(instrument, Timeframe::M1, &rules, &parameters)
            .unwrap()
    };
    let mut out = Vec::new();
    let fresh = median(2_000, || {
        black_box(open());
    });
    let evaluation = median(2_000, || {
        out.clear();
        let mut session = open();
        session.on_bars(columns, 0..200, &mut out).unwrap();
        black_box(session);
    });
    let mut session = open();
    let mut row = 0;
    let call = median(2_000, || {
        session.on_bars(columns, row..row + 1, &mut out).unwrap();
        row += 1;
    });
    let day = median(200, || {
        let mut session = open();
        session.on_bars(columns, 0..1440, &mut out).unwrap();
    });
    let batch = median(9, || {
        out.clear();
        for day in 0..365 {
            let mut session = open();
            session
                .on_bars(columns, day * 1440..(day + 1) * 1440, &mut out)
                .unwrap();
        }
    });
    println!(
        "  fresh {fresh:?}  200 bars {evaluation:?}  one call {call:?}  day {day:?} year {:.2} ns/bar  fuel/bar {}",
        batch.as_nanos() as f64 / (365.0 * 1440.0),
        session.fuel_used() / 2000
    );
}

fn median(rounds: usize, mut work: impl FnMut()) -> Duration {
    let mut times: Vec<_> = (0..rounds)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[rounds / 2]
}

fn candles(count: i64) -> Candles {
    let close: Vec<f64> = (0..count)
        .map(|i| 100.0 + ((i * 7919) % 1000) as f64 / 100.0 + (i as f64 / 50.0).sin() * 5.0)
        .collect();
    let columns = Columns {
        open_time: (0..count).map(|i| i * 60_000).collect(),
        open: close.clone(),
        high: close.clone(),
        low: close.clone(),
        volume: close.clone(),
        close,
        ..Columns::default()
    };
    let instrument = Instrument {
        exchange: "test".parse().unwrap(),
        symbol: "BTC/USD".parse().unwrap(),
    };
    Candles::new(instrument, Timeframe::M1, columns).unwrap()
}
