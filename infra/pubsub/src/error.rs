//! What can go wrong between an event and Pub/Sub.

use google_cloud_gax::error::rpc::Code;
use google_cloud_pubsub::error::PublishError;
use thiserror::Error;

use crate::message::MessageFault;

/// Why an event was not taken.
#[derive(Debug, Error)]
pub enum PubSubError {
    /// The client cannot be made.
    #[error("cannot set up the client of Pub/Sub: {reason}")]
    Setup {
        /// What is wrong.
        reason: String,
    },
    /// The topic does not exist.
    #[error("there is no {topic}: create it (terraform apply does), or check SENTINEL_TOPIC_PREFIX")]
    NoTopic {
        /// Its full name.
        topic: String,
    },
    /// The account lacks a role.
    #[error("this account may not publish to {topic}: grant it roles/pubsub.publisher there")]
    Forbidden {
        /// The topic's full name.
        topic: String,
    },
    /// The credentials were not accepted, or none could be had.
    #[error("no valid credentials for Pub/Sub: {reason}; see `gcloud auth application-default login`")]
    Unauthenticated {
        /// What is wrong.
        reason: String,
    },
    /// The event does not fit into a message.
    #[error(transparent)]
    NoMessage(#[from] MessageFault),
    /// Pub/Sub will not take this message, however often it is sent.
    #[error("Pub/Sub refuses the message: {reason}")]
    Refused {
        /// What Pub/Sub says.
        reason: String,
    },
    /// Pub/Sub did not answer, or asked to be left alone for a while. The message may have been taken all the same.
    #[error("Pub/Sub did not take the message in time: {reason}")]
    Unavailable {
        /// What happened last.
        reason: String,
    },
}

impl PubSubError {
    /// Returns whether the same call may succeed later without anybody mending anything.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::Unauthenticated { .. })
    }

    /// Reads what the client says of a message for `topic`.
    pub(crate) fn of(error: &PublishError, topic: &str) -> Self {
        let topic = topic.to_owned();
        let PublishError::Rpc(rpc) = error else { return Self::Unavailable { reason: error.to_string() } };
        if rpc.is_authentication() {
            return Self::Unauthenticated { reason: rpc.to_string() };
        }
        let Some(status) = rpc.status() else { return Self::Unavailable { reason: rpc.to_string() } };
        let reason = format!("{}: {}", status.code.name(), status.message);
        match status.code {
            Code::NotFound => Self::NoTopic { topic },
            Code::PermissionDenied => Self::Forbidden { topic },
            Code::Unauthenticated => Self::Unauthenticated { reason },
            Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange | Code::Unimplemented => {
                Self::Refused { reason }
            }
            _ => Self::Unavailable { reason },
        }
    }
}
