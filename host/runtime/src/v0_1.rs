//! Version 0.1 of the contract: its types and calls, turned into the domain's and back.
//!
//! Columns are lent, not copied: the only copy of a bar is the one into the guest's memory.

use rust_decimal::prelude::ToPrimitive;
use sentinel_domain::instrument::{Instrument, InstrumentRules};
use sentinel_domain::signal::{Signal, SignalType};
use sentinel_domain::strategy::{ColumnSet, Label, Manifest, ParameterKind, ParameterSpec, ParameterValue};
use sentinel_domain::timeframe::Timeframe;
use wasmtime::Store;
use wasmtime::component::{InstancePre, ResourceAny};

use crate::meter::Meter;
use crate::shown::Shown;

mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit/v0.1",
        world: "plugin",
        ownership: Borrowing { duplicate_if_necessary: false },
    });
}

use bindings::exports::sentinel::strategy::strategy as exports;
use bindings::sentinel::strategy::types as wit;

/// The version of the contract that components speak.
pub const WIT_VERSION: &str = "0.1.0";

/// The export that says that a component speaks this version.
pub(crate) const INTERFACE: &str = "sentinel:strategy/strategy@0.1.0";

/// What it must hold.
pub(crate) const EXPORTS: [&str; 5] =
    ["describe", "session", "[static]session.open", "[method]session.warm-up-bars", "[method]session.on-bars"];

/// The import that names the types of this version; it holds no code.
pub(crate) const TYPES: &str = "sentinel:strategy/types@0.1.0";

/// What the functions of this version are called, and where they are in one component.
#[derive(Clone)]
pub(crate) struct Contract(bindings::PluginPre<Meter>);

/// A fresh instance.
pub(crate) struct Guest(bindings::Plugin);

/// An open session.
#[derive(Clone, Copy)]
pub(crate) struct SessionHandle(ResourceAny);

/// The refusals a strategy may utter.
pub(crate) enum Refusal {
    InvalidParameter { index: u32, message: String },
    UnsupportedInstrument(String),
    Failed(String),
}

/// Host bytes that one signal takes while it is read.
pub(crate) const SIGNAL_BYTES: usize = size_of::<wit::Signal>();

impl Contract {
    pub(crate) fn new(component: InstancePre<Meter>) -> wasmtime::Result<Self> {
        bindings::PluginPre::new(component).map(Self)
    }

    /// Returns the compiled component.
    pub(crate) fn component(&self) -> &wasmtime::component::Component {
        self.0.instance_pre().component()
    }

    pub(crate) fn instantiate(&self, store: &mut Store<Meter>) -> wasmtime::Result<Guest> {
        self.0.instantiate(store).map(Guest)
    }
}

impl Guest {
    pub(crate) fn describe(&self, store: &mut Store<Meter>) -> wasmtime::Result<Manifest> {
        self.0.sentinel_strategy_strategy().call_describe(store).map(manifest)
    }

    pub(crate) fn open(
        &self,
        store: &mut Store<Meter>,
        instrument: &Instrument,
        timeframe: Timeframe,
        rules: &InstrumentRules,
        parameters: &[ParameterValue],
    ) -> wasmtime::Result<Result<SessionHandle, Refusal>> {
        let symbol = instrument.symbol.to_string();
        let instrument = wit::Instrument {
            exchange: instrument.exchange.as_str(),
            symbol: &symbol,
            timeframe: to_wit_timeframe(timeframe),
            // Too fine a tick for an f64 does not exist: decimals have 28 digits after the point at most.
            tick_size: rules.tick_size.to_f64().unwrap_or_default(),
        };
        let parameters: Vec<_> = parameters.iter().copied().map(to_wit_parameter).collect();
        let session = self.session().call_open(store, instrument, &parameters)?;
        Ok(session.map(SessionHandle).map_err(refusal))
    }

    pub(crate) fn warm_up_bars(&self, store: &mut Store<Meter>, session: SessionHandle) -> wasmtime::Result<u32> {
        self.session().call_warm_up_bars(store, session.0)
    }

    /// Returns signals whose `bar` is still the index within this call, and nothing of which is checked.
    pub(crate) fn on_bars(
        &self,
        store: &mut Store<Meter>,
        session: SessionHandle,
        shown: Shown<'_>,
    ) -> wasmtime::Result<Result<Vec<Signal>, Refusal>> {
        let signals = self.session().call_on_bars(store, session.0, bars(shown))?;
        Ok(signals.map(|signals| signals.into_iter().map(signal).collect()).map_err(refusal))
    }

    fn session(&self) -> exports::GuestSession<'_> {
        self.0.sentinel_strategy_strategy().session()
    }
}

const fn bars(shown: Shown<'_>) -> wit::Bars<'_> {
    let Shown { open_time, open, high, low, close, volume, volume_delta, imbalance } = shown;
    wit::Bars { open_time, open, high, low, close, volume, volume_delta, imbalance }
}

fn manifest(manifest: wit::Manifest) -> Manifest {
    let labels = |labels: Vec<wit::Label>| {
        labels.into_iter().map(|label| Label { name: label.name, description: label.description }).collect()
    };
    Manifest {
        id: manifest.id,
        description: manifest.description,
        timeframes: timeframes(manifest.timeframes),
        columns: columns(manifest.columns),
        parameters: manifest.parameters.into_iter().map(parameter).collect(),
        patterns: labels(manifest.patterns),
        reasons: labels(manifest.reasons),
        warnings: labels(manifest.warnings),
    }
}

fn timeframes(flags: wit::Timeframes) -> Vec<Timeframe> {
    let flag = |timeframe| match timeframe {
        Timeframe::M1 => wit::Timeframes::M1,
        Timeframe::M5 => wit::Timeframes::M5,
        Timeframe::M15 => wit::Timeframes::M15,
        Timeframe::H1 => wit::Timeframes::H1,
        Timeframe::H4 => wit::Timeframes::H4,
        Timeframe::D1 => wit::Timeframes::D1,
    };
    Timeframe::ALL.into_iter().filter(|timeframe| flags.contains(flag(*timeframe))).collect()
}

fn columns(flags: wit::Columns) -> ColumnSet {
    ColumnSet {
        open_time: flags.contains(wit::Columns::OPEN_TIME),
        open: flags.contains(wit::Columns::OPEN),
        high: flags.contains(wit::Columns::HIGH),
        low: flags.contains(wit::Columns::LOW),
        close: flags.contains(wit::Columns::CLOSE),
        volume: flags.contains(wit::Columns::VOLUME),
        volume_delta: flags.contains(wit::Columns::VOLUME_DELTA),
        imbalance: flags.contains(wit::Columns::IMBALANCE),
    }
}

fn parameter(parameter: wit::Parameter) -> ParameterSpec {
    let kind = match parameter.kind {
        wit::ParameterKind::Integer(wit::IntegerRange { default, minimum, maximum }) => {
            ParameterKind::Integer { default, minimum, maximum }
        }
        wit::ParameterKind::Real(wit::RealRange { default, minimum, maximum }) => {
            ParameterKind::Real { default, minimum, maximum }
        }
        wit::ParameterKind::Boolean(default) => ParameterKind::Boolean { default },
        wit::ParameterKind::Choice(wit::Choice { default, options }) => ParameterKind::Choice { default, options },
    };
    ParameterSpec { name: parameter.name, description: parameter.description, kind }
}

const fn to_wit_parameter(value: ParameterValue) -> wit::ParameterValue {
    match value {
        ParameterValue::Integer(value) => wit::ParameterValue::Integer(value),
        ParameterValue::Real(value) => wit::ParameterValue::Real(value),
        ParameterValue::Boolean(value) => wit::ParameterValue::Boolean(value),
        ParameterValue::Choice(value) => wit::ParameterValue::Choice(value),
    }
}

const fn to_wit_timeframe(timeframe: Timeframe) -> wit::Timeframe {
    match timeframe {
        Timeframe::M1 => wit::Timeframe::M1,
        Timeframe::M5 => wit::Timeframe::M5,
        Timeframe::M15 => wit::Timeframe::M15,
        Timeframe::H1 => wit::Timeframe::H1,
        Timeframe::H4 => wit::Timeframe::H4,
        Timeframe::D1 => wit::Timeframe::D1,
    }
}

const fn signal(signal: wit::Signal) -> Signal {
    Signal {
        bar: signal.bar as usize,
        signal_type: match signal.signal_type {
            wit::SignalType::StrongBuy => SignalType::StrongBuy,
            wit::SignalType::Buy => SignalType::Buy,
            wit::SignalType::Neutral => SignalType::Neutral,
            wit::SignalType::Sell => SignalType::Sell,
            wit::SignalType::StrongSell => SignalType::StrongSell,
        },
        pattern: signal.pattern,
        confidence: signal.confidence,
        reasons: signal.reasons,
        warnings: signal.warnings,
        stop_loss: signal.stop_loss,
        take_profit: signal.take_profit,
        valid_bars: signal.valid_bars,
    }
}

fn refusal(error: wit::StrategyError) -> Refusal {
    match error {
        wit::StrategyError::InvalidParameter(fault) => {
            Refusal::InvalidParameter { index: fault.parameter, message: fault.message }
        }
        wit::StrategyError::UnsupportedInstrument(message) => Refusal::UnsupportedInstrument(message),
        wit::StrategyError::Failed(message) => Refusal::Failed(message),
    }
}
