//! What the gate must know of an account and the broker does not tell.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::documents::{Collection, Record};
use crate::instrument::Instrument;
use crate::settlement::VolumeWindow;
use crate::timeframe::{Timeframe, UnixMillis};

/// An account as the gate sees it. Every decision of the gate is committed together with it, under the condition that
/// nobody else has changed it: two runs at once cannot both take the last slot.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Account {
    /// Which account.
    pub account_id: String,
    /// The last close for which the gate has decided.
    pub gate_time: Option<UnixMillis>,
    /// Cash when it was first looked at, in quote currency.
    pub cash_initial: Decimal,
    /// Equity at the last close of the finest candles, in quote currency.
    pub equity: Option<f64>,
    /// Highest equity so far.
    pub equity_peak: Option<f64>,
    /// Equity at 00:00 UTC of the current day.
    pub equity_day_start: Option<f64>,
    /// When equity was marked last.
    pub marked_at: Option<UnixMillis>,
    /// What was traded in the last 30 days, for the fee tier.
    pub volume: VolumeWindow,
    /// What each lane left behind, by [`Lane::key`].
    pub lanes: BTreeMap<String, LaneState>,
    /// The last fill that was folded, by the broker's id.
    pub last_activity: Option<String>,
    /// The `valid_from` up to which the instruments of versions were looked up at the broker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assets_until: Option<UnixMillis>,
    /// What is odd and somebody should look at, by what it is about.
    #[serde(default)]
    pub troubles: BTreeMap<String, String>,
    /// Set while a person has stopped new entries. The gate commits together with the account, so that a decision that
    /// was under way when this was set cannot go through any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<Pause>,
}

/// Why nothing new is bought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// Since when.
    pub since: UnixMillis,
    /// What the person said.
    pub reason: String,
}

/// One strategy on one instrument and timeframe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lane<'a> {
    /// The strategy.
    pub strategy_id: &'a str,
    /// What it trades.
    pub instrument: &'a Instrument,
    /// Length of its candles.
    pub timeframe: Timeframe,
}

impl Lane<'_> {
    /// Returns its name in documents.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}|{}|{}", self.strategy_id, self.instrument, self.timeframe.as_str())
    }
}

/// What the closed positions of a lane left behind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaneState {
    /// What it trades.
    pub instrument: Instrument,
    /// When it last sold.
    pub exit_time_last: Option<UnixMillis>,
    /// Coins left over from sales, too few to sell.
    pub dust: Decimal,
}

/// Things that are odd at the same time, beyond which they are only counted: the account is one document.
const TROUBLES_MAX: usize = 200;

impl Account {
    /// Returns under what it is noted that an order was filled at a price which the broker does not tell yet.
    #[must_use]
    pub fn about_price(client_order_id: &str) -> String {
        format!("price of {client_order_id}")
    }

    /// How what is noted about instruments begins.
    pub const ABOUT_ASSETS: &str = "instrument ";

    /// Returns under what it is noted that the broker does not list an instrument.
    #[must_use]
    pub fn about_asset(instrument: &Instrument) -> String {
        format!("{}{instrument}", Self::ABOUT_ASSETS)
    }

    /// Notes something odd, for `sentinel status` to show. Beyond two hundred things, only that there are more.
    pub fn note_trouble(&mut self, about: String, what: String) {
        if self.troubles.len() < TROUBLES_MAX || self.troubles.contains_key(&about) {
            self.troubles.insert(about, what);
        } else {
            self.troubles.insert("more".to_owned(), "there is more than is listed here; see the log".to_owned());
        }
    }
}

impl Record for Account {
    const COLLECTION: Collection = Collection::Accounts;

    fn id(&self) -> String {
        self.account_id.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn troubles_beyond_what_a_document_holds_are_only_counted() {
        let mut account = Account::default();
        for number in 0..1_000 {
            account.note_trouble(format!("order {number}"), "refused".to_owned());
        }
        account.note_trouble("order 0".to_owned(), "refused again".to_owned());
        assert_eq!(account.troubles.len(), TROUBLES_MAX + 1);
        assert_eq!(account.troubles["order 0"], "refused again");
        assert!(account.troubles.contains_key("more"));
    }
}
