//! Which orders are taken, and why the others are not.

use rust_decimal::Decimal;
use sentinel_domain::broker::{
    BrokerOrderId, ClientOrderId, OrderKind, OrderRequest, OrderSize, OrderState, TimeInForce,
};
use sentinel_domain::candles::CandleError;
use sentinel_domain::fees::Fee;
use sentinel_domain::fill::Side;
use sentinel_domain::instrument::{InstrumentRules, Symbol};
use sentinel_domain::money::round_money;
use thiserror::Error;

use super::Exchange;
use crate::market::Market;
use crate::moment::Moment;

/// An order as a client sends it; the id may be missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOrder {
    /// The client's id of it.
    pub client_order_id: Option<ClientOrderId>,
    /// What to trade.
    pub symbol: Symbol,
    /// Buy or sell.
    pub side: Side,
    /// How much.
    pub size: OrderSize,
    /// At what price.
    pub kind: OrderKind,
    /// For how long.
    pub time_in_force: TimeInForce,
}

/// Why a command is not carried out.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum Refusal {
    /// The id was used before.
    #[error("client_order_id must be unique")]
    DuplicateClientOrderId,
    /// The symbol is not traded here.
    #[error("asset \"{0}\" not found")]
    UnknownSymbol(String),
    /// The symbol may not be traded now.
    #[error("asset \"{0}\" is not tradable")]
    NotTradable(Symbol),
    /// Not enough cash.
    #[error("insufficient balance for {currency} (requested: {requested}, available: {available})")]
    InsufficientBalance {
        /// What is lacking.
        currency: String,
        /// What the order needs.
        requested: Decimal,
        /// What is free.
        available: Decimal,
    },
    /// The order is worth too little.
    #[error("cost basis must be >= minimal amount of order {0}")]
    MinNotional(Decimal),
    /// The order is too small.
    #[error("qty must be >= minimal qty of order {0}")]
    MinQuantity(Decimal),
    /// A price or a quantity that is no whole number of increments, or not above 0.
    #[error("{field} must be above 0 and a multiple of {increment}")]
    Increment {
        /// Which field.
        field: &'static str,
        /// The increment.
        increment: Decimal,
    },
    /// There has been no price yet.
    #[error("there is no price of {0} yet")]
    NoPrice(Symbol),
    /// No such order.
    #[error("order not found")]
    OrderNotFound,
    /// No such position.
    #[error("position does not exist")]
    PositionNotFound,
    /// The order is over.
    #[error("order is already in \"{0}\" state")]
    NotCancelable(&'static str),
    /// The clock only goes forward.
    #[error("the clock shows {now} and cannot go back to {to}")]
    ClockBackwards {
        /// What it shows.
        now: Moment,
        /// What was asked for.
        to: Moment,
    },
    /// Candles that are none.
    #[error(transparent)]
    Candles(CandleError),
    /// Candles that contradict those that are known.
    #[error("the candles of {symbol} are no continuation of those that are loaded; load the same ones or longer ones")]
    OtherCandles {
        /// The symbol.
        symbol: Symbol,
    },
}

impl Exchange {
    /// Returns the order as it will be carried out.
    ///
    /// # Errors
    /// Why it is not taken.
    pub fn accept(&self, order: NewOrder) -> Result<OrderRequest, Refusal> {
        let client_order_id = match order.client_order_id {
            Some(id) => id,
            None => self.next_client_order_id()?,
        };
        let NewOrder { symbol, side, size, kind, time_in_force, .. } = order;
        let request = OrderRequest { client_order_id, symbol, side, size, kind, time_in_force };
        self.check_order(&request)?;
        Ok(request)
    }

    pub(super) fn check_order(&self, request: &OrderRequest) -> Result<(), Refusal> {
        if self.book.find_by_client_id(&request.client_order_id).is_some() {
            return Err(Refusal::DuplicateClientOrderId);
        }
        let symbol = &request.symbol;
        let market = self.markets.get(symbol).ok_or_else(|| Refusal::UnknownSymbol(symbol.to_string()))?;
        let rules = market.rules();
        if !rules.tradable {
            return Err(Refusal::NotTradable(symbol.clone()));
        }
        check_grid(request, rules)?;
        let price = price_expected(request, market).ok_or_else(|| Refusal::NoPrice(symbol.clone()))?;
        match request.side {
            Side::Buy => self.check_purchase(request, rules, price),
            Side::Sell => self.check_sale(request, rules, price),
        }
    }

    fn check_purchase(&self, request: &OrderRequest, rules: &InstrumentRules, price: Decimal) -> Result<(), Refusal> {
        let value = match request.size {
            OrderSize::Quantity(quantity) => round_money(quantity * self.settings.fill_model.market(Side::Buy, price)),
            OrderSize::Notional(sum) => sum,
        };
        if value < rules.notional_min {
            return Err(Refusal::MinNotional(rules.notional_min));
        }
        let requested = self.reservation(request);
        let available = self.buying_power();
        if requested > available {
            let currency = self.settings.currency.clone();
            return Err(Refusal::InsufficientBalance { currency, requested, available });
        }
        Ok(())
    }

    fn check_sale(&self, request: &OrderRequest, rules: &InstrumentRules, price: Decimal) -> Result<(), Refusal> {
        let requested = match request.size {
            OrderSize::Quantity(quantity) => quantity,
            OrderSize::Notional(sum) => rules.round_quantity_down(sum / price),
        };
        let available = self.coins_free(&request.symbol);
        if requested > available {
            let currency = request.symbol.base().to_owned();
            return Err(Refusal::InsufficientBalance { currency, requested, available });
        }
        Ok(())
    }

    /// Returns what an order sets aside: cash for a purchase, coins for the sale of a sum. The gate reckons alike, so
    /// that what it lets through is taken.
    pub(super) fn reservation(&self, request: &OrderRequest) -> Decimal {
        let Some(market) = self.markets.get(&request.symbol) else { return Decimal::ZERO };
        let price = price_expected(request, market).unwrap_or_default();
        if request.side == Side::Sell {
            return match request.size {
                OrderSize::Quantity(_) => Decimal::ZERO,
                OrderSize::Notional(_) if price.is_zero() => Decimal::ZERO,
                OrderSize::Notional(sum) => market.rules().round_quantity_down(sum / price),
            };
        }
        let price = match request.kind {
            OrderKind::Market => self.settings.fill_model.market(Side::Buy, price),
            OrderKind::Limit { .. } | OrderKind::StopLimit { .. } => price,
        };
        let (quantity, notional) = match request.size {
            OrderSize::Quantity(quantity) => (quantity, round_money(quantity * price)),
            OrderSize::Notional(sum) => (Decimal::ZERO, sum),
        };
        let rate = self.settings.fees.rate.taker(self.ledger.volume.sum_since(self.now.time));
        match self.settings.fees.of_buy(quantity, notional, rate) {
            Fee::Quote(fee) => notional + fee,
            Fee::Base(_) => notional,
        }
    }

    pub(super) fn check_cancel(&self, id: &BrokerOrderId) -> Result<(), Refusal> {
        let order = self.book.get(self.book.find(id).ok_or(Refusal::OrderNotFound)?);
        match order.shown.status.state() {
            OrderState::Working => Ok(()),
            OrderState::Filled | OrderState::Dead => Err(Refusal::NotCancelable(order.shown.status.as_str())),
        }
    }
}

/// Returns the price an order is reckoned at before it is filled.
fn price_expected(request: &OrderRequest, market: &Market) -> Option<Decimal> {
    request.kind.limit_price().or_else(|| market.last_price())
}

fn check_grid(request: &OrderRequest, rules: &InstrumentRules) -> Result<(), Refusal> {
    let on_grid = |field, value: Decimal, increment: Decimal| {
        let is_whole = increment.is_zero() || (value % increment).is_zero();
        if value > Decimal::ZERO && is_whole { Ok(()) } else { Err(Refusal::Increment { field, increment }) }
    };
    match request.size {
        OrderSize::Quantity(quantity) => {
            on_grid("qty", quantity, rules.step_size)?;
            if quantity < rules.quantity_min {
                return Err(Refusal::MinQuantity(rules.quantity_min));
            }
        }
        OrderSize::Notional(sum) => on_grid("notional", sum, Decimal::new(1, 9))?,
    }
    if let Some(price) = request.kind.limit_price() {
        on_grid("limit_price", price, rules.tick_size)?;
    }
    if let Some(price) = request.kind.stop_price() {
        on_grid("stop_price", price, rules.tick_size)?;
    }
    Ok(())
}
