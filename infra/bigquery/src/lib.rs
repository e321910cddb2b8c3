//! The warehouse on BigQuery: jobs sent over its REST interface, each known by an id of ours.
//!
//! What is absent: tables are not made at Google, where Terraform makes them and nothing here has the right to; there
//! they are only compared with their schema. No rows are staged anywhere: a batch travels as the parameter of its `MERGE`.
//!
//! Start with [`BigQueryWarehouse`]; [`BigQuerySettings`] says where it is.

mod api;
mod failure;
mod job;
mod settings;
mod statements;
mod tokens;
mod warehouse;

pub use settings::{BigQuerySettings, Credentials, Limits, Tables};
pub use statements::{Statement, Statements};
pub use tokens::{TokenError, Tokens};
pub use warehouse::BigQueryWarehouse;
