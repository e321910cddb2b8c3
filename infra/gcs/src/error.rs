//! What a bucket can answer instead of what was asked for.

use std::error::Error;

use thiserror::Error;

/// Why a bucket did not do what it was asked.
#[derive(Debug, Error)]
pub enum BucketError {
    /// The client cannot be made.
    #[error("cannot set up the client of bucket {bucket}: {reason}")]
    Setup {
        /// The bucket.
        bucket: String,
        /// What is wrong.
        reason: String,
    },
    /// The bucket does not exist.
    #[error("there is no bucket {bucket}: create it (terraform apply does), or check its name in the environment")]
    NoBucket {
        /// The bucket.
        bucket: String,
    },
    /// The account lacks a role.
    #[error(
        "this account has no access to {object} in bucket {bucket} (403): grant it a role there, see terraform/access.tf"
    )]
    Forbidden {
        /// The bucket.
        bucket: String,
        /// The object.
        object: String,
    },
    /// The credentials were not accepted: a token that was revoked, or none.
    #[error("bucket {bucket} does not accept the credentials (401): {reason}")]
    Unauthenticated {
        /// The bucket.
        bucket: String,
        /// What it says.
        reason: String,
    },
    /// There is one already.
    #[error("{object} is in bucket {bucket} already")]
    Exists {
        /// The bucket.
        bucket: String,
        /// The object.
        object: String,
    },
    /// It has more bytes than allowed.
    #[error("{object} in bucket {bucket} has {bytes} bytes; {bytes_max} are allowed")]
    TooLarge {
        /// The bucket.
        bucket: String,
        /// The object.
        object: String,
        /// How many it has.
        bytes: u64,
        /// How many it may have.
        bytes_max: u64,
    },
    /// Another content took its place while it was read.
    #[error("{object} in bucket {bucket} was replaced while it was read")]
    Replaced {
        /// The bucket.
        bucket: String,
        /// The object.
        object: String,
    },
    /// Cloud Storage will not do this, however often it is asked.
    #[error("bucket {bucket} refuses {object} ({status}): {reason}")]
    Refused {
        /// The bucket.
        bucket: String,
        /// The object.
        object: String,
        /// The HTTP status.
        status: u16,
        /// What it says.
        reason: String,
    },
    /// Cloud Storage cannot be reached, is overloaded (429) or fails (5xx).
    #[error("bucket {bucket} cannot be reached for {object}: {reason}")]
    Unavailable {
        /// The bucket.
        bucket: String,
        /// The object.
        object: String,
        /// What happened last.
        reason: String,
    },
}

impl BucketError {
    /// Returns whether the same call may succeed later without anybody mending anything.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::Unauthenticated { .. } | Self::Replaced { .. })
    }

    /// Reads an error of the client; `None` says that the object is not there.
    pub(crate) fn of(error: &object_store::Error, bucket: &str, object: &str) -> Option<Self> {
        let (bucket, object, reason) = (bucket.to_owned(), object.to_owned(), chain(error));
        Some(match status(error, &reason) {
            Some(404) if reason.contains("NoSuchBucket") || object.is_empty() => Self::NoBucket { bucket },
            Some(404) => return None,
            Some(403) => Self::Forbidden { bucket, object },
            Some(401) => Self::Unauthenticated { bucket, reason },
            Some(412) => Self::Replaced { bucket, object },
            // 408 asks for the same request again, as 429 does.
            Some(status) if (400..500).contains(&status) && status != 408 && status != 429 => {
                Self::Refused { bucket, object, status, reason }
            }
            _ => Self::Unavailable { bucket, object, reason },
        })
    }
}

/// How the client words a status in the text of its errors; those of lists have no other trace of it.
const STATUS: &str = "status code: ";

/// Returns the HTTP status behind an error, by its kind or else by its text.
fn status(error: &object_store::Error, text: &str) -> Option<u16> {
    match error {
        object_store::Error::NotFound { .. } => Some(404),
        object_store::Error::PermissionDenied { .. } => Some(403),
        object_store::Error::Unauthenticated { .. } => Some(401),
        object_store::Error::Precondition { .. } => Some(412),
        _ => text.split_once(STATUS)?.1.get(..3)?.parse().ok(),
    }
}

/// Returns an error and those of its causes that it does not tell of itself, in one line.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}
