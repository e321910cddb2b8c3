//! Components in a folder: one file for each, named by its hash.
//!
//! A file gets its name when all of it is on the disk, so a name that is there holds the whole component; a reader
//! hashes what it reads, so a file that somebody changed is found out.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use sentinel_domain::components::{ComponentStore, ComponentStoreError, UploadError, Uploads};
use sentinel_domain::hash::ContentHash;

const ENDING: &str = "wasm";

/// The components in one folder. Cheap to clone; the folder is made by the first [`put`](ComponentStore::put).
#[derive(Debug, Clone)]
pub struct ComponentFolder {
    folder: PathBuf,
}

impl ComponentFolder {
    /// Names the folder.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// Returns the file of a component, whether or not it is there.
    #[must_use]
    pub fn path(&self, hash: ContentHash) -> PathBuf {
        self.folder.join(format!("{hash}.{ENDING}"))
    }

    fn read(&self, hash: ContentHash) -> Result<Option<Vec<u8>>, ComponentStoreError> {
        let bytes = match fs::read(self.path(hash)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unavailable("read", hash, &error)),
        };
        let found = ContentHash::of(&bytes);
        if found == hash { Ok(Some(bytes)) } else { Err(ComponentStoreError::Damaged { expected: hash, found }) }
    }

    fn write(&self, hash: ContentHash, bytes: &[u8]) -> Result<(), ComponentStoreError> {
        // What is there and whole stays; what was damaged is healed by putting it again.
        if matches!(self.read(hash), Ok(Some(_))) {
            return Ok(());
        }
        self.replace(&self.path(hash), bytes).map_err(|error| unavailable("keep", hash, &error))
    }

    fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(&self.folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        // The name, too, has to survive a power cut: a version that is registered names it.
        File::open(&self.folder)?.sync_all()
    }

    fn hashes(&self) -> io::Result<Vec<ContentHash>> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut hashes = Vec::new();
        for entry in entries {
            let path = entry?.path();
            let is_component = path.extension().is_some_and(|ending| ending == ENDING);
            let name = path.file_stem().and_then(|name| name.to_str()).filter(|_| is_component);
            hashes.extend(name.and_then(|name| name.parse::<ContentHash>().ok()));
        }
        hashes.sort_unstable();
        Ok(hashes)
    }
}

fn unavailable(action: &'static str, hash: ContentHash, error: &io::Error) -> ComponentStoreError {
    ComponentStoreError::Unavailable { action, hash, reason: error.to_string() }
}

/// Runs `work` where blocking is allowed.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(error) => panic!("blocking work is never cancelled: {error}"),
        },
    }
}

#[async_trait]
impl ComponentStore for ComponentFolder {
    async fn get(&self, hash: &ContentHash) -> Result<Option<Vec<u8>>, ComponentStoreError> {
        let (folder, hash) = (self.clone(), *hash);
        blocking(move || folder.read(hash)).await
    }

    async fn put(&self, component: &[u8]) -> Result<ContentHash, ComponentStoreError> {
        let (folder, bytes) = (self.clone(), component.to_vec());
        blocking(move || {
            let hash = ContentHash::of(&bytes);
            folder.write(hash, &bytes).map(|()| hash)
        })
        .await
    }

    async fn list(&self) -> Result<Vec<ContentHash>, ComponentStoreError> {
        let folder = self.clone();
        let place = self.folder.display().to_string();
        let listed = blocking(move || folder.hashes()).await;
        listed.map_err(|error| ComponentStoreError::Unlistable { place, reason: error.to_string() })
    }
}

/// The folder that people drop strategies into.
#[derive(Debug, Clone)]
pub struct UploadFolder {
    folder: PathBuf,
}

impl UploadFolder {
    /// Names the folder; it need not be there.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }
}

/// Reads a file that has at most `bytes_max` bytes; as the inner error, how many it has.
fn read_bounded(path: &Path, bytes_max: u64) -> io::Result<Result<Vec<u8>, Option<u64>>> {
    let file = File::open(path)?;
    let bytes = file.metadata()?.len();
    if bytes > bytes_max {
        return Ok(Err(Some(bytes)));
    }
    let mut content = Vec::new();
    // One more than allowed, in case it grows meanwhile or has no length of its own.
    file.take(bytes_max.saturating_add(1)).read_to_end(&mut content)?;
    Ok(if content.len() as u64 > bytes_max { Err(None) } else { Ok(content) })
}

#[async_trait]
impl Uploads for UploadFolder {
    async fn read(&self, name: &str, bytes_max: u64) -> Result<Option<Vec<u8>>, UploadError> {
        let path = self.folder.join(name);
        let name_of_error = path.display().to_string();
        // A name is one of this folder and not a way out of it.
        if Path::new(name).file_name() != Some(name.as_ref()) {
            return Err(UploadError::NoName { name: name_of_error });
        }
        match blocking(move || read_bounded(&path, bytes_max)).await {
            Ok(Ok(bytes)) => Ok(Some(bytes)),
            Ok(Err(bytes)) => Err(UploadError::TooLarge { name: name_of_error, bytes, bytes_max }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(UploadError::Unavailable { name: name_of_error, reason: error.to_string() }),
        }
    }
}
