//! Ways in which a broker fails, armed on request and counted, so that a test that fails can be run again.

use rust_decimal::{Decimal, dec};
use serde::{Deserialize, Serialize};

/// What goes wrong with orders. Part of the account's journal: after a restart it goes on where it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum OrderFault {
    /// At each candle only this fraction of the order is filled.
    PartialFills {
        /// Above 0 and below 1.
        #[serde(deserialize_with = "crate::wire::queries::money")]
        fraction: Decimal,
    },
    /// The order shows no average price for so long after a fill, by the broker's clock.
    NullPrice {
        /// Milliseconds.
        millis: i64,
    },
    /// The fees of its fills are posted later than at the end of their day.
    LateFees {
        /// Days.
        days: u32,
    },
    /// The order is accepted and then rejected.
    RejectOrder,
}

/// What goes wrong on the way between client and broker. Forgotten on a restart, as a network is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum WireFault {
    /// The answer takes at least so long.
    Latency {
        /// Milliseconds.
        millis: u64,
    },
    /// Status 429 with the time at which requests are taken again; nothing is carried out.
    TooManyRequests {
        /// Seconds from now.
        retry_after_seconds: u32,
    },
    /// A status of 500 and above; nothing is carried out.
    ServerError {
        /// The status.
        status: u16,
    },
    /// Status 403 or 422 with the broker's code and text; nothing is carried out.
    Refuse {
        /// The status.
        status: u16,
        /// The code.
        code: i64,
        /// The text.
        message: String,
    },
    /// The request is carried out and the connection cut instead of an answer.
    LoseAnswer,
    /// The request is carried out and answered with a status of 500 and above.
    LieAboutFailure {
        /// The status.
        status: u16,
    },
    /// The connection is cut before anything is carried out.
    CutConnection,
}

/// Something that goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Fault {
    /// On the way.
    Wire(WireFault),
    /// With an order.
    Order(OrderFault),
}

/// When a fault strikes: the `count` next requests or orders after `skip` others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule<F = Fault> {
    /// What goes wrong.
    pub fault: F,
    /// Only requests of this method; orders have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Only requests whose path begins so; orders have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// So many pass first.
    #[serde(default)]
    pub skip: u32,
    /// So many are struck; without it, all until the faults are cleared.
    #[serde(default = "once")]
    pub count: Option<u32>,
}

#[expect(clippy::unnecessary_wraps, reason = "the default of an optional field")]
const fn once() -> Option<u32> {
    Some(1)
}

impl<F> FaultRule<F> {
    /// Strikes the next request or order, once.
    pub const fn next(fault: F) -> Self {
        Self { fault, method: None, path: None, skip: 0, count: Some(1) }
    }

    /// Strikes only requests of a method whose path begins so.
    #[must_use]
    pub fn on(mut self, method: &str, path: &str) -> Self {
        self.method = Some(method.to_owned());
        self.path = Some(path.to_owned());
        self
    }

    /// Strikes so many.
    #[must_use]
    pub const fn times(mut self, count: u32) -> Self {
        self.count = Some(count);
        self
    }

    /// Lets so many pass first.
    #[must_use]
    pub const fn after(mut self, skip: u32) -> Self {
        self.skip = skip;
        self
    }

    /// Takes one request or order that fits and returns whether the fault strikes it.
    fn strike(&mut self) -> bool {
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        match &mut self.count {
            None => true,
            Some(0) => false,
            Some(left) => {
                *left -= 1;
                true
            }
        }
    }
}

/// The faults that are armed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Armed<F> {
    rules: Vec<FaultRule<F>>,
}

impl<F> Default for Armed<F> {
    fn default() -> Self {
        Self { rules: Vec::new() }
    }
}

impl<F: Clone> Armed<F> {
    pub(crate) fn arm(&mut self, rule: FaultRule<F>) {
        self.rules.push(rule);
    }

    pub(crate) fn clear(&mut self) {
        self.rules.clear();
    }

    pub(crate) fn rules(&self) -> &[FaultRule<F>] {
        &self.rules
    }

    /// Returns the faults that strike the next thing for which `fits` holds.
    pub(crate) fn strike(&mut self, fits: impl Fn(&FaultRule<F>) -> bool) -> Vec<F> {
        let struck = self.rules.iter_mut().filter(|rule| fits(rule)).filter_map(|rule| {
            let fault = rule.fault.clone();
            rule.strike().then_some(fault)
        });
        let struck = struck.collect();
        self.rules.retain(|rule| rule.count != Some(0));
        struck
    }
}

impl Armed<WireFault> {
    /// Returns the faults that strike a request.
    pub(crate) fn strike_request(&mut self, method: &str, path: &str) -> Vec<WireFault> {
        self.strike(|rule| {
            rule.method.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
                && rule.path.as_ref().is_none_or(|wanted| path.starts_with(wanted.as_str()))
        })
    }
}

/// What an order suffers from, decided when it is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Sufferings {
    pub(crate) fill_fraction: Option<Decimal>,
    pub(crate) price_hidden_millis: i64,
    pub(crate) fee_delay_days: u32,
    pub(crate) is_rejected: bool,
}

impl Sufferings {
    pub(crate) fn of(faults: &[OrderFault]) -> Self {
        let mut all = Self::default();
        for fault in faults {
            match fault {
                OrderFault::PartialFills { fraction } => all.fill_fraction = Some(*fraction),
                OrderFault::NullPrice { millis } => all.price_hidden_millis = *millis,
                OrderFault::LateFees { days } => all.fee_delay_days = *days,
                OrderFault::RejectOrder => all.is_rejected = true,
            }
        }
        all
    }
}

impl Fault {
    /// Returns what is wrong with the fault itself.
    pub(crate) fn problem(&self) -> Option<&'static str> {
        match self {
            Self::Order(OrderFault::PartialFills { fraction }) if *fraction <= dec!(0) || *fraction >= dec!(1) => {
                Some("fraction must be above 0 and below 1")
            }
            Self::Order(OrderFault::NullPrice { millis }) if *millis <= 0 => Some("millis must be above 0"),
            Self::Wire(WireFault::ServerError { status } | WireFault::LieAboutFailure { status })
                if !(500..600).contains(status) =>
            {
                Some("status must be 500 to 599")
            }
            Self::Wire(WireFault::Refuse { status, .. }) if !(400..500).contains(status) => {
                Some("status must be 400 to 499")
            }
            Self::Wire(_) | Self::Order(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_strikes_as_often_as_it_is_told() {
        let mut armed = Armed::default();
        armed.arm(FaultRule::next(WireFault::LoseAnswer).on("POST", "/v2/orders").times(2).after(1));
        let mut strikes = |method: &str| !armed.strike_request(method, "/v2/orders").is_empty();
        assert_eq!(["POST", "GET", "POST", "POST", "POST"].map(&mut strikes), [false, false, true, true, false]);
        assert!(armed.rules().is_empty());
    }

    #[test]
    fn faults_are_read_as_they_are_written() {
        let text = r#"{"fault": {"kind": "partial_fills", "fraction": 0.25}, "count": 3}"#;
        let rule: FaultRule = serde_json::from_str(text).unwrap();
        assert_eq!(rule.fault, Fault::Order(OrderFault::PartialFills { fraction: dec!(0.25) }));
        assert_eq!((rule.skip, rule.count), (0, Some(3)));
        assert!(serde_json::from_str::<FaultRule>(r#"{"fault": {"kind": "sloth"}}"#).is_err());
    }
}
