//! Ports that stop answering at a chosen call, as they do to a process that is killed there.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use sentinel_domain::broker::{
    AccountState, Activity, ActivityQuery, Broker, BrokerAsset, BrokerError, BrokerOrder, BrokerOrderId,
    BrokerPosition, ClientOrderId, ClosePortion, HistoryQuery, OrderQuery, OrderRequest, Page, PortfolioHistory,
};
use sentinel_domain::documents::{CollectionName, Commit, Committed, Document, DocumentStore, Query, StoreError};
use sentinel_domain::instrument::Symbol;
use sentinel_function_runtime::Holder;
use sentinel_laptop::Simulation;

/// Burns down with each write to the store and each order to the broker. At its end the process is dead: that call is
/// not made, or made and its answer lost, and no further call is answered.
#[derive(Debug, Default)]
pub struct Fuse {
    left: AtomicI64,
}

/// What a call meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Answered,
    /// Made, but nobody hears the answer.
    AnswerLost,
    Dead,
}

impl Fuse {
    /// Lets `calls` writes happen and kills at the next: every second length kills after it, the others before.
    pub fn light(&self, calls: i64) {
        self.left.store(calls, Ordering::SeqCst);
    }

    /// Returns whether it has burned down.
    #[must_use]
    pub fn is_out(&self) -> bool {
        self.left.load(Ordering::SeqCst) < 0
    }

    /// A call that changes something counts twice: killed before it, and after it.
    fn write(&self) -> Fate {
        match self.left.fetch_sub(2, Ordering::SeqCst) {
            left if left >= 2 => Fate::Answered,
            1 => Fate::AnswerLost,
            _ => Fate::Dead,
        }
    }

    fn read(&self) -> Fate {
        if self.is_out() { Fate::Dead } else { Fate::Answered }
    }
}

/// Longer than what stays alive of a killed process could matter; simulated time passes it at each restart.
const LEASE: Duration = Duration::from_secs(1);
const LEASE_MS: i64 = 1_000;

/// Puts the functions together anew behind `fuse`, as a process that is started after one that was killed.
pub fn start_again(simulation: &mut Simulation, fuse: &Arc<Fuse>, life: usize) {
    simulation.clock().advance(LEASE_MS + 1);
    simulation.restart(|mut wiring| {
        wiring.store = Arc::new(FusedStore { store: wiring.store, fuse: Arc::clone(fuse) });
        wiring.broker = Arc::new(FusedBroker { broker: wiring.broker, fuse: Arc::clone(fuse) });
        wiring.holder = (Holder::named(format!("life {life}")), LEASE);
        wiring
    });
}

/// A store behind a fuse.
#[derive(Debug, Clone)]
pub struct FusedStore {
    /// The store.
    pub store: Arc<dyn DocumentStore>,
    /// The fuse.
    pub fuse: Arc<Fuse>,
}

/// No error that is tried again: a killed process does not wait either.
fn dead_store() -> StoreError {
    StoreError::Failed { store: "the store".to_owned(), reason: "the process was killed".to_owned() }
}

#[async_trait]
impl DocumentStore for FusedStore {
    async fn get_many(&self, collection: CollectionName, ids: &[String]) -> Result<Vec<Document>, StoreError> {
        match self.fuse.read() {
            Fate::Answered => self.store.get_many(collection, ids).await,
            Fate::AnswerLost | Fate::Dead => Err(dead_store()),
        }
    }

    async fn select(&self, query: &Query) -> Result<Vec<Document>, StoreError> {
        match self.fuse.read() {
            Fate::Answered => self.store.select(query).await,
            Fate::AnswerLost | Fate::Dead => Err(dead_store()),
        }
    }

    async fn apply(&self, commit: Commit) -> Result<Committed, StoreError> {
        match self.fuse.write() {
            Fate::Answered => self.store.apply(commit).await,
            Fate::AnswerLost => {
                let _ = self.store.apply(commit).await;
                Err(dead_store())
            }
            Fate::Dead => Err(dead_store()),
        }
    }
}

/// A broker behind a fuse.
#[derive(Clone)]
pub struct FusedBroker {
    /// The broker.
    pub broker: Arc<dyn Broker>,
    /// The fuse.
    pub fuse: Arc<Fuse>,
}

fn dead_broker() -> BrokerError {
    BrokerError::Unavailable { base_url: "the broker".to_owned(), reason: "the process was killed".to_owned() }
}

impl FusedBroker {
    fn read(&self) -> Result<&dyn Broker, BrokerError> {
        if self.fuse.read() == Fate::Answered { Ok(self.broker.as_ref()) } else { Err(dead_broker()) }
    }
}

#[async_trait]
impl Broker for FusedBroker {
    async fn account(&self) -> Result<AccountState, BrokerError> {
        self.read()?.account().await
    }

    async fn portfolio_history(&self, query: &HistoryQuery) -> Result<PortfolioHistory, BrokerError> {
        self.read()?.portfolio_history(query).await
    }

    async fn submit_order(&self, request: &OrderRequest) -> Result<BrokerOrder, BrokerError> {
        match self.fuse.write() {
            Fate::Answered => self.broker.submit_order(request).await,
            Fate::AnswerLost => {
                let _ = self.broker.submit_order(request).await;
                Err(dead_broker())
            }
            Fate::Dead => Err(dead_broker()),
        }
    }

    async fn order(&self, id: &BrokerOrderId) -> Result<BrokerOrder, BrokerError> {
        self.read()?.order(id).await
    }

    async fn order_by_client_id(&self, id: &ClientOrderId) -> Result<BrokerOrder, BrokerError> {
        self.read()?.order_by_client_id(id).await
    }

    async fn orders(&self, query: &OrderQuery) -> Result<Vec<BrokerOrder>, BrokerError> {
        self.read()?.orders(query).await
    }

    async fn cancel_order(&self, id: &BrokerOrderId) -> Result<(), BrokerError> {
        match self.fuse.write() {
            Fate::Answered => self.broker.cancel_order(id).await,
            Fate::AnswerLost => {
                let _ = self.broker.cancel_order(id).await;
                Err(dead_broker())
            }
            Fate::Dead => Err(dead_broker()),
        }
    }

    async fn positions(&self) -> Result<Vec<BrokerPosition>, BrokerError> {
        self.read()?.positions().await
    }

    async fn position(&self, symbol: &Symbol) -> Result<Option<BrokerPosition>, BrokerError> {
        self.read()?.position(symbol).await
    }

    async fn close_position(&self, symbol: &Symbol, portion: ClosePortion) -> Result<BrokerOrder, BrokerError> {
        self.read()?.close_position(symbol, portion).await
    }

    async fn activities(&self, query: &ActivityQuery) -> Result<Page<Activity>, BrokerError> {
        self.read()?.activities(query).await
    }

    async fn asset(&self, symbol: &Symbol) -> Result<BrokerAsset, BrokerError> {
        self.read()?.asset(symbol).await
    }

    async fn assets(&self) -> Result<Vec<BrokerAsset>, BrokerError> {
        self.read()?.assets().await
    }
}
