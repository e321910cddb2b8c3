//! The program of the cloud: its settings, who may call it, how it serves and runs, and what its binary shows.
#![expect(clippy::unwrap_used, reason = "a test may fail")]

mod binary;
mod callers;
mod carrying;
mod job;
mod settings;
mod terraform;
mod tokens;
mod updates;
mod world;
