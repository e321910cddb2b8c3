//! The settings of one instance: environment variables, checked together, so that whoever deploys hears of everything
//! that is wrong at once.
//!
//! A value is shown in a fault only where it is no secret. What a function does not need is not asked for: its account
//! has no right to it either.

mod broker;
mod faults;
mod person;
mod read;
mod role;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;

use sentinel_domain::environment::Environment;
use sentinel_domain::timeframe::Timeframe;
use sentinel_functions::{AccountConfig, FunctionName, Port};
use sentinel_trading::Terms;

pub use self::broker::{BrokerKeys, BrokerSettings};
pub use self::faults::{Fault, SettingsError};
pub use self::person::PersonSettings;
use self::read::Reader;
pub use self::role::{Role, TRADE_UPDATES};

/// The variables of a process; never shown.
#[derive(Clone, Default)]
pub struct Variables(BTreeMap<String, OsString>);

/// What one instance serves, and where its stores are.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The environment whose names are used.
    pub environment: Environment,
    /// The project.
    pub project: String,
    /// The function.
    pub function: FunctionName,
    /// The account that is traded.
    pub account: AccountConfig,
    /// The way to the broker and its prices, where the function needs one of them.
    pub broker: Option<BrokerSettings>,
    /// Where the stores are.
    pub stores: StoreNames,
    /// Counterparts on this machine in place of Google's services.
    pub emulators: Emulators,
    /// Whether it serves, runs once, or listens to the broker.
    pub role: Role,
}

/// The names of the stores; those that the function does not need may be missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoreNames {
    /// The database of documents.
    pub database: String,
    /// The dataset of the cold tables.
    pub dataset: Option<String>,
    /// Where that dataset lies, such as `europe-west1` or `EU`.
    pub location: Option<String>,
    /// The bucket of uploads.
    pub strategies_bucket: Option<String>,
    /// The bucket of verified components.
    pub components_bucket: Option<String>,
    /// What stands before a topic's name, such as `prod-`, and before that of a service.
    pub prefix: String,
}

/// Where counterparts of Google's services listen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Emulators {
    /// `host:port`.
    pub firestore: Option<String>,
    /// `host:port`.
    pub pubsub: Option<String>,
    /// An address with `http://`.
    pub bigquery: Option<String>,
    /// An address with `http://`.
    pub storage: Option<String>,
}

impl Settings {
    /// Reads the settings.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn read(variables: &Variables) -> Result<Self, SettingsError> {
        Reader::read(variables, Self::parts)
    }

    /// Reads each part, also after a fault in another; `None` when one is missing.
    fn parts(reader: &mut Reader<'_>) -> Option<Self> {
        let environment = reader.environment();
        let project = reader.named("GOOGLE_CLOUD_PROJECT", &read::PROJECT);
        // The worker needs what the function needs that it calls.
        let function = if role::is_worker(reader) { Some(FunctionName::SyncPositions) } else { reader.function() };
        let account = reader.account();
        let broker = broker::read(reader, environment, function, account.as_ref());
        let stores = store_names(reader, environment, |port| function.is_some_and(|function| function.needs(port)));
        let emulators = emulators(reader, environment);
        let role = role::read(reader, environment);
        Some(Self {
            environment: environment?,
            project: project?,
            function: function?,
            account: account?,
            broker,
            stores,
            emulators,
            role: role?,
        })
    }

    /// Returns the terms under which the account is traded; exits are decided at the closes of each minute unless it
    /// says otherwise.
    #[must_use]
    pub fn terms(&self) -> Terms {
        self.account.terms(self.environment, self.account.finest.unwrap_or(Timeframe::M1))
    }
}

fn store_names(reader: &mut Reader<'_>, environment: Option<Environment>, needs: impl Fn(Port) -> bool) -> StoreNames {
    let names = StoreNames {
        database: reader.named("SENTINEL_FIRESTORE_DATABASE", &read::DATABASE).unwrap_or_default(),
        dataset: reader.named_if(needs(Port::Warehouse), "SENTINEL_BIGQUERY_DATASET", &read::DATASET),
        location: reader.named_if(needs(Port::Warehouse), "SENTINEL_BIGQUERY_LOCATION", &read::LOCATION),
        strategies_bucket: reader.named_if(needs(Port::Uploads), "SENTINEL_STRATEGIES_BUCKET", &read::BUCKET),
        components_bucket: reader.named_if(needs(Port::Components), "SENTINEL_COMPONENTS_BUCKET", &read::BUCKET),
        prefix: reader.named("SENTINEL_TOPIC_PREFIX", &read::PREFIX).unwrap_or_default(),
    };
    if let Some(environment) = environment.filter(|environment| !environment.is_production()) {
        refuse_production(reader, environment, &names);
    }
    names
}

/// A rehearsal must not find the stores of the account that counts, whatever else its settings say.
fn refuse_production(reader: &mut Reader<'_>, environment: Environment, names: &StoreNames) {
    let dataset = names.dataset.as_deref().unwrap_or_default();
    for (variable, value, of_production) in [
        ("SENTINEL_FIRESTORE_DATABASE", names.database.as_str(), "sentinel-prod"),
        ("SENTINEL_BIGQUERY_DATASET", dataset, "crypto_analytics"),
        ("SENTINEL_TOPIC_PREFIX", names.prefix.as_str(), "prod-"),
    ] {
        if value == of_production {
            reader.fault(variable, format!("is {value:?}, which belongs to PROD, and ENVIRONMENT is {environment}"));
        }
    }
}

fn emulators(reader: &mut Reader<'_>, environment: Option<Environment>) -> Emulators {
    let mut address = |variable: &'static str, with_scheme: bool| {
        let value = reader.text(variable)?;
        if environment.is_some_and(Environment::is_production) {
            reader.fault(variable, "is set, and ENVIRONMENT is PROD: an emulator keeps nothing; unset it".to_owned());
            return None;
        }
        if value.contains("://") != with_scheme {
            let form = if with_scheme { "http://host:port" } else { "host:port" };
            reader.fault(variable, format!("is {value:?}: write {form}"));
            return None;
        }
        Some(value)
    };
    Emulators {
        firestore: address("FIRESTORE_EMULATOR_HOST", false),
        pubsub: address("PUBSUB_EMULATOR_HOST", false),
        bigquery: address("BIGQUERY_EMULATOR_HOST", true),
        storage: address("STORAGE_EMULATOR_HOST", true),
    }
}

impl Variables {
    /// Takes the variables of this process.
    #[must_use]
    pub fn of_process() -> Self {
        Self(std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value))).collect())
    }

    /// Returns these, and of `others` what is not set, or empty, here.
    #[must_use]
    pub fn or(mut self, others: impl IntoIterator<Item = (String, String)>) -> Self {
        for (name, value) in others {
            let ours = self.0.entry(name).or_default();
            if ours.is_empty() {
                *ours = value.into();
            }
        }
        self
    }

    pub(crate) fn get(&self, name: &str) -> Option<&OsString> {
        self.0.get(name)
    }
}

impl<N: Into<String>, V: Into<OsString>> FromIterator<(N, V)> for Variables {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Variables").finish_non_exhaustive()
    }
}
