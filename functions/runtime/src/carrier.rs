//! Hands on what runs send as soon as they have ended, so that an event needs no clock to go on its way.
//!
//! The outbox stays the only queue: a message leaves it once the carrier has taken it, and what is lost on the way, with
//! the process or with its time, is still there for whoever delivers all of it. A run that sent nothing costs nothing;
//! several that hand on the same message publish it twice, which its consumers know by its name.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sentinel_domain::documents::{DocumentStore, StoreError};
use sentinel_domain::environment::Environment;
use sentinel_domain::events::Publisher;
use sentinel_domain::timeframe::UnixMillis;

use crate::outbox::{Delivery, OutboxRow, deliver_outbox, deliver_rows};

/// How long a request waits for its messages to be handed on.
const TIME_MAX: Duration = Duration::from_secs(20);

/// Which messages are handed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Those that the run itself sent: it may publish to their topics, and needs no look at the outbox.
    OwnMessages,
    /// All that are due, of whatever function: for one that runs often, and may publish to every topic.
    WholeOutbox,
}

/// Who takes messages on, and which.
#[derive(Clone)]
pub struct Carrier {
    /// The carrier of events.
    pub publisher: Arc<dyn Publisher>,
    /// Which messages it is given.
    pub reach: Reach,
    /// How long it may take; what is not handed on by then waits in the outbox.
    pub time_max: Duration,
}

impl Carrier {
    /// Returns a carrier with the usual patience.
    #[must_use]
    pub fn new(publisher: Arc<dyn Publisher>, reach: Reach) -> Self {
        Self { publisher, reach, time_max: TIME_MAX }
    }

    /// Hands on what is due at `now`. Never fails: a run that has ended well stays so.
    pub(crate) async fn carry(
        &self,
        store: &dyn DocumentStore,
        environment: Environment,
        now: UnixMillis,
        sent: Vec<OutboxRow>,
    ) {
        let delivery = self.deliver(store, environment, now, sent);
        match tokio::time::timeout(self.time_max, delivery).await {
            Ok(Ok(Delivery { published: 0, failed })) if failed.is_empty() => {}
            Ok(Ok(Delivery { published, failed })) => {
                tracing::info!(published, failed = failed.len(), "messages handed on");
            }
            Ok(Err(error)) => tracing::warn!(%error, "messages wait in the outbox"),
            Err(_) => tracing::warn!(error = "the carrier took too long", "messages wait in the outbox"),
        }
    }

    async fn deliver(
        &self,
        store: &dyn DocumentStore,
        environment: Environment,
        now: UnixMillis,
        sent: Vec<OutboxRow>,
    ) -> Result<Delivery, StoreError> {
        let publisher = self.publisher.as_ref();
        match self.reach {
            Reach::OwnMessages => deliver_rows(store, environment, publisher, now, sent).await,
            Reach::WholeOutbox => deliver_outbox(store, environment, publisher, now).await,
        }
    }
}

impl fmt::Debug for Carrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Carrier").field("reach", &self.reach).finish_non_exhaustive()
    }
}
