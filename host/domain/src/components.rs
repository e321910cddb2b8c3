//! The port to the bytes of components, named by their hash.

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
