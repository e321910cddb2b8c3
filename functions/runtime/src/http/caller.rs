//! The port to whoever knows who may call.

use std::fmt::Debug;

use async_trait::async_trait;
use axum::http::HeaderMap;

use super::answer::Refusal;
use super::envelope::Subscription;

/// Decides who may call. What is refused is told nothing of why; the log says it, without what the caller showed.
#[async_trait]
pub trait Callers: Send + Sync + Debug {
    /// Lets a request in by its headers.
    ///
    /// # Errors
    /// [`Refusal::unauthorized`] for who does not show who it is, [`Refusal::forbidden`] for who may not,
    /// [`Refusal::unavailable`] when that cannot be told just now.
    async fn admit(&self, headers: &HeaderMap) -> Result<(), Refusal>;

    /// Lets an event in by the subscription that pushes it.
    ///
    /// # Errors
    /// [`Refusal::forbidden`] when it is not ours.
    fn admit_subscription(&self, subscription: &Subscription) -> Result<(), Refusal>;
}
