//! What can be seen of an exchange without changing it.

use rust_decimal::Decimal;
use sentinel_domain::broker::{
    AccountState, Activity, BrokerOrder, BrokerOrderId, BrokerPosition, ClientOrderId, OrderState,
};
use sentinel_domain::fill::Side;
use sentinel_domain::instrument::Symbol;
use sentinel_domain::money::round_money;
use sentinel_domain::timeframe::{Timeframe, UnixMillis};

use super::Exchange;
use super::book::Order;
use super::ledger::Holding;
use crate::ids;
use crate::market::Market;

/// Equity at one close.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EquityPoint {
    /// When, in Unix milliseconds.
    pub time: UnixMillis,
    /// Cash and positions at the last close.
    pub equity: Decimal,
}

/// Equity at the end of one window of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HistoryWindow {
    /// When the window opened.
    pub open_time: UnixMillis,
    /// Equity at its end, or now.
    pub equity: Decimal,
}

impl Exchange {
    /// Returns cash, what open orders set aside included.
    #[must_use]
    pub const fn cash(&self) -> Decimal {
        self.ledger.cash
    }

    /// Returns what may be spent on new orders.
    #[must_use]
    pub fn buying_power(&self) -> Decimal {
        (self.ledger.cash - self.cash_reserved()).max(Decimal::ZERO)
    }

    pub(super) fn cash_reserved(&self) -> Decimal {
        let purchases = self.book.open().filter(|order| order.shown.request.side == Side::Buy);
        purchases.map(|order| order.reserved).sum()
    }

    /// Returns coins that no open sale is about to sell.
    #[must_use]
    pub fn coins_free(&self, symbol: &Symbol) -> Decimal {
        (self.ledger.quantity(symbol) - self.book.coins_bound(symbol)).max(Decimal::ZERO)
    }

    /// Returns cash and positions at the last close.
    #[must_use]
    pub fn equity(&self) -> Decimal {
        self.ledger.cash + self.positions_value()
    }

    fn positions_value(&self) -> Decimal {
        self.ledger.holdings.iter().map(|(symbol, holding)| self.value_of(symbol, holding)).sum()
    }

    fn value_of(&self, symbol: &Symbol, holding: &Holding) -> Decimal {
        round_money(holding.quantity * self.price_of(symbol).unwrap_or(holding.entry_price_avg))
    }

    fn price_of(&self, symbol: &Symbol) -> Option<Decimal> {
        self.markets.get(symbol).and_then(Market::mark_price)
    }

    /// Returns the account as its owner sees it.
    #[must_use]
    pub fn account(&self) -> AccountState {
        let positions = self.positions_value();
        AccountState {
            id: ids::uuid("account", &self.settings.account, "", 0),
            currency: self.settings.currency.clone(),
            cash: self.ledger.cash,
            equity: self.ledger.cash + positions,
            last_equity: self.equity_at(self.midnight()),
            buying_power: self.buying_power(),
            long_market_value: positions,
            // Crypto is bought for cash: all of a position is its own margin.
            initial_margin: positions,
            maintenance_margin: positions,
            accrued_fees: self.ledger.fees_accrued(),
            trading_blocked: false,
            created_at: self.settings.start,
        }
    }

    /// Returns the equity at every close so far, the beginning first.
    #[must_use]
    pub fn equity_points(&self) -> &[EquityPoint] {
        &self.equity
    }

    /// Returns the equity at the last close at or before `time`.
    #[must_use]
    pub fn equity_at(&self, time: UnixMillis) -> Decimal {
        let known = self.equity.partition_point(|point| point.time <= time);
        self.equity[known.saturating_sub(1)].equity
    }

    /// Returns the equity at the end of each window in `[from, to]` in which a candle closed, and now.
    #[must_use]
    pub fn history(&self, timeframe: Timeframe, from: UnixMillis, to: UnixMillis) -> Vec<HistoryWindow> {
        let now = self.now.time;
        // A window holds its end, not its beginning: a close at midnight ends the day.
        let window = |time: UnixMillis| timeframe.candle_open((time - 1).max(self.settings.start));
        let mut windows: Vec<HistoryWindow> = Vec::new();
        let current = (now <= to).then(|| EquityPoint { time: now.max(self.settings.start), equity: self.equity() });
        let points = self.equity.iter().skip(1).copied().filter(|point| point.time > from && point.time <= to);
        for point in points.chain(current) {
            let open_time = window(point.time);
            match windows.last_mut() {
                Some(last) if last.open_time == open_time => last.equity = point.equity,
                _ => windows.push(HistoryWindow { open_time, equity: point.equity }),
            }
        }
        windows
    }

    /// Returns an order as it is shown now: a price that is to stay hidden is.
    pub(super) fn shown(&self, order: &Order) -> BrokerOrder {
        let mut shown = order.shown.clone();
        if self.hides_price(order) {
            shown.filled_avg_price = None;
        }
        shown
    }

    pub(super) fn hides_price(&self, order: &Order) -> bool {
        let hidden = order.sufferings.price_hidden_millis;
        hidden > 0 && order.shown.filled_at.is_some_and(|time| self.now.time < time + hidden)
    }

    /// Returns all orders in the sequence in which they came.
    #[must_use]
    pub fn orders(&self) -> Vec<BrokerOrder> {
        self.book.all().iter().map(|order| self.shown(order)).collect()
    }

    /// Returns the orders that still work, in the sequence in which they came.
    #[must_use]
    pub fn open_orders(&self) -> Vec<BrokerOrder> {
        self.book.open().map(|order| self.shown(order)).collect()
    }

    /// Returns an order by the broker's id.
    #[must_use]
    pub fn order(&self, id: &BrokerOrderId) -> Option<BrokerOrder> {
        self.book.find(id).map(|index| self.shown(self.book.get(index)))
    }

    /// Returns an order by the client's id.
    #[must_use]
    pub fn order_by_client_id(&self, id: &ClientOrderId) -> Option<BrokerOrder> {
        self.book.find_by_client_id(id).map(|index| self.shown(self.book.get(index)))
    }

    /// Returns how many orders are over.
    #[must_use]
    pub fn orders_over(&self) -> usize {
        self.book.all().iter().filter(|order| order.shown.status.state() != OrderState::Working).count()
    }

    /// Returns the positions, by symbol.
    #[must_use]
    pub fn positions(&self) -> Vec<BrokerPosition> {
        self.ledger.holdings.iter().map(|(symbol, holding)| self.shown_position(symbol, holding)).collect()
    }

    /// Returns the position in a symbol.
    #[must_use]
    pub fn position(&self, symbol: &Symbol) -> Option<BrokerPosition> {
        self.ledger.holdings.get(symbol).map(|holding| self.shown_position(symbol, holding))
    }

    fn shown_position(&self, symbol: &Symbol, holding: &Holding) -> BrokerPosition {
        let cost_basis = round_money(holding.quantity * holding.entry_price_avg);
        let market_value = self.value_of(symbol, holding);
        BrokerPosition {
            symbol: symbol.clone(),
            quantity: holding.quantity,
            quantity_available: self.coins_free(symbol),
            entry_price_avg: holding.entry_price_avg,
            cost_basis,
            market_value: Some(market_value),
            current_price: Some(self.price_of(symbol).unwrap_or(holding.entry_price_avg)),
            unrealized_pnl: Some(market_value - cost_basis),
        }
    }

    /// Returns the journal of the account in the order in which it was written. A fill may be stamped earlier than the
    /// entry before it: what happened inside a candle is known at its close.
    #[must_use]
    pub fn activities(&self) -> &[Activity] {
        &self.activities
    }

    /// Returns an entry of the journal as it is shown now: a price that is to stay hidden is 0.
    #[must_use]
    pub fn shown_activity(&self, activity: &Activity) -> Activity {
        let mut shown = activity.clone();
        if let Activity::Fill(fill) = &mut shown
            && let Some(index) = self.book.find(&fill.order_id)
            && self.hides_price(self.book.get(index))
        {
            fill.price = Decimal::ZERO;
        }
        shown
    }
}
