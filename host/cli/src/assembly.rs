//! From a plan to a backtest: strategies are loaded, candles read, gaps dealt with.

use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use sentinel_backtest::market::{MarketSeries, StrategySetup};
use sentinel_backtest::run::Backtest;
use sentinel_candle_store::simulated::EXCHANGE;
use sentinel_candle_store::{CandleStore, FileError, StoredSeries, load_file};
use sentinel_domain::candles::{Candles, gaps};
use sentinel_domain::instrument::{Instrument, Symbol};
use sentinel_domain::timeframe::{Timeframe, UnixMillis};

use crate::failure::usage;
use crate::format;
use crate::home::Home;
use crate::output::Output;
use crate::plan::{CandleSource, Plan, SeriesPlan, StrategyPlan};
use crate::strategies::Loader;

/// Makes the backtest that `plan` describes. Strategies come first: a parameter that is out of range should not wait
/// for candles to be read.
pub(crate) fn assemble(plan: &Plan, home: &Home, loader: &Loader<'_>, output: &Output) -> Result<Backtest> {
    let strategies =
        plan.strategies.iter().map(|strategy| load_strategy(strategy, loader)).collect::<Result<Vec<_>>>()?;
    for (index, setup) in strategies.iter().enumerate() {
        if strategies[..index].iter().any(|other| other.strategy_id == setup.strategy_id && shares_series(other, setup))
        {
            return Err(usage(format_args!(
                "two strategies are called {}; give one another id, such as --strategy second=FILE",
                setup.strategy_id
            )));
        }
    }
    let series = (0..plan.series.len())
        .map(|index| {
            let shown = plan.finest_shown(index).ok_or_else(|| {
                usage(format_args!("no strategy runs on {}; remove the series or name it", plan.series[index].symbol))
            })?;
            load_series(plan, &plan.series[index], shown, home, output)
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(Backtest::new(series, strategies, plan.account.clone())?)
}

fn shares_series(a: &StrategySetup, b: &StrategySetup) -> bool {
    a.series.iter().any(|series| b.series.contains(series))
}

fn load_strategy(plan: &StrategyPlan, loader: &Loader<'_>) -> Result<StrategySetup> {
    let component = loader.load(&plan.strategy, plan.limits_class)?;
    let manifest = component.manifest();
    Ok(StrategySetup {
        strategy_id: plan.id.clone().unwrap_or_else(|| manifest.id.clone()),
        parameters: manifest.resolve_parameters(&plan.parameters)?,
        timeframe: plan.timeframe,
        risk: plan.risk.clone(),
        series: plan.series.clone(),
        component,
        recorded: None,
    })
}

/// Reads candles of `shown`, or finer ones where there are none of it.
fn load_series(
    plan: &Plan,
    series: &SeriesPlan,
    shown: Timeframe,
    home: &Home,
    output: &Output,
) -> Result<MarketSeries> {
    let candles = match &series.source {
        CandleSource::File { path, exchange } => {
            let _spinner = output.spinner(format!("reading {}", path.display()));
            let instrument = Instrument { exchange: exchange.clone(), symbol: series.symbol.clone() };
            let candles = match load_file(path, &instrument, shown) {
                Err(FileError::Spacing { spacing, .. }) if spacing.timeframe().is_some_and(|found| found < shown) => {
                    load_file(path, &instrument, spacing.timeframe().unwrap_or(shown))?
                }
                loaded => loaded?,
            };
            within(candles.candles, plan)?
        }
        CandleSource::Store { .. } => {
            let store = home.candles()?;
            let stored = choose(&store, series, shown)?;
            let _spinner = output.spinner(format!("reading {} {}", stored.name.instrument, stored.name.timeframe));
            let range = plan.from.unwrap_or(UnixMillis::MIN)..plan.to.unwrap_or(UnixMillis::MAX);
            store.read(&stored.name.instrument, stored.name.timeframe, range)?
        }
    };
    let name = format!("{} {}", candles.instrument(), candles.timeframe());
    let (candles, report) =
        gaps::apply(candles, plan.gaps).with_context(|| format!("cannot use the candles of {name}"))?;
    Ok(MarketSeries::new(Arc::new(candles), series.rules, plan.gaps.as_str(), report.missing()))
}

fn within(candles: Candles, plan: &Plan) -> Result<Candles> {
    if plan.from.is_none() && plan.to.is_none() {
        return Ok(candles);
    }
    let (first, last) = (candles.columns().open_time[0], candles.close_time(candles.len() - 1));
    candles.between(plan.from.unwrap_or(UnixMillis::MIN), plan.to.unwrap_or(UnixMillis::MAX)).ok_or_else(|| {
        anyhow!(
            "no candle of {} lies between --from and --to; the file goes from {} to {}",
            candles.instrument(),
            format::moment(first),
            format::moment(last)
        )
    })
}

/// Returns the stored series to run on: the one asked for, else the one of `shown`, else the nearest finer one.
fn choose(store: &CandleStore, series: &SeriesPlan, shown: Timeframe) -> Result<StoredSeries> {
    let CandleSource::Store { exchange, timeframe } = &series.source else { unreachable!("only called for the store") };
    let all = store.list()?;
    let of_symbol = || all.iter().filter(|stored| stored.name.instrument.symbol == series.symbol);
    let mut exchanges: Vec<_> = of_symbol().map(|stored| stored.name.instrument.exchange.clone()).collect();
    exchanges.dedup();
    let exchange = match (exchange, exchanges.as_slice()) {
        (_, []) => return Err(unknown_symbol(&series.symbol, store, &all)),
        (Some(exchange), known) if known.contains(exchange) => exchange,
        (None, [only]) => only,
        (_, known) => {
            let known: Vec<_> = known.iter().map(|exchange| exchange.as_str()).collect();
            return Err(usage(format_args!(
                "the data folder has {} candles from {}; name one of them with --exchange",
                series.symbol,
                known.join(", ")
            )));
        }
    };
    let candidates: Vec<_> = of_symbol().filter(|stored| stored.name.instrument.exchange == *exchange).collect();
    let nearest = candidates
        .iter()
        .filter(|stored| timeframe.map_or(stored.name.timeframe <= shown, |asked| stored.name.timeframe == asked))
        .max_by_key(|stored| stored.name.timeframe);
    nearest.map(|stored| (*stored).clone()).ok_or_else(|| {
        let there: Vec<_> = candidates.iter().map(|stored| stored.name.timeframe.as_str()).collect();
        let wanted = timeframe.map_or_else(|| format!("{shown} or finer"), |asked| asked.to_string());
        anyhow!(
            "the data folder has {exchange}:{} candles of {}, not of {wanted}; import them, or choose another --timeframe",
            series.symbol,
            there.join(", ")
        )
    })
}

fn unknown_symbol(symbol: &Symbol, store: &CandleStore, all: &[StoredSeries]) -> anyhow::Error {
    let mut there: Vec<_> = all.iter().map(|stored| stored.name.instrument.symbol.to_string()).collect();
    there.sort();
    there.dedup();
    let there = if there.is_empty() { "nothing yet".to_owned() } else { there.join(", ") };
    anyhow!(
        "there are no {symbol} candles in the data folder {}, which has {there}; \
         add some with `sentinel data import` or `data fetch`, or name a file with --data",
        store.path().display()
    )
}

/// Returns what the reader of a result must know first.
pub(crate) fn notes(backtest: &Backtest) -> Vec<String> {
    let mut notes = Vec::new();
    if backtest.strategies().iter().any(|setup| setup.recorded.is_some()) {
        notes.push("each close is decided by the version that the registry names for it.".to_owned());
    }
    for series in backtest.series() {
        let instrument = series.instrument();
        if instrument.exchange.as_str() == EXCHANGE {
            notes.push(format!("the candles of {instrument} are simulated; no market ever traded them."));
        }
    }
    for setup in backtest.strategies() {
        let finer = setup.series.iter().map(|index| backtest.series()[*index].candles());
        for candles in finer.filter(|candles| candles.timeframe() < setup.timeframe) {
            let note = format!(
                "{} is shown {} candles made of the {} candles of {}, and its orders are filled on the finer ones.",
                setup.strategy_id,
                setup.timeframe,
                candles.timeframe(),
                candles.instrument()
            );
            // The versions of a strategy would say it one after the other.
            if !notes.contains(&note) {
                notes.push(note);
            }
        }
    }
    notes
}
