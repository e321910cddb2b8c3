//! The binary as its users meet it: options in, text, JSON and an exit status out.
//!
//! Strategies are those that `make build` puts beside the binary.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

mod as_recorded;
mod asking;
mod backtest;
mod backup;
mod bad_input;
mod compare;
mod data;
mod dev;
mod explain;
mod fetch;
mod full_disk;
mod harness;
mod help;
mod registry;
mod schema;
mod strategy;
mod sweep;
mod terraform;
