//! Components in a bucket, named by their hash, and beside them their compiled code.
//!
//! A component is made once: where an object of its name is there already, it is looked at and left, or, when it is not
//! what its name says, put right. Bytes under their own hash are right whoever writes them last, so nothing here needs
//! more than that.

use async_trait::async_trait;
use object_store::path::Path;
use sentinel_domain::components::{COMPONENT_BYTES_MAX, CodeName, ComponentStore, ComponentStoreError};
use sentinel_domain::hash::ContentHash;

use crate::bucket::Bucket;
use crate::error::BucketError;

const COMPONENTS: &str = "components";
const COMPILED: &str = "compiled";
const ENDING: &str = ".wasm";
/// More than the compiled code of any component has: an interpreter of 18 MB gives 43.
const CODE_BYTES_MAX: u64 = 256 << 20;

/// The components in one bucket, and their compiled code. Cheap to clone.
#[derive(Debug, Clone)]
pub struct GcsComponents {
    bucket: Bucket,
}

impl GcsComponents {
    /// Names the bucket, at Google with application-default credentials, or at `endpoint` (`http://host:port`) without.
    ///
    /// # Errors
    /// When the credentials cannot be read; whether the bucket is there is found out by using it.
    pub fn connect(bucket: &str, endpoint: Option<String>) -> Result<Self, BucketError> {
        Bucket::connect(bucket, endpoint).map(|bucket| Self { bucket })
    }

    async fn whole(&self, hash: ContentHash) -> Result<Option<Vec<u8>>, ComponentStoreError> {
        let read = self.bucket.read(&component(hash), COMPONENT_BYTES_MAX).await;
        let Some(bytes) = read.map_err(|error| told("read", hash, error))? else { return Ok(None) };
        let found = ContentHash::of(&bytes);
        if found == hash { Ok(Some(bytes)) } else { Err(ComponentStoreError::Damaged { expected: hash, found }) }
    }

    /// Looks at what is there under the name of `content`, and puts it right where it is something else.
    async fn heal(&self, hash: ContentHash, content: &[u8]) -> Result<(), ComponentStoreError> {
        let is_wrong = match self.whole(hash).await {
            Ok(found) => found.is_none(),
            Err(ComponentStoreError::Damaged { .. }) => true,
            Err(error) => return Err(error),
        };
        if !is_wrong {
            return Ok(());
        }
        tracing::warn!(component.hash = %hash, bucket = self.bucket.name(), "a damaged component is put right");
        self.bucket.replace(&component(hash), content).await.map_err(|error| told("keep", hash, error))
    }
}

fn component(hash: ContentHash) -> Path {
    Path::from_iter([COMPONENTS, &format!("{hash}{ENDING}")])
}

fn compiled(name: &CodeName) -> Path {
    Path::from_iter([COMPILED, &name.to_string()])
}

/// Returns the hash that an object of the folder is named by; what people put beside components is left alone.
fn named(object: &Path) -> Option<ContentHash> {
    object.filename()?.strip_suffix(ENDING)?.parse().ok()
}

fn told(action: &'static str, hash: ContentHash, error: BucketError) -> ComponentStoreError {
    if error.is_retryable() {
        return ComponentStoreError::Unavailable { action, hash, reason: error.to_string() };
    }
    ComponentStoreError::Refused { action, what: format!("component {hash}"), reason: error.to_string() }
}

#[async_trait]
impl ComponentStore for GcsComponents {
    async fn get(&self, hash: &ContentHash) -> Result<Option<Vec<u8>>, ComponentStoreError> {
        self.whole(*hash).await
    }

    async fn put(&self, content: &[u8]) -> Result<ContentHash, ComponentStoreError> {
        let hash = ContentHash::of(content);
        if content.len() as u64 > COMPONENT_BYTES_MAX {
            let reason = format!("it has {} bytes; {COMPONENT_BYTES_MAX} are allowed", content.len());
            return Err(ComponentStoreError::Refused { action: "keep", what: format!("component {hash}"), reason });
        }
        match self.bucket.create(&component(hash), content).await {
            Ok(()) => {}
            Err(BucketError::Exists { .. }) => self.heal(hash, content).await?,
            Err(error) => return Err(told("keep", hash, error)),
        }
        Ok(hash)
    }

    async fn list(&self) -> Result<Vec<ContentHash>, ComponentStoreError> {
        let objects = self.bucket.names(&Path::from(COMPONENTS)).await.map_err(|error| {
            let (place, reason) = (format!("bucket {}", self.bucket.name()), error.to_string());
            if error.is_retryable() {
                ComponentStoreError::Unlistable { place, reason }
            } else {
                ComponentStoreError::Refused { action: "list", what: format!("the components in {place}"), reason }
            }
        })?;
        let mut hashes: Vec<ContentHash> = objects.iter().filter_map(named).collect();
        hashes.sort_unstable();
        Ok(hashes)
    }

    async fn get_code(&self, name: &CodeName) -> Result<Option<Vec<u8>>, ComponentStoreError> {
        let read = self.bucket.read(&compiled(name), CODE_BYTES_MAX).await;
        read.map_err(|error| told("read the compiled code of", name.component, error))
    }

    async fn put_code(&self, name: &CodeName, code: &[u8]) -> Result<(), ComponentStoreError> {
        let put = self.bucket.replace(&compiled(name), code).await;
        put.map_err(|error| told("keep the compiled code of", name.component, error))
    }
}
