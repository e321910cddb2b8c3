//! The sandbox: runs strategies as metered, memory-bounded WebAssembly components.
//!
//! Start with [`Runtime::load`], which turns the bytes of a component into a [`Strategy`] or says what is wrong with
//! them; [`Strategy::open`] gives a [`Session`] on a fresh instance, and [`Session::on_bars`] shows it candles.
//! [`Replay::decide`] does all three for the decision of one bar, as the live system takes it.
//!
//! What is absent: a strategy has no imports, so there is nothing of the host that it could call. This crate reads no
//! clock but the one that ends runaway calls, keeps no state between sessions, and touches no file but the component
//! it is pointed at and its cache of compiled code.

mod answer;
mod cache;
mod check;
mod compile;
mod decision;
mod engine;
mod error;
mod inspect;
mod instance;
mod lazy;
mod limits;
mod manifest;
mod meter;
mod replay;
mod runtime;
mod session;
mod shown;
mod strategy;
mod synthetic;
mod v0_1;

pub use check::{CheckOutcome, CheckReport, CheckRow, check};
pub use decision::{Decision, DecisionRecord};
pub use engine::{ENGINE_VERSION, RuntimeConfig};
pub use error::{BarSpan, ManifestFault, Place, RuntimeError, SignalFault};
pub use lazy::LazyRuntime;
pub use limits::{Limits, LimitsClass, UnknownLimitsClass};
pub use replay::{Divergence, Replay, Verified, VerifyError};
pub use runtime::{CodeOrigin, Runtime};
pub use session::Session;
pub use strategy::Strategy;
pub use synthetic::{SyntheticError, synthetic_candles};
pub use v0_1::WIT_VERSION;

/// Sessions may move between threads, strategies may be shared by them.
const _: () = {
    const fn is_send<T: Send>() {}
    const fn is_shared<T: Send + Sync + Clone>() {}
    is_send::<Session>();
    is_send::<RuntimeError>();
    is_shared::<Strategy>();
    is_shared::<Runtime>();
};
