//! An exchange on this machine, for tests: it answers in the documented form of a real one, and fails on demand.
//!
//! Its candles are a function of time alone ([`LocalExchange::candle`]), so a test knows what to expect without
//! keeping any. It is strict where the real one is: too long a range, an unknown granularity or a missing parameter
//! is refused in the exchange's own words.

mod answers;
mod faults;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use axum::routing::get;
use sentinel_domain::timeframe::{Timeframe, UnixMillis};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::source::Source;
use answers::Parameters;
pub use faults::Fault;

/// What the exchange trades.
#[derive(Debug, Clone, PartialEq)]
pub struct LocalMarket {
    /// The exchange whose form is spoken.
    pub source: Source,
    /// Its own name of the one market there is, such as `BTC-USD`, `BTCUSDT` or `XBTUSD`.
    pub market: String,
    /// When trading began.
    pub listed: UnixMillis,
    /// What its clock shows.
    pub now: UnixMillis,
    /// Times at which nobody traded.
    pub silence: Vec<Range<UnixMillis>>,
}

impl LocalMarket {
    /// Returns whether the exchange has a candle that opens at `open_time`.
    fn has(&self, open_time: UnixMillis, timeframe: Timeframe) -> bool {
        let close_time = timeframe.close_time(open_time);
        let is_silent = self.silence.iter().any(|range| range.start <= open_time && close_time <= range.end);
        timeframe.is_aligned(open_time) && close_time > self.listed && open_time <= self.now && !is_silent
    }

    /// Returns the opening times of the candles in `range`, oldest first, at most `limit`.
    fn open_times(&self, range: Range<UnixMillis>, timeframe: Timeframe, limit: usize) -> Vec<UnixMillis> {
        let first = timeframe.candle_open(range.start.max(self.listed - timeframe.millis()));
        let last = range.end.min(self.now + 1);
        let step = usize::try_from(timeframe.millis()).unwrap_or(1);
        let times = (first..last).step_by(step).filter(|time| range.contains(time) && self.has(*time, timeframe));
        times.take(limit).collect()
    }
}

/// A running exchange; it ends when it is dropped.
#[derive(Debug)]
pub struct LocalExchange {
    address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    market: LocalMarket,
    faults: Vec<Fault>,
    requests: Vec<String>,
    delay: Duration,
}

impl LocalExchange {
    /// Starts it on a free port.
    ///
    /// # Panics
    /// When this machine has no port to listen on.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test that cannot listen has nothing to go on with")]
    pub fn start(market: LocalMarket) -> Self {
        let shared = Shared { market, faults: Vec::new(), requests: Vec::new(), delay: Duration::ZERO };
        let shared = Arc::new(Mutex::new(shared));
        let (stop, stopped) = oneshot::channel();
        let (ready, address) = std::sync::mpsc::channel();
        let state = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
            runtime.block_on(async move {
                let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port is free");
                ready.send(listener.local_addr().expect("a bound port has an address")).expect("somebody waits");
                // Without grace: a client that keeps its connection open would keep the server waiting.
                tokio::select! {
                    served = axum::serve(listener, router(state)) => served.expect("serving does not fail"),
                    _ = stopped => {}
                }
            });
        });
        let address = address.recv().expect("the server starts");
        Self { address, shared, stop: Some(stop), thread: Some(thread) }
    }

    /// Returns the URL to ask.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Lets the next requests fail, one for each fault; after them it answers again.
    pub fn fail_next(&self, faults: impl IntoIterator<Item = Fault>) {
        let mut faults: Vec<_> = faults.into_iter().collect();
        faults.reverse();
        self.lock().faults = faults;
    }

    /// Lets every answer take at least so long.
    pub fn delay_answers(&self, delay: Duration) {
        self.lock().delay = delay;
    }

    /// Sets its clock.
    pub fn set_now(&self, now: UnixMillis) {
        self.lock().market.now = now;
    }

    /// Returns the path and the query of every request so far.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        self.lock().requests.clone()
    }

    /// Returns open, high, low, close, volume and taker buy volume of the candle that opens at a time.
    #[must_use]
    pub fn candle(open_time: UnixMillis) -> [f64; 6] {
        answers::candle(open_time)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for LocalExchange {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        drop(self.thread.take().map(JoinHandle::join));
    }
}

type Exchange = State<Arc<Mutex<Shared>>>;

fn router(shared: Arc<Mutex<Shared>>) -> Router {
    Router::new()
        .route("/products/{market}/candles", get(coinbase))
        .route("/api/v3/klines", get(binance))
        .route("/0/public/OHLC", get(kraken))
        .with_state(shared)
}

async fn coinbase(exchange: Exchange, Path(market): Path<String>, parameters: Query<Parameters>) -> Response {
    answer(exchange, format!("/products/{market}/candles"), parameters, |shown, parameters| {
        answers::coinbase(shown, &market, parameters)
    })
    .await
}

async fn binance(exchange: Exchange, parameters: Query<Parameters>) -> Response {
    answer(exchange, "/api/v3/klines".to_owned(), parameters, answers::binance).await
}

async fn kraken(exchange: Exchange, parameters: Query<Parameters>) -> Response {
    answer(exchange, "/0/public/OHLC".to_owned(), parameters, answers::kraken).await
}

/// Notes a request, and fails it when its turn has come.
async fn answer(
    State(shared): Exchange,
    path: String,
    Query(parameters): Query<Parameters>,
    answer: impl FnOnce(&LocalMarket, &Parameters) -> Response,
) -> Response {
    let (market, fault, delay) = {
        let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
        let query: BTreeSet<_> = parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
        shared.requests.push(format!("{path}?{}", query.into_iter().collect::<Vec<_>>().join("&")));
        (shared.market.clone(), shared.faults.pop(), shared.delay)
    };
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    match fault {
        Some(fault) => fault.answer().await,
        None => answer(&market, &parameters),
    }
}
