//! Which rows are there.

use gcp_bigquery_client::model::query_parameter::QueryParameter;
use gcp_bigquery_client::model::query_parameter_value::QueryParameterValue;
use sentinel_domain::tables::{Cell, Column, Kind};
use sentinel_domain::warehouse::{RowKey, TableId};

use super::merge::{Piece, pieces};
use super::span::Span;
use super::sql::{self, ROWS};
use super::value::{record, records, to_cell};
use crate::api::Api;
use crate::failure::Failure;
use crate::job::ParameterMode;

/// Numbers the keys, so that the answer can be given in their order.
pub(super) static NUMBER: Column = Column {
    name: "key_number",
    kind: Kind::Integer,
    nullable: false,
    unit: None,
    doc: "The key's place.",
    rules: &[],
};

/// Returns for each key whether its row is there.
pub(super) async fn existing(api: &Api, table: &TableId, keys: &[RowKey]) -> Result<Vec<bool>, Failure> {
    let columns = columns(table);
    let encoded = (0_i64..).zip(keys).map(|(number, key)| (Span::of_key(key), record(&columns, &cells(number, key))));
    let mut there = vec![false; keys.len()];
    for Piece { span, rows } in pieces(encoded, api.settings.limits.request_max_bytes) {
        let parameters = vec![parameter(table, rows)];
        let ended = api.run("look rows up in", sql::existing(table, span), ParameterMode::Named, parameters).await?;
        let answer = api.rows(ended).await?;
        let Some(field) = answer.fields.first() else { continue };
        for mut row in answer.rows {
            let value = row.columns.as_mut().and_then(|cells| cells.first_mut()).and_then(|cell| cell.value.take());
            if let Cell::Integer(number) = to_cell(field, value)
                && let Some(found) = usize::try_from(number).ok().and_then(|number| there.get_mut(number))
            {
                *found = true;
            }
        }
    }
    Ok(there)
}

/// Returns numbered keys as the parameter of their question.
pub(crate) fn parameter(table: &TableId, keys: Vec<QueryParameterValue>) -> QueryParameter {
    records(ROWS, &columns(table), keys)
}

fn columns(table: &TableId) -> Vec<&'static Column> {
    std::iter::once(&NUMBER).chain(table.schema.matched()).collect()
}

fn cells(number: i64, key: &RowKey) -> Vec<Cell> {
    [Cell::Integer(number), Cell::Date(key.ds)].into_iter().chain(key.values.iter().cloned()).collect()
}
