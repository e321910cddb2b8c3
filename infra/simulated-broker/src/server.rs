//! The server: a thread of its own with the exchange behind a lock, so that waiting for the disk holds up nobody else.

mod activities;
mod data;
mod orders;
mod simulation;
mod stream;
mod trading;
mod transport;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use sentinel_domain::broker::BrokerOrder;
use sentinel_domain::candles::Candles;
use sentinel_domain::instrument::{InstrumentRules, Symbol};
use sentinel_domain::timeframe::UnixMillis;
use thiserror::Error;
use tokio::sync::oneshot;

use crate::exchange::Exchange;
use crate::faults::FaultRule;
use crate::journal::JournalError;
use crate::keeper::{CommandError, Keeper};
use crate::moment::Moment;
use crate::settings::Settings;

/// Where the broker's time comes from.
#[derive(Debug, Clone, Copy, Default)]
pub enum ClockSource {
    /// It stands still until it is moved.
    #[default]
    Simulated,
    /// It is read at every request.
    Wall(fn() -> UnixMillis),
}

/// The keys that requests must carry.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys {
    /// Header `APCA-API-KEY-ID`.
    pub key_id: String,
    /// Header `APCA-API-SECRET-KEY`.
    pub secret: String,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}

/// How to start a broker.
#[derive(Debug, Clone)]
pub struct Options {
    /// The account.
    pub settings: Settings,
    /// The file that keeps it; without one it is gone at the end.
    pub file: Option<PathBuf>,
    /// Where to listen; port 0 takes a free one.
    pub address: SocketAddr,
    /// Where time comes from.
    pub clock: ClockSource,
    /// What requests must carry; without it any will do.
    pub keys: Option<Keys>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            settings: Settings::default(),
            file: None,
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            clock: ClockSource::default(),
            keys: None,
        }
    }
}

/// Why a broker could not be started.
#[derive(Debug, Error)]
pub enum StartError {
    /// Its file cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}; choose another port, or 0 for a free one")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What is wrong.
        source: std::io::Error,
    },
    /// No thread or runtime can be had.
    #[error("cannot start the broker's thread: {0}")]
    Thread(std::io::Error),
}

/// A running broker; it ends when it is dropped.
#[derive(Debug)]
pub struct SimulatedBroker {
    address: SocketAddr,
    state: Arc<ServerState>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct ServerState {
    keeper: Mutex<Keeper>,
    clock: ClockSource,
    keys: Option<Keys>,
}

impl ServerState {
    fn lock(&self) -> MutexGuard<'_, Keeper> {
        self.keeper.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the keeper with its clock set to now, where it follows one.
    fn current(&self) -> Result<MutexGuard<'_, Keeper>, CommandError> {
        let mut keeper = self.lock();
        if let ClockSource::Wall(now) = self.clock {
            // A clock of the machine may jump back; the broker's waits for it.
            let moment = Moment::at_open(now());
            if moment > keeper.exchange().now() {
                keeper.advance(moment)?;
            }
        }
        Ok(keeper)
    }
}

impl SimulatedBroker {
    /// Opens the account and serves it.
    ///
    /// # Errors
    /// When the file cannot be used or the address is taken.
    pub fn start(options: Options) -> Result<Self, StartError> {
        let keeper = Keeper::open(&options.settings, options.file.as_deref())?;
        let state = Arc::new(ServerState { keeper: Mutex::new(keeper), clock: options.clock, keys: options.keys });
        let address = options.address;
        let failed = |source| StartError::Listen { address, source };
        let listener = std::net::TcpListener::bind(address).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(StartError::Thread)?;
        let (stop, stopped) = oneshot::channel();
        let served = Arc::clone(&state);
        let serve = move || runtime.block_on(transport::serve(listener, &served, stopped));
        let thread = std::thread::Builder::new().name("simulated-broker".to_owned());
        let thread = thread.spawn(serve).map_err(StartError::Thread)?;
        Ok(Self { address, state, stop: Some(stop), thread: Some(thread) })
    }

    /// Returns where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the URL under which clients find it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Moves the clock and lets everything happen up to `to`.
    ///
    /// # Errors
    /// When the clock shows a later moment, or the file cannot be written.
    pub fn advance(&self, to: Moment) -> Result<(), CommandError> {
        self.state.lock().advance(to)
    }

    /// Makes candles known: the first of a symbol, or all of before and more. The same once more change nothing.
    ///
    /// # Errors
    /// When they contradict those known, or the file cannot be written.
    pub fn load(&self, candles: &Candles, rules: InstrumentRules) -> Result<(), CommandError> {
        self.state.lock().load(candles, rules)
    }

    /// Arms a fault.
    ///
    /// # Errors
    /// When it makes no sense, or the file cannot be written.
    pub fn arm(&self, rule: FaultRule) -> Result<(), CommandError> {
        self.state.lock().arm(rule)
    }

    /// Clears all faults.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn disarm(&self) -> Result<(), CommandError> {
        self.state.lock().disarm()
    }

    /// Sells a position as a person at the broker's own page would: its open orders are taken back first.
    ///
    /// # Errors
    /// When there is no such position, or the file cannot be written.
    pub fn close_by_hand(&self, symbol: &Symbol) -> Result<BrokerOrder, CommandError> {
        self.state.lock().close_by_hand(symbol)
    }

    /// Looks at the exchange.
    pub fn look<T>(&self, look: impl FnOnce(&Exchange) -> T) -> T {
        look(self.state.lock().exchange())
    }

    /// Waits until the server ends.
    pub fn wait(mut self) {
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

impl Drop for SimulatedBroker {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        drop(self.thread.take().map(JoinHandle::join));
    }
}
