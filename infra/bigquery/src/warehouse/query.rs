//! Questions.

use gcp_bigquery_client::model::query_parameter::QueryParameter;
use sentinel_domain::tables::{Cell, Row};
use sentinel_domain::warehouse::{ResultSet, WarehouseError};

use super::value::{parameter, to_cell};
use crate::api::Api;
use crate::job::{Answer, ParameterMode};

/// Asks; what would change anything is refused.
pub(super) async fn ask(api: &Api, sql: &str, parameters: &[Cell], store: &str) -> Result<ResultSet, WarehouseError> {
    let parameters: Vec<QueryParameter> = parameters.iter().map(parameter).collect();
    if !is_plain(sql) {
        let kind = api.kind_of(sql.to_owned(), parameters.clone()).await.map_err(|failure| failure.of_query(store))?;
        if kind != "SELECT" {
            return Err(WarehouseError::Query { message: format!("only SELECT is asked here, this is {kind}") });
        }
    }
    let ended = api.run("ask", sql.to_owned(), ParameterMode::Positional, parameters).await;
    let ended = ended.map_err(|failure| failure.of_query(store))?;
    let answer = api.rows(ended).await.map_err(|failure| failure.of_query(store))?;
    Ok(result(answer))
}

/// Returns whether the text is one question and nothing else; what it is otherwise, the service knows.
fn is_plain(sql: &str) -> bool {
    let text = sql.trim().trim_end_matches(';');
    let first = text.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
    matches!(first.as_str(), "SELECT" | "WITH") && !text.contains(';')
}

fn result(Answer { fields, rows }: Answer) -> ResultSet {
    let columns = fields.iter().map(|field| field.name.clone()).collect();
    let row = |row: gcp_bigquery_client::model::table_row::TableRow| -> Row {
        let cells = row.columns.unwrap_or_default();
        fields.iter().zip(cells).map(|(field, cell)| to_cell(field, cell.value)).collect()
    };
    ResultSet { columns, rows: rows.into_iter().map(row).collect() }
}
