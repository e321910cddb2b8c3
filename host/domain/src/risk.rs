//! What the user allows: how much to buy, when to get out, when not to trade at all.
//!
//! [`RiskParams`] belong to one strategy and are part of its version; [`AccountLimits`] hold for the account that
//! several strategies share.

use rust_decimal::{Decimal, dec};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::bounds::{self, Range};
use crate::fill::RestingStop;
use crate::instrument::InstrumentRules;
use crate::trade::ExitReason;

/// How much to buy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sizing {
    /// A fixed quantity, in base units.
    Quantity(Decimal),
    /// A fixed sum, in quote currency.
    Notional(Decimal),
    /// A part of the account's equity, per cent.
    EquityPct(Decimal),
    /// So much that the way from the close to the stop costs this part of the equity, per cent.
    RiskPct(Decimal),
}

/// How one strategy may trade.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RiskParams {
    /// How much to buy.
    pub sizing: Sizing,
    /// What the size of a `STRONG_BUY` is multiplied with.
    pub strong_factor: Decimal,
    /// Stop below the entry fill, per cent; a stop that the signal names comes first.
    pub stop_loss_pct: Option<Decimal>,
    /// How far the limit of the resting stop lies below its stop price, in basis points.
    pub stop_limit_offset_bps: Decimal,
    /// Target above the entry fill, per cent; a target that the signal names comes first.
    pub take_profit_pct: Option<Decimal>,
    /// Fall from the best close since entry at which to sell, per cent.
    pub trailing_stop_pct: Option<Decimal>,
    /// Bars of the strategy's timeframe after which to sell.
    pub bars_held_max: Option<u32>,
    /// Bars for which a signal may be acted on where it does not say so itself.
    pub signal_valid_bars: u32,
    /// Confidence below which a signal is rejected, 0..=100.
    pub confidence_min: Decimal,
    /// Bars of the strategy's timeframe after an exit in which the same symbol is not bought again.
    pub cooldown_bars: u32,
    /// Positions this strategy may hold at once.
    pub positions_max_per_strategy: Option<u32>,
    /// Signals of a lower number go first when several want the last slot.
    pub priority: u32,
    /// Whether new entries are held back.
    pub paused: bool,
}

impl Default for RiskParams {
    fn default() -> Self {
        Self {
            sizing: Sizing::EquityPct(dec!(10)),
            strong_factor: Decimal::ONE,
            stop_loss_pct: None,
            stop_limit_offset_bps: dec!(100),
            take_profit_pct: None,
            trailing_stop_pct: None,
            bars_held_max: None,
            signal_valid_bars: 1,
            confidence_min: Decimal::ZERO,
            cooldown_bars: 0,
            positions_max_per_strategy: None,
            priority: 100,
            paused: false,
        }
    }
}

/// A number that no strategy can trade with.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{name} is {value}: {allowed}")]
pub struct RiskFault {
    /// The key.
    pub name: &'static str,
    /// What it is set to.
    pub value: Decimal,
    /// What is allowed, in words.
    pub allowed: String,
}

impl RiskParams {
    /// Checks every number.
    ///
    /// # Errors
    /// Names the first that is out of its range.
    pub fn check(&self) -> Result<(), RiskFault> {
        let size = match self.sizing {
            Sizing::Quantity(value) => ("quantity", Some(value), bounds::POSITIVE),
            Sizing::Notional(value) => ("notional", Some(value), bounds::POSITIVE),
            Sizing::EquityPct(value) => ("equity_pct", Some(value), bounds::PERCENT),
            Sizing::RiskPct(value) => ("risk_pct", Some(value), bounds::PERCENT),
        };
        let ranges: [(&'static str, Option<Decimal>, Range); 9] = [
            size,
            ("strong_factor", Some(self.strong_factor), bounds::POSITIVE),
            ("stop_loss_pct", self.stop_loss_pct, bounds::FALL),
            ("stop_limit_offset_bps", Some(self.stop_limit_offset_bps), bounds::OFFSET_BPS),
            ("take_profit_pct", self.take_profit_pct, bounds::POSITIVE),
            ("trailing_stop_pct", self.trailing_stop_pct, bounds::FALL),
            ("confidence_min", Some(self.confidence_min), bounds::CONFIDENCE),
            ("bars_held_max", self.bars_held_max.map(Decimal::from), bounds::AT_LEAST_ONE),
            ("signal_valid_bars", Some(self.signal_valid_bars.into()), bounds::AT_LEAST_ONE),
        ];
        for (name, value, range) in ranges {
            let Some(value) = value else { continue };
            range.check(value).map_err(|allowed| RiskFault { name, value, allowed })?;
        }
        Ok(())
    }
}

/// What the account as a whole allows. `None`: no limit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AccountLimits {
    /// Positions open at once.
    pub positions_max: Option<u32>,
    /// Positions open at once in one symbol, over all strategies.
    pub positions_max_per_symbol: Option<u32>,
    /// Value of all positions against equity, per cent.
    pub exposure_max_pct: Option<Decimal>,
    /// Loss since 00:00 UTC, per cent of the equity then, at which no position is opened until the next day.
    pub daily_loss_max_pct: Option<Decimal>,
    /// Loss against the highest equity, per cent, at which no position is opened.
    pub drawdown_max_pct: Option<Decimal>,
    /// Candles without a trade at the end of the series after which its price counts as stale.
    pub stale_after_bars: Option<u32>,
}

/// How an open position is got rid of without the strategy's say. Prices in quote currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExitPlan {
    /// Rests at the broker.
    pub stop: Option<RestingStop>,
    /// Sell when a close reaches it.
    pub target: Option<Decimal>,
    /// Sell when a close is at or below the best close since entry times this fraction.
    pub trailing_fraction: Option<Decimal>,
    /// Sell at the first close at or after it, in Unix milliseconds.
    pub deadline: Option<i64>,
}

impl ExitPlan {
    /// No plan: only the strategy or a person ends the position.
    pub const NONE: Self = Self { stop: None, target: None, trailing_fraction: None, deadline: None };

    /// Returns why to sell at a close, if there is a reason; the first that holds is the one that is recorded.
    /// `best_close` is the highest of the entry fill and the closes since, this one among them.
    #[must_use]
    pub fn exit_at_close(&self, close: Decimal, best_close: Decimal, close_time: i64) -> Option<ExitReason> {
        if self.target.is_some_and(|target| close >= target) {
            return Some(ExitReason::Target);
        }
        if self.trailing_fraction.is_some_and(|fraction| close <= best_close * fraction) {
            return Some(ExitReason::Trailing);
        }
        self.deadline.is_some_and(|deadline| close_time >= deadline).then_some(ExitReason::Time)
    }

    /// Returns whether the plan needs no look at the candles.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.stop.is_none() && self.target.is_none() && self.trailing_fraction.is_none() && self.deadline.is_none()
    }

    /// Returns the plan for an entry filled at `fill_price` and `fill_time`, with what the signal asked for first.
    #[must_use]
    #[inline]
    pub fn new(
        params: &RiskParams,
        rules: &InstrumentRules,
        signal_stop: Option<Decimal>,
        signal_target: Option<Decimal>,
        fill_price: Decimal,
        fill_time: i64,
        bar_millis: i64,
    ) -> Self {
        let pct = dec!(0.01);
        let stop_price =
            signal_stop.or_else(|| params.stop_loss_pct.map(|below| fill_price * (Decimal::ONE - below * pct)));
        let target =
            signal_target.or_else(|| params.take_profit_pct.map(|above| fill_price * (Decimal::ONE + above * pct)));
        Self {
            stop: stop_price.map(|price| RestingStop::new(price, params.stop_limit_offset_bps, rules)),
            target: target.map(|price| rules.round_price(price)),
            trailing_fraction: params.trailing_stop_pct.map(|fall| Decimal::ONE - fall * pct),
            deadline: params.bars_held_max.map(|bars| fill_time + i64::from(bars) * bar_millis),
        }
    }
}

/// Returns the stop that sizing and the gate reckon with before the entry is filled: as if filled at the close.
#[must_use]
pub fn expected_stop(params: &RiskParams, signal_stop: Option<Decimal>, candle_close: Decimal) -> Option<Decimal> {
    signal_stop.or_else(|| params.stop_loss_pct.map(|below| candle_close * (Decimal::ONE - below * dec!(0.01))))
}
