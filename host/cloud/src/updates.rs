//! The long-running worker: it hears of updates at the broker and tells `sync-positions` that positions are due, over the
//! topic of its other tasks. It reads no store, folds no fill and writes nothing: without it, the clock does the same
//! within a minute.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use backon::{ExponentialBuilder, Retryable};
use sentinel_alpaca::TradeStream;
use sentinel_domain::broker::TradeWord;
use sentinel_domain::clock::Clock;
use sentinel_domain::events::{CloudEvent, Publisher};
use sentinel_functions::{UpdateListener, follow};
use tokio::sync::Notify;

use crate::broker;
use crate::program::ProgramError;
use crate::settings::Settings;
use crate::stores::Adapters;

/// How often an event is handed over again; later the clock has come anyway.
const RETRIES: usize = 5;
/// Where the tasks of `sync-positions` travel.
const TOPIC: &str = "positions";

#[derive(Debug)]
struct Relay {
    publisher: Arc<dyn Publisher>,
    /// Told when the broker does not accept the keys.
    refused: Notify,
}

#[async_trait]
impl UpdateListener for Relay {
    fn hear(&self, word: &TradeWord) {
        match word {
            TradeWord::Listening => tracing::info!("the broker tells of updates"),
            TradeWord::Update(update) => {
                tracing::info!(event = update.event, order.id = update.order_id.0, "the broker has news of an order");
            }
            TradeWord::Lost { keys_refused: true, .. } => self.refused.notify_one(),
            TradeWord::Lost { reason, again_in, .. } => {
                let wait_ms = u64::try_from(again_in.as_millis()).unwrap_or(u64::MAX);
                tracing::warn!(reason, wait_ms, "the broker's updates are not heard, the clock syncs positions");
            }
        }
    }

    async fn sync(&self, event: CloudEvent) {
        let waits = ExponentialBuilder::new()
            .with_jitter()
            .with_min_delay(Duration::from_millis(100))
            .with_max_delay(Duration::from_secs(5))
            .with_max_times(RETRIES);
        let published = (|| self.publisher.publish(TOPIC, &event)).retry(waits).await;
        if let Err(error) = published {
            tracing::warn!(%error, "positions that are due wait for the clock");
        }
    }
}

/// Relays what the broker says until `stop` ends, or the broker does not accept the keys.
pub(crate) async fn relay(
    settings: &Settings,
    adapters: &dyn Adapters,
    clock: Arc<dyn Clock>,
    stop: impl Future<Output = ()> + Send,
) -> Result<(), ProgramError> {
    // Settings of this role are not read without the way to the broker.
    let Some(access) = &settings.broker else { return Ok(()) };
    let relay = Relay { publisher: adapters.publisher().await?, refused: Notify::new() };
    let updates = Box::new(TradeStream::new(broker::config(access)));
    tokio::select! {
        () = follow(updates, clock.as_ref(), &relay) => Ok(()),
        // The next instance reads the keys anew.
        () = relay.refused.notified() => Err(ProgramError::KeysRefused),
        () = stop => Ok(()),
    }
}
