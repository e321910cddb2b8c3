//! Which strategies decide at a close, on what: the same list for whoever asks.

use sentinel_domain::documents::StoreError;
use sentinel_domain::instrument::Instrument;
use sentinel_domain::registry::StrategyVersion;
use sentinel_domain::timeframe::{Timeframe, UnixMillis};
use sentinel_function_runtime::Reads;

/// One version of a strategy on one instrument.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DecidingLane<'a> {
    /// The version that decides.
    pub version: &'a StrategyVersion,
    /// On what.
    pub instrument: &'a Instrument,
}

/// Returns the versions that decide at `time`, one for each strategy, by strategy.
///
/// # Errors
/// When the store cannot be read.
pub async fn versions_as_of(ctx: &impl Reads, time: UnixMillis) -> Result<Vec<StrategyVersion>, StoreError> {
    let records = ctx.records::<StrategyVersion>();
    let begun = records.all(records.select().at_most("valid_from", time)).await?;
    let mut versions: Vec<_> =
        begun.into_iter().map(|stored| stored.record).filter(|version| version.holds(time)).collect();
    versions.sort_by(|a, b| a.strategy_id.cmp(&b.strategy_id));
    Ok(versions)
}

/// Returns the lanes whose candles close at `time`, by strategy and instrument.
#[must_use]
pub fn closing_at(versions: &[StrategyVersion], time: UnixMillis) -> Vec<DecidingLane<'_>> {
    let mut lanes: Vec<_> = versions
        .iter()
        .filter(|version| closes_at(version.config.timeframe, time))
        .flat_map(|version| version.assets.iter().map(move |instrument| DecidingLane { version, instrument }))
        .collect();
    lanes.sort_by_key(|lane| (&lane.version.strategy_id, lane.instrument));
    lanes
}

/// Returns whether candles of `timeframe` close at `time`.
#[must_use]
pub fn closes_at(timeframe: Timeframe, time: UnixMillis) -> bool {
    timeframe.candle_open(time) == time
}
