//! The coin that alpha and beta are taken against, out of the coarsest candles there are of it.

use chrono::NaiveDate;
use sentinel_archive::Tape;
use sentinel_archive::time::{day_number, end_of, midnight};
use sentinel_domain::candles::Candles;
use sentinel_domain::instrument::Instrument;
use sentinel_domain::timeframe::Timeframe;
use sentinel_function_runtime::{FunctionError, RunContext};
use sentinel_metrics::Benchmark;

/// How long before the first day is looked for a close to begin with.
const BEFORE: i64 = 7 * Timeframe::D1.millis();

/// Returns the coin's close of each day up to the run's; `None` without candles of it.
pub(crate) async fn read(
    ctx: &RunContext,
    tape: &mut Tape<'_>,
    instrument: Option<&Instrument>,
    first: NaiveDate,
) -> Result<Option<Benchmark>, FunctionError> {
    let Some(instrument) = instrument else { return Ok(None) };
    for timeframe in Timeframe::ALL.into_iter().rev() {
        let columns = tape.of(instrument, timeframe, midnight(first) - BEFORE, end_of(ctx.ds())).await?;
        if columns.open_time.is_empty() {
            continue;
        }
        let candles = Candles::new(instrument.clone(), timeframe, columns);
        let candles = candles.map_err(|error| FunctionError::failed("read the benchmark's candles", error))?;
        return Ok(Benchmark::buy_and_hold([&candles]));
    }
    Ok(None)
}

/// Returns the benchmark from `first` on, bought at the last close before it where there is one.
pub(crate) fn from(benchmark: &Benchmark, first: NaiveDate) -> Benchmark {
    let first = day_number(first);
    let begin = benchmark.daily.partition_point(|(day, _)| *day < first);
    let initial = begin.checked_sub(1).map_or(benchmark.initial, |before| benchmark.daily[before].1);
    Benchmark { name: benchmark.name.clone(), initial, daily: benchmark.daily[begin..].to_vec() }
}
