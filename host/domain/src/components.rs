//! The ports to the bytes of components: the store that names them by their hash, and the place where people put them.

use std::fmt::{self, Debug};

use async_trait::async_trait;
use thiserror::Error;

use crate::hash::ContentHash;

/// More than any component has, in bytes: what a sandbox takes of an interpreted one. What is larger is never read.
pub const COMPONENT_BYTES_MAX: u64 = 32 << 20;

/// What compiled code is kept under: it fits one component in one build of the sandbox, on one kind of machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct CodeName {
    /// Which component it is the code of.
    pub component: ContentHash,
    /// Hash of the engine, its settings and the machine.
    pub engine: ContentHash,
}

impl fmt::Display for CodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}.cwasm", self.component, self.engine.short())
    }
}

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

    /// Returns the compiled code of a component, or `None`. It is a cache beside the components, for processes that
    /// begin with nothing; a store on a machine that keeps its own keeps none.
    ///
    /// Whoever loads it runs it as machine code, so it comes from a place that only our own host writes to.
    ///
    /// # Errors
    /// When the store cannot be read; the component can be compiled all the same.
    async fn get_code(&self, _name: &CodeName) -> Result<Option<Vec<u8>>, ComponentStoreError> {
        Ok(None)
    }

    /// Keeps the compiled code of a component, in place of what is there, if this store keeps any.
    ///
    /// # Errors
    /// When it cannot be kept.
    async fn put_code(&self, _name: &CodeName, _code: &[u8]) -> Result<(), ComponentStoreError> {
        Ok(())
    }
}

/// The folder or bucket that people put strategies into: components and, beside each, its config.
#[async_trait]
pub trait Uploads: Send + Sync + Debug {
    /// Returns a file by its name, whole and of one moment, or `None` where there is none.
    ///
    /// # Errors
    /// When it cannot be read, the name is no name of a file, or it has more than `bytes_max` bytes: then it is refused
    /// by its length and not read.
    async fn read(&self, name: &str, bytes_max: u64) -> Result<Option<Vec<u8>>, UploadError>;
}

/// An upload that cannot be read.
#[derive(Debug, Error)]
pub enum UploadError {
    /// The name is none.
    #[error("cannot read {name}: it is no name of a file in this folder")]
    NoName {
        /// The name.
        name: String,
    },
    /// The file is too large.
    #[error("{name} has {} bytes; {bytes_max} are allowed", bytes.map_or("too many".to_owned(), |bytes| bytes.to_string()))]
    TooLarge {
        /// The file.
        name: String,
        /// How many it has; `None` where it grew while it was read.
        bytes: Option<u64>,
        /// How many it may have.
        bytes_max: u64,
    },
    /// It changed each time it was read.
    #[error("cannot read {name}: it was replaced while it was read, each time; upload it again and wait")]
    Replaced {
        /// The file.
        name: String,
    },
    /// The place does not let us read, or is not there.
    #[error("may not read {name}: {reason}")]
    Refused {
        /// The file.
        name: String,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// The place cannot be reached.
    #[error("cannot read {name}: {reason}")]
    Unavailable {
        /// The file.
        name: String,
        /// What happened.
        reason: String,
    },
}

impl UploadError {
    /// Returns whether the same call may succeed later without anybody mending anything.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Replaced { .. } | Self::Unavailable { .. })
    }
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
    /// The place does not let us in, or is not there.
    #[error("may not {action} {what}: {reason}")]
    Refused {
        /// What was attempted: read, keep or list.
        action: &'static str,
        /// What it was about.
        what: String,
        /// What is wrong, and what to do.
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
        !matches!(self, Self::Damaged { .. } | Self::Refused { .. })
    }
}
