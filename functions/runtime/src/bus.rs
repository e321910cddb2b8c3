//! The carrier of a laptop: hands each event to the functions of this process that asked for its type.
//!
//! It keeps nothing. An event counts as published when every subscriber has done its work, so the outbox stays the
//! only queue: what was not finished when the process ended is still there.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use sentinel_domain::events::{CloudEvent, PublishError, Publisher};

use crate::function::{Function, chain};
use crate::run::{RunRequest, Runtime};

/// Something that wants events.
#[async_trait]
pub trait Subscriber: Send + Sync {
    /// Takes an event; it may come again.
    ///
    /// # Errors
    ///
    /// When it must come again.
    async fn receive(&self, event: &CloudEvent) -> Result<(), String>;
}

/// Subscribers by the event type they asked for.
#[derive(Clone, Default)]
pub struct InProcessBus {
    subscribers: BTreeMap<String, Vec<Arc<dyn Subscriber>>>,
}

impl InProcessBus {
    /// Gives events of `event_type` to `subscriber`, after those that asked before.
    pub fn subscribe(&mut self, event_type: &str, subscriber: Arc<dyn Subscriber>) {
        self.subscribers.entry(event_type.to_owned()).or_default().push(subscriber);
    }

    /// Gives events of every type that `function` names as a trigger to it, run by `runtime`.
    pub fn subscribe_function(&mut self, runtime: &Runtime, function: &Arc<dyn Function>) {
        for event_type in function.descriptor().event_types() {
            let subscriber = FunctionSubscriber { runtime: runtime.clone(), function: Arc::clone(function) };
            self.subscribe(event_type, Arc::new(subscriber));
        }
    }
}

impl fmt::Debug for InProcessBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.subscribers.keys()).finish()
    }
}

#[async_trait]
impl Publisher for InProcessBus {
    async fn publish(&self, topic: &str, event: &CloudEvent) -> Result<(), PublishError> {
        let mut reasons = Vec::new();
        for subscriber in self.subscribers.get(&event.event_type).into_iter().flatten() {
            if let Err(reason) = subscriber.receive(event).await {
                reasons.push(reason);
            }
        }
        if reasons.is_empty() {
            return Ok(());
        }
        Err(PublishError { topic: topic.to_owned(), id: event.id.clone(), reason: reasons.join("; ") })
    }
}

struct FunctionSubscriber {
    runtime: Runtime,
    function: Arc<dyn Function>,
}

#[async_trait]
impl Subscriber for FunctionSubscriber {
    async fn receive(&self, event: &CloudEvent) -> Result<(), String> {
        let request = RunRequest::of_event(event.clone());
        self.runtime.run_once(self.function.as_ref(), request).await.map(|_| ()).map_err(|error| chain(&error))
    }
}
