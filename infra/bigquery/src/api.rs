//! Calls: each bounded in time, tried again where that is worth it.
//!
//! What is absent: what is called. One call is made without the library, whose answer leaves out how many rows a `MERGE`
//! inserted and how many it changed.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use backon::Retryable;
use gcp_bigquery_client::{Client, client_builder::ClientBuilder};
use secrecy::ExposeSecret;
use serde::Deserialize;
use tracing::warn;

use crate::failure::{Failure, chain};
use crate::settings::BigQuerySettings;
use crate::tokens::{Bridge, Tokens, source};

/// A connection to one dataset.
pub(crate) struct Api {
    pub(crate) settings: BigQuerySettings,
    pub(crate) client: Client,
    http: reqwest::Client,
    tokens: Arc<dyn Tokens>,
    /// Bytes that the jobs so far were charged for.
    pub(crate) billed: AtomicU64,
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// What became of a job.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct JobState {
    pub(crate) status: Status,
    pub(crate) statistics: Statistics,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Status {
    pub(crate) state: String,
    pub(crate) error_result: Option<JobError>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct JobError {
    pub(crate) reason: String,
    pub(crate) message: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Statistics {
    pub(crate) query: QueryStatistics,
}

/// Numbers come as text.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct QueryStatistics {
    pub(crate) total_bytes_billed: Option<String>,
    pub(crate) dml_stats: DmlStatistics,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct DmlStatistics {
    pub(crate) inserted_row_count: Option<String>,
    pub(crate) updated_row_count: Option<String>,
}

impl Api {
    /// Connects; nothing is sent yet.
    pub(crate) async fn connect(settings: BigQuerySettings) -> Result<Self, Failure> {
        // Fails only where one is installed already, which then is used.
        drop(rustls::crypto::ring::default_provider().install_default());
        let tokens = source(&settings.credentials)?;
        let mut builder = ClientBuilder::new();
        builder.with_v2_base_url(settings.base_url.clone());
        let client = builder.build_from_authenticator(Arc::new(Bridge(Arc::clone(&tokens)))).await?;
        let mut http = reqwest::Client::builder();
        if settings.base_url.starts_with("http://") {
            // A server without TLS is asked also on a machine without certificates.
            http = http.tls_certs_only([]);
        }
        let http = http.build().map_err(|error| Failure::Unreachable(chain(&error)))?;
        Ok(Self { settings, client, http, tokens, billed: AtomicU64::new(0) })
    }

    /// Calls until there is an answer or no use in trying again.
    pub(crate) async fn call<T, C, F>(&self, operation: &'static str, call: C) -> Result<T, Failure>
    where
        C: Fn() -> F,
        F: Future<Output = Result<T, Failure>>,
    {
        let once = || self.once(call());
        let tried = once.retry(self.settings.limits.backoff()).when(Failure::is_retryable);
        tried.notify(|failure: &Failure, wait: Duration| note(operation, failure, wait)).await
    }

    /// Calls once, within the time that a call may take.
    pub(crate) async fn once<T>(&self, call: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        let limit = self.settings.limits.call_timeout;
        let answer = tokio::time::timeout(limit, call).await.unwrap_or(Err(Failure::TimedOut(limit)));
        if answer.as_ref().is_err_and(Failure::is_unauthorized) {
            self.tokens.refused();
        }
        answer
    }

    /// Returns what became of a job.
    pub(crate) async fn job_state(&self, job_id: &str) -> Result<JobState, Failure> {
        let BigQuerySettings { base_url, project, location, .. } = &self.settings;
        let token = self.tokens.token().await?;
        let location = location.as_ref().map(|location| ("location", location.as_str()));
        let request = self
            .http
            .get(format!("{base_url}/projects/{project}/jobs/{job_id}"))
            .query(&[("fields", "status,statistics")])
            .query(location.as_slice())
            .bearer_auth(token.expose_secret());
        let answer = request.send().await.map_err(|error| Failure::Unreachable(chain(&error)))?;
        let code = answer.status();
        let body = answer.bytes().await.map_err(|error| Failure::Unreadable(chain(&error)))?;
        if !code.is_success() {
            return Err(refusal(code.as_u16(), &body));
        }
        serde_json::from_slice(&body).map_err(|error| Failure::Unreadable(error.to_string()))
    }
}

/// Says that something is tried again.
pub(crate) fn note(operation: &'static str, failure: &Failure, wait: Duration) {
    let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
    warn!(operation, error = %failure, wait_ms, "BigQuery is asked again");
}

fn refusal(code: u16, body: &[u8]) -> Failure {
    let answer: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let text =
        |pointer: &str| answer.pointer(pointer).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
    Failure::Refused { code: code.into(), reason: text("/error/errors/0/reason"), message: text("/error/message") }
}
