//! Content hashes: identity that derives from bytes and nothing else.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

/// A SHA-256 hash, written as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ContentHash([u8; 32]);

impl ContentHash {
    /// Returns the hash of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Returns the first twelve digits, for people to tell hashes apart.
    #[must_use]
    pub fn short(&self) -> String {
        self.to_string()[..12].to_owned()
    }

    /// Returns the 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is no hash.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("\"{0}\" is not a content hash: expected 64 hexadecimal digits")]
pub struct NotAHash(String);

impl FromStr for ContentHash {
    type Err = NotAHash;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let not_a_hash = || NotAHash(text.to_owned());
        if text.len() != 64 || !text.is_ascii() {
            return Err(not_a_hash());
        }
        let mut bytes = [0; 32];
        for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let digits = std::str::from_utf8(digits).map_err(|_| not_a_hash())?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| not_a_hash())?;
        }
        Ok(Self(bytes))
    }
}

impl TryFrom<String> for ContentHash {
    type Error = NotAHash;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<ContentHash> for String {
    fn from(hash: ContentHash) -> Self {
        hash.to_string()
    }
}

/// Builds a hash from parts. Every part is preceded by its length, so that moving a byte from one part to the
/// next changes the hash.
#[derive(Debug, Clone, Default)]
pub struct ContentHasher(Sha256);

impl ContentHasher {
    /// Starts a hash for one kind of thing; two kinds never collide.
    #[must_use]
    pub fn new(kind: &str) -> Self {
        Self::default().text(kind)
    }

    /// Adds bytes.
    #[must_use]
    pub fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
        self
    }

    /// Adds a text.
    #[must_use]
    pub fn text(self, text: &str) -> Self {
        self.bytes(text.as_bytes())
    }

    /// Adds whole numbers.
    #[must_use]
    pub fn integers(mut self, values: &[i64]) -> Self {
        self.0.update((values.len() as u64).to_le_bytes());
        self.update_chunked(values.iter().map(|value| value.to_le_bytes()));
        self
    }

    /// Adds real numbers, by their bits.
    #[must_use]
    pub fn reals(mut self, values: &[f64]) -> Self {
        self.0.update((values.len() as u64).to_le_bytes());
        self.update_chunked(values.iter().map(|value| value.to_bits().to_le_bytes()));
        self
    }

    /// Returns the hash.
    #[must_use]
    pub fn finish(self) -> ContentHash {
        ContentHash(self.0.finalize().into())
    }

    /// Feeds the hash 4 KiB at a time: one call for each number would cost more than the hashing.
    fn update_chunked(&mut self, words: impl Iterator<Item = [u8; 8]>) {
        let mut buffer = [0; 4096];
        let mut used = 0;
        for word in words {
            buffer[used..used + 8].copy_from_slice(&word);
            used += 8;
            if used == buffer.len() {
                self.0.update(buffer);
                used = 0;
            }
        }
        self.0.update(&buffer[..used]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_round_trips() {
        let hash = ContentHash::of(b"abc");
        assert_eq!(hash.to_string(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(hash.to_string().parse(), Ok(hash));
        assert!("zz".repeat(32).parse::<ContentHash>().is_err());
    }

    #[test]
    fn moving_a_byte_between_parts_changes_the_hash() {
        let hash = |a: &str, b: &str| ContentHasher::new("test").text(a).text(b).finish();
        assert_ne!(hash("ab", "c"), hash("a", "bc"));
    }

    #[test]
    fn long_columns_are_hashed_whole() {
        let column: Vec<f64> = (0..1_000).map(f64::from).collect();
        let mut changed = column.clone();
        changed[999] = -1.0;
        assert_ne!(
            ContentHasher::new("test").reals(&column).finish(),
            ContentHasher::new("test").reals(&changed).finish()
        );
    }
}
