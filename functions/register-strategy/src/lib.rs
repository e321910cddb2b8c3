//! `register-strategy`: turns a component and the config beside it into a version of a strategy.
//!
//! Somebody puts `F.wasm` and `F.toml` into the strategies bucket, or the laptop's folder; whichever comes last starts
//! the function. It reads both ([`RegistrationConfig`]), tries the component in the sandbox ([`verify`]), keeps its
//! bytes by their hash, and opens a row of `dim_strategies`: the row before is closed in the same commit. The same
//! component and config again change nothing.
//!
//! The rules of the history are `sentinel_domain::registry`; here they meet a store ([`history`]). What is absent: any
//! knowledge of which store, bucket or cloud it is.
//!
//! Start with [`RegisterStrategy`].

mod config;
mod drop_folder;
mod function;
pub mod history;
mod nearest;
mod verify;

pub use config::{ConfigError, RegistrationConfig};
pub use drop_folder::{DropFolder, scan_drop_folder};
pub use function::{ActivationRequest, RegisterStrategy, STRATEGY_ACTIVATION, STRATEGY_REGISTERED, finalized};
pub use nearest::nearest;
pub use verify::{Verified, VerifyError, verify};
