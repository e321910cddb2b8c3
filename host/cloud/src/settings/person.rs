//! What a person needs who asks and steers a deployment from their own machine, with their own credentials.
//!
//! The variables are those of the functions, without what only a function has, and with where Google keeps what can be
//! started. No secret is among them.

use std::collections::BTreeSet;

use sentinel_domain::environment::Environment;
use sentinel_functions::{AccountConfig, FunctionName};

use super::faults::SettingsError;
use super::read::{self, Reader, shown};
use super::{Emulators, StoreNames, Variables, emulators, store_names};

const SCHEDULER_URL: &str = "https://cloudscheduler.googleapis.com";
const RUN_URL: &str = "https://run.googleapis.com";

/// A deployment, as a person reaches it.
#[derive(Debug, Clone)]
pub struct PersonSettings {
    /// The environment whose names are used.
    pub environment: Environment,
    /// The project.
    pub project: String,
    /// Where the functions and their schedules are.
    pub region: String,
    /// The account that is traded.
    pub account: AccountConfig,
    /// Functions that are jobs of Cloud Run; the clock calls the others.
    pub jobs: BTreeSet<FunctionName>,
    /// Where the stores are.
    pub stores: StoreNames,
    /// Counterparts on this machine in place of Google's services.
    pub emulators: Emulators,
    /// Where Cloud Scheduler answers.
    pub scheduler_url: String,
    /// Where Cloud Run answers.
    pub run_url: String,
}

impl PersonSettings {
    /// Every variable that is read.
    pub const VARIABLES: [&str; 17] = [
        "ENVIRONMENT",
        "GOOGLE_CLOUD_PROJECT",
        "SENTINEL_REGION",
        "SENTINEL_ACCOUNT",
        "SENTINEL_JOBS",
        "SENTINEL_FIRESTORE_DATABASE",
        "SENTINEL_BIGQUERY_DATASET",
        "SENTINEL_BIGQUERY_LOCATION",
        "SENTINEL_STRATEGIES_BUCKET",
        "SENTINEL_COMPONENTS_BUCKET",
        "SENTINEL_TOPIC_PREFIX",
        "FIRESTORE_EMULATOR_HOST",
        "PUBSUB_EMULATOR_HOST",
        "BIGQUERY_EMULATOR_HOST",
        "STORAGE_EMULATOR_HOST",
        "SENTINEL_SCHEDULER_URL",
        "SENTINEL_RUN_URL",
    ];

    /// Reads the settings.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn read(variables: &Variables) -> Result<Self, SettingsError> {
        Reader::read(variables, Self::parts)
    }

    fn parts(reader: &mut Reader<'_>) -> Option<Self> {
        let environment = reader.environment();
        let project = reader.named("GOOGLE_CLOUD_PROJECT", &read::PROJECT);
        let region = reader.named("SENTINEL_REGION", &read::REGION);
        let account = reader.account_or_default();
        let jobs = jobs(reader);
        let stores = store_names(reader, environment, |_| true);
        let emulators = emulators(reader, environment);
        let scheduler_url = address(reader, environment, "SENTINEL_SCHEDULER_URL", SCHEDULER_URL);
        let run_url = address(reader, environment, "SENTINEL_RUN_URL", RUN_URL);
        Some(Self {
            environment: environment?,
            project: project?,
            region: region?,
            account: account?,
            jobs,
            stores,
            emulators,
            scheduler_url: scheduler_url?,
            run_url: run_url?,
        })
    }
}

fn jobs(reader: &mut Reader<'_>) -> BTreeSet<FunctionName> {
    let text = reader.text("SENTINEL_JOBS").unwrap_or_default();
    let mut jobs = BTreeSet::new();
    for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        match name.parse() {
            Ok(job) => drop(jobs.insert(job)),
            Err(error) => {
                let error: sentinel_functions::UnknownFunction = error;
                reader.fault("SENTINEL_JOBS", format!("names {}, which is no function: {error}", shown(name)));
            }
        }
    }
    jobs
}

/// Another address than Google's is for tests: a token that may do everything a person may is sent there.
fn address(
    reader: &mut Reader<'_>,
    environment: Option<Environment>,
    variable: &'static str,
    google: &str,
) -> Option<String> {
    let Some(url) = reader.text(variable) else { return Some(google.to_owned()) };
    let problem = if url == google {
        return Some(url);
    } else if environment.is_some_and(Environment::is_production) {
        "is set, and ENVIRONMENT is PROD, which is started at Google alone: unset it".to_owned()
    } else if url.strip_prefix("http://127.0.0.1:").is_some_and(|port| port.parse::<u16>().is_ok()) {
        return Some(url);
    } else {
        format!("is {}: allowed is {google}, or http://127.0.0.1:port", shown(&url))
    };
    reader.fault(variable, problem);
    None
}
