//! The archive loops on real stores, against the simulated broker through the Alpaca client.
#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

mod decisions;
mod interrupted;
mod patches;
mod quarantine;
mod thread;
mod world;
