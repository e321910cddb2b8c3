//! Components and uploads in folders: the contracts of both ports.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::fs;
use std::path::PathBuf;

use sentinel_contracts::components::{ComponentPlace, UploadPlace};
use sentinel_domain::components::{ComponentStore, Uploads};
use sentinel_domain::hash::ContentHash;
use sentinel_embedded::components::{ComponentFolder, UploadFolder};
use tempfile::TempDir;

struct Folder {
    path: PathBuf,
    components: ComponentFolder,
    uploads: UploadFolder,
}

async fn fresh() -> (TempDir, Folder) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("in");
    let (components, uploads) = (ComponentFolder::new(&path), UploadFolder::new(&path));
    (folder, Folder { path, components, uploads })
}

impl Folder {
    /// Whole or not at all, as a file manager moves files.
    fn write(&self, name: &str, bytes: &[u8]) {
        fs::create_dir_all(&self.path).unwrap();
        let beside = tempfile::NamedTempFile::new_in(&self.path).unwrap();
        fs::write(beside.path(), bytes).unwrap();
        beside.persist(self.path.join(name)).unwrap();
    }
}

impl ComponentPlace for Folder {
    fn store(&self) -> &dyn ComponentStore {
        &self.components
    }

    async fn overwrite(&self, hash: ContentHash, bytes: &[u8]) {
        fs::write(self.components.path(hash), bytes).unwrap();
    }

    async fn clutter(&self, name: &str) {
        self.write(name, b"x");
    }
}

impl UploadPlace for Folder {
    fn uploads(&self) -> &dyn Uploads {
        &self.uploads
    }

    async fn upload(&self, name: &str, bytes: &[u8]) {
        self.write(name, bytes);
    }
}

mod components {
    use super::fresh;

    sentinel_contracts::component_store_contract!(fresh);
}

mod uploads {
    use super::fresh;

    sentinel_contracts::uploads_contract!(fresh);
}
