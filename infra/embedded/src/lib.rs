//! The stores of a laptop: nothing to install, nothing to run, files in one folder.
//!
//! Each module is one port of `sentinel-domain` on one embedded database, and knows nothing of the others. What is
//! absent: trading rules, clocks, and any knowledge of who calls.
//!
//! Start with [`documents::SqliteDocuments`], the hot store.

pub mod documents;
