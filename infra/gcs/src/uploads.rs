//! The bucket that people put strategies into.

use async_trait::async_trait;
use object_store::path::Path;
use sentinel_domain::components::{UploadError, Uploads};

use crate::bucket::Bucket;
use crate::error::BucketError;

/// The files in one bucket: read by functions, written by people. Cheap to clone.
#[derive(Debug, Clone)]
pub struct GcsUploads {
    bucket: Bucket,
}

impl GcsUploads {
    /// Names the bucket, at Google with application-default credentials, or at `endpoint` (`http://host:port`) without.
    ///
    /// # Errors
    /// When the credentials cannot be read; whether the bucket is there is found out by reading.
    pub fn connect(bucket: &str, endpoint: Option<String>) -> Result<Self, BucketError> {
        Bucket::connect(bucket, endpoint).map(|bucket| Self { bucket })
    }

    /// Writes a file, in place of what is there. Functions have no right to it.
    ///
    /// # Errors
    /// When the name is none of a file, or the bucket does not take it.
    pub async fn write(&self, name: &str, content: &[u8]) -> Result<(), BucketError> {
        let no_name = || BucketError::Refused {
            bucket: self.bucket.name().to_owned(),
            object: name.to_owned(),
            status: 400,
            reason: "this is no name of a file in the bucket itself".to_owned(),
        };
        self.bucket.replace(&object(name).ok_or_else(no_name)?, content).await
    }
}

/// Returns the object of a file; a file lies in the bucket itself, as on the laptop it lies in the folder itself.
fn object(name: &str) -> Option<Path> {
    let is_plain = !name.is_empty() && !name.contains(['/', '\\']);
    Path::parse(name).ok().filter(|path| is_plain && path.as_ref() == name)
}

#[async_trait]
impl Uploads for GcsUploads {
    async fn read(&self, name: &str, bytes_max: u64) -> Result<Option<Vec<u8>>, UploadError> {
        let object = object(name).ok_or_else(|| UploadError::NoName { name: name.to_owned() })?;
        self.bucket.read(&object, bytes_max).await.map_err(|error| told(error, name.to_owned()))
    }
}

fn told(error: BucketError, name: String) -> UploadError {
    match error {
        BucketError::TooLarge { bytes, bytes_max, .. } => UploadError::TooLarge { name, bytes: Some(bytes), bytes_max },
        BucketError::Replaced { .. } => UploadError::Replaced { name },
        error if error.is_retryable() => UploadError::Unavailable { name, reason: error.to_string() },
        error => UploadError::Refused { name, reason: error.to_string() },
    }
}
