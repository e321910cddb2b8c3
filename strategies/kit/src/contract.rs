//! The types of the contract, generated from `wit/v0.1`, under short names. Nothing here is written by hand.

#[doc(hidden)]
pub mod generated {
    wit_bindgen::generate!({
        path: "../../wit/v0.1",
        world: "plugin",
        pub_export_macro: true,
        export_macro_name: "export_plugin",
        additional_derives: [PartialEq],
    });
}

pub use generated::exports::sentinel::strategy::strategy::{Guest, GuestSession, Session};
pub use generated::sentinel::strategy::types::{
    Bars, Choice, Columns, Instrument, IntegerRange, Label, Manifest, Parameter, ParameterFault, ParameterKind,
    ParameterValue, RealRange, Signal, SignalType, StrategyError, Timeframe, Timeframes,
};
