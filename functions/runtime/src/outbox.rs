//! Events on their way: committed together with the state they tell of, delivered afterwards, at least once.
//!
//! The outbox is the one durable queue. A message leaves it only when its carrier has taken it; one that cannot be
//! delivered steps back behind the others, waits longer each time, and keeps its last error for people to see.

use sentinel_domain::documents::{Collection, DocumentStore, Precondition, Record, Records, StoreError, Stored, Write};
use sentinel_domain::environment::Environment;
use sentinel_domain::events::{CloudEvent, Publisher};
use sentinel_domain::hash::ContentHasher;
use sentinel_domain::timeframe::UnixMillis;
use serde::{Deserialize, Serialize};

/// Messages read, delivered and removed at a time; after a crash at most these are delivered again.
const PAGE_MESSAGES: u32 = 100;
/// How long a message waits after its first failure; twice as long after each further one.
const BACK_OFF_MS: i64 = 1_000;
const BACK_OFF_MAX_MS: i64 = 300_000;

/// An event and where it goes.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// The topic it is published to.
    pub topic: String,
    /// The event.
    pub event: CloudEvent,
    /// When it may be delivered; `None` for at once.
    pub not_before: Option<UnixMillis>,
}

impl Message {
    /// Returns a message to be delivered at once.
    #[must_use]
    pub fn new(topic: impl Into<String>, event: CloudEvent) -> Self {
        Self { topic: topic.into(), event, not_before: None }
    }

    /// Returns the message, not to be delivered before `at`.
    #[must_use]
    pub fn not_before(self, at: UnixMillis) -> Self {
        Self { not_before: Some(at), ..self }
    }
}

/// A message as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OutboxRow {
    /// Derives from topic and event: a run that is run again writes the same message.
    pub message_id: String,
    /// The topic it is published to.
    pub topic: String,
    /// The event.
    pub event: CloudEvent,
    /// Its place in the order of delivery: those due at once in the order of creation, then the others by due time.
    pub position: String,
    /// When it was committed.
    pub created_at: UnixMillis,
    /// When it may be delivered.
    pub due_at: UnixMillis,
    /// How often delivery failed.
    pub attempts: u32,
    /// Why it failed last.
    pub last_error: Option<String>,
}

impl OutboxRow {
    /// Returns the row of the `number`th message of a run.
    pub(crate) fn new(message: Message, now: UnixMillis, number: u32) -> Self {
        let Message { topic, event, not_before } = message;
        let hasher = ContentHasher::new("outbox").text(&topic).text(&event.source).text(&event.id);
        let (due_at, order) = match not_before {
            None => (now, at_once(now, number)),
            Some(due_at) => (due_at, later(due_at, now, number)),
        };
        Self {
            message_id: hasher.finish().to_string()[..32].to_owned(),
            topic,
            event,
            position: order,
            created_at: now,
            due_at,
            attempts: 0,
            last_error: None,
        }
    }

    fn failed(&mut self, now: UnixMillis, reason: String) {
        let back_off = BACK_OFF_MS.saturating_mul(1 << self.attempts.min(16)).min(BACK_OFF_MAX_MS);
        self.attempts = self.attempts.saturating_add(1);
        self.due_at = now + back_off;
        self.position = later(self.due_at, self.created_at, 0);
        self.last_error = Some(reason);
    }
}

impl Record for OutboxRow {
    const COLLECTION: Collection = Collection::Outbox;

    fn id(&self) -> String {
        self.message_id.clone()
    }
}

/// Begins the positions of messages that wait for a time.
const LATER: &str = "b";

/// Sorts as text by creation time and number. It names no due time, so that a clock that is set back delays nothing.
fn at_once(created_at: UnixMillis, number: u32) -> String {
    format!("a-{:015}-{number:010}", created_at.max(0))
}

/// Sorts as text by due time, creation time and number. Times before 1970 do not occur.
fn later(due_at: UnixMillis, created_at: UnixMillis, number: u32) -> String {
    format!("{LATER}-{:015}-{:015}-{number:010}", due_at.max(0), created_at.max(0))
}

/// What a round of deliveries did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Delivery {
    /// Messages that their carrier took.
    pub published: usize,
    /// Message ids and reasons of those it did not take; they stay, and are tried again later.
    pub failed: Vec<(String, String)>,
}

/// Publishes every message that is due at `now`, and those that are committed for `now` meanwhile, in the order of
/// creation, and removes each once it is taken.
///
/// # Errors
///
/// When the store fails; what was published by then may be published again.
pub async fn deliver_outbox(
    store: &dyn DocumentStore,
    environment: Environment,
    publisher: &dyn Publisher,
    now: UnixMillis,
) -> Result<Delivery, StoreError> {
    deliver_outbox_in(store, environment, publisher, now, &|page| page).await
}

/// Says in which order the messages of a page are delivered.
pub type DeliveryOrder = dyn Fn(Vec<Stored<OutboxRow>>) -> Vec<Stored<OutboxRow>> + Send + Sync;

/// The same in another order than that of creation: carriers promise none, so whatever `order` makes of each page of
/// messages must come to the same end.
///
/// # Errors
///
/// As [`deliver_outbox`].
pub async fn deliver_outbox_in(
    store: &dyn DocumentStore,
    environment: Environment,
    publisher: &dyn Publisher,
    now: UnixMillis,
    order: &DeliveryOrder,
) -> Result<Delivery, StoreError> {
    let outbox = Records::<OutboxRow>::of(store, environment);
    let first = outbox.select().less("position", LATER).limit(PAGE_MESSAGES);
    // A due time equal to `now` is followed by a dash, which sorts before a dot.
    let due = format!("{LATER}-{:015}.", now.max(0));
    let then = outbox.select().at_least("position", LATER).less("position", due).limit(PAGE_MESSAGES);
    let mut delivery = Delivery::default();
    loop {
        let mut page = outbox.query(&first).await?;
        if page.is_empty() {
            page = outbox.query(&then).await?;
        }
        if page.is_empty() {
            return Ok(delivery);
        }
        let mut writes = Vec::with_capacity(page.len());
        for row in order(page) {
            writes.push(deliver(&outbox, publisher, row.record, now, &mut delivery).await?);
        }
        store.commit(writes).await?;
    }
}

/// Publishes those of `rows` that are due at `now`, and removes each that is taken, without looking at what else waits.
pub(crate) async fn deliver_rows(
    store: &dyn DocumentStore,
    environment: Environment,
    publisher: &dyn Publisher,
    now: UnixMillis,
    rows: Vec<OutboxRow>,
) -> Result<Delivery, StoreError> {
    let outbox = Records::<OutboxRow>::of(store, environment);
    let mut delivery = Delivery::default();
    let mut due = rows.into_iter().filter(|row| row.due_at <= now).peekable();
    while due.peek().is_some() {
        let mut writes = Vec::new();
        for row in due.by_ref().take(PAGE_MESSAGES as usize) {
            writes.push(deliver(&outbox, publisher, row, now, &mut delivery).await?);
        }
        store.commit(writes).await?;
    }
    Ok(delivery)
}

/// Publishes one message and returns what becomes of its row.
async fn deliver(
    outbox: &Records<'_, OutboxRow>,
    publisher: &dyn Publisher,
    mut row: OutboxRow,
    now: UnixMillis,
    delivery: &mut Delivery,
) -> Result<Write, StoreError> {
    match publisher.publish(&row.topic, &row.event).await {
        Ok(()) => {
            delivery.published += 1;
            Ok(outbox.delete(&row.message_id, Precondition::Any))
        }
        Err(error) => {
            tracing::warn!(message.id = row.message_id, topic = row.topic, %error, "message not delivered");
            delivery.failed.push((row.message_id.clone(), error.to_string()));
            row.failed(now, error.reason);
            // Without a condition: another deliverer may have taken it meanwhile, and then it is delivered twice.
            outbox.put(&row, Precondition::Any)
        }
    }
}

/// Returns when the next message is due, `None` when the outbox is empty: how far simulated time may jump.
///
/// # Errors
///
/// When the store cannot be read.
pub async fn next_due(store: &dyn DocumentStore, environment: Environment) -> Result<Option<UnixMillis>, StoreError> {
    let outbox = Records::<OutboxRow>::of(store, environment);
    let first = outbox.query(&outbox.select().at_least("position", "").limit(1)).await?;
    Ok(first.first().map(|row| row.record.due_at))
}
