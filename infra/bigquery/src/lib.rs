//! The warehouse on BigQuery.
