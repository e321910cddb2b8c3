//! From settings to a function that serves, or has run.

use std::future::Future;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use sentinel_domain::broker::BrokerError;
use sentinel_domain::clock::Clock;
use sentinel_function_runtime::http::{Callers, HttpConfig, serve};
use sentinel_function_runtime::{Carrier, Function, Holder, Reach, Runtime};
use sentinel_functions::{FunctionName, MissingPart, Parts, Port};
use sentinel_runtime::{LazyRuntime, RuntimeConfig};
use thiserror::Error;
use tokio::net::TcpListener;

use crate::callers::GoogleCallers;
use crate::job::{JobError, PAUSE, run_job};
use crate::keys::{Keys, KeysError};
use crate::settings::{Role, Settings};
use crate::stores::{Adapters, Unopened};
use crate::updates::relay;
use crate::{broker, git_hash};

/// How long a candle is waited for after its close; a run of `ingest-candles` has 55 s.
const PATIENCE: Duration = Duration::from_secs(20);

/// Why the program ends before it is told to.
#[derive(Debug, Error)]
pub enum ProgramError {
    /// A store.
    #[error(transparent)]
    Store(#[from] Unopened),
    /// The broker's client.
    #[error(transparent)]
    Broker(#[from] BrokerError),
    /// A function needs what the settings do not give.
    #[error(transparent)]
    Part(#[from] MissingPart),
    /// What callers are told apart by.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The job.
    #[error(transparent)]
    Job(#[from] JobError),
    /// The port.
    #[error("cannot serve on port {port}")]
    Serve {
        /// Which.
        port: u16,
        /// What stands in the way.
        #[source]
        source: io::Error,
    },
    /// The broker does not know the keys that this instance began with; another begins with those that hold then.
    #[error("the broker does not accept the keys; the next instance reads them anew")]
    KeysRefused,
    /// The platform wanted the job to end before it had.
    #[error("stopped before the run had ended: what it committed stays, run it again")]
    Stopped,
}

/// A function and what it runs on.
#[expect(missing_debug_implementations, reason = "ports need not say what they are")]
pub struct Assembled {
    /// The function.
    pub function: Arc<dyn Function>,
    /// What it runs on.
    pub runtime: Runtime,
}

/// Serves the function, or listens to the broker, until `stop` ends; or runs it once.
///
/// # Errors
/// See [`ProgramError`].
pub async fn run(
    settings: &Settings,
    adapters: &dyn Adapters,
    clock: Arc<dyn Clock>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ProgramError> {
    if settings.role == Role::TradeUpdates {
        return relay(settings, adapters, clock, stop).await;
    }
    let Assembled { function, runtime } = assemble(settings, adapters, Arc::clone(&clock)).await?;
    let Role::Service { port, .. } = settings.role else {
        return tokio::select! {
            ended = run_job(function.as_ref(), &runtime, PAUSE) => Ok(ended.map(drop)?),
            () = stop => Err(ProgramError::Stopped),
        };
    };
    let failed = |source| ProgramError::Serve { port, source };
    let config = HttpConfig { callers: callers(settings, clock)?, ..HttpConfig::default() };
    let listener = TcpListener::bind(("0.0.0.0", port)).await.map_err(failed)?;
    serve(function, runtime, listener, config, stop).await.map_err(failed)
}

/// Puts the function together, and opens what it needs.
///
/// # Errors
/// When something cannot be opened.
pub async fn assemble(
    settings: &Settings,
    adapters: &dyn Adapters,
    clock: Arc<dyn Clock>,
) -> Result<Assembled, ProgramError> {
    let name = settings.function;
    let function = name.build(&parts(settings, adapters).await?)?;
    let store = adapters.documents().await?;
    let carrier =
        if name.needs(Port::Events) { Some(Carrier::new(adapters.publisher().await?, reach(name))) } else { None };
    let runtime = Runtime {
        holder: Holder::named(instance(name)),
        carrier,
        ..Runtime::new(store, settings.environment, clock, git_hash())
    };
    Ok(Assembled { function, runtime })
}

async fn parts(settings: &Settings, adapters: &dyn Adapters) -> Result<Parts, ProgramError> {
    let needs = |port| settings.function.needs(port);
    let mut parts =
        Parts { benchmark: settings.account.benchmark.clone(), patience: PATIENCE, ..Parts::of(settings.terms()) };
    if let Some(access) = &settings.broker {
        let client = Arc::new(broker::client(access)?);
        parts.broker = Some(client.clone());
        parts.data = Some(client);
    }
    if needs(Port::Warehouse) {
        parts.warehouse = Some(adapters.warehouse().await?);
    }
    if needs(Port::Components) {
        parts.components = Some(adapters.components().await?);
    }
    if needs(Port::Uploads) {
        parts.uploads = Some(adapters.uploads().await?);
    }
    if needs(Port::Sandbox) {
        // Without a folder for compiled code: nothing is written to a disk.
        parts.sandbox = Some(Arc::new(LazyRuntime::new(RuntimeConfig::default())));
    }
    Ok(parts)
}

const fn reach(name: FunctionName) -> Reach {
    if name.delivers_for_all() { Reach::WholeOutbox } else { Reach::OwnMessages }
}

fn callers(settings: &Settings, clock: Arc<dyn Clock>) -> Result<Option<Arc<dyn Callers>>, KeysError> {
    let Role::Service { audiences, callers, keys_url, .. } = &settings.role else { return Ok(None) };
    let keys = Keys::at(keys_url, Arc::clone(&clock))?;
    let service = format!("{}{}", settings.stores.prefix, settings.function);
    let ours = (settings.project.as_str(), service.as_str());
    Ok(Some(Arc::new(GoogleCallers::new(audiences.clone(), callers.clone(), ours, keys, clock))))
}

/// Returns a name that no other instance has: leases are told apart by it.
fn instance(name: FunctionName) -> String {
    // Seeded anew in each process by the system's own randomness.
    format!("{name}/{:016x}", RandomState::new().hash_one(name.as_str()))
}
