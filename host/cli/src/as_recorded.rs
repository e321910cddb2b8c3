//! `sentinel backtest --as-recorded`: what was active is read from the registry, not from options.
//!
//! Each row of the registry that decides within the time becomes a strategy of its own, on the assets it names; the
//! account is the one of `account.toml`, the candles are those that `sentinel dev --from --to` trades.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use anyhow::Result;
use sentinel_backtest::market::{MarketSeries, StrategySetup};
use sentinel_backtest::run::Backtest;
use sentinel_domain::components::ComponentStore;
use sentinel_domain::instrument::{Instrument, InstrumentRules};
use sentinel_domain::registry::StrategyVersion;
use sentinel_domain::timeframe::UnixMillis;
use sentinel_evaluate_strategies::{Library, risk_of};
use sentinel_register_strategy::{history, nearest};
use sentinel_runtime::LazyRuntime;

use crate::account;
use crate::args::BacktestArgs;
use crate::failure::usage;
use crate::home::Home;
use crate::laptop::{Laptop, block_on};
use crate::markets;
use crate::output::Output;
use crate::strategies::sandbox_config;

/// Makes the backtest of what the registry says was active.
pub(crate) fn assemble(args: &BacktestArgs, threads: usize, home: &Home, output: &Output) -> Result<Backtest> {
    let span = span(args)?;
    let laptop = Laptop::open(home, "sentinel backtest --as-recorded")?;
    let account = laptop.account()?;
    let versions = block_on(async { Ok(history::all(&laptop.documents, laptop.environment).await?) })?;
    let simulated = laptop.simulated.map(|time| time.finest);
    let asked = args.run.candles.fill_timeframe.or(simulated).or(account.finest);
    let finest = markets::finest(&versions, &span, asked, home)?;
    let versions = only(&args.strategy_id, versions)?;
    let components = Arc::clone(&laptop.components) as Arc<dyn ComponentStore>;
    let library = Library::new(components, Arc::new(LazyRuntime::new(sandbox_config(threads))));

    let series: Vec<_> = {
        let _spinner = output.spinner("reading candles");
        let markets = markets::read(&versions, &span, finest, home)?.into_iter();
        let rules = InstrumentRules::default();
        markets
            .map(|market| MarketSeries::new(market.candles, rules, market.gaps.as_str(), market.bars_missing))
            .collect()
    };
    let places = series.iter().enumerate().map(|(place, series)| (series.instrument().as_ref().clone(), place));
    let places: BTreeMap<Instrument, usize> = places.collect();
    let _spinner = output.spinner("loading strategies");
    let deciding = markets::within(&versions, &span)?;
    let setups = deciding.into_iter().map(|version| setup(version, &places, &library)).collect::<Result<_>>()?;
    Ok(Backtest::new(series, setups, account::settings(&account))?)
}

fn span(args: &BacktestArgs) -> Result<Range<UnixMillis>> {
    match (args.run.candles.from, args.run.candles.to) {
        (Some(from), Some(to)) if from < to => Ok(from..to),
        (Some(_), Some(_)) => Err(usage("--from is not before --to; no candle lies between")),
        _ => Err(usage("--as-recorded needs --from and --to: which part of the past to run")),
    }
}

/// Keeps the versions of the strategies that are named, or all.
fn only(named: &[String], mut versions: Vec<StrategyVersion>) -> Result<Vec<StrategyVersion>> {
    for id in named {
        let mut known: Vec<_> = versions.iter().map(|version| version.strategy_id.as_str()).collect();
        known.dedup();
        if !known.contains(&id.as_str()) {
            let meant = nearest(id, known.iter().copied());
            let meant = meant.map_or_else(String::new, |meant| format!("; did you mean {meant}?"));
            let known = if known.is_empty() { "none yet".to_owned() } else { known.join(", ") };
            return Err(usage(format_args!("no strategy {id} is registered: there are {known}{meant}")));
        }
    }
    if !named.is_empty() {
        versions.retain(|version| named.contains(&version.strategy_id));
    }
    Ok(versions)
}

fn setup(version: &StrategyVersion, places: &BTreeMap<Instrument, usize>, library: &Library) -> Result<StrategySetup> {
    let loaded = block_on(async { Ok(library.load(version).await?) })?;
    Ok(StrategySetup {
        strategy_id: version.strategy_id.clone(),
        parameters: loaded.parameters.to_vec(),
        component: loaded.strategy,
        timeframe: version.config.timeframe,
        risk: risk_of(version),
        series: version.assets.iter().filter_map(|asset| places.get(asset).copied()).collect(),
        recorded: Some(Arc::new(version.clone())),
    })
}
