//! A statement on its way: a job with an id of ours, looked after until it has ended.
//!
//! The id makes the insertion safe to repeat: when its answer was lost, the second insertion is told that the job is there
//! already, and the job is waited for instead of run again. A job that itself failed for a passing reason has changed
//! nothing and is run again under another id.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use backon::Retryable;
use gcp_bigquery_client::model::dataset_reference::DatasetReference;
use gcp_bigquery_client::model::get_query_results_parameters::GetQueryResultsParameters;
use gcp_bigquery_client::model::get_query_results_response::GetQueryResultsResponse;
use gcp_bigquery_client::model::job::Job;
use gcp_bigquery_client::model::job_configuration::JobConfiguration;
use gcp_bigquery_client::model::job_configuration_query::JobConfigurationQuery;
use gcp_bigquery_client::model::job_reference::JobReference;
use gcp_bigquery_client::model::query_parameter::QueryParameter;
use gcp_bigquery_client::model::table_field_schema::TableFieldSchema;
use gcp_bigquery_client::model::table_row::TableRow;
use tracing::info;

use crate::api::{Api, QueryStatistics, note};
use crate::failure::Failure;

/// How long one look at a job waits for its end, at the service.
const LOOK_MS: i32 = 10_000;

/// How long is waited between two looks, at first and at most.
const PAUSE_MIN: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// How parameters are told apart.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ParameterMode {
    Named,
    Positional,
}

/// A job that has ended well.
pub(crate) struct Ended {
    job_id: String,
    pub(crate) statistics: QueryStatistics,
    /// The first page, where the last look brought it.
    first_page: Option<GetQueryResultsResponse>,
}

/// All that a question brought.
#[derive(Default)]
pub(crate) struct Answer {
    pub(crate) fields: Vec<TableFieldSchema>,
    pub(crate) rows: Vec<TableRow>,
}

impl Api {
    /// Runs a statement to its end.
    pub(crate) async fn run(
        &self,
        operation: &'static str,
        sql: String,
        mode: ParameterMode,
        parameters: Vec<QueryParameter>,
    ) -> Result<Ended, Failure> {
        let query = self.query(sql, mode, parameters);
        if let Some(statements) = &self.settings.statements {
            statements.note(&query);
        }
        let attempt = || self.attempt(operation, &query);
        let tried = attempt.retry(self.settings.limits.backoff()).when(Failure::is_job_to_run_again);
        tried.notify(|failure: &Failure, wait: Duration| note(operation, failure, wait)).await
    }

    /// Returns what kind of statement it is, as the service reads it: `SELECT`, `DELETE`, `SCRIPT`. Nothing is run.
    pub(crate) async fn kind_of(&self, sql: String, parameters: Vec<QueryParameter>) -> Result<String, Failure> {
        let query = self.query(sql, ParameterMode::Positional, parameters);
        let job = self.call("read a statement at", || self.insert(&query, None)).await?;
        let kind = job.statistics.and_then(|it| it.query).and_then(|it| it.statement_type);
        Ok(kind.unwrap_or_else(|| "SCRIPT".to_owned()))
    }

    /// Returns all rows of a question.
    pub(crate) async fn rows(&self, ended: Ended) -> Result<Answer, Failure> {
        let mut answer = Answer::default();
        let mut page = match ended.first_page {
            Some(page) => page,
            None => self.page(&ended.job_id, None).await?,
        };
        loop {
            if let Some(fields) = page.schema.take().and_then(|schema| schema.fields) {
                answer.fields = fields;
            }
            answer.rows.extend(page.rows.take().unwrap_or_default());
            let Some(token) = page.page_token.take() else { return Ok(answer) };
            page = self.page(&ended.job_id, Some(token)).await?;
        }
    }

    fn query(&self, sql: String, mode: ParameterMode, parameters: Vec<QueryParameter>) -> JobConfigurationQuery {
        let mode = match mode {
            ParameterMode::Named => "NAMED",
            ParameterMode::Positional => "POSITIONAL",
        };
        JobConfigurationQuery {
            query: sql,
            use_legacy_sql: Some(false),
            parameter_mode: (!parameters.is_empty()).then(|| mode.to_owned()),
            query_parameters: Some(parameters),
            default_dataset: Some(DatasetReference {
                project_id: self.settings.project.clone(),
                dataset_id: self.settings.dataset.clone(),
            }),
            maximum_bytes_billed: self.settings.maximum_bytes_billed.map(|bytes| bytes.to_string()),
            ..JobConfigurationQuery::default()
        }
    }

    async fn attempt(&self, operation: &'static str, query: &JobConfigurationQuery) -> Result<Ended, Failure> {
        let job_id = format!("sentinel_{:032x}", fastrand::u128(..));
        match self.call(operation, || self.insert(query, Some(&job_id))).await {
            // An earlier insertion arrived, and its answer did not.
            Err(failure) if failure.is_duplicate() => {}
            inserted => drop(inserted?),
        }
        let limit = self.settings.limits.job_timeout;
        let ended = tokio::time::timeout(limit, self.end_of(&job_id)).await;
        let ended = ended.unwrap_or(Err(Failure::Unfinished(limit)))?;
        let billed = ended.statistics.total_bytes_billed.as_deref().and_then(|bytes| bytes.parse::<u64>().ok());
        self.billed.fetch_add(billed.unwrap_or_default(), Ordering::Relaxed);
        info!(job.id = job_id, operation, total_bytes_billed = billed, "BigQuery job ended");
        Ok(ended)
    }

    /// Inserts a job; one without id is only read.
    async fn insert(&self, query: &JobConfigurationQuery, job_id: Option<&String>) -> Result<Job, Failure> {
        let job = Job {
            configuration: Some(JobConfiguration {
                dry_run: Some(job_id.is_none()),
                job_timeout_ms: Some(self.settings.limits.job_timeout.as_millis().to_string()),
                labels: Some(HashMap::from([("application".to_owned(), "crypto-sentinel".to_owned())])),
                query: Some(query.clone()),
                ..JobConfiguration::default()
            }),
            job_reference: Some(JobReference {
                job_id: job_id.cloned(),
                location: self.settings.location.clone(),
                project_id: Some(self.settings.project.clone()),
            }),
            ..Job::default()
        };
        Ok(self.client.job().insert(&self.settings.project, job).await?)
    }

    /// Waits for a job to end. A look that fails says nothing about the job; its state does.
    async fn end_of(&self, job_id: &str) -> Result<Ended, Failure> {
        let mut pause = PAUSE_MIN;
        loop {
            let page = self.once(self.look(job_id, None)).await.ok();
            let state = self.call("look after a job of", || self.job_state(job_id)).await?;
            if state.status.state == "DONE" {
                if let Some(error) = state.status.error_result {
                    return Err(Failure::Job { reason: error.reason, message: error.message });
                }
                let first_page = page.filter(|page| page.job_complete == Some(true));
                return Ok(Ended { job_id: job_id.to_owned(), statistics: state.statistics.query, first_page });
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    async fn page(&self, job_id: &str, token: Option<String>) -> Result<GetQueryResultsResponse, Failure> {
        self.call("read rows from", || self.look(job_id, token.clone())).await
    }

    async fn look(&self, job_id: &str, page_token: Option<String>) -> Result<GetQueryResultsResponse, Failure> {
        let parameters = GetQueryResultsParameters {
            location: self.settings.location.clone(),
            timeout_ms: Some(LOOK_MS),
            page_token,
            ..GetQueryResultsParameters::default()
        };
        Ok(self.client.job().get_query_results(&self.settings.project, job_id, parameters).await?)
    }
}
