//! Write a trading strategy for Crypto Sentinel.
//!
//! A strategy is a type that implements [`Strategy`]: it is shown one closed bar after the other and answers, now and
//! then, with a [`Signal`]. [`export_strategy!`] makes a WebAssembly component of it, which imports nothing: no files,
//! no network, no clock, no randomness. It never sees positions, money or orders; those belong to the host.
//!
//! ```
//! use sentinel_kit::indicators::Sma;
//! use sentinel_kit::prelude::*;
//!
//! parameters! {
//!     /// What the user may turn.
//!     pub struct Settings {
//!         /// Bars of the average.
//!         period: usize in 1..=500, default 20;
//!     }
//! }
//!
//! labels! {
//!     /// What the strategy recognises.
//!     pub enum Pattern {
//!         /// The price closed above its average.
//!         AboveAverage,
//!         /// The price closed below its average.
//!         BelowAverage,
//!     }
//! }
//!
//! pub struct PriceAboveAverage {
//!     average: Sma,
//! }
//!
//! impl Strategy for PriceAboveAverage {
//!     const ID: &'static str = "price-above-average";
//!     const DESCRIPTION: &'static str = "Long while the price is above its average.";
//!     const TIMEFRAMES: &'static [Timeframe] = ALL_TIMEFRAMES;
//!     const COLUMNS: &'static [Column] = &[Column::Close];
//!     type Parameters = Settings;
//!     type Pattern = Pattern;
//!     type Reason = NoLabels;
//!     type Warning = NoLabels;
//!
//!     fn open(_: &Instrument, settings: &Settings) -> Result<Self, StrategyError> {
//!         Ok(Self { average: Sma::new(settings.period) })
//!     }
//!
//!     fn warm_up_bars(&self) -> usize {
//!         self.average.warm_up_bars()
//!     }
//!
//!     fn on_bar(&mut self, bar: &Bar<Self>) -> Option<Signal<Self>> {
//!         let average = self.average.update(bar.close())?;
//!         Some(match bar.close() > average {
//!             true => Signal::buy(Pattern::AboveAverage),
//!             false => Signal::sell(Pattern::BelowAverage),
//!         })
//!     }
//! }
//!
//! sentinel_kit::export_strategy!(PriceAboveAverage);
//!
//! let candles = sentinel_kit::testing::candles_from_closes(&[1.0, 2.0, 3.0, 2.0]);
//! let signals = sentinel_kit::testing::run::<PriceAboveAverage>(&Settings { period: 2 }, &candles).unwrap();
//! assert_eq!(signals[0], (1, Signal::buy(Pattern::AboveAverage)));
//! assert_eq!(signals[2], (3, Signal::sell(Pattern::BelowAverage)));
//! ```
//!
//! Mistakes are caught as early as they can be: a column that is read but not declared, a default outside its range, a
//! label of another list and an id that is not of lower-case words all fail to compile.
//!
//! Start reading at [`Strategy`]; then [`parameters!`] and [`labels!`] for the typed lists around it, [`indicators`] for
//! what most strategies are made of and [`testing`] for trying one natively, with `cargo test`.

mod bar;
#[doc(hidden)]
pub mod contract;
#[cfg(target_arch = "wasm32")]
#[expect(unsafe_code, reason = "an allocator is unsafe by contract")]
mod heap;
pub mod indicators;
mod labels;
mod manifest;
mod onset;
mod parameters;
mod plugin;
mod signal;
mod strategy;
pub mod testing;
mod text;

pub use bar::{Bar, Column};
pub use contract::{Instrument, SignalType, StrategyError, Timeframe};
pub use labels::{Labels, NoLabels};
pub use onset::Onset;
pub use parameters::{NoParameters, ParameterName, ParameterSet, ParameterType};
#[doc(hidden)]
pub use plugin::Plugin;
pub use signal::Signal;
pub use strategy::{ALL_TIMEFRAMES, Strategy};

/// Everything a strategy's file usually names: `use sentinel_kit::prelude::*;`.
pub mod prelude {
    pub use crate::{
        ALL_TIMEFRAMES, Bar, Column, Instrument, Labels, NoLabels, NoParameters, Onset, Signal, SignalType, Strategy,
        StrategyError, Timeframe, labels, parameters,
    };
}

/// What the macros name. Not for strategies.
#[doc(hidden)]
pub mod macros {
    pub use crate::contract::{Parameter, ParameterKind, ParameterValue};
    pub use crate::parameters::{declare, value_of};
    pub use crate::text::{ascii, description, kebab_case_bytes, kebab_case_length};
}
