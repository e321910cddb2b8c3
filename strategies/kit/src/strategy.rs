//! The one trait a strategy implements.

use crate::bar::{Bar, Column};
use crate::contract::{Instrument, StrategyError, Timeframe};
use crate::labels::Labels;
use crate::parameters::ParameterSet;
use crate::signal::Signal;

/// Every timeframe there is, for strategies that do not mind how long a candle is.
pub const ALL_TIMEFRAMES: &[Timeframe] =
    &[Timeframe::M1, Timeframe::M5, Timeframe::M15, Timeframe::H1, Timeframe::H4, Timeframe::D1];

/// A trading strategy. A value of the type is one session: all the memory the strategy has.
///
/// The host opens a session at fixed boundaries in UTC (each day for candles of 1 to 15 minutes, each month for 1 and 4
/// hours, each year for daily ones), shows it the [`warm_up_bars`](Self::warm_up_bars) before the boundary, whose
/// signals are dropped, then the bars from the boundary on. Backtest and live do exactly this, which is why they agree.
/// A position may outlive a session: do not rely on having seen your own entry, say `sell` whenever the reason to sell
/// appears. Where there is nothing to sell, the host does nothing.
pub trait Strategy: Sized + 'static {
    /// Lower-case words with dashes, at most 64 bytes: `sma-cross`.
    const ID: &'static str;

    /// A short paragraph: idea, when it works, when it fails; at most 4096 bytes.
    const DESCRIPTION: &'static str;

    /// The timeframes it is written for; at least one.
    const TIMEFRAMES: &'static [Timeframe];

    /// The columns it reads; at least one. The host leaves the others out, which is the cheapest speed-up there is:
    /// one column costs about half of six. Reading a column that is not named here does not compile.
    const COLUMNS: &'static [Column];

    /// What the user may turn, declared with [`parameters!`](crate::parameters!), or [`NoParameters`](crate::NoParameters).
    type Parameters: ParameterSet;

    /// What it recognises, declared with [`labels!`](crate::labels!): 1 to 256 of them. Every signal names one.
    type Pattern: Labels;

    /// Why it says so: at most 64, or [`NoLabels`](crate::NoLabels). A signal carries any number of them.
    type Reason: Labels;

    /// What speaks against it: at most 64, or [`NoLabels`](crate::NoLabels). A signal carries any number of them.
    type Warning: Labels;

    /// Opens a session. The host has checked each parameter against its range; rules between parameters are checked
    /// here.
    ///
    /// # Errors
    /// The parameters do not fit together (`Settings::slow.invalid("must be above fast")`), or the strategy does not
    /// work on this instrument.
    fn open(instrument: &Instrument, parameters: &Self::Parameters) -> Result<Self, StrategyError>;

    /// Returns how many bars the session wants to be shown before its first signal counts. Must depend on the
    /// parameters only. Ask for enough that doubling it would change no signal: the indicators say how much they need.
    fn warm_up_bars(&self) -> usize;

    /// Takes in the next closed bar and returns the advice it gives rise to, if any.
    fn on_bar(&mut self, bar: &Bar<Self>) -> Option<Signal<Self>>;
}
