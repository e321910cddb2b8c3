//! Word from the broker starts a sync of positions: the same that the clock starts each minute, only sooner.
//!
//! Nothing is read from a word; what happened is what the broker answers when `sync-positions` asks. So words that are
//! lost cost a minute and nothing else. After each connection there is one sync, since something may have been missed.
//! What is said in a short while is one sync.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use sentinel_domain::broker::{TradeUpdates, TradeWord};
use sentinel_domain::clock::Clock;
use sentinel_domain::closes::PositionsDue;
use sentinel_domain::events::CloudEvent;
use tokio::sync::Notify;

/// How long words are gathered: an order that meets several others is told of in as many words.
const GATHERED: Duration = Duration::from_millis(100);

/// Who lets positions be synced.
#[async_trait]
pub trait UpdateListener: Send + Sync {
    /// Is told each word as it comes.
    fn hear(&self, word: &TradeWord);

    /// Lets `sync-positions` run for an event. One that fails is left to the clock.
    async fn sync(&self, event: CloudEvent);
}

/// Listens, and lets positions be synced, until it is dropped.
pub async fn follow(mut updates: Box<dyn TradeUpdates>, clock: &dyn Clock, listener: &dyn UpdateListener) {
    let (due, last) = (Notify::new(), Mutex::new(None));
    let locked = || last.lock().unwrap_or_else(PoisonError::into_inner);
    let hearing = async {
        let mut connections = 0_u64;
        loop {
            let word = updates.next().await;
            listener.hear(&word);
            connections += u64::from(word == TradeWord::Listening);
            if let Some(name) = news(&word, connections) {
                *locked() = Some(name);
                due.notify_one();
            }
        }
    };
    let syncing = async {
        loop {
            due.notified().await;
            tokio::time::sleep(GATHERED).await;
            // What came meanwhile is part of it, and its notice finds nothing.
            let Some(name) = locked().take() else { continue };
            listener.sync(PositionsDue { at: clock.now() }.event(&name)).await;
        }
    };
    tokio::join!(hearing, syncing);
}

/// Returns the name of what is worth a sync.
fn news(word: &TradeWord, connections: u64) -> Option<String> {
    match word {
        TradeWord::Listening => Some(format!("listening|{connections}")),
        TradeWord::Update(update) => {
            let execution = update.execution_id.as_deref().unwrap_or_default();
            Some(format!("{}|{}|{execution}", update.order_id.0, update.event))
        }
        TradeWord::Lost { .. } => None,
    }
}
