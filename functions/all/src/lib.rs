//! All functions of one account, put together from the ports: what a laptop and the cloud share.
//!
//! [`FunctionName`] says which functions there are, which ports each needs, and makes one of [`Parts`]: an instance in
//! the cloud serves one function and opens nothing else. [`Desktop`] has all of them in one process, with the bus
//! between them. [`follow`] lets positions be synced whenever the broker has news. [`AccountConfig`] is the account as
//! `account.toml` says it. What is absent: every adapter, so that nobody links a store that is not theirs.

mod account;
mod desktop;
mod name;
mod updates;

pub use account::{AccountConfig, AccountError, BrokerConfig};
pub use desktop::{Desktop, Wiring};
pub use name::{FunctionName, MissingPart, Parts, Port, UnknownFunction};
pub use updates::{UpdateListener, follow};
