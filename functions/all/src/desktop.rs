//! The functions of one account in one process, and the bus between them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use sentinel_domain::broker::Broker;
use sentinel_domain::clock::Clock;
use sentinel_domain::components::{ComponentStore, Uploads};
use sentinel_domain::documents::DocumentStore;
use sentinel_domain::documents::StoreError;
use sentinel_domain::environment::Environment;
use sentinel_domain::events::Publisher;
use sentinel_domain::instrument::Instrument;
use sentinel_domain::market_data::MarketData;
use sentinel_domain::timeframe::UnixMillis;
use sentinel_domain::warehouse::Warehouse;
use sentinel_function_runtime::outbox::{Delivery, DeliveryOrder, deliver_outbox, deliver_outbox_in};
use sentinel_function_runtime::{Function, Holder, InProcessBus, Outcome, RunError, RunRequest, Runtime};
use sentinel_runtime::LazyRuntime;
use sentinel_trading::Terms;

use crate::name::{FunctionName, Parts};

/// What the functions are put together from.
#[derive(Clone)]
#[expect(missing_debug_implementations, reason = "ports need not say what they are")]
pub struct Wiring {
    /// The hot store.
    pub store: Arc<dyn DocumentStore>,
    /// The bytes of components.
    pub components: Arc<dyn ComponentStore>,
    /// The broker.
    pub broker: Arc<dyn Broker>,
    /// Where candles come from.
    pub data: Arc<dyn MarketData>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The environment whose names are used.
    pub environment: Environment,
    /// The commit that the program was built from.
    pub git_hash: String,
    /// The sandbox.
    pub sandbox: Arc<LazyRuntime>,
    /// The account.
    pub terms: Terms,
    /// How long a candle is waited for that is late.
    pub patience: Duration,
    /// Who runs the functions, and how long it is believed to be alive.
    pub holder: (Holder, Duration),
}

/// The functions by name, ready to be run.
pub struct Desktop {
    runtime: Runtime,
    parts: Parts,
    bus: InProcessBus,
    /// Carries events instead of the bus.
    carrier: Option<Arc<dyn Publisher>>,
    functions: BTreeMap<&'static str, Arc<dyn Function>>,
}

impl std::fmt::Debug for Desktop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.functions.keys()).finish()
    }
}

impl Desktop {
    /// Puts the functions together that lead from a candle to a position. Nothing is opened and nothing runs yet.
    #[must_use]
    pub fn new(wiring: Wiring) -> Self {
        let Wiring { store, components, broker, data, clock, environment, git_hash, sandbox, terms, patience, holder } =
            wiring;
        let (holder, lease_lasts) = holder;
        let runtime = Runtime { holder, lease_lasts, ..Runtime::new(store, environment, clock, git_hash) };
        let parts = Parts {
            patience,
            broker: Some(broker),
            data: Some(data),
            components: Some(components),
            sandbox: Some(sandbox),
            ..Parts::of(terms)
        };
        let mut desktop =
            Self { runtime, parts, bus: InProcessBus::default(), carrier: None, functions: BTreeMap::new() };
        desktop.add_named(&FunctionName::TRADING);
        desktop
    }

    /// Adds the loops, patches and the broom, which keep `warehouse`; performance is measured against `benchmark`.
    pub fn add_archive(&mut self, warehouse: &Arc<dyn Warehouse>, benchmark: Option<Instrument>) {
        self.parts.warehouse = Some(Arc::clone(warehouse));
        self.parts.benchmark = benchmark;
        self.add_named(&FunctionName::ARCHIVE);
    }

    /// Adds `register-strategy`, which reads `uploads`.
    pub fn add_registry(&mut self, uploads: Arc<dyn Uploads>) {
        self.parts.uploads = Some(uploads);
        self.add_named(&[FunctionName::RegisterStrategy]);
    }

    fn add_named(&mut self, names: &[FunctionName]) {
        for name in names {
            // Whoever calls this has put the parts there.
            let function = name.build(&self.parts).unwrap_or_else(|missing| panic!("{missing}"));
            self.add(function);
        }
    }

    /// Adds a function.
    pub fn add(&mut self, function: Arc<dyn Function>) {
        self.bus.subscribe_function(&self.runtime, &function);
        self.functions.insert(function.descriptor().name, function);
    }

    /// Lets events take another way: `carrier` is made of the bus, which hands them to the functions that are there now.
    pub fn carry_by(&mut self, carrier: impl FnOnce(InProcessBus) -> Arc<dyn Publisher>) {
        self.carrier = Some(carrier(self.bus.clone()));
    }

    fn carrier(&self) -> &dyn Publisher {
        self.carrier.as_deref().unwrap_or(&self.bus)
    }

    /// Returns the functions, by name.
    pub fn functions(&self) -> impl Iterator<Item = &Arc<dyn Function>> {
        self.functions.values()
    }

    /// Returns a function.
    #[must_use]
    pub fn function(&self, name: &str) -> Option<&Arc<dyn Function>> {
        self.functions.get(name)
    }

    /// Returns what functions run on.
    #[must_use]
    pub const fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// Runs a function once.
    ///
    /// # Errors
    /// As [`Runtime::run_once`].
    ///
    /// # Panics
    /// When there is no such function.
    pub async fn run(&self, name: &str, request: RunRequest) -> Result<Outcome, RunError> {
        let function = self.functions.get(name).unwrap_or_else(|| panic!("there is no function {name}"));
        self.runtime.run_once(function.as_ref(), request).await
    }

    /// Hands the events that wait to the functions that want them, and those that they give rise to.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub async fn deliver(&self) -> Result<Delivery, StoreError> {
        let now = self.runtime.clock.now();
        deliver_outbox(self.runtime.store.as_ref(), self.runtime.environment, self.carrier(), now).await
    }

    /// The same as of `now`, and in an order of one's own.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub async fn deliver_in(&self, now: UnixMillis, order: &DeliveryOrder) -> Result<Delivery, StoreError> {
        deliver_outbox_in(self.runtime.store.as_ref(), self.runtime.environment, self.carrier(), now, order).await
    }
}
