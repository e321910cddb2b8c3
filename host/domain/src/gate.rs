//! The risk gate: which signals of one bar close become orders.
//!
//! The gate looks at one candidate after the other, sorted by (priority, strategy, symbol), and reserves cash for
//! each entry it lets through before it looks at the next. Its answer depends on its arguments alone, so the order
//! in which events arrive changes nothing.

use std::fmt;

use rust_decimal::{Decimal, dec};
use serde::{Deserialize, Serialize};

use crate::fees::{Fee, FeeCurrency, FeeSchedule};
use crate::fill::{FillModel, Side};
use crate::instrument::InstrumentRules;
use crate::money::{decimal_price, round_money};
use crate::risk::{AccountLimits, RiskParams, Sizing, expected_stop};
use crate::signal::{Signal, SignalType};
use crate::timeframe::UnixMillis;

/// A signal before the gate, with all that the gate may know of its bar.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// The advice.
    pub signal: &'a Signal,
    /// How its strategy may trade.
    pub params: &'a RiskParams,
    /// How its instrument is rounded.
    pub rules: &'a InstrumentRules,
    /// When its bar closed.
    pub close_time: UnixMillis,
    /// The length of its bar in milliseconds.
    pub bar_millis: i64,
    /// When the gate looks at it.
    pub now: UnixMillis,
    /// The close of its bar, in quote currency.
    pub close: Decimal,
    /// Candles without a trade at the end of the series.
    pub stale_bars: u32,
    /// When its strategy last sold this instrument.
    pub exit_time_last: Option<UnixMillis>,
}

/// What a strategy holds in one instrument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holding {
    /// Nothing.
    Flat,
    /// An entry that is not filled yet.
    Pending,
    /// A long.
    Open,
    /// A long that is being sold.
    Closing,
}

/// What the gate may know of the account. Sums in quote currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountView {
    /// Cash and positions marked at the last close.
    pub equity: Decimal,
    /// Cash that no order has reserved.
    pub cash_available: Decimal,
    /// Value of positions, with what is reserved for entries.
    pub exposure: Decimal,
    /// Positions open or about to be.
    pub positions: u32,
    /// Of these, the candidate's strategy's.
    pub positions_of_strategy: u32,
    /// Of these, in the candidate's symbol.
    pub positions_of_symbol: u32,
    /// Equity at 00:00 UTC.
    pub equity_day_start: Decimal,
    /// Highest equity so far.
    pub equity_peak: Decimal,
    /// Whether a person has stopped new entries.
    pub paused: bool,
}

/// What an order will cost.
#[derive(Debug, Clone, Copy)]
pub struct Costs<'a> {
    /// Slippage.
    pub fill_model: &'a FillModel,
    /// From what fees are taken.
    pub fees: &'a FeeSchedule,
    /// The fee rate of the moment, as a fraction.
    pub fee_rate: Decimal,
}

/// What becomes of a signal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Buy.
    Enter(EntryIntent),
    /// Sell what is held.
    Exit,
    /// Take back the entry that is not filled yet.
    CancelEntry,
    /// Nothing to do: already long, or nothing to sell.
    NoAction,
    /// Too late to act on.
    Expired,
    /// Turned away.
    Rejected(Rejection),
}

/// An entry as decided: the whole order. It is kept before it is sent, and a retry sends this very order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryIntent {
    /// Base units to buy, on the step grid.
    pub quantity: Decimal,
    /// Cash set aside for it, in quote currency.
    pub reserved: Decimal,
    /// Stop that the signal asked for.
    pub stop_loss: Option<Decimal>,
    /// Target that the signal asked for.
    pub take_profit: Option<Decimal>,
    /// The order is taken back when it is not filled by then.
    pub expiration_at: UnixMillis,
}

/// Why a signal was turned away, with the numbers that decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rejection {
    /// A person has stopped new entries of the account.
    AccountPaused,
    /// New entries of the strategy are held back.
    StrategyPaused,
    /// The broker takes no orders on the instrument.
    NotTradable,
    /// The last candles had no trade.
    StaleCandle {
        /// Candles without a trade.
        stale_bars: u32,
        /// Allowed.
        maximum: u32,
    },
    /// The strategy is not sure enough.
    LowConfidence {
        /// The signal's.
        confidence: Decimal,
        /// Asked for.
        minimum: Decimal,
    },
    /// An entry or exit of the same strategy in the same symbol is under way.
    Duplicate,
    /// Sold too recently.
    Cooldown {
        /// Bars since the exit.
        bars_since_exit: i64,
        /// Bars to wait.
        minimum: u32,
    },
    /// The account holds as many positions as it may.
    MaxPositions {
        /// Positions held.
        open: u32,
        /// Allowed.
        maximum: u32,
    },
    /// The strategy holds as many positions as it may.
    MaxPositionsPerStrategy {
        /// Positions held.
        open: u32,
        /// Allowed.
        maximum: u32,
    },
    /// The account holds as many positions in the symbol as it may.
    MaxPositionsPerSymbol {
        /// Positions held.
        open: u32,
        /// Allowed.
        maximum: u32,
    },
    /// The account lost too much since midnight.
    DailyLossLimit {
        /// Lost, per cent of the equity at midnight.
        loss_pct: Decimal,
        /// Allowed.
        maximum: Decimal,
    },
    /// The account lost too much since its peak.
    DrawdownLimit {
        /// Lost, per cent of the peak.
        drawdown_pct: Decimal,
        /// Allowed.
        maximum: Decimal,
    },
    /// The size depends on a stop and there is none.
    NoStop,
    /// Less than the smallest order after rounding to the step.
    StepSize {
        /// What was wanted.
        quantity: Decimal,
        /// Smallest quantity.
        minimum: Decimal,
    },
    /// Worth less than the smallest order.
    MinNotional {
        /// What the order is worth.
        notional: Decimal,
        /// Smallest value.
        minimum: Decimal,
    },
    /// The account would hold too much.
    Exposure {
        /// Exposure with the order, per cent of equity.
        exposure_pct: Decimal,
        /// Allowed.
        maximum: Decimal,
    },
    /// Not enough cash.
    BuyingPower {
        /// What the order costs.
        needed: Decimal,
        /// What is free.
        available: Decimal,
    },
}

impl Rejection {
    /// Returns the name of the rule, as tables hold it.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::AccountPaused => "account_paused",
            Self::StrategyPaused => "strategy_paused",
            Self::NotTradable => "asset_not_tradable",
            Self::StaleCandle { .. } => "stale_candle",
            Self::LowConfidence { .. } => "low_confidence",
            Self::Duplicate => "duplicate",
            Self::Cooldown { .. } => "cooldown",
            Self::MaxPositions { .. } => "max_positions",
            Self::MaxPositionsPerStrategy { .. } => "max_positions_per_strategy",
            Self::MaxPositionsPerSymbol { .. } => "max_positions_per_symbol",
            Self::DailyLossLimit { .. } => "daily_loss_limit",
            Self::DrawdownLimit { .. } => "drawdown_limit",
            Self::NoStop => "no_stop",
            Self::StepSize { .. } => "step_size",
            Self::MinNotional { .. } => "min_notional",
            Self::Exposure { .. } => "exposure",
            Self::BuyingPower { .. } => "buying_power",
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AccountPaused => write!(f, "new entries of the account are paused"),
            Self::StrategyPaused => write!(f, "the strategy is paused"),
            Self::NotTradable => write!(f, "the broker takes no orders on this instrument"),
            Self::StaleCandle { stale_bars, maximum } => {
                write!(f, "{stale_bars} candles without a trade, allowed are {maximum}")
            }
            Self::LowConfidence { confidence, minimum } => write!(f, "confidence {confidence} is below {minimum}"),
            Self::Duplicate => write!(f, "an order of this strategy in this symbol is under way"),
            Self::Cooldown { bars_since_exit, minimum } => {
                write!(f, "{bars_since_exit} bars since the last exit, {minimum} are asked for")
            }
            Self::MaxPositions { open, maximum } => write!(f, "{open} positions are open, allowed are {maximum}"),
            Self::MaxPositionsPerStrategy { open, maximum } => {
                write!(f, "the strategy holds {open} positions, allowed are {maximum}")
            }
            Self::MaxPositionsPerSymbol { open, maximum } => {
                write!(f, "{open} positions are open in the symbol, allowed are {maximum}")
            }
            Self::DailyLossLimit { loss_pct, maximum } => {
                write!(f, "down {loss_pct} % since midnight UTC, the limit is {maximum} %")
            }
            Self::DrawdownLimit { drawdown_pct, maximum } => {
                write!(f, "down {drawdown_pct} % from the peak, the limit is {maximum} %")
            }
            Self::NoStop => write!(f, "sizing by risk needs a stop and neither signal nor settings name one"),
            Self::StepSize { quantity, minimum } => {
                write!(f, "quantity {quantity} is below the smallest order of {minimum}")
            }
            Self::MinNotional { notional, minimum } => {
                write!(f, "the order is worth {notional}, the smallest is {minimum}")
            }
            Self::Exposure { exposure_pct, maximum } => {
                write!(f, "exposure would be {exposure_pct} % of equity, the limit is {maximum} %")
            }
            Self::BuyingPower { needed, available } => write!(f, "needs {needed}, free are {available}"),
        }
    }
}

/// Decides a signal as far as what is held decides it: every signal except a buy while flat, for which it returns
/// `None` and the account has to be looked at with [`decide_entry`].
#[must_use]
#[inline]
pub const fn decide_held(signal_type: SignalType, holding: Holding) -> Option<Verdict> {
    Some(match (signal_type, holding) {
        (SignalType::Buy | SignalType::StrongBuy, Holding::Flat) => return None,
        (SignalType::Buy | SignalType::StrongBuy, Holding::Closing) => Verdict::Rejected(Rejection::Duplicate),
        (SignalType::Sell | SignalType::StrongSell, Holding::Open) => Verdict::Exit,
        (SignalType::Sell | SignalType::StrongSell, Holding::Pending) => Verdict::CancelEntry,
        (SignalType::Buy | SignalType::StrongBuy, Holding::Pending | Holding::Open)
        | (SignalType::Sell | SignalType::StrongSell, Holding::Flat | Holding::Closing)
        | (SignalType::Neutral, _) => Verdict::NoAction,
    })
}

/// Decides a buy of a strategy that holds nothing in the instrument.
#[must_use]
#[inline]
pub fn decide_entry(
    candidate: &Candidate<'_>,
    account: &AccountView,
    limits: &AccountLimits,
    costs: &Costs<'_>,
) -> Verdict {
    let valid_bars = candidate.signal.valid_bars.unwrap_or(candidate.params.signal_valid_bars);
    let expiration_at = candidate.close_time.saturating_add(i64::from(valid_bars).saturating_mul(candidate.bar_millis));
    if candidate.now >= expiration_at {
        return Verdict::Expired;
    }
    let sized = running(account)
        .and_then(|()| permitted(candidate, limits))
        .and_then(|()| slots(candidate, account, limits))
        .and_then(|()| losses(account, limits))
        .and_then(|()| size(candidate, account, costs))
        .and_then(|order| affordable(order, account, limits));
    match sized {
        Ok(order) => Verdict::Enter(EntryIntent {
            quantity: order.quantity,
            reserved: order.cost,
            stop_loss: candidate.signal.stop_loss.map(decimal_price),
            take_profit: candidate.signal.take_profit.map(decimal_price),
            expiration_at,
        }),
        Err(rejection) => Verdict::Rejected(rejection),
    }
}

const fn running(account: &AccountView) -> Result<(), Rejection> {
    if account.paused { Err(Rejection::AccountPaused) } else { Ok(()) }
}

/// May this strategy trade this instrument at all, now, on this signal?
fn permitted(candidate: &Candidate<'_>, limits: &AccountLimits) -> Result<(), Rejection> {
    let params = candidate.params;
    if params.paused {
        return Err(Rejection::StrategyPaused);
    }
    if !candidate.rules.tradable {
        return Err(Rejection::NotTradable);
    }
    if let Some(maximum) = limits.stale_after_bars.filter(|maximum| candidate.stale_bars > *maximum) {
        return Err(Rejection::StaleCandle { stale_bars: candidate.stale_bars, maximum });
    }
    if !params.confidence_min.is_zero() {
        let confidence = decimal_price(candidate.signal.confidence);
        if confidence < params.confidence_min {
            return Err(Rejection::LowConfidence { confidence, minimum: params.confidence_min });
        }
    }
    if let Some(exit_time) = candidate.exit_time_last.filter(|_| params.cooldown_bars > 0) {
        let bars_since_exit = (candidate.close_time - exit_time).div_euclid(candidate.bar_millis);
        if bars_since_exit < i64::from(params.cooldown_bars) {
            return Err(Rejection::Cooldown { bars_since_exit, minimum: params.cooldown_bars });
        }
    }
    Ok(())
}

fn slots(candidate: &Candidate<'_>, account: &AccountView, limits: &AccountLimits) -> Result<(), Rejection> {
    let full = |open: u32, maximum: Option<u32>| maximum.filter(|maximum| open >= *maximum).map(|max| (open, max));
    if let Some((open, maximum)) = full(account.positions, limits.positions_max) {
        return Err(Rejection::MaxPositions { open, maximum });
    }
    if let Some((open, maximum)) = full(account.positions_of_strategy, candidate.params.positions_max_per_strategy) {
        return Err(Rejection::MaxPositionsPerStrategy { open, maximum });
    }
    if let Some((open, maximum)) = full(account.positions_of_symbol, limits.positions_max_per_symbol) {
        return Err(Rejection::MaxPositionsPerSymbol { open, maximum });
    }
    Ok(())
}

fn losses(account: &AccountView, limits: &AccountLimits) -> Result<(), Rejection> {
    if let Some(maximum) = limits.daily_loss_max_pct {
        let loss_pct = loss_pct(account.equity_day_start, account.equity);
        if loss_pct >= maximum {
            return Err(Rejection::DailyLossLimit { loss_pct, maximum });
        }
    }
    if let Some(maximum) = limits.drawdown_max_pct {
        let drawdown_pct = loss_pct(account.equity_peak, account.equity);
        if drawdown_pct >= maximum {
            return Err(Rejection::DrawdownLimit { drawdown_pct, maximum });
        }
    }
    Ok(())
}

/// Loss from one equity to a later one, per cent; 100 when there was nothing to lose.
fn loss_pct(before: Decimal, after: Decimal) -> Decimal {
    if before <= Decimal::ZERO { dec!(100) } else { ((before - after) / before * dec!(100)).round_dp(6) }
}

#[derive(Clone, Copy)]
struct SizedOrder {
    quantity: Decimal,
    /// What it takes from the cash: price, slippage, and the fee where that is taken in quote currency.
    cost: Decimal,
}

fn size(candidate: &Candidate<'_>, account: &AccountView, costs: &Costs<'_>) -> Result<SizedOrder, Rejection> {
    let price = costs.fill_model.market(Side::Buy, candidate.close);
    let wanted = wanted_quantity(candidate, account, price, costs)?;
    let wanted = match candidate.signal.signal_type {
        SignalType::StrongBuy => wanted * candidate.params.strong_factor,
        _ => wanted,
    };
    let rules = candidate.rules;
    let quantity = rules.round_quantity_down(wanted);
    if quantity < rules.quantity_min || quantity.is_zero() {
        return Err(Rejection::StepSize {
            quantity: round_money(wanted),
            minimum: rules.quantity_min.max(rules.step_size),
        });
    }
    let notional = round_money(quantity * price);
    if notional < rules.notional_min {
        return Err(Rejection::MinNotional { notional, minimum: rules.notional_min });
    }
    let cost = match costs.fees.of_buy(quantity, notional, costs.fee_rate) {
        Fee::Quote(fee) => notional + fee,
        Fee::Base(_) => notional,
    };
    Ok(SizedOrder { quantity, cost })
}

fn wanted_quantity(
    candidate: &Candidate<'_>,
    account: &AccountView,
    price: Decimal,
    costs: &Costs<'_>,
) -> Result<Decimal, Rejection> {
    match candidate.params.sizing {
        Sizing::Quantity(quantity) => Ok(quantity),
        Sizing::Notional(notional) => Ok(notional / price),
        // By what a coin costs with slippage and fee, so that all of the equity can be bought for.
        Sizing::EquityPct(pct) => {
            let fee_fraction = match costs.fees.currency {
                FeeCurrency::Quote => costs.fee_rate,
                FeeCurrency::Received => Decimal::ZERO,
            };
            let unit_cost = price * (Decimal::ONE + fee_fraction);
            Ok(account.equity.max(Decimal::ZERO) * pct * dec!(0.01) / unit_cost)
        }
        Sizing::RiskPct(pct) => {
            let signal_stop = candidate.signal.stop_loss.map(decimal_price);
            let stop = expected_stop(candidate.params, signal_stop, candidate.close).ok_or(Rejection::NoStop)?;
            let risk_per_unit = price - stop;
            if risk_per_unit <= Decimal::ZERO {
                return Err(Rejection::NoStop);
            }
            Ok(account.equity.max(Decimal::ZERO) * pct * dec!(0.01) / risk_per_unit)
        }
    }
}

fn affordable(order: SizedOrder, account: &AccountView, limits: &AccountLimits) -> Result<SizedOrder, Rejection> {
    if let Some(maximum) = limits.exposure_max_pct {
        let exposure = account.exposure + order.cost;
        let exposure_pct = if account.equity > Decimal::ZERO {
            (exposure / account.equity * dec!(100)).round_dp(6)
        } else {
            dec!(100)
        };
        if exposure_pct > maximum {
            return Err(Rejection::Exposure { exposure_pct, maximum });
        }
    }
    if order.cost > account.cash_available {
        return Err(Rejection::BuyingPower { needed: order.cost, available: account.cash_available });
    }
    Ok(order)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fees::FeeRate;

    struct Case {
        signal: Signal,
        params: RiskParams,
        rules: InstrumentRules,
        limits: AccountLimits,
        account: AccountView,
        holding: Holding,
        stale_bars: u32,
        exit_time_last: Option<UnixMillis>,
    }

    impl Case {
        fn buy() -> Self {
            let signal = Signal {
                bar: 0,
                signal_type: SignalType::Buy,
                pattern: 0,
                confidence: 50.0,
                reasons: 0,
                warnings: 0,
                stop_loss: None,
                take_profit: None,
                valid_bars: None,
            };
            let account = AccountView {
                equity: dec!(10_000),
                cash_available: dec!(5_000),
                exposure: dec!(5_000),
                positions: 1,
                positions_of_strategy: 1,
                positions_of_symbol: 1,
                equity_day_start: dec!(10_000),
                equity_peak: dec!(10_000),
                paused: false,
            };
            Self {
                signal,
                params: RiskParams { sizing: Sizing::Quantity(dec!(1)), ..RiskParams::default() },
                rules: InstrumentRules::default(),
                limits: AccountLimits::default(),
                account,
                holding: Holding::Flat,
                stale_bars: 0,
                exit_time_last: None,
            }
        }

        fn with(mut self, edit: impl FnOnce(&mut Self)) -> Self {
            edit(&mut self);
            self
        }

        fn verdict(&self) -> Verdict {
            let fees = FeeSchedule { rate: FeeRate::Fixed { bps: dec!(10) }, currency: FeeCurrency::Quote };
            let fill_model = FillModel { slippage_bps: dec!(0) };
            let costs = Costs { fill_model: &fill_model, fees: &fees, fee_rate: dec!(0.001) };
            let candidate = Candidate {
                signal: &self.signal,
                params: &self.params,
                rules: &self.rules,
                close_time: 600_000,
                bar_millis: 60_000,
                now: 600_000,
                close: dec!(100),
                stale_bars: self.stale_bars,
                exit_time_last: self.exit_time_last,
            };
            decide_held(self.signal.signal_type, self.holding)
                .unwrap_or_else(|| decide_entry(&candidate, &self.account, &self.limits, &costs))
        }

        fn rejected(&self) -> &'static str {
            match self.verdict() {
                Verdict::Rejected(rejection) => rejection.reason(),
                other => panic!("expected a rejection, got {other:?}"),
            }
        }

        fn quantity(&self) -> Decimal {
            match self.verdict() {
                Verdict::Enter(intent) => intent.quantity,
                other => panic!("expected an entry, got {other:?}"),
            }
        }
    }

    #[test]
    fn what_is_held_decides_first() {
        let verdict = |signal_type, holding| {
            Case::buy()
                .with(|c| {
                    c.signal.signal_type = signal_type;
                    c.holding = holding;
                })
                .verdict()
        };
        assert_eq!(verdict(SignalType::Sell, Holding::Open), Verdict::Exit);
        assert_eq!(verdict(SignalType::Sell, Holding::Flat), Verdict::NoAction);
        assert_eq!(verdict(SignalType::Sell, Holding::Closing), Verdict::NoAction);
        assert_eq!(verdict(SignalType::StrongSell, Holding::Pending), Verdict::CancelEntry);
        assert_eq!(verdict(SignalType::Buy, Holding::Open), Verdict::NoAction);
        assert_eq!(verdict(SignalType::Buy, Holding::Closing), Verdict::Rejected(Rejection::Duplicate));
        assert_eq!(verdict(SignalType::Neutral, Holding::Open), Verdict::NoAction);
    }

    #[test]
    fn each_rule_turns_away_with_its_name() {
        let reason = |edit: fn(&mut Case)| Case::buy().with(edit).rejected();
        assert_eq!(reason(|c| c.params.paused = true), "strategy_paused");
        assert_eq!(reason(|c| c.account.paused = true), "account_paused");
        assert_eq!(reason(|c| c.rules.tradable = false), "asset_not_tradable");
        assert_eq!(reason(|c| (c.stale_bars, c.limits.stale_after_bars) = (3, Some(2))), "stale_candle");
        assert_eq!(reason(|c| c.params.confidence_min = dec!(50.5)), "low_confidence");
        assert_eq!(reason(|c| (c.exit_time_last, c.params.cooldown_bars) = (Some(480_000), 3)), "cooldown");
        assert_eq!(reason(|c| c.limits.positions_max = Some(1)), "max_positions");
        assert_eq!(reason(|c| c.params.positions_max_per_strategy = Some(1)), "max_positions_per_strategy");
        assert_eq!(reason(|c| c.limits.positions_max_per_symbol = Some(1)), "max_positions_per_symbol");
        assert_eq!(
            reason(|c| (c.account.equity, c.limits.daily_loss_max_pct) = (dec!(9_500), Some(dec!(5)))),
            "daily_loss_limit"
        );
        assert_eq!(
            reason(|c| (c.account.equity_peak, c.limits.drawdown_max_pct) = (dec!(20_000), Some(dec!(50)))),
            "drawdown_limit"
        );
        assert_eq!(reason(|c| c.params.sizing = Sizing::RiskPct(dec!(1))), "no_stop");
        assert_eq!(reason(|c| c.rules.step_size = dec!(2)), "step_size");
        assert_eq!(reason(|c| c.rules.notional_min = dec!(100.01)), "min_notional");
        assert_eq!(reason(|c| c.limits.exposure_max_pct = Some(dec!(51))), "exposure");
        assert_eq!(reason(|c| c.account.cash_available = dec!(100.09)), "buying_power");
    }

    #[test]
    fn numbers_exactly_at_a_limit_pass_where_they_may() {
        let passes = |edit: fn(&mut Case)| assert_eq!(Case::buy().with(edit).quantity(), dec!(1));
        passes(|c| c.params.confidence_min = dec!(50));
        passes(|c| (c.exit_time_last, c.params.cooldown_bars) = (Some(420_000), 3));
        passes(|c| c.account.cash_available = dec!(100.10));
        passes(|c| c.limits.exposure_max_pct = Some(dec!(51.001)));
        passes(|c| (c.stale_bars, c.limits.stale_after_bars) = (2, Some(2)));
    }

    #[test]
    fn size_follows_the_rule() {
        let quantity = |sizing| Case::buy().with(|c| c.params.sizing = sizing).quantity();
        assert_eq!(quantity(Sizing::Notional(dec!(250))), dec!(2.5));
        assert_eq!(quantity(Sizing::EquityPct(dec!(10))), dec!(9.990009990));
        let risk = Case::buy().with(|c| {
            c.params.sizing = Sizing::RiskPct(dec!(1));
            c.signal.stop_loss = Some(95.0);
        });
        assert_eq!(risk.quantity(), dec!(20));
        let strong = Case::buy().with(|c| {
            c.signal.signal_type = SignalType::StrongBuy;
            c.params.strong_factor = dec!(1.5);
        });
        assert_eq!(strong.quantity(), dec!(1.5));
    }

    #[test]
    fn a_signal_that_is_valid_for_no_bar_has_expired() {
        assert_eq!(Case::buy().with(|c| c.signal.valid_bars = Some(0)).verdict(), Verdict::Expired);
    }
}
