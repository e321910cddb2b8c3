//! The broker without wires: one account, its orders, and markets that move by command.
//!
//! [`Exchange::check`] says whether a command can be taken, [`Exchange::apply`] carries it out. Nothing else changes an
//! exchange, both are pure, and no clock is read, so the same commands give the same account: that is how it survives a
//! restart. Fills are those of `sentinel-domain`, the backtest's own.

mod book;
mod intake;
mod ledger;
mod looks;
mod matching;
mod updates;

use std::collections::BTreeMap;
use std::sync::Arc;

use sentinel_domain::broker::{Activity, BrokerOrder, BrokerOrderId, ClientOrderId, OrderRequest};
use sentinel_domain::candles::Candles;
use sentinel_domain::instrument::{InstrumentRules, Symbol};
use sentinel_domain::timeframe::UnixMillis;
use serde::{Deserialize, Serialize};

use crate::faults::{Armed, FaultRule, OrderFault, Sufferings};
use crate::market::Market;
use crate::moment::{Moment, Phase};
use crate::settings::Settings;
use book::OrderBook;
pub use intake::{NewOrder, Refusal};
use ledger::Ledger;
pub use looks::{EquityPoint, HistoryWindow};
pub use updates::{Execution, Happening, OrderUpdate};

/// One change of an exchange. Orders carry everything that was decided about them, so that a replay decides nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// The clock moves.
    Advance {
        /// To where.
        to: Moment,
    },
    /// An order comes.
    Submit {
        /// The order, as [`Exchange::accept`] returned it.
        request: OrderRequest,
    },
    /// An order is taken back.
    Cancel {
        /// Which.
        id: BrokerOrderId,
    },
    /// A fault is armed.
    Arm {
        /// Which and when.
        rule: FaultRule<OrderFault>,
    },
    /// All faults are cleared.
    Disarm,
    /// Candles of a symbol become known: the first, or a continuation of those before.
    Load {
        /// How orders are rounded.
        rules: InstrumentRules,
        /// The candles.
        #[serde(skip)]
        candles: Option<Arc<Candles>>,
    },
}

/// One account at a simulated broker.
#[derive(Debug, Clone)]
pub struct Exchange {
    settings: Settings,
    now: Moment,
    markets: BTreeMap<Symbol, Market>,
    ledger: Ledger,
    book: OrderBook,
    activities: Vec<Activity>,
    equity: Vec<EquityPoint>,
    faults: Armed<OrderFault>,
    updates: Vec<OrderUpdate>,
}

impl Exchange {
    /// Opens the account.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let equity = vec![EquityPoint { time: settings.start, equity: settings.cash }];
        Self {
            now: Moment::at_close(settings.start),
            ledger: Ledger::new(settings.cash),
            settings,
            markets: BTreeMap::new(),
            book: OrderBook::default(),
            activities: Vec::new(),
            equity,
            faults: Armed::default(),
            updates: Vec::new(),
        }
    }

    /// Returns the settings.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Returns what the clock shows.
    #[must_use]
    pub const fn now(&self) -> Moment {
        self.now
    }

    /// Returns the markets.
    #[must_use]
    pub const fn markets(&self) -> &BTreeMap<Symbol, Market> {
        &self.markets
    }

    pub(crate) fn market_mut(&mut self, symbol: &Symbol) -> Option<&mut Market> {
        self.markets.get_mut(symbol)
    }

    /// Returns the faults of orders that are armed.
    #[must_use]
    pub fn faults(&self) -> &[FaultRule<OrderFault>] {
        self.faults.rules()
    }

    /// Says whether a command can be carried out.
    ///
    /// # Errors
    /// Why it cannot.
    pub fn check(&self, command: &Command) -> Result<(), Refusal> {
        match command {
            Command::Advance { to } if *to < self.now => Err(Refusal::ClockBackwards { now: self.now, to: *to }),
            Command::Submit { request } => self.check_order(request),
            Command::Cancel { id } => self.check_cancel(id),
            Command::Load { candles, .. } => candles.as_ref().map_or(Ok(()), |candles| self.check_load(candles)),
            Command::Advance { .. } | Command::Arm { .. } | Command::Disarm => Ok(()),
        }
    }

    /// Carries out a command that [`Exchange::check`] let pass.
    ///
    /// # Panics
    /// When it did not.
    pub fn apply(&mut self, command: Command) {
        match command {
            Command::Advance { to } => self.advance_to(to),
            Command::Submit { request } => self.place(request),
            Command::Cancel { id } => self.cancel(&id),
            Command::Arm { rule } => self.faults.arm(rule),
            Command::Disarm => self.faults.clear(),
            Command::Load { rules, candles } => self.load(candles, rules),
        }
    }

    /// Checks a command and carries it out.
    ///
    /// # Errors
    /// Why it cannot be; nothing is changed then.
    pub fn execute(&mut self, command: Command) -> Result<(), Refusal> {
        self.check(&command)?;
        self.apply(command);
        Ok(())
    }

    /// Checks an order, carries it out and returns it as it was taken.
    ///
    /// # Errors
    /// Why it is not taken.
    pub fn submit(&mut self, order: NewOrder) -> Result<BrokerOrder, Refusal> {
        let request = self.accept(order)?;
        let id = request.client_order_id.clone();
        self.apply(Command::Submit { request });
        self.order_by_client_id(&id).ok_or(Refusal::OrderNotFound)
    }

    fn check_load(&self, candles: &Candles) -> Result<(), Refusal> {
        let symbol = &candles.instrument().symbol;
        let Some(known) = self.markets.get(symbol).map(Market::candles) else { return Ok(()) };
        let rows = known.len();
        let is_continuation = known.timeframe() == candles.timeframe()
            && candles.len() >= rows
            && candles.columns().slice(0..rows) == *known.columns();
        if is_continuation { Ok(()) } else { Err(Refusal::OtherCandles { symbol: symbol.clone() }) }
    }

    fn load(&mut self, candles: Option<Arc<Candles>>, rules: InstrumentRules) {
        let Some(candles) = candles else { return };
        let symbol = candles.instrument().symbol.clone();
        match self.markets.get_mut(&symbol) {
            Some(market) => market.extend(candles, rules),
            None => drop(self.markets.insert(symbol, Market::new(candles, rules, self.now))),
        }
        // What became known late happens now, at the times at which it did.
        self.advance_to(self.now);
    }

    fn place(&mut self, request: OrderRequest) {
        let sufferings = Sufferings::of(&self.faults.strike(|_| true));
        let reserved = self.reservation(&request);
        let index = self.book.place(&self.settings.account, request, self.now, reserved, sufferings);
        let is_taken = self.book.is_open(index);
        self.tell(index, if is_taken { Happening::New } else { Happening::Rejected }, self.now.time);
        if self.now.phase == Phase::Open && is_taken {
            self.fill_at_running_open(index);
        }
    }

    fn cancel(&mut self, id: &BrokerOrderId) {
        if let Some(index) = self.book.find(id) {
            self.take_back(index, self.now.time);
        }
    }

    /// Takes back what is left of an order, and tells of it.
    fn take_back(&mut self, index: usize, time: UnixMillis) {
        self.book.cancel(index, time);
        self.tell(index, Happening::Canceled, time);
    }

    /// Returns the time, for ids that a client did not give.
    fn next_client_order_id(&self) -> Result<ClientOrderId, Refusal> {
        let text = crate::ids::uuid("client-order", &self.settings.account, "", self.book.len());
        text.parse().map_err(|_| Refusal::OrderNotFound)
    }

    fn midnight(&self) -> UnixMillis {
        sentinel_domain::timeframe::Timeframe::D1.candle_open(self.now.time)
    }
}
