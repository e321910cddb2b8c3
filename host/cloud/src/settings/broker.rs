//! The way to the broker: paper money unless three switches say otherwise.

use std::fmt;

use secrecy::SecretString;
use sentinel_domain::environment::Environment;
use sentinel_functions::{AccountConfig, BrokerConfig, FunctionName, Port};

use super::read::{Reader, shown};

const LIVE_SWITCH: &str = "SENTINEL_LIVE_TRADING";
const KEY_ID: &str = "APCA_API_KEY_ID";
const SECRET: &str = "APCA_API_SECRET_KEY";

/// How to reach the broker.
#[derive(Debug, Clone)]
pub enum BrokerSettings {
    /// A server that speaks Alpaca's interface; never in PROD.
    Server {
        /// Its URL.
        url: String,
    },
    /// Alpaca.
    Alpaca {
        /// Whether with real money.
        is_live: bool,
        /// The keys; `None` for a function that looks at prices alone.
        keys: Option<BrokerKeys>,
    },
}

/// The keys of an account at Alpaca.
#[derive(Clone)]
pub struct BrokerKeys {
    /// Key id.
    pub key_id: SecretString,
    /// Secret key.
    pub secret: SecretString,
}

impl fmt::Debug for BrokerKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BrokerKeys").finish_non_exhaustive()
    }
}

pub(super) fn read(
    reader: &mut Reader<'_>,
    environment: Option<Environment>,
    function: Option<FunctionName>,
    account: Option<&AccountConfig>,
) -> Option<BrokerSettings> {
    let may_be_live = live_switch(reader, environment);
    let needs = |port| function.is_some_and(|function| function.needs(port));
    let Some(account) = account else {
        // Whether the keys are needed is not known, but whether they are keys is.
        for variable in [KEY_ID, SECRET] {
            reader.secret_if_set(variable);
        }
        return None;
    };
    let kind = account.broker.clone().unwrap_or(BrokerConfig::AlpacaPaper);
    let is_live = kind == BrokerConfig::AlpacaLive;
    if is_live && !may_be_live {
        let problem = format!(
            "says alpaca-live, which trades real money: that takes ENVIRONMENT=PROD and {LIVE_SWITCH}=yes as well; or \
             use alpaca-paper"
        );
        reader.fault("SENTINEL_ACCOUNT", problem);
    }
    if let Some(problem) = unusable(&kind, environment) {
        reader.fault("SENTINEL_ACCOUNT", problem);
    }
    if !needs(Port::Broker) && !needs(Port::MarketData) {
        return None;
    }
    if let BrokerConfig::Server { url } = kind {
        return Some(BrokerSettings::Server { url });
    }
    if !needs(Port::Broker) {
        return Some(BrokerSettings::Alpaca { is_live, keys: None });
    }
    let key_id = reader.secret(KEY_ID, "the id of the broker's key");
    let secret = reader.secret(SECRET, "the broker's secret key");
    Some(BrokerSettings::Alpaca { is_live, keys: Some(BrokerKeys { key_id: key_id?, secret: secret? }) })
}

/// Returns why a kind of broker cannot be used here.
fn unusable(kind: &BrokerConfig, environment: Option<Environment>) -> Option<String> {
    match kind {
        BrokerConfig::Local { .. } => Some(
            "says that the broker is local, which lives in one process of one machine: use alpaca-paper, alpaca-live \
             or server"
                .to_owned(),
        ),
        BrokerConfig::Server { .. } if environment.is_some_and(Environment::is_production) => {
            Some("says that the broker is a server, and ENVIRONMENT is PROD, which trades at Alpaca".to_owned())
        }
        BrokerConfig::Server { url } if !(url.starts_with("http://") || url.starts_with("https://")) => {
            Some(format!("says that the broker is at {}: write http://host:port", shown(url)))
        }
        BrokerConfig::Server { .. } | BrokerConfig::AlpacaPaper | BrokerConfig::AlpacaLive => None,
    }
}

/// Returns whether real money may be traded, as far as the environment and the switch say.
fn live_switch(reader: &mut Reader<'_>, environment: Option<Environment>) -> bool {
    let is_production = environment.is_some_and(Environment::is_production);
    match reader.text(LIVE_SWITCH).as_deref() {
        None | Some("no") => false,
        Some("yes") if is_production => true,
        Some("yes") => {
            reader.fault(LIVE_SWITCH, "is yes, and only PROD trades real money: unset it".to_owned());
            false
        }
        Some(other) => {
            reader.fault(LIVE_SWITCH, format!("is {}: allowed is yes, and nothing else", shown(other)));
            false
        }
    }
}
