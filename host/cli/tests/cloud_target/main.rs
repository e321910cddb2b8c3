//! `sentinel --target cloud` beside the counterparts of Firestore, BigQuery and Cloud Storage.
//!
//! The test of uploads needs the shipped strategies, as `make build` puts them beside the binary.
#![expect(clippy::unwrap_used, reason = "a test may fail")]

mod asking;
mod running;
mod settings;
mod switching;
mod upload;
mod world;
