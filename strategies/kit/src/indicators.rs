//! Technical indicators, one bar at a time.
//!
//! All have one shape, so that knowing one is knowing them all:
//!
//! - `new(…)` with the periods in bars. A period of 0 is the caller's bug and panics, so give the parameter a range that
//!   starts at 1;
//! - `update(…)` takes in one closed bar, the columns it needs and no more, and answers the new value, or `None` while
//!   the indicator has not seen enough;
//! - `value()` answers the same again without taking anything in;
//! - `warm_up_bars()` is the number of bars until the first value.
//!
//! Call `update` exactly once on every bar. Beware of `?` between two updates on one bar: the first `None` would keep
//! the second indicator from seeing the bar. Update all, then ask.
//!
//! | | columns | first value on bar | memory | equal to TA-Lib |
//! |---|---|---|---|---|
//! | [`Sma`], [`Wma`], [`RollingSum`] | any one | period | the window | `SMA`, `WMA`, `SUM` |
//! | [`Ema`] | any one | period | fades | `EMA` |
//! | [`Rsi`] | close | period + 1 | fades | `RSI` |
//! | [`Macd`] | close | slow + signal - 1 | fades | `MACD` |
//! | [`StandardDeviation`], [`Bollinger`] | any one | period | the window | `STDDEV`, `BBANDS` |
//! | [`ZScore`] | any one | period | the window | – |
//! | [`TrueRange`], [`Atr`] | high, low, close | 2, period + 1 | one bar, fades | `TRANGE`, `ATR` |
//! | [`DirectionalIndicators`], [`Adx`] | high, low, close | period + 1, 2 · period | fades | `PLUS_DI`, `MINUS_DI`, `ADX` |
//! | [`Highest`], [`Lowest`], [`Donchian`] | any one; high, low | period | the window | `MAX`, `MIN`, `DONCHIAN` |
//! | [`Stochastic`] | high, low, close | fast k + slow k + slow d - 2 | the windows | `STOCH` |
//! | [`Obv`], [`Cvd`] | close, volume; volume delta | 1 | all of it | `OBV`, – |
//! | [`RollingVwap`], [`SessionVwap`] | high, low, close, volume; and open time | period, 1 | the window, the UTC day | `VWMA`, `VWAP` |
//! | [`LinearSlope`] | any one | period | the window | `LINEARREG_SLOPE` |
//! | [`SwingPoints`] | high, low | left + right + 1 | the window | `FRACTAL` |
//! | [`SwingDivergence`], [`SlopeDivergence`] | see there | see there | | – |
//! | [`CrossOver`], [`Delay`] | any | 2, bars + 1 | the last side, the window | – |
//!
//! *Equal* means: a value on exactly the bars where TA-Lib has one, the same to nine digits. Tests hold them to it on
//! recorded answers of TA-Lib, over thousands of bars and through flat stretches, jumps and bars without volume.
//!
//! Those whose memory *fades* carry a trace of their first bars for ever, so their values depend a little on where the
//! history begins; `settled_bars(tolerance)` says after how many bars that trace is negligible. Report that many as
//! the strategy's warm-up.
//!
//! Inside, everything is `f64`, allocated once in `new`, and neither divides nor loops over the window on a usual bar:
//! these run inside the sandbox, where every instruction is counted.

mod adx;
mod atr;
mod bollinger;
mod cross;
mod cumulative;
mod delay;
mod directional;
mod divergence;
mod donchian;
mod ema;
mod extreme;
mod macd;
mod ring;
mod rolling_sum;
mod rsi;
mod slope;
mod sma;
mod standard_deviation;
mod stochastic;
mod swing;
mod swing_divergence;
mod vwap;
mod window_fold;
mod wma;
mod z_score;

pub use adx::{Adx, AdxValue};
pub use atr::{Atr, TrueRange};
pub use bollinger::{Bands, Bollinger};
pub use cross::{Cross, CrossOver};
pub use cumulative::{Cvd, Obv};
pub use delay::Delay;
pub use directional::{DirectionalIndicators, DirectionalValue};
pub use divergence::{Divergence, SlopeDivergence, Slopes};
pub use donchian::{Channel, Donchian};
pub use ema::Ema;
pub use extreme::{Highest, Lowest};
pub use macd::{Macd, MacdValue};
pub use rolling_sum::RollingSum;
pub use rsi::Rsi;
pub use slope::LinearSlope;
pub use sma::Sma;
pub use standard_deviation::StandardDeviation;
pub use stochastic::{Stochastic, StochasticValue};
pub use swing::{SwingPoints, Swings};
pub use swing_divergence::SwingDivergence;
pub use vwap::{RollingVwap, SessionVwap};
pub use wma::Wma;
pub use z_score::ZScore;
