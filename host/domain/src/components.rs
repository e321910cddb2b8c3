//! The ports to the bytes of components: the store that names them by their hash, and the place where people put them.

use std::fmt::Debug;

use async_trait::async_trait;
use thiserror::Error;

use crate::hash::ContentHash;

/// Keeps components for as long as any decision of theirs may be asked for again.
#[async_trait]
pub trait ComponentStore: Send + Sync + Debug {
    /// Returns the component of that hash, or `None`.
    ///
    /// # Errors
    /// When the store cannot be read, or holds other bytes under that name.
    async fn get(&self, hash: &ContentHash) -> Result<Option<Vec<u8>>, ComponentStoreError>;

    /// Keeps a component and returns its hash. One that is there already stays as it is.
    ///
    /// # Errors
    /// When it cannot be kept.
    async fn put(&self, component: &[u8]) -> Result<ContentHash, ComponentStoreError>;

    /// Returns the hashes of all components, in rising order.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn list(&self) -> Result<Vec<ContentHash>, ComponentStoreError>;
}

/// The folder or bucket that people put strategies into: components and, beside each, its config.
#[async_trait]
pub trait Uploads: Send + Sync + Debug {
    /// Returns a file by its name, or `None` where there is none.
    ///
    /// # Errors
    /// When it cannot be read, or the name is no name of a file.
    async fn read(&self, name: &str) -> Result<Option<Vec<u8>>, UploadError>;
}

/// An upload that cannot be read.
#[derive(Debug, Error)]
#[error("cannot read {name}: {reason}")]
pub struct UploadError {
    /// The file.
    pub name: String,
    /// What happened.
    pub reason: String,
}

/// What can go wrong with the bytes of components.
#[derive(Debug, Error)]
pub enum ComponentStoreError {
    /// What is there is not what its name says.
    #[error("component {expected} is damaged: its bytes have the hash {found}; register it again from its file")]
    Damaged {
        /// The name.
        expected: ContentHash,
        /// The hash of what is there.
        found: ContentHash,
    },
    /// The place as a whole cannot be read.
    #[error("cannot list the components in {place}: {reason}")]
    Unlistable {
        /// Which place.
        place: String,
        /// What happened.
        reason: String,
    },
    /// The place cannot be reached.
    #[error("cannot {action} component {hash}: {reason}")]
    Unavailable {
        /// What was attempted: read or keep.
        action: &'static str,
        /// Which.
        hash: ContentHash,
        /// What happened.
        reason: String,
    },
}

impl ComponentStoreError {
    /// Returns whether the same call may succeed later.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        !matches!(self, Self::Damaged { .. })
    }
}
