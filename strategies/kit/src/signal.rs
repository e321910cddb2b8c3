//! The advice a strategy gives on one bar.

use core::fmt;
use core::marker::PhantomData;

use crate::contract::{self, SignalType};
use crate::labels::Labels;
use crate::strategy::Strategy;

/// The advice on one bar, built up like a sentence.
///
/// ```
/// # use sentinel_kit::prelude::*;
/// # labels! { /// Patterns.
/// # pub enum Pattern { /// Up.
/// # CrossUp } }
/// # labels! { /// Reasons.
/// # pub enum Reason { /// Up.
/// # TrendUp } }
/// # labels! { /// Warnings.
/// # pub enum Warning { /// Thin.
/// # VolumeThin } }
/// # struct Advises;
/// # impl Strategy for Advises {
/// #     const ID: &'static str = "advises";
/// #     const DESCRIPTION: &'static str = "";
/// #     const TIMEFRAMES: &'static [Timeframe] = ALL_TIMEFRAMES;
/// #     const COLUMNS: &'static [Column] = &[Column::Close];
/// #     type Parameters = NoParameters;
/// #     type Pattern = Pattern;
/// #     type Reason = Reason;
/// #     type Warning = Warning;
/// #     fn open(_: &Instrument, _: &NoParameters) -> Result<Self, StrategyError> { Ok(Self) }
/// #     fn warm_up_bars(&self) -> usize { 0 }
/// #     fn on_bar(&mut self, bar: &Bar<Self>) -> Option<Signal<Self>> { Some(buy(bar.close(), 2.0, true)) }
/// # }
/// fn buy(close: f64, atr: f64, volume_is_thin: bool) -> Signal<Advises> {
///     Signal::buy(Pattern::CrossUp)
///         .confidence(70.0)
///         .reason(Reason::TrendUp)
///         .warning_if(volume_is_thin, Warning::VolumeThin)
///         .stop_loss(close - 2.0 * atr)
/// }
/// # let signal = buy(100.0, 2.0, true);
/// # assert!(signal.is_buy() && signal.has_reason(Reason::TrendUp) && signal.has_warning(Warning::VolumeThin));
/// ```
///
/// Patterns, reasons and warnings are those of the strategy `S`; those of another do not compile.
pub struct Signal<S> {
    /// In the contract's form; the bar is filled in when the strategy has answered.
    advice: contract::Signal,
    strategy: PhantomData<fn() -> S>,
}

impl<S: Strategy> Signal<S> {
    /// Open a long or keep it.
    #[inline]
    pub fn buy(pattern: S::Pattern) -> Self {
        Self::new(SignalType::Buy, pattern)
    }

    /// Open a long or keep it, with more conviction than [`buy`](Self::buy): the user's sizing may give it more.
    #[inline]
    pub fn strong_buy(pattern: S::Pattern) -> Self {
        Self::new(SignalType::StrongBuy, pattern)
    }

    /// No change: as answering nothing for the bar, but recorded with its reasons.
    #[inline]
    pub fn neutral(pattern: S::Pattern) -> Self {
        Self::new(SignalType::Neutral, pattern)
    }

    /// Close the long.
    #[inline]
    pub fn sell(pattern: S::Pattern) -> Self {
        Self::new(SignalType::Sell, pattern)
    }

    /// Close the long, with more conviction than [`sell`](Self::sell).
    #[inline]
    pub fn strong_sell(pattern: S::Pattern) -> Self {
        Self::new(SignalType::StrongSell, pattern)
    }

    #[inline]
    fn new(signal_type: SignalType, pattern: S::Pattern) -> Self {
        let advice = contract::Signal {
            bar: 0,
            signal_type,
            pattern: pattern.index(),
            confidence: 50.0,
            reasons: 0,
            warnings: 0,
            stop_loss: None,
            take_profit: None,
            valid_bars: None,
        };
        Self { advice, strategy: PhantomData }
    }

    /// How sure the strategy is, 0..100, brought into that range; 50 if it does not say. Users may set a floor under
    /// which signals are rejected.
    #[inline]
    #[must_use]
    pub fn confidence(mut self, percent: f64) -> Self {
        self.advice.confidence = percent.clamp(0.0, 100.0);
        self
    }

    /// Adds a reason why.
    #[inline]
    #[must_use]
    pub fn reason(mut self, reason: S::Reason) -> Self {
        self.advice.reasons |= 1 << reason.index();
        self
    }

    /// Adds a reason where `applies`.
    #[inline]
    #[must_use]
    pub fn reason_if(self, applies: bool, reason: S::Reason) -> Self {
        if applies { self.reason(reason) } else { self }
    }

    /// Adds something that speaks against it.
    #[inline]
    #[must_use]
    pub fn warning(mut self, warning: S::Warning) -> Self {
        self.advice.warnings |= 1 << warning.index();
        self
    }

    /// Adds something that speaks against it where `applies`.
    #[inline]
    #[must_use]
    pub fn warning_if(self, applies: bool, warning: S::Warning) -> Self {
        if applies { self.warning(warning) } else { self }
    }

    /// Where the position should be sold at a loss, in quote currency: finite, above zero and below the bar's close.
    /// Only on buys; without one the user's own risk settings decide.
    #[inline]
    #[must_use]
    pub fn stop_loss(mut self, price: f64) -> Self {
        self.advice.stop_loss = Some(price);
        self
    }

    /// Where the position should be sold at a profit, in quote currency: finite and above the bar's close. Only on
    /// buys; without one the user's own risk settings decide.
    #[inline]
    #[must_use]
    pub fn take_profit(mut self, price: f64) -> Self {
        self.advice.take_profit = Some(price);
        self
    }

    /// For how many bars after its own close the signal may still be acted on; the user's setting if it does not say.
    #[inline]
    #[must_use]
    pub fn valid_bars(mut self, bars: u32) -> Self {
        self.advice.valid_bars = Some(bars);
        self
    }

    /// Returns the advice.
    pub fn signal_type(&self) -> SignalType {
        self.advice.signal_type
    }

    /// Returns whether the advice is to be long.
    pub fn is_buy(&self) -> bool {
        matches!(self.advice.signal_type, SignalType::Buy | SignalType::StrongBuy)
    }

    /// Returns whether the advice is to be flat.
    pub fn is_sell(&self) -> bool {
        matches!(self.advice.signal_type, SignalType::Sell | SignalType::StrongSell)
    }

    /// Returns whether the signal is about `pattern`.
    pub fn has_pattern(&self, pattern: S::Pattern) -> bool {
        self.advice.pattern == pattern.index()
    }

    /// Returns whether the signal carries `reason`.
    pub fn has_reason(&self, reason: S::Reason) -> bool {
        self.advice.reasons & (1 << reason.index()) != 0
    }

    /// Returns whether the signal carries `warning`.
    pub fn has_warning(&self, warning: S::Warning) -> bool {
        self.advice.warnings & (1 << warning.index()) != 0
    }

    /// Returns whether the two give the same advice for the same reasons, and their numbers agree to a part in a million.
    pub(crate) fn is_close_to(&self, other: &Self) -> bool {
        let (one, other) = (&self.advice, &other.advice);
        let close = |one: f64, other: f64| (one - other).abs() <= 1e-6 * one.abs().max(1.0);
        let both_close = |one: Option<f64>, other: Option<f64>| match (one, other) {
            (Some(one), Some(other)) => close(one, other),
            (one, other) => one.is_none() && other.is_none(),
        };
        one.signal_type == other.signal_type
            && one.pattern == other.pattern
            && one.reasons == other.reasons
            && one.warnings == other.warnings
            && one.valid_bars == other.valid_bars
            && close(one.confidence, other.confidence)
            && both_close(one.stop_loss, other.stop_loss)
            && both_close(one.take_profit, other.take_profit)
    }

    /// Returns the signal in the contract's form, about the bar in row `row` of the call.
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "a list in 32-bit memory has fewer than 2^32 entries")]
    pub(crate) fn at(self, row: usize) -> contract::Signal {
        contract::Signal { bar: row as u32, ..self.advice }
    }

    /// Returns the signal that stands in the contract's form.
    pub(crate) fn of(advice: contract::Signal) -> Self {
        Self { advice: contract::Signal { bar: 0, ..advice }, strategy: PhantomData }
    }
}

// By hand, because deriving them would ask the same of `S`.
impl<S> Clone for Signal<S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for Signal<S> {}

impl<S> PartialEq for Signal<S> {
    fn eq(&self, other: &Self) -> bool {
        self.advice == other.advice
    }
}

impl<S: Strategy> fmt::Debug for Signal<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let advice = &self.advice;
        f.debug_struct("Signal")
            .field("signal_type", &advice.signal_type)
            .field("pattern", &S::Pattern::name_of(advice.pattern))
            .field("confidence", &advice.confidence)
            .field("reasons", &S::Reason::names_of(advice.reasons))
            .field("warnings", &S::Warning::names_of(advice.warnings))
            .field("stop_loss", &advice.stop_loss)
            .field("take_profit", &advice.take_profit)
            .field("valid_bars", &advice.valid_bars)
            .finish()
    }
}
