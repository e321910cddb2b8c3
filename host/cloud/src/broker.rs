//! The way to the broker, as the settings say it.

use secrecy::ExposeSecret;
use sentinel_alpaca::{AlpacaClient, AlpacaConfig, Credentials};
use sentinel_domain::broker::BrokerError;

use crate::settings::{BrokerKeys, BrokerSettings};

/// Makes the client; nothing is sent yet.
pub(crate) fn client(settings: &BrokerSettings) -> Result<AlpacaClient, BrokerError> {
    AlpacaClient::new(config(settings))
}

pub(crate) fn config(settings: &BrokerSettings) -> AlpacaConfig {
    match settings {
        BrokerSettings::Server { url } => AlpacaConfig::local(url),
        BrokerSettings::Alpaca { keys: None, .. } => AlpacaConfig::prices(),
        BrokerSettings::Alpaca { keys: Some(keys), is_live: false } => AlpacaConfig::paper(credentials(keys)),
        BrokerSettings::Alpaca { keys: Some(keys), is_live: true } => AlpacaConfig::live(credentials(keys)),
    }
}

fn credentials(keys: &BrokerKeys) -> Credentials {
    Credentials { key_id: keys.key_id.expose_secret().to_owned(), secret: keys.secret.clone() }
}
