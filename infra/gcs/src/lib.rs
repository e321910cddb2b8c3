//! Strategy modules, verified components and compiled code in Cloud Storage.
//!
//! [`GcsComponents`] and [`GcsUploads`] are the ports of [`sentinel_domain::components`], each on one bucket:
//!
//! - the bucket of components holds `components/HASH.wasm`, made once and never changed, and `compiled/HASH-ENGINE.cwasm`,
//!   a cache. Compiled code is run as machine code, so **only register-strategy may write to this bucket**;
//! - the bucket of uploads holds what people put there. A file is read whole and of one generation, and one that is too
//!   large is refused by its length, before its first byte.
//!
//! Waiting is bounded: a request takes at most two minutes, and one that fails is tried again for at most 20 seconds.
//! Credentials are application-default ones, by `object_store`, which renews a token five minutes before it ends. What
//! is absent: any knowledge of what a component is.

mod bucket;
mod components;
mod error;
mod uploads;

pub use self::components::GcsComponents;
pub use self::error::BucketError;
pub use self::uploads::GcsUploads;
