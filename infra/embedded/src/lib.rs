//! The stores of a laptop: nothing to install, nothing to start, files in one folder.
//!
//! Each module is one port of `sentinel-domain` on one embedded database, and knows nothing of the other: [`documents`]
//! is the hot store on SQLite, [`warehouse`] the cold one on DuckDB, [`components`] a folder. What is absent: trading rules, clocks, any knowledge
//! of who calls, and anything that reaches another machine.

pub mod components;
pub mod documents;
pub mod warehouse;
