//! The component around a strategy: the contract's exports, and the loop over the columns inside the guest.

use core::cell::Cell;
use core::fmt;
use core::marker::PhantomData;

use crate::bar::Rows;
use crate::contract::{
    Bars, Guest, GuestSession, Instrument, Manifest, ParameterValue, Session, Signal, StrategyError,
};
use crate::manifest::manifest;
use crate::parameters::ParameterSet;
use crate::strategy::Strategy;

/// Exports a strategy as a component: `sentinel_kit::export_strategy!(SmaCross);`, once in a crate.
///
/// On any other target than WebAssembly it does nothing, so that several strategies can be linked into one test.
#[macro_export]
macro_rules! export_strategy {
    ($strategy:ty) => {
        #[cfg(target_arch = "wasm32")]
        #[allow(unsafe_code, reason = "generated: the exports of the canonical ABI")]
        const _: () = {
            type SentinelPlugin = $crate::Plugin<$strategy>;
    $crate::contract::generated::export_plugin!(SentinelPlugin with_types_in $crate::contract::generated);
        };
    };
}

/// The component of the strategy `S`. Made by [`export_strategy!`].
#[derive(Debug)]
pub struct Plugin<S> {
    strategy: PhantomData<fn() -> S>,
}

impl<S: Strategy> Guest for Plugin<S> {
    type Session = PluginSession<S>;

    fn describe() -> Manifest {
        manifest::<S>()
    }
}

/// One session of the strategy `S`. The cell is empty only while the strategy is at work.
pub struct PluginSession<S> {
    strategy: Cell<Option<S>>,
}

impl<S> fmt::Debug for PluginSession<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PluginSession").finish_non_exhaustive()
    }
}

impl<S: Strategy> PluginSession<S> {
    /// Takes the strategy out of its cell for the duration of `work`. A strategy that lives in a local variable can be
    /// kept in registers by the compiler; one behind a reference would be stored and loaded anew on every bar.
    #[inline(always)]
    fn with_strategy<R>(&self, work: impl FnOnce(&mut S) -> R) -> R {
        let mut strategy = self.strategy.take().expect("a session is used by one caller at a time");
        let answer = work(&mut strategy);
        self.strategy.set(Some(strategy));
        answer
    }
}

impl<S: Strategy> GuestSession for PluginSession<S> {
    fn open(instrument: Instrument, parameters: Vec<ParameterValue>) -> Result<Session, StrategyError> {
        let strategy = S::open(&instrument, &S::Parameters::from_values(&parameters))?;
        Ok(Session::new(Self { strategy: Cell::new(Some(strategy)) }))
    }

    fn warm_up_bars(&self) -> u32 {
        self.with_strategy(|strategy| u32::try_from(strategy.warm_up_bars()).unwrap_or(u32::MAX))
    }

    fn on_bars(&self, bars: Bars) -> Result<Vec<Signal>, StrategyError> {
        Ok(self.with_strategy(|strategy| show(strategy, &bars)))
    }
}

/// Shows `strategy` the bars, one by one, and returns its signals.
#[inline(always)]
pub(crate) fn show<S: Strategy>(strategy: &mut S, bars: &Bars) -> Vec<Signal> {
    let rows = Rows::<S>::of(bars);
    let mut signals = Vec::new();
    for row in 0..rows.len() {
        if let Some(signal) = strategy.on_bar(&rows.bar(row)) {
            signals.push(signal.at(row));
        }
    }
    signals
}
