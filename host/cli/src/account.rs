//! The account that this machine trades, as `account.toml` in the data folder says, and the way to its broker.
//!
//! Without the file the account is the one that a backtest has by default, at the local broker.

use std::env;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result};
use sentinel_alpaca::{AlpacaConfig, Credentials};
use sentinel_backtest::market::AccountSettings;
use sentinel_functions::{AccountConfig, BrokerConfig};

use crate::failure::usage;

/// The file in the data folder.
pub(crate) const FILE: &str = "account.toml";

const KEY_ID: &str = "APCA_API_KEY_ID";
const SECRET: &str = "APCA_API_SECRET_KEY";
const LIVE_SWITCH: &str = "SENTINEL_LIVE_TRADING";

/// Reads the file in `folder`; what it leaves out has its default, and so has everything without the file.
pub(crate) fn read(folder: &Path) -> Result<AccountConfig> {
    let path = folder.join(FILE);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    AccountConfig::parse(&text).map_err(|error| usage(format_args!("{}: {error}", path.display())))
}

/// Returns the account as a backtest has it.
pub(crate) fn settings(account: &AccountConfig) -> AccountSettings {
    AccountSettings {
        cash: account.cash,
        fees: account.fees(),
        fill_model: account.fill_model(),
        limits: account.limits.clone(),
    }
}

/// Returns where the prices come from that the broker in this program trades on in real time; `None` for a broker that
/// has its own.
pub(crate) fn prices(account: &AccountConfig) -> Option<AlpacaConfig> {
    let prices_url = match &account.broker {
        None => None,
        Some(BrokerConfig::Local { prices_url }) => prices_url.as_ref(),
        Some(BrokerConfig::Server { .. } | BrokerConfig::AlpacaPaper | BrokerConfig::AlpacaLive) => return None,
    };
    Some(prices_url.map_or_else(AlpacaConfig::prices, |url| AlpacaConfig::local(url)))
}

/// Returns how to reach a broker that runs elsewhere; `None` for the one in this program.
pub(crate) fn remote(account: &AccountConfig) -> Result<Option<AlpacaConfig>> {
    match &account.broker {
        None | Some(BrokerConfig::Local { .. }) => Ok(None),
        Some(BrokerConfig::Server { url }) => Ok(Some(AlpacaConfig::local(url))),
        Some(BrokerConfig::AlpacaPaper) => Ok(Some(AlpacaConfig::paper(credentials()?))),
        // Two switches, so that no slip in one file trades real money.
        Some(BrokerConfig::AlpacaLive) if env::var(LIVE_SWITCH).is_ok_and(|value| value == "yes") => {
            Ok(Some(AlpacaConfig::live(credentials()?)))
        }
        Some(BrokerConfig::AlpacaLive) => Err(usage(format_args!(
            "the broker is alpaca-live, which trades real money: set {LIVE_SWITCH}=yes as well, or use alpaca-paper"
        ))),
    }
}

fn credentials() -> Result<Credentials> {
    let read = |name| env::var(name).ok().filter(|value| !value.is_empty());
    match (read(KEY_ID), read(SECRET)) {
        (Some(key_id), Some(secret)) => Ok(Credentials { key_id, secret: secret.into() }),
        (key_id, _) => Err(usage(format_args!(
            "{} is not set: the broker asks for {KEY_ID} and {SECRET}, as its own page shows them",
            if key_id.is_none() { KEY_ID } else { SECRET }
        ))),
    }
}
