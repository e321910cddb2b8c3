//! One closed candle, as a strategy sees it, and the columns it is read from.

use core::fmt;
use core::marker::PhantomData;

use crate::contract::Bars;
use crate::strategy::Strategy;

/// A column of the candles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// When the candle opened: [`Bar::open_time`].
    OpenTime,
    /// First traded price: [`Bar::open`].
    Open,
    /// Highest traded price: [`Bar::high`].
    High,
    /// Lowest traded price: [`Bar::low`].
    Low,
    /// Last traded price: [`Bar::close`].
    Close,
    /// Traded quantity: [`Bar::volume`].
    Volume,
    /// Aggressive buys minus aggressive sells: [`Bar::volume_delta`].
    VolumeDelta,
    /// Imbalance of the order book at the close: [`Bar::imbalance`].
    Imbalance,
}

impl Column {
    /// Returns whether `columns` name this one. Constant, so that a strategy's loop is compiled for its columns alone.
    pub(crate) const fn is_in(self, columns: &[Column]) -> bool {
        let mut index = 0;
        while index < columns.len() {
            if columns[index] as u8 == self as u8 {
                return true;
            }
            index += 1;
        }
        false
    }
}

/// A closed candle. Only the columns that the strategy `S` declares can be read; reading another does not compile.
///
/// ```compile_fail
/// # use sentinel_kit::prelude::*;
/// # labels! { /// Patterns.
/// # pub enum Pattern { /// Any.
/// # Any } }
/// # struct Sees;
/// # impl Strategy for Sees {
/// #     const ID: &'static str = "sees";
/// #     const DESCRIPTION: &'static str = "";
/// #     const TIMEFRAMES: &'static [Timeframe] = ALL_TIMEFRAMES;
///     const COLUMNS: &'static [Column] = &[Column::Close];
/// #     type Parameters = NoParameters;
/// #     type Pattern = Pattern;
/// #     type Reason = NoLabels;
/// #     type Warning = NoLabels;
/// #     fn open(_: &Instrument, _: &NoParameters) -> Result<Self, StrategyError> { Ok(Self) }
/// #     fn warm_up_bars(&self) -> usize { 0 }
///     fn on_bar(&mut self, bar: &Bar<Self>) -> Option<Signal<Self>> {
///         (bar.volume() > 1.0).then_some(Signal::buy(Pattern::Any)) // error: COLUMNS does not name Column::Volume
///     }
/// # }
/// # sentinel_kit::testing::run::<Sees>(&NoParameters, &[]).unwrap();
/// ```
pub struct Bar<S> {
    open_time: i64,
    open: f64,
    high: f64,
    low: f64,
    close: f64,
    volume: f64,
    volume_delta: f64,
    imbalance: f64,
    strategy: PhantomData<fn() -> S>,
}

/// Defines the reader of one column, which compiles only for strategies that declare it.
macro_rules! reader {
    ($(#[doc = $doc:literal])+ $name:ident: $type:ty, $column:ident) => {
        $(#[doc = $doc])+
        #[inline(always)]
        pub fn $name(&self) -> $type {
            const {
                assert!(
                    Column::$column.is_in(S::COLUMNS),
                    concat!("`bar.", stringify!($name), "()` is read, but COLUMNS does not name Column::", stringify!($column)),
                );
            }
            self.$name
        }
    };
}

impl<S: Strategy> Bar<S> {
    reader! {
        /// Returns when the candle opened, in milliseconds since 1970-01-01T00:00:00Z.
        open_time: i64, OpenTime
    }
    reader! {
        /// Returns the first traded price, in quote currency for one unit of the base.
        open: f64, Open
    }
    reader! {
        /// Returns the highest traded price, in quote currency.
        high: f64, High
    }
    reader! {
        /// Returns the lowest traded price, in quote currency.
        low: f64, Low
    }
    reader! {
        /// Returns the last traded price, in quote currency.
        close: f64, Close
    }
    reader! {
        /// Returns the traded quantity in units of the base. Zero in a candle without trades.
        volume: f64, Volume
    }
    reader! {
        /// Returns aggressive buys minus aggressive sells, in units of the base; between -volume and +volume.
        volume_delta: f64, VolumeDelta
    }
    reader! {
        /// Returns the order-book imbalance at the close: (bids - asks) / (bids + asks) of resting quantity, -1..1.
        imbalance: f64, Imbalance
    }
}

impl<S> fmt::Debug for Bar<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bar")
            .field("open_time", &self.open_time)
            .field("open", &self.open)
            .field("high", &self.high)
            .field("low", &self.low)
            .field("close", &self.close)
            .field("volume", &self.volume)
            .field("volume_delta", &self.volume_delta)
            .field("imbalance", &self.imbalance)
            .finish()
    }
}

/// The columns that `S` declares, each exactly `len` long; the others empty and never touched.
pub(crate) struct Rows<'a, S> {
    len: usize,
    open_time: &'a [i64],
    open: &'a [f64],
    high: &'a [f64],
    low: &'a [f64],
    close: &'a [f64],
    volume: &'a [f64],
    volume_delta: &'a [f64],
    imbalance: &'a [f64],
    strategy: PhantomData<fn() -> S>,
}

/// The slice of a declared column, cut to `len` so that the compiler knows its length and drops the bounds checks.
macro_rules! slice {
    ($bars:ident.$name:ident, $column:ident, $len:ident) => {
        if const { Column::$column.is_in(S::COLUMNS) } { &$bars.$name[..$len] } else { &[] }
    };
}

/// The value of a declared column, or a zero that nobody can read.
macro_rules! value {
    ($rows:ident.$name:ident, $column:ident, $row:ident) => {
        if const { Column::$column.is_in(S::COLUMNS) } { $rows.$name[$row] } else { Default::default() }
    };
}

impl<'a, S: Strategy> Rows<'a, S> {
    /// Returns the rows of `bars`.
    ///
    /// # Panics
    /// If a declared column is shorter than the first declared one, which the contract rules out.
    #[inline(always)]
    pub(crate) fn of(bars: &'a Bars) -> Self {
        let len = const { S::COLUMNS[0] }.len_in(bars);
        Self {
            len,
            open_time: slice!(bars.open_time, OpenTime, len),
            open: slice!(bars.open, Open, len),
            high: slice!(bars.high, High, len),
            low: slice!(bars.low, Low, len),
            close: slice!(bars.close, Close, len),
            volume: slice!(bars.volume, Volume, len),
            volume_delta: slice!(bars.volume_delta, VolumeDelta, len),
            imbalance: slice!(bars.imbalance, Imbalance, len),
            strategy: PhantomData,
        }
    }

    #[inline(always)]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    #[inline(always)]
    pub(crate) fn bar(&self, row: usize) -> Bar<S> {
        Bar {
            open_time: value!(self.open_time, OpenTime, row),
            open: value!(self.open, Open, row),
            high: value!(self.high, High, row),
            low: value!(self.low, Low, row),
            close: value!(self.close, Close, row),
            volume: value!(self.volume, Volume, row),
            volume_delta: value!(self.volume_delta, VolumeDelta, row),
            imbalance: value!(self.imbalance, Imbalance, row),
            strategy: PhantomData,
        }
    }
}

impl Column {
    #[inline(always)]
    fn len_in(self, bars: &Bars) -> usize {
        match self {
            Self::OpenTime => bars.open_time.len(),
            Self::Open => bars.open.len(),
            Self::High => bars.high.len(),
            Self::Low => bars.low.len(),
            Self::Close => bars.close.len(),
            Self::Volume => bars.volume.len(),
            Self::VolumeDelta => bars.volume_delta.len(),
            Self::Imbalance => bars.imbalance.len(),
        }
    }
}
