//! A fresh instance of a component, called under a budget.

use std::ops::Range;
use std::sync::Arc;

use sentinel_domain::candles::Columns;
use sentinel_domain::hash::ContentHash;
use sentinel_domain::instrument::{Instrument, InstrumentRules};
use sentinel_domain::signal::Signal;
use sentinel_domain::strategy::{Manifest, ParameterValue};
use sentinel_domain::timeframe::Timeframe;
use wasmtime::{Store, Trap};

use crate::engine::Ticker;
use crate::error::{Place, RuntimeError};
use crate::limits::Limits;
use crate::meter::{Meter, Refused};
use crate::runtime::Runtime;
use crate::shown::Shown;
use crate::v0_1::{Contract, Guest, Refusal, SIGNAL_BYTES, SessionHandle};

/// A compiled component, ready to be instantiated.
#[derive(Clone)]
pub(crate) struct Component {
    pub(crate) runtime: Runtime,
    pub(crate) contract: Contract,
    pub(crate) hash: ContentHash,
    /// What errors call it: its id, once that is known.
    pub(crate) name: String,
    pub(crate) limits: Limits,
}

/// One instance, alone in its store.
pub(crate) struct Instance {
    component: Arc<Component>,
    store: Store<Meter>,
    guest: Guest,
    fuel_used: u64,
}

/// The fuel of one call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget {
    /// Name of the limit.
    limit: &'static str,
    /// Its value.
    fuel_max: u64,
    /// What the call may use.
    total: u64,
}

impl Budget {
    pub(crate) const fn open(limits: &Limits) -> Self {
        Self { limit: "fuel_max_open", fuel_max: limits.fuel_max_open, total: limits.fuel_max_open }
    }

    pub(crate) const fn warm_up(limits: &Limits) -> Self {
        let fuel_max = limits.fuel_max_per_warm_up;
        Self { limit: "fuel_max_per_warm_up", fuel_max, total: fuel_max }
    }

    pub(crate) const fn bars(limits: &Limits, bars: usize) -> Self {
        let fuel_max = limits.fuel_max_per_bar;
        Self { limit: "fuel_max_per_bar", fuel_max, total: fuel_max.saturating_mul(bars as u64) }
    }
}

/// What may come back from a call. The host reads no more than that, whatever the guest says is there.
#[derive(Debug, Clone, Copy)]
enum Answer {
    Manifest,
    Opened,
    Number,
    Signals { bars: usize },
}

impl Answer {
    fn bytes_max(self, limits: &Limits) -> usize {
        let text = usize::try_from(limits.error_text_bytes_max).unwrap_or(usize::MAX);
        match self {
            Self::Manifest => usize::try_from(limits.manifest_bytes_max).unwrap_or(usize::MAX),
            Self::Opened => text,
            Self::Number => 0,
            Self::Signals { bars } => bars.saturating_mul(SIGNAL_BYTES).max(text),
        }
    }

    fn in_words(self, limits: &Limits) -> String {
        let text = limits.error_text_bytes_max;
        match self {
            Self::Manifest => format!("manifest_bytes_max is {}", limits.manifest_bytes_max),
            Self::Opened | Self::Number => format!("error_text_bytes_max is {text}"),
            Self::Signals { bars } => {
                format!("at most {bars} signals (one a bar) or an error text (error_text_bytes_max is {text})")
            }
        }
    }
}

impl Instance {
    /// Makes an instance.
    pub(crate) fn fresh(component: &Arc<Component>, place: Place) -> Result<Self, RuntimeError> {
        let budget = Budget::open(&component.limits);
        let mut store = Store::new(component.runtime.engine(), Meter::new(&component.limits));
        store.limiter(|meter| meter);
        let made = prepare(&mut store, &component.limits, budget, Answer::Number)
            .and_then(|()| component.contract.instantiate(&mut store));
        match made {
            Ok(guest) => {
                let fuel_used = budget.total - store.get_fuel().unwrap_or_default();
                Ok(Self { component: Arc::clone(component), store, guest, fuel_used })
            }
            Err(error) => Err(match component.explain(&error, place, budget, Answer::Number) {
                // Nothing was answered yet, so it is the exports that do not fit.
                RuntimeError::Unreadable { strategy, reason, .. } => RuntimeError::ExportType { strategy, reason },
                other => other,
            }),
        }
    }

    pub(crate) fn describe(&mut self) -> Result<Manifest, RuntimeError> {
        let budget = Budget::open(&self.component.limits);
        self.call(Place::Describing, budget, Answer::Manifest, Guest::describe)
    }

    pub(crate) fn open(
        &mut self,
        manifest: &Manifest,
        instrument: &Instrument,
        timeframe: Timeframe,
        rules: &InstrumentRules,
        parameters: &[ParameterValue],
    ) -> Result<SessionHandle, RuntimeError> {
        let budget = Budget::open(&self.component.limits);
        let opened = self.call(Place::Opening, budget, Answer::Opened, |guest, store| {
            guest.open(store, instrument, timeframe, rules, parameters)
        })?;
        opened.map_err(|refusal| match refusal {
            Refusal::UnsupportedInstrument(message) => RuntimeError::UnsupportedInstrument {
                strategy: self.component.name.clone(),
                instrument: instrument.to_string(),
                message: printable(&message),
            },
            other => self.component.refused(other, manifest, Place::Opening),
        })
    }

    pub(crate) fn warm_up_bars(&mut self, session: SessionHandle) -> Result<u32, RuntimeError> {
        let budget = Budget::open(&self.component.limits);
        self.call(Place::Opening, budget, Answer::Number, |guest, store| guest.warm_up_bars(store, session))
    }

    /// Returns signals that are not checked yet; their `bar` is an index into `rows`.
    pub(crate) fn on_bars(
        &mut self,
        session: SessionHandle,
        manifest: &Manifest,
        columns: &Columns,
        rows: Range<usize>,
        place: &Place,
        budget: Budget,
    ) -> Result<Vec<Signal>, RuntimeError> {
        let answer = Answer::Signals { bars: rows.len() };
        let shown = Shown::new(columns, &rows, manifest.columns);
        let answered = self.call(place.clone(), budget, answer, |guest, store| guest.on_bars(store, session, shown))?;
        answered.map_err(|refusal| self.component.refused(refusal, manifest, place.clone()))
    }

    /// Returns the fuel used by all calls so far and by making the instance.
    pub(crate) const fn fuel_used(&self) -> u64 {
        self.fuel_used
    }

    fn call<T>(
        &mut self,
        place: Place,
        budget: Budget,
        answer: Answer,
        call: impl FnOnce(&Guest, &mut Store<Meter>) -> wasmtime::Result<T>,
    ) -> Result<T, RuntimeError> {
        let result = prepare(&mut self.store, &self.component.limits, budget, answer)
            .and_then(|()| call(&self.guest, &mut self.store));
        self.fuel_used += budget.total - self.store.get_fuel().unwrap_or_default();
        result.map_err(|error| self.component.explain(&error, place, budget, answer))
    }
}

/// Gives a store its budgets for the next call.
fn prepare(store: &mut Store<Meter>, limits: &Limits, budget: Budget, answer: Answer) -> wasmtime::Result<()> {
    store.set_epoch_deadline(Ticker::ticks(limits.call_time_max_ms));
    store.set_hostcall_fuel(answer.bytes_max(limits));
    store.set_fuel(budget.total)
}

impl Component {
    /// Turns the engine's error into ours.
    fn explain(&self, error: &wasmtime::Error, place: Place, budget: Budget, answer: Answer) -> RuntimeError {
        let (strategy, limits) = (self.name.clone(), &self.limits);
        if let Some(refused) = error.downcast_ref::<Refused>() {
            return match *refused {
                Refused::Memory { wanted } => {
                    let memory_max_bytes = limits.memory_max_bytes;
                    RuntimeError::MemoryExhausted { strategy, place, wanted, memory_max_bytes }
                }
                Refused::Table { wanted } => {
                    let table_elements_max = limits.table_elements_max;
                    RuntimeError::TableExhausted { strategy, place, wanted, table_elements_max }
                }
            };
        }
        if let Some(trap) = error.downcast_ref::<Trap>() {
            return match trap {
                Trap::OutOfFuel => {
                    let Budget { limit, fuel_max, total } = budget;
                    RuntimeError::FuelExhausted { strategy, place, limit, fuel_max, budget: total }
                }
                Trap::Interrupt => {
                    RuntimeError::TimeExceeded { strategy, place, call_time_max_ms: limits.call_time_max_ms }
                }
                Trap::StackOverflow => {
                    let stack_max_bytes = self.runtime.config().stack_max_bytes;
                    RuntimeError::StackExhausted { strategy, place, stack_max_bytes }
                }
                other => {
                    let trap = other.to_string().trim_start_matches("wasm trap: ").to_owned();
                    RuntimeError::Trap { strategy, place, trap }
                }
            };
        }
        let reason = format!("{error:#}");
        // The engine has no type for the next two; the hostile guests hold these texts in place.
        if reason.contains("fuel allocated for hostcalls has been exhausted") {
            let (allowed, bytes_max) = (answer.in_words(limits), answer.bytes_max(limits));
            return RuntimeError::AnswerTooLarge { strategy, place, allowed, bytes_max };
        }
        if reason.contains("resource limit exceeded") || reason.contains("maximum concurrent") {
            let limits = format!(
                "core_instances_max is {}, memories_max is {}, tables_max is {}, instances_max of the sandbox is {}",
                limits.core_instances_max,
                limits.memories_max,
                limits.tables_max,
                self.runtime.config().instances_max
            );
            return RuntimeError::TooManyParts { strategy, place, reason, limits };
        }
        RuntimeError::Unreadable { strategy, place, reason }
    }

    /// Turns the strategy's own error into ours.
    fn refused(&self, refusal: Refusal, manifest: &Manifest, place: Place) -> RuntimeError {
        let strategy = self.name.clone();
        let text_max = usize::try_from(self.limits.error_text_bytes_max).unwrap_or(usize::MAX);
        let (Refusal::InvalidParameter { message, .. }
        | Refusal::UnsupportedInstrument(message)
        | Refusal::Failed(message)) = &refusal;
        if message.len() > text_max {
            let allowed = Answer::Opened.in_words(&self.limits);
            return RuntimeError::AnswerTooLarge { strategy, place, allowed, bytes_max: text_max };
        }
        match refusal {
            Refusal::InvalidParameter { index, message } => RuntimeError::InvalidParameter {
                strategy,
                parameter: manifest
                    .parameters
                    .get(index as usize)
                    .map_or_else(|| format!("number {index}"), |parameter| parameter.name.clone()),
                message: printable(&message),
            },
            Refusal::UnsupportedInstrument(message) | Refusal::Failed(message) => {
                RuntimeError::Failed { strategy, place, message: printable(&message) }
            }
        }
    }
}

/// Returns a guest's words with control characters spelled out: a message must not steer a terminal.
fn printable(text: &str) -> String {
    let spell = |char: char| if char.is_control() { char.escape_default().to_string() } else { char.to_string() };
    text.chars().map(spell).collect()
}
