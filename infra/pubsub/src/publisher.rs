//! The publisher: one connection, one sender for each topic, bounded waiting.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use google_cloud_auth::credentials::anonymous;
use google_cloud_gax::exponential_backoff::ExponentialBackoffBuilder;
use google_cloud_gax::retry_policy::RetryPolicyExt;
use google_cloud_pubsub::client::{BasePublisher, Publisher as Sender};
use google_cloud_pubsub::error::PublishError as SendError;
use google_cloud_pubsub::model::Message;
use google_cloud_pubsub::retry_policy::RetryableErrors;
use sentinel_domain::events::{CloudEvent, PublishError, Publisher};

use crate::error::PubSubError;
use crate::message::message;

/// How often the client tries by itself, with jittered pauses from 100 ms to 2 s, and for how long; the outbox tries
/// again after that.
const ATTEMPTS_MAX: u32 = 5;
const TRYING_MAX: Duration = Duration::from_secs(10);
/// When a call is given up though the client still waits: for a token, or for a connection.
const PUBLISH_MAX: Duration = Duration::from_secs(15);
const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// Where events go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PubSubConfig {
    /// The project that the topics are in.
    pub project: String,
    /// What the names of topics begin with: with `prod-`, the topic `candles` is `prod-candles`.
    pub topic_prefix: String,
    /// Where an emulator listens, as `host:port`; `None` is Google, with application-default credentials.
    pub emulator: Option<String>,
}

impl PubSubConfig {
    /// Returns the full name of a topic.
    #[must_use]
    pub fn topic(&self, topic: &str) -> String {
        format!("projects/{}/topics/{}{topic}", self.project, self.topic_prefix)
    }
}

/// Publishes events to Pub/Sub.
pub struct PubSubPublisher {
    config: PubSubConfig,
    client: BasePublisher,
    /// By the topic's full name; each has a task of its own that ends with it.
    senders: Mutex<BTreeMap<String, Sender>>,
}

impl PubSubPublisher {
    /// Returns a publisher. It connects when the first event is published, so this takes milliseconds.
    ///
    /// # Errors
    /// When there are no credentials, or the address of the emulator is none.
    pub async fn connect(config: PubSubConfig) -> Result<Self, PubSubError> {
        // Fails only where one is installed already, which then is used.
        drop(rustls::crypto::ring::default_provider().install_default());
        let pauses = ExponentialBackoffBuilder::new()
            .with_initial_delay(PAUSE_MIN)
            .with_maximum_delay(PAUSE_MAX)
            .build()
            .map_err(|error| PubSubError::Setup { reason: error.to_string() })?;
        let builder = BasePublisher::builder()
            .with_retry_policy(RetryableErrors.with_time_limit(TRYING_MAX).with_attempt_limit(ATTEMPTS_MAX))
            .with_backoff_policy(pauses);
        let builder = match &config.emulator {
            None => builder,
            Some(address) => {
                builder.with_endpoint(format!("http://{address}")).with_credentials(anonymous::Builder::new().build())
            }
        };
        let client = builder.build().await.map_err(|error| PubSubError::Setup { reason: error.to_string() })?;
        Ok(Self { config, client, senders: Mutex::default() })
    }

    /// Hands `event` over to a topic, named without prefix.
    ///
    /// # Errors
    /// When Pub/Sub has not taken it; one that is [retryable](PubSubError::is_retryable) may have been taken.
    pub async fn send(&self, topic: &str, event: &CloudEvent) -> Result<(), PubSubError> {
        let message = message(event)?;
        let topic = self.config.topic(topic);
        let sender = self.sender(&topic);
        match tokio::time::timeout(PUBLISH_MAX, sent(&sender, message)).await {
            Ok(sent) => sent.map_err(|error| PubSubError::of(&error, &topic)),
            Err(_) => Err(PubSubError::Unavailable { reason: format!("no answer in {} s", PUBLISH_MAX.as_secs()) }),
        }
    }

    fn sender(&self, topic: &str) -> Sender {
        let mut senders = self.senders.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = senders.get(topic) {
            return sender.clone();
        }
        // A batch of one: a message never waits for company.
        let sender = self.client.publisher(topic).set_message_count_threshold(1).build();
        senders.insert(topic.to_owned(), sender.clone());
        sender
    }
}

/// Sends one message. After a failure the client holds back all that has the same ordering key until it is told to go
/// on; it is told at once, because the outbox knows what was not taken and sends it again.
async fn sent(sender: &Sender, message: Message) -> Result<(), SendError> {
    let key = message.ordering_key.clone();
    let mut outcome = sender.publish(message.clone()).await;
    if matches!(outcome, Err(SendError::OrderingKeyPaused)) {
        // Held back because of another message, whose caller was dropped before it could say so.
        sender.resume_publish(&key);
        outcome = sender.publish(message).await;
    }
    if outcome.is_err() && !key.is_empty() {
        sender.resume_publish(key);
    }
    outcome.map(|_| ())
}

#[async_trait]
impl Publisher for PubSubPublisher {
    async fn publish(&self, topic: &str, event: &CloudEvent) -> Result<(), PublishError> {
        self.send(topic, event).await.map_err(|error| {
            tracing::debug!(topic, event.id, retryable = error.is_retryable(), "event not taken");
            PublishError { topic: topic.to_owned(), id: event.id.clone(), reason: error.to_string() }
        })
    }
}

impl fmt::Debug for PubSubPublisher {
    /// Without the client, which holds credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PubSubPublisher").field("config", &self.config).finish_non_exhaustive()
    }
}
