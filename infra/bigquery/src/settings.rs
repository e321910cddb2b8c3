//! Where the warehouse is, who asks, and how long is waited for it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use backon::ExponentialBuilder;

use crate::statements::Statements;
use crate::tokens::Tokens;

/// Where Google answers.
const GOOGLE: &str = "https://bigquery.googleapis.com/bigquery/v2";

/// Where the warehouse is and how it is used.
#[derive(Debug, Clone)]
pub struct BigQuerySettings {
    /// The project that holds the dataset and pays for the jobs.
    pub project: String,
    /// The dataset that holds the tables.
    pub dataset: String,
    /// Where the dataset lies, such as `europe-west3` or `EU`.
    pub location: Option<String>,
    /// The address up to `/bigquery/v2`.
    pub base_url: String,
    /// What is done about a table that is not there.
    pub tables: Tables,
    /// Who asks.
    pub credentials: Credentials,
    /// The most bytes that one job may bill; a job that would bill more is refused before it reads.
    pub maximum_bytes_billed: Option<u64>,
    /// How long is waited, and how often tried again.
    pub limits: Limits,
    /// Where statements are noted, for whoever wants to look at them.
    pub statements: Option<Statements>,
}

impl BigQuerySettings {
    /// Names a dataset at Google, asked with the application-default credentials: the service account on Google Cloud, a
    /// person's own on their machine.
    #[must_use]
    pub fn google(project: impl Into<String>, dataset: impl Into<String>, location: impl Into<String>) -> Self {
        Self {
            project: project.into(),
            dataset: dataset.into(),
            location: Some(location.into()),
            base_url: GOOGLE.to_owned(),
            tables: Tables::CheckOnly,
            credentials: Credentials::ApplicationDefault,
            maximum_bytes_billed: None,
            limits: Limits::default(),
            statements: None,
        }
    }

    /// Names a dataset at a counterpart that listens at `address` (`http://host:port`), asks for no credentials and lets
    /// datasets, tables and views be made.
    #[must_use]
    pub fn counterpart(address: &str, project: impl Into<String>, dataset: impl Into<String>) -> Self {
        Self {
            location: None,
            base_url: format!("{}/bigquery/v2", address.trim_end_matches('/')),
            tables: Tables::Make,
            credentials: Credentials::None,
            ..Self::google(project, dataset, "")
        }
    }

    /// Returns the warehouse's name for people: `BigQuery project.dataset`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("BigQuery {}.{}", self.project, self.dataset)
    }
}

/// What is done about a table that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tables {
    /// It is made, with its dataset.
    Make,
    /// It is an error: somebody else makes tables.
    CheckOnly,
}

/// Who asks.
#[derive(Clone)]
pub enum Credentials {
    /// Nobody in particular.
    None,
    /// Whoever the machine says: a service account on Google Cloud, a person who ran `gcloud auth application-default
    /// login` elsewhere.
    ApplicationDefault,
    /// Whoever these tokens are of.
    Given(Arc<dyn Tokens>),
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::ApplicationDefault => "ApplicationDefault",
            Self::Given(_) => "Given(…)",
        })
    }
}

/// How long is waited, and how often tried again.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How long one call may take.
    pub call_timeout: Duration,
    /// How long one job may take; the service itself ends it then.
    pub job_timeout: Duration,
    /// How often a call that failed is made again, and a job that failed is run again.
    pub retries: usize,
    /// The first wait between two tries; it doubles, and a random part is added so that many do not come at once.
    pub delay_min: Duration,
    /// The longest wait between two tries, without the random part.
    pub delay_max: Duration,
    /// How many bytes of rows one request carries; the service takes 10 MB with everything around them.
    pub request_max_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            call_timeout: Duration::from_secs(30),
            job_timeout: Duration::from_secs(300),
            retries: 5,
            delay_min: Duration::from_millis(250),
            delay_max: Duration::from_secs(8),
            request_max_bytes: 8_000_000,
        }
    }
}

impl Limits {
    pub(crate) fn backoff(&self) -> ExponentialBuilder {
        ExponentialBuilder::default()
            .with_min_delay(self.delay_min)
            .with_max_delay(self.delay_max)
            .with_max_times(self.retries)
            .with_jitter()
    }
}
