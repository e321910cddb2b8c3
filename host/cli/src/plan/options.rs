//! A plan from options.

use std::collections::BTreeMap;

use anyhow::Result;
use sentinel_backtest::market::AccountSettings;
use sentinel_domain::fees::{FeeCurrency, FeeRate, FeeSchedule};
use sentinel_domain::fill::FillModel;
use sentinel_domain::instrument::{Exchange, InstrumentRules};
use sentinel_domain::risk::{AccountLimits, RiskParams, Sizing};

use super::{CandleSource, Plan, SeriesPlan, StrategyPlan};
use crate::args::{AccountArgs, CandleArgs, FeeIn, RunArgs, SizingArgs, StrategyArgs};
use crate::failure::usage;

pub(super) fn plan(args: &RunArgs) -> Result<Plan> {
    let series = series(&args.candles)?;
    Ok(Plan {
        account: account(&args.account, limits(args)),
        gaps: args.candles.gaps,
        from: args.candles.from,
        to: args.candles.to,
        strategies: strategies(&args.strategies, &risk(args), series.len())?,
        series,
    })
}

fn account(args: &AccountArgs, limits: AccountLimits) -> AccountSettings {
    let currency = match args.fee_in {
        FeeIn::Received => FeeCurrency::Received,
        FeeIn::Quote => FeeCurrency::Quote,
    };
    let rate = args.fee_bps.map_or_else(FeeRate::alpaca, |bps| FeeRate::Fixed { bps });
    AccountSettings {
        cash: args.cash,
        fees: FeeSchedule { rate, currency },
        fill_model: FillModel { slippage_bps: args.slippage_bps },
        limits,
    }
}

fn limits(args: &RunArgs) -> AccountLimits {
    let gate = &args.gate;
    AccountLimits {
        positions_max: gate.positions_max,
        positions_max_per_symbol: gate.positions_max_per_symbol,
        exposure_max_pct: gate.exposure_max_pct,
        daily_loss_max_pct: gate.daily_loss_max_pct,
        drawdown_max_pct: gate.drawdown_max_pct,
        stale_after_bars: gate.stale_after_bars,
    }
}

fn risk(args: &RunArgs) -> RiskParams {
    let RunArgs { sizing, exits, gate, .. } = args;
    let defaults = RiskParams::default();
    RiskParams {
        sizing: sizing_of(sizing).unwrap_or(defaults.sizing),
        strong_factor: gate.strong_factor,
        stop_loss_pct: exits.stop_loss_pct,
        stop_limit_offset_bps: exits.stop_limit_offset_bps,
        take_profit_pct: exits.take_profit_pct,
        trailing_stop_pct: exits.trailing_stop_pct,
        bars_held_max: exits.bars_held_max,
        signal_valid_bars: gate.signal_valid_bars,
        confidence_min: gate.confidence_min,
        cooldown_bars: gate.cooldown_bars,
        positions_max_per_strategy: gate.positions_max_per_strategy,
        ..defaults
    }
}

fn sizing_of(args: &SizingArgs) -> Option<Sizing> {
    let quantity = args.quantity.map(Sizing::Quantity);
    quantity
        .or_else(|| args.notional.map(Sizing::Notional))
        .or_else(|| args.equity_pct.map(Sizing::EquityPct))
        .or_else(|| args.risk_pct.map(Sizing::RiskPct))
}

fn series(args: &CandleArgs) -> Result<Vec<SeriesPlan>> {
    let CandleArgs { data, symbol: symbols, exchange: exchanges, .. } = args;
    if !data.is_empty() && data.len() != symbols.len() {
        return Err(usage(format_args!(
            "--data names {} and --symbol {}; give each file its symbol, in the same order",
            count(data.len(), "file"),
            count(symbols.len(), "symbol")
        )));
    }
    if exchanges.len() > 1 && exchanges.len() != symbols.len() {
        return Err(usage(format_args!(
            "--exchange names {} and --symbol {}; name one exchange for all symbols, or one for each",
            count(exchanges.len(), "exchange"),
            count(symbols.len(), "symbol")
        )));
    }
    let rules = InstrumentRules {
        tick_size: args.tick_size,
        step_size: args.step_size,
        quantity_min: args.quantity_min,
        notional_min: args.notional_min,
        tradable: true,
    };
    symbols
        .iter()
        .enumerate()
        .map(|(index, symbol)| {
            let exchange = exchanges.get(index).or_else(|| exchanges.first()).cloned();
            let source = match data.get(index) {
                Some(path) => CandleSource::File { path: path.clone(), exchange: or_local(exchange)? },
                None => CandleSource::Store { exchange, timeframe: args.fill_timeframe },
            };
            Ok(SeriesPlan { source, symbol: symbol.clone(), rules })
        })
        .collect()
}

/// Names the exchange of a file that nobody has named.
pub(super) fn or_local(exchange: Option<Exchange>) -> Result<Exchange> {
    exchange.map_or_else(|| Ok("local".parse()?), Ok)
}

fn strategies(args: &StrategyArgs, risk: &RiskParams, series: usize) -> Result<Vec<StrategyPlan>> {
    let timeframe = args.timeframe.ok_or_else(|| usage("--timeframe is missing"))?;
    let mut plans: Vec<StrategyPlan> = args
        .strategy
        .iter()
        .map(|text| {
            let (id, strategy) = split_id(text);
            StrategyPlan {
                id: id.map(str::to_owned),
                strategy: strategy.to_owned(),
                timeframe,
                parameters: BTreeMap::new(),
                risk: risk.clone(),
                series: (0..series).collect(),
                limits_class: args.limits_class,
            }
        })
        .collect();
    args.param.iter().try_for_each(|text| set_parameter(&mut plans, text))?;
    Ok(plans)
}

/// Splits `ID=STRATEGY`. What names a file that is there is taken as a whole.
fn split_id(text: &str) -> (Option<&str>, &str) {
    let is_id =
        |id: &str| !id.is_empty() && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    match text.split_once('=') {
        Some((id, strategy)) if is_id(id) && !std::path::Path::new(text).exists() => (Some(id), strategy),
        _ => (None, text),
    }
}

/// Reads `NAME=VALUE` or `ID.NAME=VALUE` into the strategy it is about.
fn set_parameter(plans: &mut [StrategyPlan], text: &str) -> Result<()> {
    let Some((name, value)) = text.split_once('=') else {
        return Err(usage(format_args!("--param {text}: write NAME=VALUE, such as fast=10")));
    };
    let (plan, name) = match name.split_once('.') {
        Some((id, name)) => {
            let ids: Vec<_> = plans.iter().map(|plan| plan.id.as_ref().unwrap_or(&plan.strategy).clone()).collect();
            let index = ids.iter().position(|known| known == id).ok_or_else(|| {
                usage(format_args!("--param {text}: no strategy is called {id}; there are: {}", ids.join(", ")))
            })?;
            (&mut plans[index], name)
        }
        None if plans.len() > 1 => {
            return Err(usage(format_args!(
                "--param {text}: say whose parameter it is, such as {}.{text}",
                plans[0].id.as_ref().unwrap_or(&plans[0].strategy)
            )));
        }
        None => (&mut plans[0], name),
    };
    match plan.parameters.insert(name.to_owned(), value.to_owned()) {
        Some(_) => Err(usage(format_args!("--param sets {name} twice"))),
        None => Ok(()),
    }
}

fn count(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::{Cli, Command};

    fn parse(options: &str) -> Result<Plan> {
        let words = ["sentinel", "backtest", "--timeframe", "1d"].into_iter().chain(options.split_whitespace());
        let Command::Backtest(args) = Cli::try_parse_from(words).unwrap().command else { unreachable!() };
        Plan::new(&args.run)
    }

    fn error(options: &str) -> String {
        parse(options).unwrap_err().to_string()
    }

    #[test]
    fn options_left_out_take_the_defaults_of_the_domain() {
        let plan = parse("--strategy a --symbol BTC/USDT").unwrap();
        assert_eq!(plan.strategies[0].risk, RiskParams::default());
        assert_eq!(plan.account.fees, FeeSchedule::default());
        assert_eq!(plan.account.limits, AccountLimits::default());
        assert_eq!(plan.series[0].rules, InstrumentRules::default());
    }

    #[test]
    fn parameter_goes_to_the_strategy_it_names() {
        let plan = parse("--strategy a --strategy b=a --symbol X/Y --param a.n=1 --param b.n=2").unwrap();
        let values: Vec<_> = plan.strategies.iter().map(|plan| plan.parameters["n"].as_str()).collect();
        assert_eq!(values, ["1", "2"]);
    }

    #[test]
    fn parameter_that_could_be_anybodys_is_refused() {
        assert!(error("--strategy a --strategy b --symbol X/Y --param n=1").contains("a.n=1"));
        assert!(error("--strategy a --symbol X/Y --param c.n=1").contains("there are: a"));
        assert!(error("--strategy a --symbol X/Y --param n").contains("NAME=VALUE"));
        assert!(error("--strategy a --symbol X/Y --param n=1 --param n=2").contains("twice"));
    }

    #[test]
    fn files_and_symbols_go_together() {
        let text = error("--strategy a --symbol X/Y --data 1.csv --data 2.csv");
        assert!(text.contains("2 files and --symbol 1 symbol"), "{text}");
        let plan = parse("--strategy a --symbol X/Y --symbol Z/Y --exchange e --data 1.csv --data 2.csv").unwrap();
        assert!(matches!(&plan.series[1].source, CandleSource::File { exchange, .. } if exchange.as_str() == "e"));
    }

    #[test]
    fn strategy_named_twice_needs_two_ids() {
        assert!(error("--strategy a --strategy a --symbol X/Y").contains("second=a"));
        assert!(parse("--strategy a --strategy second=a --symbol X/Y").is_ok());
    }

    #[test]
    fn time_runs_forward() {
        assert!(
            error("--strategy a --symbol X/Y --from 2024-01-01 --to 2024-01-01").contains("--from is not before --to")
        );
    }

    #[test]
    fn run_file_and_options_exclude_each_other() {
        for option in
            ["--cash 5", "--strategy a", "--symbol X/Y", "--quantity 1", "--stop-loss-pct 5", "--positions-max 1"]
        {
            let words = format!("sentinel backtest --config run.toml {option}");
            let error = Cli::try_parse_from(words.split_whitespace()).unwrap_err().to_string();
            assert!(error.contains("cannot be used with"), "{option}: {error}");
        }
        assert!(Cli::try_parse_from(["sentinel", "backtest", "--config", "run.toml", "--threads", "1"]).is_ok());
    }
}
