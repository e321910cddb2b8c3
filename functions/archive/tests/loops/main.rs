//! The archive loops on real stores, against the simulated broker through the Alpaca client.

mod interrupted;
mod patches;
mod quarantine;
mod thread;
mod world;
