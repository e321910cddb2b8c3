//! Starts functions for a person: jobs at Cloud Run, everything else by its schedule.
//!
//! A person's own token is made out to no function, so no function believes it; Google's own interfaces do, and start
//! the function as they always do. How the run ends stands in the store, not in the answer.

use std::time::Duration;

use google_cloud_auth::credentials::{AccessTokenCredentials, Builder};
use reqwest::{Client, StatusCode, redirect};
use sentinel_functions::FunctionName;
use serde_json::Value;
use thiserror::Error;

use crate::settings::PersonSettings;

const SCOPES: [&str; 1] = ["https://www.googleapis.com/auth/cloud-platform"];
const TIMEOUT: Duration = Duration::from_secs(30);
/// As much of an answer as an error shows.
const SHOWN_MAX: usize = 300;

/// What was started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Started {
    /// An execution of a job.
    Job {
        /// The job.
        name: String,
        /// What Cloud Run calls this execution.
        execution: Option<String>,
    },
    /// The schedule of a service, which calls it at once.
    Schedule {
        /// The schedule.
        name: String,
    },
}

/// Why nothing was started.
#[derive(Debug, Error)]
pub enum StartError {
    /// Nobody is signed in.
    #[error(
        "there are no credentials for Google Cloud: {reason}; on your own machine run \
         `gcloud auth application-default login`"
    )]
    Credentials {
        /// What is wrong.
        reason: String,
    },
    /// The person may not.
    #[error("{service} does not let you start {name} ({status}): {reason}; you need the role {role}")]
    Forbidden {
        /// Cloud Run or Cloud Scheduler.
        service: &'static str,
        /// What was to be started.
        name: String,
        /// The role that is missing.
        role: &'static str,
        /// The HTTP status.
        status: u16,
        /// What it says.
        reason: String,
    },
    /// There is none of that name.
    #[error(
        "{service} has no {name} in {place}: a function that events alone start has no schedule; \
         `terraform output schedules` lists what has one, and SENTINEL_JOBS names the jobs"
    )]
    NoSuch {
        /// Cloud Run or Cloud Scheduler.
        service: &'static str,
        /// What was to be started.
        name: String,
        /// The project and region.
        place: String,
    },
    /// It is being started or changed at this moment.
    #[error("{service} is busy with {name} (409): {reason}; try again in a moment")]
    Busy {
        /// Cloud Run or Cloud Scheduler.
        service: &'static str,
        /// What was to be started.
        name: String,
        /// What it says.
        reason: String,
    },
    /// Anything else that it answers.
    #[error("{service} does not start {name} ({status}): {reason}")]
    Refused {
        /// Cloud Run or Cloud Scheduler.
        service: &'static str,
        /// What was to be started.
        name: String,
        /// The HTTP status.
        status: u16,
        /// What it says.
        reason: String,
    },
    /// There is no answer.
    #[error("{service} cannot be reached: {reason}; whether {name} was started, `status` shows")]
    Unreachable {
        /// Cloud Run or Cloud Scheduler.
        service: &'static str,
        /// What was to be started.
        name: String,
        /// What stands in the way.
        reason: String,
    },
}

/// Starts functions of one deployment with the credentials of this machine.
#[derive(Debug)]
pub struct Starter {
    settings: PersonSettings,
    credentials: AccessTokenCredentials,
    http: Client,
}

/// One of Google's two interfaces.
struct Service {
    name: &'static str,
    role: &'static str,
    base_url: String,
    version: &'static str,
}

impl Starter {
    /// Finds the credentials; nothing is asked yet.
    ///
    /// # Errors
    /// When there are none.
    pub fn new(settings: &PersonSettings) -> Result<Self, StartError> {
        // Fails only where one is installed already, which then is used.
        drop(rustls::crypto::ring::default_provider().install_default());
        let unusable = |reason: String| StartError::Credentials { reason };
        let credentials = Builder::default().with_scopes(SCOPES).build_access_token_credentials();
        let credentials = credentials.map_err(|error| unusable(error.to_string()))?;
        let mut http = Client::builder().timeout(TIMEOUT).redirect(redirect::Policy::none());
        if settings.scheduler_url.starts_with("http://") && settings.run_url.starts_with("http://") {
            // A server without TLS is asked also on a machine without certificates.
            http = http.tls_certs_only([]);
        }
        let http = http.build().map_err(|error| unusable(error.to_string()))?;
        Ok(Self { settings: settings.clone(), credentials, http })
    }

    /// Starts a function once, now. Asked twice, it runs twice: what it does is the same then.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn start(&self, function: FunctionName) -> Result<Started, StartError> {
        let name = format!("{}{function}", self.settings.stores.prefix);
        if !self.settings.jobs.contains(&function) {
            self.post(&self.scheduler(), &name).await?;
            return Ok(Started::Schedule { name });
        }
        let operation = self.post(&self.cloud_run(), &name).await?;
        let execution = operation["metadata"]["name"].as_str();
        let execution = execution.and_then(|path| path.rsplit('/').next()).map(str::to_owned);
        Ok(Started::Job { name, execution })
    }

    fn scheduler(&self) -> Service {
        let base_url = self.settings.scheduler_url.clone();
        Service { name: "Cloud Scheduler", role: "roles/cloudscheduler.jobRunner", base_url, version: "v1" }
    }

    fn cloud_run(&self) -> Service {
        let base_url = self.settings.run_url.clone();
        Service { name: "Cloud Run", role: "roles/run.invoker", base_url, version: "v2" }
    }

    async fn post(&self, service: &Service, name: &str) -> Result<Value, StartError> {
        let token = self.credentials.access_token().await;
        let token = token.map_err(|error| StartError::Credentials { reason: error.to_string() })?;
        let PersonSettings { project, region, .. } = &self.settings;
        let Service { base_url, version, .. } = service;
        let url = format!("{base_url}/{version}/projects/{project}/locations/{region}/jobs/{name}:run");
        let request =
            self.http.post(url).bearer_auth(&token.token).header("Content-Type", "application/json").body("{}");
        let unreachable = |error: reqwest::Error| StartError::Unreachable {
            service: service.name,
            name: name.to_owned(),
            reason: error.without_url().to_string(),
        };
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        // What is said of a refusal is shown; a token that it repeats is not.
        let text = response.text().await.map_err(unreachable)?.replace(&token.token, "[REDACTED]");
        let answer: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
        if status.is_success() { Ok(answer) } else { Err(self.refusal(service, name, status, &answer)) }
    }

    fn refusal(&self, service: &Service, name: &str, status: StatusCode, answer: &Value) -> StartError {
        let reason = answer["error"]["message"].as_str().unwrap_or("it does not say why");
        let reason: String = reason.chars().take(SHOWN_MAX).collect();
        let (name, code) = (name.to_owned(), status.as_u16());
        let &Service { name: service, role, .. } = service;
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                StartError::Forbidden { service, name, role, status: code, reason }
            }
            StatusCode::NOT_FOUND => {
                let PersonSettings { project, region, .. } = &self.settings;
                StartError::NoSuch { service, name, place: format!("{project}/{region}") }
            }
            StatusCode::CONFLICT => StartError::Busy { service, name, reason },
            _ => StartError::Refused { service, name, status: code, reason },
        }
    }
}
