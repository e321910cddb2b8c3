//! One bucket: objects read whole and of one generation, bounded in size and in time.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt;
use object_store::gcp::{GcpCredential, GoogleCloudStorage, GoogleCloudStorageBuilder};
use object_store::path::Path;
use object_store::{
    BackoffConfig, ClientOptions, GetOptions, GetResult, ObjectStore, PutMode, PutOptions, PutPayload, RetryConfig,
    StaticCredentialProvider,
};

use crate::error::BucketError;

/// How often one reads again what was replaced meanwhile.
const READS_MAX: u32 = 3;
/// How often a request is tried again, with jittered pauses from 100 ms to 2 s, and until when.
const RETRIES_MAX: usize = 4;
const RETRYING_MAX: Duration = Duration::from_secs(20);
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// How long nothing may come before a request is taken for dead.
const SILENCE_MAX: Duration = Duration::from_secs(15);
const REQUEST_MAX: Duration = Duration::from_secs(120);

/// A bucket, by name. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Bucket {
    name: String,
    store: Arc<GoogleCloudStorage>,
}

impl Bucket {
    /// Names a bucket, at Google with application-default credentials, or at `endpoint` without any.
    pub(crate) fn connect(name: &str, endpoint: Option<String>) -> Result<Self, BucketError> {
        // Fails only where one is installed already, which then is used.
        drop(rustls::crypto::ring::default_provider().install_default());
        let options = ClientOptions::new()
            .with_connect_timeout(CONNECT_MAX)
            .with_read_timeout(SILENCE_MAX)
            .with_timeout(REQUEST_MAX)
            .with_allow_http(endpoint.is_some());
        let backoff =
            BackoffConfig { init_backoff: Duration::from_millis(100), max_backoff: Duration::from_secs(2), base: 2.0 };
        let retry = RetryConfig { backoff, max_retries: RETRIES_MAX, retry_timeout: RETRYING_MAX };
        let builder =
            GoogleCloudStorageBuilder::new().with_bucket_name(name).with_client_options(options).with_retry(retry);
        let builder = match endpoint {
            None => builder,
            Some(endpoint) => {
                let nobody = StaticCredentialProvider::new(GcpCredential { bearer: String::new() });
                builder.with_base_url(&endpoint).with_credentials(Arc::new(nobody))
            }
        };
        match builder.build() {
            Ok(store) => Ok(Self { name: name.to_owned(), store: Arc::new(store) }),
            Err(error) => Err(BucketError::Setup { bucket: name.to_owned(), reason: error.to_string() }),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Returns an object, or `None` where there is none. One that is replaced while it is read is read again.
    pub(crate) async fn read(&self, object: &Path, bytes_max: u64) -> Result<Option<Vec<u8>>, BucketError> {
        let mut reads = 1;
        loop {
            match self.read_once(object, bytes_max).await {
                Err(BucketError::Replaced { .. }) if reads < READS_MAX => reads += 1,
                read => return read,
            }
        }
    }

    /// One request gives one generation. Where the connection breaks, the client asks for the rest, takes it only from
    /// an object of the same ETag, and gives up otherwise.
    async fn read_once(&self, object: &Path, bytes_max: u64) -> Result<Option<Vec<u8>>, BucketError> {
        let found = match self.store.get_opts(object, GetOptions::default()).await {
            Ok(found) => found,
            Err(error) => return self.absent_or(&error, object),
        };
        // By the header, before anything of the body is read.
        self.check_size(object, found.meta.size, bytes_max)?;
        self.collect(object, found).await.map(Some)
    }

    async fn collect(&self, object: &Path, found: GetResult) -> Result<Vec<u8>, BucketError> {
        let (bytes, etag) = (found.meta.size, found.meta.e_tag.clone());
        let mut content = Vec::with_capacity(usize::try_from(bytes).unwrap_or_default());
        let mut parts = found.into_stream();
        loop {
            match parts.try_next().await {
                Ok(None) => break,
                // No more than was announced, whatever comes.
                Ok(Some(part)) if (content.len() + part.len()) as u64 <= bytes => content.extend_from_slice(&part),
                Ok(Some(_)) => return Err(self.unavailable(object, "more came than was announced")),
                Err(error) => return Err(self.interrupted(object, etag, &error).await),
            }
        }
        if content.len() as u64 == bytes { Ok(content) } else { Err(self.unavailable(object, "it ended early")) }
    }

    /// Says why an object that was there ended before its end: the client does not tell that another took its place.
    async fn interrupted(&self, object: &Path, etag: Option<String>, error: &object_store::Error) -> BucketError {
        let now = self.store.get_opts(object, GetOptions { head: true, ..GetOptions::default() }).await;
        let is_same = match &now {
            Ok(now) => now.meta.e_tag == etag,
            Err(error) => self.error(error, object).is_some(),
        };
        let replaced = || BucketError::Replaced { bucket: self.name.clone(), object: object.to_string() };
        if is_same { self.error(error, object).unwrap_or_else(replaced) } else { replaced() }
    }

    /// Makes an object where there is none.
    pub(crate) async fn create(&self, object: &Path, content: &[u8]) -> Result<(), BucketError> {
        match self.put(object, content, PutMode::Create).await {
            Err(object_store::Error::AlreadyExists { .. }) => {
                Err(BucketError::Exists { bucket: self.name.clone(), object: object.to_string() })
            }
            put => self.done(put, object),
        }
    }

    /// Makes an object, in place of what is there.
    pub(crate) async fn replace(&self, object: &Path, content: &[u8]) -> Result<(), BucketError> {
        let put = self.put(object, content, PutMode::Overwrite).await;
        self.done(put, object)
    }

    /// Returns the names of all objects below `folder`, in no promised order.
    pub(crate) async fn names(&self, folder: &Path) -> Result<Vec<Path>, BucketError> {
        let listed: Result<Vec<_>, _> =
            self.store.list(Some(folder)).map_ok(|found| found.location).try_collect().await;
        listed.or_else(|error| self.error(&error, &Path::default()).map_or(Ok(Vec::new()), Err))
    }

    async fn put(&self, object: &Path, content: &[u8], mode: PutMode) -> object_store::Result<()> {
        let options = PutOptions { mode, ..PutOptions::default() };
        self.store.put_opts(object, PutPayload::from(content.to_vec()), options).await.map(|_| ())
    }

    fn done(&self, put: object_store::Result<()>, object: &Path) -> Result<(), BucketError> {
        // What is not there when something is put is the bucket.
        let no_bucket = || BucketError::NoBucket { bucket: self.name.clone() };
        put.map_err(|error| self.error(&error, object).unwrap_or_else(no_bucket))
    }

    fn check_size(&self, object: &Path, bytes: u64, bytes_max: u64) -> Result<(), BucketError> {
        if bytes <= bytes_max {
            return Ok(());
        }
        Err(BucketError::TooLarge { bucket: self.name.clone(), object: object.to_string(), bytes, bytes_max })
    }

    fn absent_or<T>(&self, error: &object_store::Error, object: &Path) -> Result<Option<T>, BucketError> {
        self.error(error, object).map_or(Ok(None), Err)
    }

    fn error(&self, error: &object_store::Error, object: &Path) -> Option<BucketError> {
        BucketError::of(error, &self.name, object.as_ref())
    }

    fn unavailable(&self, object: &Path, reason: &str) -> BucketError {
        let (bucket, object) = (self.name.clone(), object.to_string());
        BucketError::Unavailable { bucket, object, reason: reason.to_owned() }
    }
}

impl fmt::Debug for Bucket {
    /// Without the client, which holds credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Bucket").field(&self.name).finish()
    }
}
