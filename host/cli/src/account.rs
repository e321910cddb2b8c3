//! The account that this machine trades, as `account.toml` in the data folder says.
//!
//! Its keys are those of a run file, so that what was backtested is what is traded. Without the file the account is the
//! one that a backtest has by default, at the local broker.

use std::env;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result};
use rust_decimal::Decimal;
use sentinel_alpaca::{AlpacaConfig, Credentials};
use sentinel_backtest::market::AccountSettings;
use sentinel_domain::environment::Environment;
use sentinel_domain::fees::{FeeCurrency, FeeRate, FeeSchedule};
use sentinel_domain::fill::FillModel;
use sentinel_domain::instrument::Instrument;
use sentinel_domain::risk::AccountLimits;
use sentinel_domain::timeframe::Timeframe;
use sentinel_trading::Terms;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::failure::usage;
use crate::plan::{self, toml_file};

/// The file in the data folder.
pub(crate) const FILE: &str = "account.toml";

/// The account and where it is kept.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccountConfig {
    /// Enters every id.
    #[serde(default = "main_account")]
    pub(crate) id: String,
    #[serde(default = "plan::default_cash")]
    pub(crate) cash: Decimal,
    #[serde(default = "plan::default_slippage_bps")]
    slippage_bps: Decimal,
    fee_bps: Option<Decimal>,
    #[serde(default)]
    fee_in: FeeCurrency,
    /// Exits are decided at the closes of these candles; without it, of minutes, and in simulated time of the candles that
    /// the data folder has for all that is traded.
    pub(crate) finest: Option<Timeframe>,
    /// What performance is measured against.
    #[serde(default, deserialize_with = "instrument")]
    pub(crate) benchmark: Option<Instrument>,
    #[serde(default)]
    limits: AccountLimits,
    #[serde(default)]
    pub(crate) broker: BrokerConfig,
}

/// Where the account is.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", tag = "kind")]
pub(crate) enum BrokerConfig {
    /// On this machine, in this program, with play money.
    Local {
        /// Where its prices come from in real time: a server that speaks Alpaca's interface; Alpaca without it.
        prices_url: Option<String>,
    },
    /// A server that speaks Alpaca's interface, such as `sentinel-simulated-broker`.
    Server {
        /// Its URL.
        url: String,
    },
    /// At Alpaca, with play money.
    AlpacaPaper,
    /// At Alpaca, with real money.
    AlpacaLive,
}

const KEY_ID: &str = "APCA_API_KEY_ID";
const SECRET: &str = "APCA_API_SECRET_KEY";
const LIVE_SWITCH: &str = "SENTINEL_LIVE_TRADING";

fn main_account() -> String {
    "main".to_owned()
}

fn instrument<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Instrument>, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map(Some).map_err(D::Error::custom)
}

impl AccountConfig {
    /// Reads the file in `folder`; what it leaves out has its default, and so has everything without the file.
    pub(crate) fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(FILE);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        Self::parse(&text).map_err(|error| usage(format_args!("{}: {error:#}", path.display())))
    }

    fn parse(text: &str) -> Result<Self> {
        let config: Self = toml_file(text)?;
        plan::check_account(&config.settings(), plan::Spelling::Key)?;
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if config.id.is_empty() || config.id.len() > 32 || !config.id.chars().all(is_plain) {
            return Err(usage(format_args!(
                "id is {:?}: allowed are 1 to 32 letters, digits, hyphens and underscores",
                config.id
            )));
        }
        Ok(config)
    }

    /// Returns the account as a backtest has it.
    pub(crate) fn settings(&self) -> AccountSettings {
        let rate = self.fee_bps.map_or_else(FeeRate::alpaca, |bps| FeeRate::Fixed { bps });
        AccountSettings {
            cash: self.cash,
            fees: FeeSchedule { rate, currency: self.fee_in },
            fill_model: FillModel { slippage_bps: self.slippage_bps },
            limits: self.limits.clone(),
        }
    }

    /// Returns the terms under which the functions trade it; exits are decided at the closes of `finest` candles.
    pub(crate) fn terms(&self, environment: Environment, finest: Timeframe) -> Terms {
        let AccountSettings { fees, fill_model, limits, .. } = self.settings();
        Terms {
            account_id: self.id.clone(),
            namespace: format!("{environment}|{}", self.id),
            fees,
            fill_model,
            limits,
            finest,
        }
    }
}

impl Default for BrokerConfig {
    fn default() -> Self {
        Self::Local { prices_url: None }
    }
}

impl BrokerConfig {
    /// Returns where the prices come from that the broker in this program trades on in real time; `None` for a broker
    /// that has its own.
    pub(crate) fn prices(&self) -> Option<AlpacaConfig> {
        let Self::Local { prices_url } = self else { return None };
        Some(prices_url.as_ref().map_or_else(AlpacaConfig::prices, |url| AlpacaConfig::local(url)))
    }

    /// Returns how to reach a broker that runs elsewhere; `None` for the one in this program.
    pub(crate) fn remote(&self) -> Result<Option<AlpacaConfig>> {
        match self {
            Self::Local { .. } => Ok(None),
            Self::Server { url } => Ok(Some(AlpacaConfig::local(url))),
            Self::AlpacaPaper => Ok(Some(AlpacaConfig::paper(credentials()?))),
            // Two switches, so that no slip in one file trades real money.
            Self::AlpacaLive if env::var(LIVE_SWITCH).is_ok_and(|value| value == "yes") => {
                Ok(Some(AlpacaConfig::live(credentials()?)))
            }
            Self::AlpacaLive => Err(usage(format_args!(
                "the broker is alpaca-live, which trades real money: set {LIVE_SWITCH}=yes as well, or use alpaca-paper"
            ))),
        }
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

#[cfg(test)]
mod tests {
    use rust_decimal::dec;

    use super::*;

    #[test]
    fn file_that_says_nothing_is_the_account_of_a_backtest() {
        let config = AccountConfig::parse("").unwrap();
        assert_eq!((config.id.as_str(), config.cash), ("main", dec!(100_000)));
        assert!(matches!(config.broker, BrokerConfig::Local { prices_url: None }));
        let terms = config.terms(Environment::Dev, Timeframe::H1);
        assert_eq!((terms.namespace.as_str(), terms.finest), ("DEV|main", Timeframe::H1));
    }

    #[test]
    fn file_says_what_differs() {
        let text = "id = \"desk\"\ncash = 5000\nfee_bps = 10\nfinest = \"15m\"\nbenchmark = \"binance:BTC/USDT\"\n\
                    [limits]\npositions_max = 3\n[broker]\nkind = \"alpaca-paper\"";
        let config = AccountConfig::parse(text).unwrap();
        let terms = config.terms(Environment::Dev, Timeframe::H1);
        assert_eq!((config.finest, terms.limits.positions_max), (Some(Timeframe::M15), Some(3)));
        assert_eq!(terms.fees.rate, FeeRate::Fixed { bps: dec!(10) });
        assert_eq!(config.benchmark.unwrap().to_string(), "binance:BTC/USDT");
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        let error = |text: &str| AccountConfig::parse(text).unwrap_err().to_string();
        assert!(error("cash = 1\nfees = 2").starts_with("line 2: unknown field `fees`"), "{}", error("fees = 2"));
        assert!(
            error("[broker]\nkind = \"alpaca\"").contains("alpaca-paper"),
            "{}",
            error("[broker]\nkind = \"alpaca\"")
        );
        assert!(error("cash = -1").starts_with("cash is -1"), "{}", error("cash = -1"));
        assert!(error("id = \"a b\"").starts_with("id is \"a b\""));
    }
}
