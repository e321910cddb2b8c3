//! A plan from a run file. Its keys are those of a saved run, and a key that is not known is refused with its line.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use rust_decimal::Decimal;
use sentinel_backtest::market::AccountSettings;
use sentinel_domain::candles::gaps::GapPolicy;
use sentinel_domain::fees::{FeeCurrency, FeeRate, FeeSchedule};
use sentinel_domain::fill::FillModel;
use sentinel_domain::instrument::{Exchange, InstrumentRules, Symbol};
use sentinel_domain::risk::{AccountLimits, RiskParams};
use sentinel_domain::timeframe::{Timeframe, UnixMillis};
use sentinel_functions::AccountConfig;
use sentinel_runtime::LimitsClass;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

use super::options::or_local;
use super::{CandleSource, Plan, SeriesPlan, Spelling, StrategyPlan};
use crate::args::time;
use crate::failure::usage;
use crate::strategies;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    #[serde(default = "default_cash")]
    cash: Decimal,
    #[serde(default = "default_slippage_bps")]
    slippage_bps: Decimal,
    fee_bps: Option<Decimal>,
    #[serde(default)]
    fee_in: FeeCurrency,
    #[serde(default = "default_gaps")]
    gaps: GapPolicy,
    timeframe: Option<Timeframe>,
    from: Option<Time>,
    to: Option<Time>,
    #[serde(default)]
    limits: AccountLimits,
    series: Vec<SeriesConfig>,
    strategies: Vec<StrategyConfig>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeriesConfig {
    symbol: Symbol,
    exchange: Option<Exchange>,
    data: Option<String>,
    fill_timeframe: Option<Timeframe>,
    #[serde(default)]
    rules: RulesConfig,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RulesConfig {
    tick_size: Option<Decimal>,
    step_size: Option<Decimal>,
    quantity_min: Option<Decimal>,
    notional_min: Option<Decimal>,
    tradable: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct StrategyConfig {
    id: Option<String>,
    strategy: String,
    timeframe: Option<Timeframe>,
    #[serde(default)]
    parameters: BTreeMap<String, toml::Value>,
    #[serde(default)]
    risk: RiskParams,
    series: Option<Vec<String>>,
    limits_class: Option<LimitsClass>,
}

/// A day or a time, written as TOML's own or as text.
#[derive(Debug, Clone, Copy)]
struct Time(UnixMillis);

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = match toml::Value::deserialize(deserializer)? {
            toml::Value::String(text) => text,
            other => other.to_string(),
        };
        time(&text).map(Self).map_err(serde::de::Error::custom)
    }
}

const fn default_cash() -> Decimal {
    AccountConfig::CASH
}

const fn default_slippage_bps() -> Decimal {
    AccountConfig::SLIPPAGE_BPS
}

const fn default_gaps() -> GapPolicy {
    GapPolicy::Refuse
}

/// Reads the plan in the file at `path`.
pub(super) fn read(path: &Path) -> Result<Plan> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read the run file {}", path.display()))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    parse(&text, folder)
        .and_then(|plan| plan.checked(Spelling::Key))
        .map_err(|error| usage(format_args!("{}: {error:#}", path.display())))
}

/// Reads a plan; paths in it start at `folder`.
fn parse(text: &str, folder: &Path) -> Result<Plan> {
    let config: Config = toml_file(text)?;
    let series = config.series.iter().map(|series| series.plan(folder)).collect::<Result<Vec<_>>>()?;
    let strategies = config
        .strategies
        .iter()
        .map(|strategy| strategy.plan(config.timeframe, &series, folder))
        .collect::<Result<_>>()?;
    let rate = config.fee_bps.map_or_else(FeeRate::alpaca, |bps| FeeRate::Fixed { bps });
    Ok(Plan {
        account: AccountSettings {
            cash: config.cash,
            fees: FeeSchedule { rate, currency: config.fee_in },
            fill_model: FillModel { slippage_bps: config.slippage_bps },
            limits: config.limits,
        },
        gaps: config.gaps,
        from: config.from.map(|time| time.0),
        to: config.to.map(|time| time.0),
        series,
        strategies,
    })
}

/// Reads TOML; what is wrong with it is named with its line.
fn toml_file<T: DeserializeOwned>(text: &str) -> Result<T> {
    toml::from_str(text).map_err(|error| {
        let line = 1 + error.span().map_or(0, |span| text[..span.start].matches('\n').count());
        anyhow!("line {line}: {}", error.message())
    })
}

impl SeriesConfig {
    fn plan(&self, folder: &Path) -> Result<SeriesPlan> {
        let source = match &self.data {
            Some(_) if self.fill_timeframe.is_some() => {
                return Err(anyhow!(
                    "series {}: fill_timeframe is for candles of the data folder; a file has its own",
                    self.symbol
                ));
            }
            Some(data) => CandleSource::File { path: folder.join(data), exchange: or_local(self.exchange.clone())? },
            None => CandleSource::Store { exchange: self.exchange.clone(), timeframe: self.fill_timeframe },
        };
        let usual = InstrumentRules::default();
        let rules = InstrumentRules {
            tick_size: self.rules.tick_size.unwrap_or(usual.tick_size),
            step_size: self.rules.step_size.unwrap_or(usual.step_size),
            quantity_min: self.rules.quantity_min.unwrap_or(usual.quantity_min),
            notional_min: self.rules.notional_min.unwrap_or(usual.notional_min),
            tradable: self.rules.tradable.unwrap_or(usual.tradable),
        };
        Ok(SeriesPlan { source, symbol: self.symbol.clone(), rules })
    }
}

impl StrategyConfig {
    fn plan(&self, timeframe: Option<Timeframe>, series: &[SeriesPlan], folder: &Path) -> Result<StrategyPlan> {
        let name = self.id.as_ref().unwrap_or(&self.strategy);
        let timeframe = self
            .timeframe
            .or(timeframe)
            .ok_or_else(|| anyhow!("strategy {name}: timeframe is missing; set it here or at the top of the file"))?;
        let strategy = if strategies::is_path(&self.strategy) {
            folder.join(&self.strategy).display().to_string()
        } else {
            self.strategy.clone()
        };
        Ok(StrategyPlan {
            id: self.id.clone(),
            strategy,
            timeframe,
            parameters: self.parameters.iter().map(|(name, value)| (name.clone(), text_of(value))).collect(),
            risk: self.risk.clone(),
            series: self.indices(series, name)?,
            limits_class: self.limits_class,
        })
    }

    fn indices(&self, series: &[SeriesPlan], strategy: &str) -> Result<Vec<usize>> {
        let Some(names) = &self.series else {
            return Ok((0..series.len()).collect());
        };
        let mut indices = Vec::new();
        for name in names {
            let found = series.iter().enumerate().filter(|(_, plan)| plan.is_called(name)).map(|(index, _)| index);
            let before = indices.len();
            indices.extend(found);
            if indices.len() == before {
                let known: Vec<_> = series.iter().map(|plan| plan.symbol.to_string()).collect();
                return Err(anyhow!("strategy {strategy}: there is no series {name}; there are: {}", known.join(", ")));
            }
        }
        indices.sort_unstable();
        indices.dedup();
        Ok(indices)
    }
}

impl SeriesPlan {
    /// Whether `name` is the symbol, or exchange and symbol as in `binance:BTC/USDT`.
    fn is_called(&self, name: &str) -> bool {
        let exchange = match &self.source {
            CandleSource::File { exchange, .. } => Some(exchange),
            CandleSource::Store { exchange, .. } => exchange.as_ref(),
        };
        let symbol = self.symbol.to_string();
        name == symbol || exchange.is_some_and(|exchange| name == format!("{exchange}:{symbol}"))
    }
}

/// Returns a value as the user would write it on the command line.
fn text_of(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rust_decimal::dec;

    const RUN: &str = r#"
        timeframe = "1d"
        from = 2022-01-01
        [limits]
        positions_max = 2
        [[series]]
        data = "btc.csv"
        symbol = "BTC/USDT"
        [[series]]
        symbol = "ETH/USDT"
        exchange = "binance"
        [[strategies]]
        strategy = "sma-cross"
        parameters = { fast = 10, threshold = 0.5, mode = "calm" }
        risk = { sizing = { notional = 5000.5 }, stop_loss_pct = 5 }
        [[strategies]]
        id = "second"
        strategy = "./own.wasm"
        timeframe = "4h"
        series = ["binance:ETH/USDT"]
    "#;

    fn plan(text: &str) -> Result<Plan> {
        parse(text, Path::new("folder")).and_then(|plan| plan.checked(Spelling::Key))
    }

    fn error(from: &str, to: &str) -> String {
        plan(&RUN.replace(from, to)).unwrap_err().to_string()
    }

    #[test]
    fn file_says_all_that_options_say() {
        let plan = plan(RUN).unwrap();
        assert_eq!(plan.from, Some(1_640_995_200_000));
        assert_eq!(plan.account.limits.positions_max, Some(2));
        assert!(
            matches!(&plan.series[0].source, CandleSource::File { path, .. } if path == Path::new("folder/btc.csv"))
        );
        let [first, second] = plan.strategies.as_slice() else { panic!("two strategies") };
        assert_eq!(first.parameters.values().map(String::as_str).collect::<Vec<_>>(), ["10", "calm", "0.5"]);
        assert_eq!(first.risk.sizing, sentinel_domain::risk::Sizing::Notional(dec!(5000.5)));
        assert_eq!((first.series.as_slice(), second.series.as_slice()), ([0, 1].as_slice(), [1].as_slice()));
        assert_eq!(second.strategy, "folder/./own.wasm");
    }

    #[test]
    fn keys_left_out_take_the_defaults_of_the_options() {
        let plan =
            plan("series = [{ symbol = \"A/B\" }]\nstrategies = [{ strategy = \"s\", timeframe = \"1d\" }]").unwrap();
        assert_eq!((plan.account.cash, plan.account.fill_model.slippage_bps), (dec!(100_000), dec!(5)));
        assert_eq!((plan.gaps, plan.strategies[0].risk.clone()), (GapPolicy::Refuse, RiskParams::default()));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        assert!(error("positions_max", "positions_mx").starts_with("line 5: unknown field `positions_mx`"));
        assert!(error("\"1d\"", "\"2d\"").starts_with("line 2: unknown variant `2d`"));
        assert!(error("2022-01-01", "\"soon\"").starts_with("line 3: write a day such as"));
    }

    #[test]
    fn what_does_not_fit_is_named_with_its_strategy() {
        assert_eq!(
            error("stop_loss_pct = 5", "stop_loss_pct = 500"),
            "stop_loss_pct is 500: allowed is a number above 0 and below 100"
        );
        assert!(error("binance:ETH", "binance:XRP").contains("strategy second: there is no series binance:XRP/USDT"));
        assert!(error("timeframe = \"1d\"\n", "\n").contains("strategy sma-cross: timeframe is missing"));
    }
}
