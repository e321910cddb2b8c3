//! Where this program keeps things: candles and runs in the data folder, what can be made again in the cache folder.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::Result;
use sentinel_candle_store::CandleStore;
use sentinel_domain::environment::Environment;
use sentinel_functions::AccountConfig;

use crate::account;
use crate::failure::usage;

const NAME: &str = "crypto-sentinel";

/// The data folder.
#[derive(Debug, Clone)]
pub(crate) struct Home {
    path: Option<PathBuf>,
}

impl Home {
    /// Takes the folder the user named, else the one where data of programs belongs on this system.
    pub(crate) fn new(named: Option<&Path>) -> Self {
        let usual = || folder_of_user("XDG_DATA_HOME", ".local/share", "Library/Application Support");
        Self { path: named.filter(|path| !path.as_os_str().is_empty()).map(Path::to_owned).or_else(usual) }
    }

    /// Returns the store of candles.
    pub(crate) fn candles(&self) -> Result<CandleStore> {
        Ok(CandleStore::open(self.path()?)?)
    }

    /// Returns the folder of saved runs; refuses a data folder that a newer version has written.
    pub(crate) fn runs_dir(&self) -> Result<PathBuf> {
        self.candles()?;
        Ok(self.path()?.join("runs"))
    }

    /// Returns the folder that people drop strategies into.
    pub(crate) fn drop_folder(&self) -> Result<PathBuf> {
        Ok(self.path()?.join("strategies"))
    }

    /// Returns the folder of components, which all environments share: they are named by their hash.
    pub(crate) fn components_dir(&self) -> Result<PathBuf> {
        Ok(self.path()?.join("components"))
    }

    /// Returns the folder with the stores of an environment.
    pub(crate) fn stores_dir(&self, environment: Environment) -> Result<PathBuf> {
        Ok(self.path()?.join("stores").join(environment.database()))
    }

    /// Returns the account that is traded.
    pub(crate) fn account(&self) -> Result<AccountConfig> {
        account::read(self.path()?)
    }

    /// Returns where the file called `name` is, if it is there.
    pub(crate) fn file(&self, name: &str) -> Result<PathBuf> {
        Ok(self.path()?.join(name))
    }

    fn path(&self) -> Result<&Path> {
        self.path.as_deref().ok_or_else(|| {
            usage("there is no data folder, as HOME is not set; name one with --data-dir or SENTINEL_HOME")
        })
    }
}

/// Returns the environment that ENVIRONMENT names: DEV where it names none.
pub(crate) fn environment() -> Result<Environment> {
    match env::var("ENVIRONMENT") {
        Ok(name) if !name.is_empty() => Ok(name.parse().map_err(usage)?),
        Ok(_) | Err(env::VarError::NotPresent) => Ok(Environment::Dev),
        Err(error) => Err(usage(format_args!("ENVIRONMENT cannot be read: {error}; use one of PROD, DEV, TEST"))),
    }
}

/// Returns the folder for what can be made again, or `None` where the system has none.
pub(crate) fn cache_dir() -> Option<PathBuf> {
    absolute("SENTINEL_CACHE").or_else(|| folder_of_user("XDG_CACHE_HOME", ".cache", "Library/Caches"))
}

fn folder_of_user(variable: &str, on_linux: &str, on_mac: &str) -> Option<PathBuf> {
    let by_system = || Some(absolute("HOME")?.join(if cfg!(target_os = "macos") { on_mac } else { on_linux }));
    let folder = if cfg!(target_os = "macos") { by_system() } else { absolute(variable).or_else(by_system) };
    Some(folder?.join(NAME))
}

/// Returns the path in a variable; one that is relative is ignored, as the XDG specification wants it.
fn absolute(variable: &str) -> Option<PathBuf> {
    env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute())
}
