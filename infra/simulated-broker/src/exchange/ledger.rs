//! Cash, coins, and the fees that are charged but not posted yet.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use sentinel_domain::broker::BrokerOrderId;
use sentinel_domain::fees::Fee;
use sentinel_domain::fill::Side;
use sentinel_domain::instrument::Symbol;
use sentinel_domain::position::Fill;
use sentinel_domain::settlement::VolumeWindow;
use sentinel_domain::timeframe::{Timeframe, UnixMillis};

/// Coins of one symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Holding {
    pub(crate) quantity: Decimal,
    /// Average price of the fills behind it.
    pub(crate) entry_price_avg: Decimal,
}

/// A fee that was charged at a fill and is posted at the end of the day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DueFee {
    pub(crate) due_at: UnixMillis,
    /// Midnight of the day of the fill.
    pub(crate) day: UnixMillis,
    pub(crate) symbol: Symbol,
    pub(crate) fee: Fee,
    pub(crate) price: Decimal,
    pub(crate) order_id: BrokerOrderId,
    pub(crate) fill_id: String,
}

#[derive(Debug, Clone)]
pub(crate) struct Ledger {
    pub(crate) cash: Decimal,
    pub(crate) holdings: BTreeMap<Symbol, Holding>,
    pub(crate) volume: VolumeWindow,
    fees_due: Vec<DueFee>,
}

impl Ledger {
    pub(crate) fn new(cash: Decimal) -> Self {
        Self { cash, holdings: BTreeMap::new(), volume: VolumeWindow::default(), fees_due: Vec::new() }
    }

    pub(crate) fn quantity(&self, symbol: &Symbol) -> Decimal {
        self.holdings.get(symbol).map_or(Decimal::ZERO, |holding| holding.quantity)
    }

    /// Moves cash and coins for a fill.
    pub(crate) fn settle(&mut self, symbol: &Symbol, side: Side, fill: &Fill) {
        self.volume.add(fill.time, fill.notional);
        let holding = self.holdings.entry(symbol.clone()).or_default();
        match side {
            Side::Buy => {
                let received = match fill.fee {
                    Fee::Base(fee) => fill.quantity - fee,
                    Fee::Quote(_) => fill.quantity,
                };
                let quantity = holding.quantity + received;
                if !quantity.is_zero() {
                    let value = holding.entry_price_avg * holding.quantity + fill.price * received;
                    holding.entry_price_avg = (value / quantity).round_dp(9);
                }
                holding.quantity = quantity;
                self.cash -= fill.notional + fill.fee_cash();
            }
            Side::Sell => {
                holding.quantity -= fill.quantity;
                self.cash += fill.notional - fill.fee_cash();
            }
        }
        if holding.quantity.is_zero() {
            self.holdings.remove(symbol);
        }
    }

    /// Notes a fee that is to be posted at the end of the day of its fill, or days later.
    pub(crate) fn charge(&mut self, fill: &Fill, symbol: &Symbol, ids: (BrokerOrderId, String), delay_days: u32) {
        let is_free = match fill.fee {
            Fee::Base(fee) | Fee::Quote(fee) => fee.is_zero(),
        };
        if is_free {
            return;
        }
        let day = Timeframe::D1.candle_open(fill.time);
        let due_at = day + (i64::from(delay_days) + 1) * Timeframe::D1.millis();
        let (order_id, fill_id) = ids;
        let symbol = symbol.clone();
        self.fees_due.push(DueFee { due_at, day, symbol, fee: fill.fee, price: fill.price, order_id, fill_id });
    }

    /// Returns when the next fee is posted.
    pub(crate) fn next_posting(&self) -> Option<UnixMillis> {
        self.fees_due.iter().map(|fee| fee.due_at).min()
    }

    /// Takes the fees that are due, in the order of their fills.
    pub(crate) fn take_due(&mut self, time: UnixMillis) -> Vec<DueFee> {
        let (due, later) = std::mem::take(&mut self.fees_due).into_iter().partition(|fee| fee.due_at <= time);
        self.fees_due = later;
        due
    }

    /// Returns what was charged and not posted yet, in quote currency.
    pub(crate) fn fees_accrued(&self) -> Decimal {
        self.fees_due.iter().map(|due| due.fee.value(due.price)).sum()
    }
}
