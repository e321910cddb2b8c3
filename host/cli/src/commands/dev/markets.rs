//! The candles that a simulation trades: those of the data folder, of everything that strategies name.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use sentinel_domain::candles::Candles;
use sentinel_domain::candles::gaps::{self, GapPolicy};
use sentinel_domain::instrument::{Instrument, InstrumentRules};
use sentinel_domain::registry::StrategyVersion;
use sentinel_domain::timeframe::{Timeframe, UnixMillis};

use crate::failure::usage;
use crate::format::moment;
use crate::home::Home;
use crate::laptop::Laptop;

/// Reads the `finest` candles of whatever versions trade within `span`.
pub(super) fn read(
    versions: &[StrategyVersion],
    span: &Range<UnixMillis>,
    finest: Timeframe,
    home: &Home,
) -> Result<Vec<(Arc<Candles>, InstrumentRules)>> {
    let store = home.candles()?;
    let mut markets = Vec::new();
    for (instrument, policy) in policies(&within(versions, span)?) {
        let name = format!("{instrument} {finest}");
        let candles = store.read(instrument, finest, span.clone()).with_context(|| {
            format!("a simulation needs the {name} candles from {} to {}", moment(span.start), moment(span.end))
        })?;
        let (candles, _) = gaps::apply(candles, policy).with_context(|| format!("cannot use the candles of {name}"))?;
        markets.push((Arc::new(candles), InstrumentRules::default()));
    }
    Ok(markets)
}

/// Returns the candles to simulate: the longest that the data folder has of everything that is traded within `span`, and
/// that are no longer than any that a strategy is shown.
pub(super) fn finest(versions: &[StrategyVersion], span: &Range<UnixMillis>, home: &Home) -> Result<Timeframe> {
    let within = within(versions, span)?;
    let shortest = within.iter().map(|version| version.config.timeframe).min().unwrap_or(Timeframe::D1);
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
fn within<'a>(versions: &'a [StrategyVersion], span: &Range<UnixMillis>) -> Result<Vec<&'a StrategyVersion>> {
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

/// Refuses stores in which the machine's own time has passed already.
pub(super) async fn refuse_real_time(laptop: &Laptop) -> Result<()> {
    let accounts = laptop.records::<sentinel_domain::live::Account>();
    if laptop.simulated.is_some() || accounts.query(&accounts.select().limit(1)).await?.is_empty() {
        return Ok(());
    }
    Err(usage(format_args!(
        "the stores in {} have traded in real time, with which simulated time does not mix; name another data folder \
         with --data-dir",
        laptop.folder.display()
    )))
}
