//! Components in a folder: one file for each, named by its hash.
//!
//! A file gets its name when all of it is on the disk, so a name that is there holds the whole component; a reader
//! hashes what it reads, so a file that somebody changed is found out.

use std::fs::{self, File};
use std::io::{self, Write};
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

#[async_trait]
impl Uploads for UploadFolder {
    async fn read(&self, name: &str) -> Result<Option<Vec<u8>>, UploadError> {
        let path = self.folder.join(name);
        let failed = |reason: String| UploadError { name: path.display().to_string(), reason };
        // A name is one of this folder and not a way out of it.
        if Path::new(name).file_name() != Some(name.as_ref()) {
            return Err(failed("it is no name of a file in this folder".to_owned()));
        }
        let reading = path.clone();
        match blocking(move || fs::read(reading)).await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(error.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> (tempfile::TempDir, ComponentFolder) {
        let folder = tempfile::tempdir().unwrap();
        let store = ComponentFolder::new(folder.path().join("components"));
        (folder, store)
    }

    #[tokio::test]
    async fn what_is_put_is_had_under_its_hash() {
        let (_folder, store) = store();
        assert_eq!(store.list().await.unwrap(), []);
        let hashes = [store.put(b"a").await.unwrap(), store.put(b"b").await.unwrap()];
        assert_eq!(store.put(b"a").await.unwrap(), hashes[0]);
        assert_eq!(store.get(&hashes[1]).await.unwrap().as_deref(), Some(b"b".as_slice()));
        assert_eq!(store.get(&ContentHash::of(b"c")).await.unwrap(), None);
        let mut sorted = hashes.to_vec();
        sorted.sort_unstable();
        assert_eq!(store.list().await.unwrap(), sorted);
    }

    #[tokio::test]
    async fn changed_file_is_found_out_and_healed() {
        let (_folder, store) = store();
        let hash = store.put(b"a").await.unwrap();
        fs::write(store.path(hash), b"b").unwrap();
        let error = store.get(&hash).await.unwrap_err();
        assert!(error.to_string().contains("is damaged"), "{error}");
        store.put(b"a").await.unwrap();
        assert!(store.get(&hash).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn upload_is_a_file_of_its_folder_alone() {
        let (folder, _) = store();
        fs::create_dir(folder.path().join("in")).unwrap();
        fs::write(folder.path().join("out.toml"), b"x").unwrap();
        fs::write(folder.path().join("in/a.toml"), b"y").unwrap();
        let uploads = UploadFolder::new(folder.path().join("in"));
        assert_eq!(uploads.read("a.toml").await.unwrap().as_deref(), Some(b"y".as_slice()));
        assert_eq!(uploads.read("b.toml").await.unwrap(), None);
        for name in ["../out.toml", "/etc/hostname", ".."] {
            assert!(uploads.read(name).await.is_err(), "{name}");
        }
    }
}
