//! The account that is traded, as `account.toml` says: a file on a laptop, a setting in the cloud.
//!
//! Its keys are those of a run file, so that what was backtested is what is traded. It holds no key to the broker.

use std::fmt;

use rust_decimal::{Decimal, dec};
use sentinel_domain::bounds::{self, Range};
use sentinel_domain::environment::Environment;
use sentinel_domain::fees::{FeeCurrency, FeeRate, FeeSchedule};
use sentinel_domain::fill::FillModel;
use sentinel_domain::instrument::Instrument;
use sentinel_domain::risk::AccountLimits;
use sentinel_domain::timeframe::Timeframe;
use sentinel_trading::Terms;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use thiserror::Error;

/// The account and where it is kept.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountConfig {
    /// Enters every id.
    #[serde(default = "main_account")]
    pub id: String,
    /// What it begins with at the local broker, in quote currency.
    #[serde(default = "default_cash")]
    pub cash: Decimal,
    /// What sizing reckons with.
    #[serde(default = "default_slippage_bps")]
    pub slippage_bps: Decimal,
    /// One rate for all fees; the broker's tiers without it.
    pub fee_bps: Option<Decimal>,
    /// What fees are taken from.
    #[serde(default)]
    pub fee_in: FeeCurrency,
    /// Exits are decided at the closes of these candles; without it, of minutes, and in simulated time of the candles that
    /// the data folder has for all that is traded.
    pub finest: Option<Timeframe>,
    /// What performance is measured against.
    #[serde(default, deserialize_with = "instrument")]
    pub benchmark: Option<Instrument>,
    /// What the account as a whole allows.
    #[serde(default)]
    pub limits: AccountLimits,
    /// Where the account is; `None` where the file does not say.
    pub broker: Option<BrokerConfig>,
}

/// Where the account is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", tag = "kind")]
pub enum BrokerConfig {
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

/// A text that is no account.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AccountError {
    /// It cannot be read.
    #[error("line {line}: {problem}")]
    Unreadable {
        /// Where, from 1.
        line: usize,
        /// What is wrong.
        problem: String,
    },
    /// A setting is out of its range.
    #[error("{key} is {value}: {allowed}")]
    OutOfRange {
        /// Which.
        key: &'static str,
        /// What it says.
        value: Decimal,
        /// What is allowed, in words.
        allowed: String,
    },
    /// The id would not be one name in ids.
    #[error("id is {0:?}: allowed are 1 to 32 letters, digits, hyphens and underscores")]
    Id(String),
}

fn main_account() -> String {
    "main".to_owned()
}

const fn default_cash() -> Decimal {
    AccountConfig::CASH
}

const fn default_slippage_bps() -> Decimal {
    AccountConfig::SLIPPAGE_BPS
}

fn instrument<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Instrument>, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map(Some).map_err(D::Error::custom)
}

impl AccountConfig {
    /// The cash that an account has which does not say.
    pub const CASH: Decimal = dec!(100_000);
    /// The slippage that is reckoned with where nothing is said.
    pub const SLIPPAGE_BPS: Decimal = dec!(5);

    /// Reads the text of `account.toml`; what it leaves out has the default of a backtest.
    ///
    /// # Errors
    /// When it cannot be read, or a setting is out of its range.
    pub fn parse(text: &str) -> Result<Self, AccountError> {
        let config: Self = toml::from_str(text).map_err(|error| AccountError::Unreadable {
            line: 1 + error.span().map_or(0, |span| text[..span.start].matches('\n').count()),
            problem: error.message().to_owned(),
        })?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), AccountError> {
        in_range("cash", Some(self.cash), bounds::POSITIVE)?;
        in_range("slippage_bps", Some(self.slippage_bps), bounds::BPS)?;
        in_range("fee_bps", self.fee_bps, bounds::BPS)?;
        let AccountLimits { exposure_max_pct, daily_loss_max_pct, drawdown_max_pct, .. } = self.limits;
        in_range("exposure_max_pct", exposure_max_pct, bounds::POSITIVE)?;
        in_range("daily_loss_max_pct", daily_loss_max_pct, bounds::PERCENT)?;
        in_range("drawdown_max_pct", drawdown_max_pct, bounds::PERCENT)?;
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if self.id.is_empty() || self.id.len() > 32 || !self.id.chars().all(is_plain) {
            return Err(AccountError::Id(self.id.clone()));
        }
        Ok(())
    }

    /// Returns what the broker charges.
    #[must_use]
    pub fn fees(&self) -> FeeSchedule {
        let rate = self.fee_bps.map_or_else(FeeRate::alpaca, |bps| FeeRate::Fixed { bps });
        FeeSchedule { rate, currency: self.fee_in }
    }

    /// Returns the slippage that sizing reckons with.
    #[must_use]
    pub const fn fill_model(&self) -> FillModel {
        FillModel { slippage_bps: self.slippage_bps }
    }

    /// Returns the terms under which the functions trade it; exits are decided at the closes of `finest` candles.
    #[must_use]
    pub fn terms(&self, environment: Environment, finest: Timeframe) -> Terms {
        Terms {
            account_id: self.id.clone(),
            namespace: format!("{environment}|{}", self.id),
            fees: self.fees(),
            fill_model: self.fill_model(),
            limits: self.limits.clone(),
            finest,
        }
    }
}

fn in_range(key: &'static str, value: Option<Decimal>, range: Range) -> Result<(), AccountError> {
    let Some(value) = value else { return Ok(()) };
    range.check(value).map(drop).map_err(|allowed| AccountError::OutOfRange { key, value, allowed })
}

impl fmt::Display for BrokerConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Local { .. } => "local",
            Self::Server { .. } => "server",
            Self::AlpacaPaper => "alpaca-paper",
            Self::AlpacaLive => "alpaca-live",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_that_says_nothing_is_the_account_of_a_backtest() {
        let config = AccountConfig::parse("").unwrap();
        assert_eq!((config.id.as_str(), config.cash), ("main", dec!(100_000)));
        assert_eq!(config.broker, None);
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
        assert_eq!(config.broker, Some(BrokerConfig::AlpacaPaper));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        let error = |text: &str| AccountConfig::parse(text).unwrap_err().to_string();
        assert!(error("cash = 1\nfees = 2").starts_with("line 2: unknown field `fees`"), "{}", error("fees = 2"));
        let unknown = error("[broker]\nkind = \"alpaca\"");
        assert!(unknown.contains("alpaca-paper"), "{unknown}");
        assert!(error("cash = -1").starts_with("cash is -1"), "{}", error("cash = -1"));
        assert!(error("id = \"a b\"").starts_with("id is \"a b\""));
    }
}
