//! The way to the account's broker: at Alpaca, at a server, or on this machine.
//!
//! The broker on this machine is a file, which one program at a time has open. `sentinel dev` has it while it runs and
//! says where it listens; other commands go there, or else open the file themselves for as long as they run.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Result, anyhow};
use sentinel_alpaca::{AlpacaClient, AlpacaConfig};
use sentinel_domain::broker::BrokerError;
use sentinel_domain::timeframe::UnixMillis;
use sentinel_functions::AccountConfig;
use sentinel_laptop::LateBroker;
use sentinel_simulated_broker::{Options, Settings, SimulatedBroker};

use crate::account;
use crate::whole_file;

/// Long enough for a program on the same machine.
const CONNECT: Duration = Duration::from_millis(200);

/// Returns the way to the account's broker; nothing is reached for yet.
pub(crate) fn of(account: &AccountConfig, folder: &Path) -> Result<LateBroker> {
    if let Some(config) = account::remote(account)? {
        return Ok(LateBroker::new(move || client(config.clone())));
    }
    let (settings, folder) = (settings(account, 0), folder.to_owned());
    let running = Mutex::new(None);
    Ok(LateBroker::new(move || {
        if let Some(address) = heard_at(&folder) {
            return client(AlpacaConfig::local(&format!("http://{address}")));
        }
        let broker = open(&folder, settings.clone())?;
        let found = client(AlpacaConfig::local(&broker.url()));
        // Kept for as long as anybody may ask it.
        *running.lock().unwrap_or_else(PoisonError::into_inner) = Some(broker);
        found
    }))
}

fn client(config: AlpacaConfig) -> Result<AlpacaClient, BrokerError> {
    AlpacaClient::new(config)
}

/// Opens the broker of this machine, or its account first, at `now`.
pub(crate) fn start(account: &AccountConfig, folder: &Path, now: UnixMillis) -> Result<SimulatedBroker> {
    let options = Options { settings: settings(account, now), file: Some(file(folder)), ..Options::default() };
    Ok(SimulatedBroker::start(options)?)
}

fn open(folder: &Path, settings: Settings) -> Result<SimulatedBroker, BrokerError> {
    let file = file(folder);
    let unavailable = |reason: String| BrokerError::Unavailable { base_url: file.display().to_string(), reason };
    if !file.exists() {
        let hint = "this machine's broker has no account yet; `sentinel dev` opens one, and account.toml may name \
                    another broker";
        return Err(unavailable(hint.to_owned()));
    }
    let options = Options { settings, file: Some(file.clone()), ..Options::default() };
    SimulatedBroker::start(options).map_err(|error| unavailable(error.to_string()))
}

/// Writes a copy of this machine's account to `target`, if there is one; a broker that has it open goes on meanwhile.
pub(crate) fn copy_account(folder: &Path, target: &Path) -> Result<bool> {
    let file = file(folder);
    if !file.exists() {
        return Ok(false);
    }
    sentinel_simulated_broker::copy_account(&file, target)?;
    Ok(true)
}

/// Returns what the account on this machine is opened with, at `start`.
fn settings(account: &AccountConfig, start: UnixMillis) -> Settings {
    Settings {
        account: account.id.clone(),
        cash: account.cash,
        fees: account.fees(),
        fill_model: account.fill_model(),
        start,
        ..Settings::default()
    }
}

/// Returns the file that keeps the account on this machine.
pub(crate) fn file(folder: &Path) -> PathBuf {
    folder.join("broker.sqlite")
}

/// The word where a running broker listens; taken back when dropped.
#[derive(Debug)]
pub(crate) struct Listening(PathBuf);

impl Listening {
    /// Leaves word that a broker listens at `url`.
    pub(crate) fn at(url: &str, folder: &Path) -> Result<Self> {
        let address = url.strip_prefix("http://").ok_or_else(|| anyhow!("{url} is no address of this machine"))?;
        let path = address_file(folder);
        whole_file::write(&path, address.as_bytes())?;
        Ok(Self(path))
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        // One that stays behind leads nowhere, which whoever reads it notices.
        drop(fs::remove_file(&self.0));
    }
}

fn address_file(folder: &Path) -> PathBuf {
    folder.join("broker.address")
}

/// Returns where a broker listens that another program runs.
fn heard_at(folder: &Path) -> Option<SocketAddr> {
    let address = fs::read_to_string(address_file(folder)).ok()?.parse().ok()?;
    TcpStream::connect_timeout(&address, CONNECT).is_ok().then_some(address)
}
