//! What was sent, for whoever wants to check it: each statement once, with the types of its parameters.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, NaiveDate};
use gcp_bigquery_client::model::job_configuration_query::JobConfigurationQuery;
use gcp_bigquery_client::model::query_parameter::QueryParameter;
use sentinel_domain::warehouse::TableId;
use serde::Serialize;
use serde_json::{Value, json};

use crate::warehouse::span::Span;
use crate::warehouse::{keys, merge, sql};

/// Statements, as they were sent. Clones note into the same list.
#[derive(Debug, Clone, Default)]
pub struct Statements(Arc<Mutex<BTreeMap<String, Value>>>);

/// One statement.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Statement {
    /// What it says.
    pub sql: String,
    /// For each parameter its name, if it has one, and its type as BigQuery's interface writes it.
    pub parameters: Value,
}

impl Statements {
    /// Returns what is sent when rows of a table are written, and when they are looked up.
    #[must_use]
    pub fn of_table(table: &TableId) -> [Statement; 2] {
        let span = Span::new(NaiveDate::default(), Some(DateTime::UNIX_EPOCH));
        let statement = |sql: String, parameter: &QueryParameter| {
            let parameters = json!([{ "name": parameter.name, "type": parameter.parameter_type }]);
            Statement { sql, parameters }
        };
        let (write, look) = (merge::parameter(table, Vec::new()), keys::parameter(table, Vec::new()));
        [statement(sql::merge(table, span), &write), statement(sql::existing(table, span), &look)]
    }

    /// Returns all of them, in the order of their text.
    #[must_use]
    pub fn all(&self) -> Vec<Statement> {
        let noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        noted.iter().map(|(sql, parameters)| Statement { sql: sql.clone(), parameters: parameters.clone() }).collect()
    }

    pub(crate) fn note_view(&self, sql: &str) {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        noted.entry(sql.to_owned()).or_insert_with(|| json!([]));
    }

    pub(crate) fn note(&self, query: &JobConfigurationQuery) {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        noted.entry(query.query.clone()).or_insert_with(|| {
            let parameters = query.query_parameters.iter().flatten();
            parameters.map(|it| json!({ "name": it.name, "type": it.parameter_type })).collect()
        });
    }
}
