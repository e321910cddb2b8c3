//! Writing a batch: one `MERGE` for as many rows as a request carries.
//!
//! Each of them is all or nothing, and no key is in two. When one fails, those before it stay, and the same batch again
//! leaves them as they are.

use gcp_bigquery_client::model::query_parameter::QueryParameter;
use gcp_bigquery_client::model::query_parameter_value::QueryParameterValue;
use sentinel_domain::tables::{Column, Row};
use sentinel_domain::warehouse::{Merged, TableId};

use super::span::Span;
use super::sql::{self, ROWS};
use super::value::{record, records};
use crate::api::Api;
use crate::failure::Failure;
use crate::job::ParameterMode;

/// Writes rows, whose batch is checked, by logical date and business key.
pub(super) async fn merge(api: &Api, table: &TableId, rows: &[Row]) -> Result<Merged, Failure> {
    let columns = columns(table);
    let encoded = rows.iter().map(|row| (Span::of_row(table.schema, row), record(&columns, row)));
    let mut merged = Merged::default();
    for Piece { span, rows } in pieces(encoded, api.settings.limits.request_max_bytes) {
        let count = rows.len() as u64;
        let parameters = vec![parameter(table, rows)];
        let ended = api.run("merge rows into", sql::merge(table, span), ParameterMode::Named, parameters).await?;
        let told = ended.statistics.dml_stats;
        let (inserted, updated) = (number(told.inserted_row_count), number(told.updated_row_count));
        merged.inserted += inserted;
        merged.updated += updated;
        merged.unchanged += count.saturating_sub(inserted + updated);
    }
    Ok(merged)
}

/// Returns rows as the parameter of their `MERGE`.
pub(crate) fn parameter(table: &TableId, rows: Vec<QueryParameterValue>) -> QueryParameter {
    records(ROWS, &columns(table), rows)
}

fn columns(table: &TableId) -> Vec<&'static Column> {
    table.schema.columns.iter().collect()
}

/// As many rows as one request carries, and their span.
pub(super) struct Piece {
    pub(super) span: Span,
    pub(super) rows: Vec<QueryParameterValue>,
}

/// Cuts rows into pieces of at most so many bytes; a row that is larger travels alone.
pub(super) fn pieces(rows: impl Iterator<Item = (Span, QueryParameterValue)>, bytes_max: usize) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut bytes = 0;
    for (span, row) in rows {
        let size = size(&row);
        match pieces.last_mut().filter(|_| bytes + size <= bytes_max) {
            Some(piece) => {
                piece.span = piece.span.with(span);
                piece.rows.push(row);
                bytes += size;
            }
            None => {
                pieces.push(Piece { span, rows: vec![row] });
                bytes = size;
            }
        }
    }
    pieces
}

/// Bytes of a row in a request.
fn size(row: &QueryParameterValue) -> usize {
    serde_json::to_vec(row).map_or(0, |text| text.len() + 1)
}

fn number(text: Option<String>) -> u64 {
    text.and_then(|text| text.parse().ok()).unwrap_or(0)
}
