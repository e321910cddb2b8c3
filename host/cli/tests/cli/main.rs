//! The binary as its users meet it: options in, text, JSON and an exit status out.
//!
//! Strategies are those that `make build` puts beside the binary.

mod backtest;
mod bad_input;
mod compare;
mod data;
mod full_disk;
mod harness;
mod help;
mod sweep;
