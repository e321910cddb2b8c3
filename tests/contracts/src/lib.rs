//! What every implementation of a port must do, as tests to be run against each of them.
//!
//! An adapter's own tests name a way to open a fresh, empty thing and get the whole suite: the embedded stores and
//! the cloud's emulators are held to the very same facts. Depends on the ports alone.

pub mod components;
pub mod counterpart;
pub mod documents;
pub mod warehouse;
