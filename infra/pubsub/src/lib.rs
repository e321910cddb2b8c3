//! Events over Pub/Sub.
//!
//! [`PubSubPublisher`] is the port [`Publisher`](sentinel_domain::events::Publisher) over Google's own client: an event
//! goes out as a CloudEvent in binary mode (see [`message`]), at once and not in a batch, and a call returns when Pub/Sub
//! has taken it or has refused it for a named reason ([`PubSubError`]).
//!
//! What is absent: receiving. Pub/Sub pushes to the functions over HTTP, and what a push looks like is known to
//! `sentinel-function-runtime`. Nothing is kept here either: an event that was not taken stays in the outbox, which is
//! the one durable queue.

mod error;
pub mod message;
mod publisher;

pub use self::error::PubSubError;
pub use self::publisher::{PubSubConfig, PubSubPublisher};
