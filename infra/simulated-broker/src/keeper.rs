//! An exchange and its file, changed together.

use std::path::Path;
use std::sync::Arc;

use sentinel_domain::broker::{BrokerOrder, OrderKind, OrderSize, TimeInForce};
use sentinel_domain::candles::{CandleError, Candles, Columns};
use sentinel_domain::fill::Side;
use sentinel_domain::instrument::{InstrumentRules, Symbol};
use thiserror::Error;
use tokio::sync::broadcast::{self, Receiver, Sender};

use crate::exchange::{Command, Exchange, NewOrder, Refusal};
use crate::faults::{Armed, Fault, FaultRule, WireFault};
use crate::journal::{Journal, JournalError};
use crate::moment::Moment;
use crate::settings::Settings;
use crate::wire::answers;

/// Updates that wait for a listener that is slow; it loses its connection beyond them.
const UPDATES_MAX: usize = 1_024;

/// Why a command was not carried out.
#[derive(Debug, Error)]
pub enum CommandError {
    /// The exchange does not take it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It could not be written down, so it was not done.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A fault that makes no sense.
    #[error("this fault cannot be armed: {0}")]
    Fault(&'static str),
}

/// Checks commands, writes them down and carries them out, in this order.
#[derive(Debug)]
pub(crate) struct Keeper {
    exchange: Exchange,
    journal: Option<Journal>,
    wire_faults: Armed<WireFault>,
    listeners: Sender<Arc<str>>,
}

impl Keeper {
    /// Opens the account: from its file where there is one, else in memory alone.
    pub(crate) fn open(settings: &Settings, file: Option<&Path>) -> Result<Self, JournalError> {
        let (journal, mut exchange) = match file {
            Some(path) => {
                let (journal, exchange) = Journal::open(path, settings)?;
                (Some(journal), exchange)
            }
            None => (None, Exchange::new(settings.clone())),
        };
        // What happened before the start is nobody's news.
        drop(exchange.take_updates());
        let (listeners, _) = broadcast::channel(UPDATES_MAX);
        Ok(Self { exchange, journal, wire_faults: Armed::default(), listeners })
    }

    pub(crate) const fn exchange(&self) -> &Exchange {
        &self.exchange
    }

    pub(crate) const fn exchange_mut(&mut self) -> &mut Exchange {
        &mut self.exchange
    }

    pub(crate) fn execute(&mut self, command: Command) -> Result<(), CommandError> {
        self.exchange.check(&command)?;
        if let Some(journal) = &mut self.journal {
            journal.append(&command, &self.exchange)?;
        }
        self.exchange.apply(command);
        self.tell();
        Ok(())
    }

    /// Returns what happens to orders from now on, each as the text that goes over the wire.
    pub(crate) fn listen(&self) -> Receiver<Arc<str>> {
        self.listeners.subscribe()
    }

    /// Tells those who listen what has happened to orders.
    fn tell(&mut self) {
        let updates = self.exchange.take_updates();
        if self.listeners.receiver_count() == 0 {
            return;
        }
        for update in updates {
            // Fails only where the last one has just gone.
            let _ = self.listeners.send(answers::order_update(&update).to_string().into());
        }
    }

    pub(crate) fn advance(&mut self, to: Moment) -> Result<(), CommandError> {
        if to == self.exchange.now() {
            return Ok(());
        }
        self.execute(Command::Advance { to })
    }

    /// Takes an order and returns it as it was taken, before it met anything.
    pub(crate) fn submit(&mut self, order: NewOrder) -> Result<BrokerOrder, CommandError> {
        let request = self.exchange.accept(order)?;
        let id = request.client_order_id.clone();
        self.execute(Command::Submit { request })?;
        Ok(self.exchange.order_by_client_id(&id).ok_or(Refusal::OrderNotFound)?)
    }

    /// Takes candles in; the same once more change nothing.
    pub(crate) fn load(&mut self, candles: &Candles, rules: InstrumentRules) -> Result<(), CommandError> {
        let candles = Arc::new(prices_and_volume(candles).map_err(Refusal::Candles)?);
        let known = self.exchange.markets().get(&candles.instrument().symbol);
        if known.is_some_and(|market| **market.candles() == *candles && *market.rules() == rules) {
            return Ok(());
        }
        self.execute(Command::Load { rules, candles: Some(candles) })
    }

    /// Sells a position as a person would: takes its orders back first.
    pub(crate) fn close_by_hand(&mut self, symbol: &Symbol) -> Result<BrokerOrder, CommandError> {
        self.exchange.position(symbol).ok_or(Refusal::PositionNotFound)?;
        let orders = self.exchange.open_orders();
        for order in orders.into_iter().filter(|order| order.request.symbol == *symbol) {
            self.execute(Command::Cancel { id: order.id })?;
        }
        self.close_position(symbol, None)
    }

    /// Sells a position, or a quantity of it, at market.
    pub(crate) fn close_position(
        &mut self,
        symbol: &Symbol,
        quantity: Option<rust_decimal::Decimal>,
    ) -> Result<BrokerOrder, CommandError> {
        let position = self.exchange.position(symbol).ok_or(Refusal::PositionNotFound)?;
        self.submit(NewOrder {
            client_order_id: None,
            symbol: symbol.clone(),
            side: Side::Sell,
            size: OrderSize::Quantity(quantity.unwrap_or(position.quantity)),
            kind: OrderKind::Market,
            time_in_force: TimeInForce::Gtc,
        })
    }

    pub(crate) fn arm(&mut self, rule: FaultRule) -> Result<(), CommandError> {
        if let Some(problem) = rule.fault.problem() {
            return Err(CommandError::Fault(problem));
        }
        let FaultRule { fault, method, path, skip, count } = rule;
        match fault {
            Fault::Wire(fault) => self.wire_faults.arm(FaultRule { fault, method, path, skip, count }),
            Fault::Order(_) if method.is_some() || path.is_some() => {
                return Err(CommandError::Fault("it strikes orders, which have no method and no path"));
            }
            Fault::Order(fault) => {
                self.execute(Command::Arm { rule: FaultRule { fault, method, path, skip, count } })?;
            }
        }
        Ok(())
    }

    pub(crate) fn disarm(&mut self) -> Result<(), CommandError> {
        self.wire_faults.clear();
        self.execute(Command::Disarm)
    }

    pub(crate) fn armed(&self) -> Vec<FaultRule> {
        fn general<F: Clone>(rule: &FaultRule<F>, wrap: impl Fn(F) -> Fault) -> FaultRule {
            let FaultRule { fault, method, path, skip, count } = rule.clone();
            FaultRule { fault: wrap(fault), method, path, skip, count }
        }
        let wire = self.wire_faults.rules().iter().map(|rule| general(rule, Fault::Wire));
        wire.chain(self.exchange.faults().iter().map(|rule| general(rule, Fault::Order))).collect()
    }

    pub(crate) fn strike_request(&mut self, method: &str, path: &str) -> Vec<WireFault> {
        self.wire_faults.strike_request(method, path)
    }
}

/// Returns the candles without what no order meets.
fn prices_and_volume(candles: &Candles) -> Result<Candles, CandleError> {
    let columns = Columns { volume_delta: None, imbalance: None, ..candles.columns().clone() };
    Candles::new(candles.instrument().clone(), candles.timeframe(), columns)
}
