//! Compiled code, kept between runs.
//!
//! Compiled code is machine code that the host jumps into, so loading it is a matter of trust: entries are written by
//! this host alone, into a folder that only its user may enter or a bucket that only register-strategy may write to, and
//! each carries a hash over what it is for and what it holds. That catches damage, a half-written file and an entry
//! under a wrong name; it does not catch a person who may write to the place and means harm. The component's own hash
//! stays the identity; this is only a copy of work done.

use std::fs;
use std::hash::{Hash, Hasher};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use sentinel_domain::components::CodeName;
use sentinel_domain::hash::{ContentHash, ContentHasher};
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::engine::ENGINE_VERSION;

/// Opens every entry. The number rises when the layout of an entry changes or verification becomes stricter, because
/// an entry is also the promise that its component was verified.
const MAGIC: &[u8; 16] = b"sentinel-cwasm 1";

const HEADER_BYTES: usize = MAGIC.len() + 32;

/// What compiled code is for, and how its bytes lie wherever they are kept: a header that names both, then the code.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seal {
    component: ContentHash,
    engine: ContentHash,
}

impl Seal {
    pub(crate) const fn new(component: ContentHash, engine: ContentHash) -> Self {
        Self { component, engine }
    }

    pub(crate) const fn name(self) -> CodeName {
        CodeName { component: self.component, engine: self.engine }
    }

    /// Returns the bytes under which a compiled component is kept.
    pub(crate) fn close(self, component: &Component) -> io::Result<Vec<u8>> {
        let code = component.serialize().map_err(|error| io::Error::other(format!("{error:#}")))?;
        let mut bytes = Vec::with_capacity(HEADER_BYTES + code.len());
        bytes.extend_from_slice(&self.header(&code));
        bytes.extend_from_slice(&code);
        Ok(bytes)
    }

    /// Returns the compiled component, or `None` when the bytes are not whole or for something else.
    pub(crate) fn open(self, bytes: &[u8], engine: &Engine) -> Option<Component> {
        let (header, code) = bytes.split_at_checked(HEADER_BYTES)?;
        if header != self.header(code) {
            return None;
        }
        #[expect(unsafe_code, reason = "machine code that this host wrote; its hash has just been checked")]
        // SAFETY: the header proves that these are the bytes which `close` took from `Component::serialize`, for this
        // engine, version, settings and target; they come from a place that this host alone writes to.
        let component = unsafe { Component::deserialize(engine, code) };
        component.ok()
    }

    fn header(self, code: &[u8]) -> [u8; HEADER_BYTES] {
        let hash = ContentHasher::new("compiled-code")
            .bytes(self.component.as_bytes())
            .bytes(self.engine.as_bytes())
            .bytes(code)
            .finish();
        let mut header = [0; HEADER_BYTES];
        header[..MAGIC.len()].copy_from_slice(MAGIC);
        header[MAGIC.len()..].copy_from_slice(hash.as_bytes());
        header
    }
}

/// The compiled code of one component for one engine, as a file.
pub(crate) struct Entry {
    path: PathBuf,
    seal: Seal,
}

impl Entry {
    pub(crate) fn new(folder: &Path, seal: Seal) -> Self {
        Self { path: folder.join(seal.name().to_string()), seal }
    }

    /// Returns the compiled component, or `None` when there is none or it is damaged: then it is compiled anew.
    pub(crate) fn load(&self, engine: &Engine) -> Option<Component> {
        self.seal.open(&fs::read(&self.path).ok()?, engine)
    }

    /// Keeps the compiled component. A reader sees the whole entry or none.
    pub(crate) fn store(&self, component: &Component) -> io::Result<()> {
        let bytes = self.seal.close(component)?;
        let folder = self.path.parent().unwrap_or(Path::new("."));
        create_private(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(&bytes)?;
        file.persist(&self.path).map_err(|error| error.error)?;
        Ok(())
    }
}

/// Returns the hash of all that compiled code depends on besides the component: the engine's version and settings, and
/// the machine.
pub(crate) fn engine_hash(engine: &Engine) -> ContentHash {
    let mut settings = Collector::default();
    engine.precompile_compatibility_hash().hash(&mut settings);
    ContentHasher::new("engine")
        .text(ENGINE_VERSION)
        .text(std::env::consts::ARCH)
        .text(std::env::consts::OS)
        .bytes(&settings.0)
        .finish()
}

/// Takes what a value wants to be hashed by, because the standard hasher's results may change with the compiler.
#[derive(Default)]
struct Collector(Vec<u8>);

impl Hasher for Collector {
    fn write(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn finish(&self) -> u64 {
        0
    }
}

#[cfg(unix)]
fn create_private(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(not(unix))]
fn create_private(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}
