//! The functions on Google Cloud: one program for all of them, told by `SENTINEL_FUNCTION` which one it is.
//!
//! [`Settings`] are read from the environment and checked in one go. [`program::run`] opens what the function needs and
//! nothing else ([`Adapters`]), and then either serves it, as a Cloud Run service, or runs it once, as a job; or it
//! listens to the broker ([`Role::TradeUpdates`]). Who may
//! call is decided by [`GoogleCallers`], beside the platform. A person asks and steers a deployment with
//! [`PersonSettings`], over the same stores, and starts functions with [`Starter`]. What is absent: rules of trading, and files: nothing is
//! read from a disk or written to one.

mod broker;
mod callers;
mod job;
mod keys;
pub mod program;
mod settings;
mod start;
mod stores;
mod token;
mod updates;

pub use callers::GoogleCallers;
pub use job::{JobError, PAUSE, run_job};
pub use keys::{Keys, KeysError};
pub use settings::{
    BrokerKeys, BrokerSettings, Emulators, Fault, PersonSettings, Role, Settings, SettingsError, StoreNames,
    TRADE_UPDATES, Variables,
};
pub use start::{StartError, Started, Starter};
pub use stores::{Adapters, GoogleCloud, Unopened};
pub use token::{Identity, TokenFault};

/// Returns the commit that this program was built from, as far as its builder said.
#[must_use]
pub fn git_hash() -> &'static str {
    option_env!("SENTINEL_GIT_HASH").filter(|hash| !hash.is_empty()).unwrap_or("unknown")
}
