//! Turns a strategy's source folder into a component, and makes new strategy folders.
//!
//! [`build`] tells the language by what lies in the folder and calls that language's own tools: cargo for Rust,
//! componentize-py for Python, ComponentizeJS for JavaScript. The latter two are fetched on first use into a cache
//! folder; Rust needs nothing but cargo and the wasm target. [`create`] makes a folder that builds as it stands.
//!
//! A component's hash is its identity, so **the same source gives the same bytes, whatever folder it lies in**:
//!
//! - Rust: no path of the machine reaches the component ([`rust`](crate::Language::Rust) builds with remapped paths and
//!   a profile of its own).
//! - JavaScript: the engine that runs once at build time gets fixed randomness, clock and paths.
//! - Python: its tool cannot be held to that, so the component built first from a source is kept in the cache folder
//!   and handed out again; on another machine the bytes differ.
//!
//! What is absent: nothing here runs a strategy, judges its manifest or knows of limits; that is the sandbox's part.
//! No clock is read and no environment variable is consulted, but for those that name where cargo keeps things.
//!
//! Start reading at [`build`]; then `rust.rs`, `python.rs` and `javascript.rs`.

mod build;
mod component;
mod contract;
mod create;
mod error;
mod javascript;
mod language;
mod program;
mod python;
mod rust;
mod source;
mod tools;

pub use build::{BuildOptions, Built, Step, build};
pub use create::{CreateError, create};
pub use error::BuildError;
pub use language::{Language, UnknownLanguage};
