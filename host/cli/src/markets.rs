//! The candles on which the past of the registry is traded: those of the data folder, of everything that its versions
//! name. `sentinel dev --from --to` and `sentinel backtest --as-recorded` read the same.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use sentinel_domain::candles::Candles;
use sentinel_domain::candles::gaps::{self, GapPolicy};
use sentinel_domain::instrument::Instrument;
use sentinel_domain::registry::StrategyVersion;
use sentinel_domain::timeframe::{Timeframe, UnixMillis};

use crate::failure::usage;
use crate::format::moment;
use crate::home::Home;

/// The candles of one instrument, their gaps dealt with.
#[derive(Debug, Clone)]
pub(crate) struct Market {
    pub(crate) candles: Arc<Candles>,
    pub(crate) gaps: GapPolicy,
    pub(crate) bars_missing: usize,
}

/// Reads the `finest` candles of whatever versions trade within `span`.
pub(crate) fn read(
    versions: &[StrategyVersion],
    span: &Range<UnixMillis>,
    finest: Timeframe,
    home: &Home,
) -> Result<Vec<Market>> {
    let store = home.candles()?;
    let mut markets = Vec::new();
    for (instrument, policy) in policies(&within(versions, span)?) {
        let name = format!("{instrument} {finest}");
        let candles = store.read(instrument, finest, span.clone()).with_context(|| {
            format!("what is traded needs the {name} candles from {} to {}", moment(span.start), moment(span.end))
        })?;
        let (candles, report) =
            gaps::apply(candles, policy).with_context(|| format!("cannot use the candles of {name}"))?;
        markets.push(Market { candles: Arc::new(candles), gaps: policy, bars_missing: report.missing() });
    }
    Ok(markets)
}

/// Returns how long the candles are that orders meet and exits are decided on: as `asked`, or the longest that the data
/// folder has of everything that is traded within `span`, and that are no longer than any that a strategy is shown.
pub(crate) fn finest(
    versions: &[StrategyVersion],
    span: &Range<UnixMillis>,
    asked: Option<Timeframe>,
    home: &Home,
) -> Result<Timeframe> {
    let within = within(versions, span)?;
    let shortest = within.iter().min_by_key(|version| version.config.timeframe);
    match (asked, shortest) {
        (Some(asked), Some(shortest)) if shortest.config.timeframe < asked => {
            return Err(usage(format_args!(
                "the finest candles are {asked}, and {} is shown {} candles; exits cannot be decided at longer ones: \
                 set finest in account.toml, for stores that have begun in another data folder",
                shortest.strategy_id, shortest.config.timeframe
            )));
        }
        (Some(asked), _) => return Ok(asked),
        (None, _) => {}
    }
    let shortest = shortest.map_or(Timeframe::D1, |version| version.config.timeframe);
    let stored = home.candles()?.list()?;
    let traded = policies(&within);
    let has_all = |timeframe: &Timeframe| {
        let has = |instrument: &&Instrument| {
            stored.iter().any(|series| series.name.instrument == **instrument && series.name.timeframe == *timeframe)
        };
        traded.keys().all(has)
    };
    let mut lengths: Vec<_> = Timeframe::ALL.into_iter().filter(|timeframe| *timeframe <= shortest).collect();
    lengths.sort_unstable();
    // Where nothing fits, reading the candles says what is missing.
    Ok(lengths.into_iter().rev().find(has_all).unwrap_or(shortest))
}

/// Returns the versions that decide at some time within `span`.
pub(crate) fn within<'a>(
    versions: &'a [StrategyVersion],
    span: &Range<UnixMillis>,
) -> Result<Vec<&'a StrategyVersion>> {
    let decides = |version: &&StrategyVersion| {
        version.valid_from < span.end && version.valid_to.is_none_or(|end| end > span.start)
    };
    let found: Vec<_> = versions.iter().filter(decides).collect();
    match (found.is_empty(), versions.iter().map(|version| version.valid_from).min()) {
        (false, _) => Ok(found),
        (true, None) => Err(usage(
            "no strategy is registered; register one with `sentinel strategy register NAME --config FILE.toml --at TIME`",
        )),
        (true, Some(first)) => Err(anyhow!(
            "no strategy decides between {} and {}: the first version begins at {}; register with --at {}",
            moment(span.start),
            moment(span.end),
            moment(first),
            moment(span.start)
        )),
    }
}

/// Returns what is traded, and the strictest of the policies about its gaps.
fn policies<'a>(versions: &[&'a StrategyVersion]) -> BTreeMap<&'a Instrument, GapPolicy> {
    let strictness = |policy: GapPolicy| match policy {
        GapPolicy::Refuse => 0,
        GapPolicy::Flat => 1,
        GapPolicy::Skip => 2,
    };
    let mut policies = BTreeMap::new();
    for version in versions {
        // Registered, it was one of the three.
        let gaps = version.config.gaps.parse().unwrap_or(GapPolicy::Refuse);
        for asset in &version.assets {
            let policy = policies.entry(asset).or_insert(gaps);
            if strictness(gaps) < strictness(*policy) {
                *policy = gaps;
            }
        }
    }
    policies
}
