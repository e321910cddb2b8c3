//! A bucket of its own on the counterpart, and plain requests to it.

use sentinel_contracts::components::{ComponentPlace, UploadPlace};
use sentinel_contracts::counterpart::{Counterpart, fresh_name};
use sentinel_domain::components::{ComponentStore, Uploads};
use sentinel_domain::hash::ContentHash;
use sentinel_gcs::{GcsComponents, GcsUploads};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub(crate) struct Bucket {
    /// `host:port`
    address: String,
    pub(crate) name: String,
    components: GcsComponents,
    uploads: GcsUploads,
}

pub(crate) async fn fresh() -> Option<((), Bucket)> {
    let endpoint = Counterpart::Storage.address()?;
    let name = fresh_name("test");
    let bucket = Bucket {
        address: endpoint.trim_start_matches("http://").to_owned(),
        components: GcsComponents::connect(&name, Some(endpoint.clone())).unwrap(),
        uploads: GcsUploads::connect(&name, Some(endpoint)).unwrap(),
        name,
    };
    let made = format!("{{\"name\":\"{}\"}}", bucket.name);
    bucket.request("POST", "/storage/v1/b", made.as_bytes()).await;
    Some(((), bucket))
}

impl Bucket {
    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    async fn put(&self, object: &str, bytes: &[u8]) {
        let encoded: String = object.bytes().map(|byte| format!("%{byte:02X}")).collect();
        self.request("PUT", &format!("/{}/{encoded}", self.name), bytes).await;
    }

    async fn request(&self, method: &str, path: &str, body: &[u8]) {
        let mut stream = TcpStream::connect(&self.address).await.unwrap();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(body).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with("HTTP/1.1 200"), "{method} {path} was answered {answer:?}");
    }
}

impl ComponentPlace for Bucket {
    fn store(&self) -> &dyn ComponentStore {
        &self.components
    }

    async fn overwrite(&self, hash: ContentHash, bytes: &[u8]) {
        self.put(&format!("components/{hash}.wasm"), bytes).await;
    }

    async fn clutter(&self, name: &str) {
        self.put(&format!("components/{name}"), b"x").await;
        self.put(name, b"x").await;
    }
}

impl UploadPlace for Bucket {
    fn uploads(&self) -> &dyn Uploads {
        &self.uploads
    }

    async fn upload(&self, name: &str, bytes: &[u8]) {
        self.put(name, bytes).await;
    }
}
