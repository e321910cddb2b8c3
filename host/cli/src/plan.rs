//! What is to be run, before any file is opened: made from options or from a run file, checked in one place.

mod config;
mod options;

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Result;
use rust_decimal::Decimal;
use sentinel_backtest::market::AccountSettings;
use sentinel_domain::candles::gaps::GapPolicy;
use sentinel_domain::fees::FeeRate;
use sentinel_domain::instrument::{Exchange, InstrumentRules, Symbol};
use sentinel_domain::risk::{AccountLimits, RiskFault, RiskParams};
use sentinel_domain::timeframe::{Timeframe, UnixMillis};
use sentinel_runtime::LimitsClass;

pub(crate) use sentinel_domain::bounds as range;

use crate::args::RunArgs;
use crate::failure::usage;
use range::Range;

/// A run as its user wants it.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) account: AccountSettings,
    pub(crate) gaps: GapPolicy,
    /// Candles open at or after this time.
    pub(crate) from: Option<UnixMillis>,
    /// Candles open before this time.
    pub(crate) to: Option<UnixMillis>,
    pub(crate) series: Vec<SeriesPlan>,
    pub(crate) strategies: Vec<StrategyPlan>,
}

/// Candles to run on.
#[derive(Debug, Clone)]
pub(crate) struct SeriesPlan {
    pub(crate) source: CandleSource,
    pub(crate) symbol: Symbol,
    pub(crate) rules: InstrumentRules,
}

/// Where candles come from.
#[derive(Debug, Clone)]
pub(crate) enum CandleSource {
    /// A file; the exchange is a name for it.
    File { path: PathBuf, exchange: Exchange },
    /// The data folder; without an exchange the only one that has the symbol, without a timeframe the one nearest to
    /// what the strategies are shown.
    Store { exchange: Option<Exchange>, timeframe: Option<Timeframe> },
}

/// A strategy to run.
#[derive(Debug, Clone)]
pub(crate) struct StrategyPlan {
    /// What to call it; without it, as it calls itself.
    pub(crate) id: Option<String>,
    /// A shipped strategy's name, a component file or a folder.
    pub(crate) strategy: String,
    pub(crate) timeframe: Timeframe,
    pub(crate) parameters: BTreeMap<String, String>,
    pub(crate) risk: RiskParams,
    /// Indices into the series.
    pub(crate) series: Vec<usize>,
    pub(crate) limits_class: Option<LimitsClass>,
}

/// How names of settings are written where the plan came from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Spelling {
    /// `--stop-loss-pct`
    Option,
    /// `stop_loss_pct`
    Key,
}

impl Plan {
    /// Makes the plan that the command line asks for.
    pub(crate) fn new(args: &RunArgs) -> Result<Self> {
        match &args.config {
            Some(path) => config::read(path),
            None => options::plan(args)?.checked(Spelling::Option),
        }
    }

    /// Returns the finest timeframe that a strategy on the series is shown.
    pub(crate) fn finest_shown(&self, series: usize) -> Option<Timeframe> {
        self.strategies.iter().filter(|s| s.series.contains(&series)).map(|s| s.timeframe).min()
    }

    fn checked(self, spelling: Spelling) -> Result<Self> {
        self.check(spelling)?;
        Ok(self)
    }

    fn check(&self, spelling: Spelling) -> Result<()> {
        let in_range = |name, value, range| in_range(spelling, name, value, range);
        if let (Some(from), Some(to)) = (self.from, self.to)
            && from >= to
        {
            return Err(usage(format_args!(
                "{} is not before {}; no candle lies between",
                spelling.of("from"),
                spelling.of("to")
            )));
        }
        check_account(&self.account, spelling)?;
        for series in &self.series {
            in_range("tick_size", Some(series.rules.tick_size), range::POSITIVE)?;
            in_range("step_size", Some(series.rules.step_size), range::POSITIVE)?;
            in_range("quantity_min", Some(series.rules.quantity_min), range::NOT_NEGATIVE)?;
            in_range("notional_min", Some(series.rules.notional_min), range::NOT_NEGATIVE)?;
        }
        for StrategyPlan { risk, .. } in &self.strategies {
            if let Err(RiskFault { name, value, allowed }) = risk.check() {
                return Err(usage(format_args!("{} is {value}: {allowed}", spelling.of(name))));
            }
        }
        self.check_ids()
    }

    /// Two strategies of one id could not be told apart in the result.
    fn check_ids(&self) -> Result<()> {
        let mut seen = BTreeMap::new();
        for (index, plan) in self.strategies.iter().enumerate() {
            let name = plan.id.as_deref().unwrap_or(&plan.strategy);
            if let Some(first) = seen.insert(name, index) {
                let series = &self.strategies[first].series;
                if series.iter().any(|one| plan.series.contains(one)) {
                    return Err(usage(format_args!(
                        "strategy {name} is named twice; give each an id of its own, such as --strategy second={name}, \
                         or id = \"second\" in a run file"
                    )));
                }
            }
        }
        Ok(())
    }
}

/// Refuses an account with a setting that is out of range.
fn check_account(account: &AccountSettings, spelling: Spelling) -> Result<()> {
    let in_range = |name, value, range| in_range(spelling, name, value, range);
    in_range("cash", Some(account.cash), range::POSITIVE)?;
    in_range("slippage_bps", Some(account.fill_model.slippage_bps), range::BPS)?;
    if let FeeRate::Fixed { bps } = account.fees.rate {
        in_range("fee_bps", Some(bps), range::BPS)?;
    }
    let AccountLimits { exposure_max_pct, daily_loss_max_pct, drawdown_max_pct, .. } = account.limits;
    in_range("exposure_max_pct", exposure_max_pct, range::POSITIVE)?;
    in_range("daily_loss_max_pct", daily_loss_max_pct, range::PERCENT)?;
    in_range("drawdown_max_pct", drawdown_max_pct, range::PERCENT)
}

fn in_range(spelling: Spelling, name: &str, value: Option<Decimal>, range: Range) -> Result<()> {
    match value.map(|value| (value, range.check(value))) {
        Some((value, Err(problem))) => Err(usage(format_args!("{} is {value}: {problem}", spelling.of(name)))),
        _ => Ok(()),
    }
}

impl Spelling {
    fn of(self, name: &str) -> String {
        match self {
            Self::Option => format!("--{}", name.replace('_', "-")),
            Self::Key => name.to_owned(),
        }
    }
}
