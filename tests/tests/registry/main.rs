//! The registry and replay, on real stores and in the real sandbox.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

mod registration;
mod replay;
mod world;
