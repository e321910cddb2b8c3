//! The function runtime on a real SQLite store, and behind a real HTTP server.
#![expect(clippy::unwrap_used, reason = "a test may fail")]

mod http;
mod kills;
mod leases;
mod outbox;
mod races;
mod runs;
mod support;
