//! The same backtest gives the same result, whatever the number of threads.

use sentinel_domain::candles::gaps::{GapPolicy, apply};
use sentinel_domain::timeframe::Timeframe;
use sentinel_tests::{data, reference, shipped};

#[test]
fn threads_change_nothing() {
    let Some(folder) = data::folder("threads_change_nothing") else { return };
    let minutes = data::candles(&folder, "btcusd-1m-2019.csv.gz", Timeframe::M1);
    let (minutes, _) = apply(minutes, GapPolicy::Skip).unwrap();
    let strategy = shipped::load(&shipped::runtime(), "sma-cross");
    let backtest = reference::backtest(strategy, minutes, &reference::PARAMETERS);
    let run_on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| backtest.run().unwrap())
    };
    let alone = run_on(1);
    assert!(alone.entries > 1_000);
    for threads in [1, 2, 7] {
        assert!(run_on(threads) == alone, "{threads} threads give another result");
    }
}
