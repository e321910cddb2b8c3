//! Where a run has ended, and whether it adds up there: the books of the functions against the broker's.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::{Decimal, dec};
use sentinel_domain::broker::{BrokerOrder, OrderState};
use sentinel_domain::documents::{Record, Records};
use sentinel_domain::instrument::Symbol;
use sentinel_domain::live::{
    Account, DecisionChunk, LiveOrder, LivePosition, LiveSignal, PositionStatus, RejectedSignal,
};
use sentinel_domain::money::round_money;
use sentinel_domain::signal::SignalState;
use sentinel_domain::timeframe::{Timeframe, UnixMillis};
use sentinel_laptop::Simulation;
use sentinel_simulated_broker::exchange::Exchange;

use crate::parity::{TradeFacts, trades_of};

/// Money that rounding each fill to nine places may have moved.
const ROUNDING: Decimal = dec!(0.00001);

/// What two runs must agree on.
#[derive(Debug, Clone, PartialEq)]
pub struct Ending {
    /// Closed positions.
    pub trades: Vec<TradeFacts>,
    /// What became of each signal.
    pub signals: BTreeMap<String, String>,
    /// The broker's orders: client id, size, status.
    pub orders: Vec<(String, String, String)>,
    /// Equity at the broker.
    pub equity: Decimal,
}

/// Everything the hot store holds of one account.
#[derive(Debug, Clone)]
pub struct Books {
    /// The account; its beginning where nobody has looked at it yet.
    pub account: Account,
    /// All positions, over or not.
    pub positions: Vec<LivePosition>,
    /// Signals that were not turned away.
    pub signals: Vec<LiveSignal>,
    /// Signals that were.
    pub rejected: Vec<LiveSignal>,
    /// Signals that decisions name.
    pub decided: BTreeSet<String>,
}

/// Returns what the hot store holds.
///
/// # Panics
/// When it cannot be read.
pub async fn books_of(simulation: &Simulation) -> Books {
    let rejected = all::<RejectedSignal>(simulation).await;
    let chunks = all::<DecisionChunk>(simulation).await;
    Books {
        account: all::<Account>(simulation).await.pop().unwrap_or_default(),
        positions: all(simulation).await,
        signals: all(simulation).await,
        rejected: rejected.into_iter().map(|rejected| rejected.signal).collect(),
        decided: chunks.into_iter().flat_map(|chunk| chunk.decided).filter_map(|decided| decided.signal_id).collect(),
    }
}

async fn all<T: Record>(simulation: &Simulation) -> Vec<T> {
    let records = Records::<T>::of(simulation.wiring().store.as_ref(), simulation.wiring().environment);
    let found = records.all(records.select()).await.unwrap_or_else(|error| panic!("{error}"));
    found.into_iter().map(|stored| stored.record).collect()
}

/// Returns where a run has ended.
///
/// # Panics
/// When the store cannot be read.
pub async fn ending_of(simulation: &Simulation) -> Ending {
    let books = books_of(simulation).await;
    let live = books.signals.iter().map(|signal| (signal.signal_id.clone(), format!("{:?}", signal.status)));
    let rejected = books.rejected.iter().map(|signal| (signal.signal_id.clone(), format!("{:?}", signal.rejection)));
    let mut orders: Vec<_> = simulation.broker().look(Exchange::orders).iter().map(facts).collect();
    orders.sort();
    Ending {
        trades: trades_of(simulation).await,
        signals: live.chain(rejected).collect(),
        orders,
        equity: simulation.broker().look(Exchange::equity).normalize(),
    }
}

fn facts(order: &BrokerOrder) -> (String, String, String) {
    let request = &order.request;
    (request.client_order_id.to_string(), format!("{:?}", request.size), format!("{:?}", order.status))
}

/// Says what does not add up after a run that began with `cash`: one line for each thing, none when all of it does.
///
/// Cash and positions are the equity and the last point of the portfolio history; the profits of what was sold and of
/// what is held are the change of equity; every signal is in exactly one state, which fits what became of its position;
/// the orders of the books are those of the broker, filled alike.
///
/// # Panics
/// When store or broker cannot be asked.
pub async fn what_does_not_add_up(simulation: &Simulation, cash: Decimal) -> Vec<String> {
    let books = books_of(simulation).await;
    let mut wrong = Vec::new();
    simulation.broker().look(|exchange| {
        equity(&books, exchange, cash, &mut wrong);
        orders(&books, exchange, &mut wrong);
    });
    signals(&books, &mut wrong);
    wrong
}

fn equity(books: &Books, exchange: &Exchange, cash: Decimal, wrong: &mut Vec<String>) {
    let mut expect = |what: &str, found: Decimal, expected: Decimal| {
        if (found - expected).abs() > ROUNDING {
            wrong.push(format!("{what}: {found} instead of {expected}"));
        }
    };
    let account = exchange.account();
    let positions = exchange.positions();
    let value: Decimal = positions.iter().filter_map(|position| position.market_value).sum();
    expect("cash and positions against equity", account.cash + value, account.equity);
    let history = exchange.history(Timeframe::D1, UnixMillis::MIN, UnixMillis::MAX);
    let last = history.last().map_or(cash, |window| window.equity);
    expect("the last point of the portfolio history", last, account.equity);

    let moved: Decimal = books
        .positions
        .iter()
        .map(|position| &position.position)
        .map(|position| position.proceeds() - position.bought().notional - position.bought().fees_cash)
        .sum();
    expect("cash by the books against the broker's", cash + moved, account.cash);
    for (symbol, held) in coins(books) {
        let theirs = exchange.position(&symbol).map_or(Decimal::ZERO, |position| position.quantity);
        expect(&format!("{symbol} by the books against the broker's"), held, theirs);
    }
    let profits: Decimal = books.positions.iter().map(|position| profit(position, exchange)).sum();
    expect("profits against the change of equity", profits, account.equity - cash);
}

/// Coins by symbol: those of living positions, and those too few to sell that others left.
fn coins(books: &Books) -> BTreeMap<Symbol, Decimal> {
    let mut coins: BTreeMap<Symbol, Decimal> = BTreeMap::new();
    for position in books.positions.iter().filter(|position| position.status != PositionStatus::Closed) {
        *coins.entry(position.instrument.symbol.clone()).or_default() += position.position.held();
    }
    for lane in books.account.lanes.values() {
        *coins.entry(lane.instrument.symbol.clone()).or_default() += lane.dust;
    }
    coins
}

/// Profit of a position: of a closed one with what its dust has gained since it was bought, at which price its profit
/// leaves it.
fn profit(live: &LivePosition, exchange: &Exchange) -> Decimal {
    let symbol = &live.instrument.symbol;
    let mark = exchange.markets().get(symbol).and_then(|market| market.mark_price()).unwrap_or_default();
    let position = &live.position;
    if live.status == PositionStatus::Closed {
        return position.pnl() + round_money(position.held() * (mark - position.bought().price));
    }
    position.pnl_open(mark)
}

fn signals(books: &Books, wrong: &mut Vec<String>) {
    let live: BTreeMap<&str, SignalState> =
        books.signals.iter().map(|signal| (signal.signal_id.as_str(), signal.status)).collect();
    let rejected: BTreeSet<&str> = books.rejected.iter().map(|signal| signal.signal_id.as_str()).collect();
    for id in &books.decided {
        let states = usize::from(live.contains_key(id.as_str())) + usize::from(rejected.contains(id.as_str()));
        if states != 1 {
            wrong.push(format!("signal {id} is in {states} states"));
        }
    }
    let by_signal: BTreeMap<&str, PositionStatus> =
        books.positions.iter().map(|position| (position.signal_id.as_str(), position.status)).collect();
    for (id, state) in &live {
        let position = by_signal.get(id).copied();
        let fits = match state {
            SignalState::Ordered => position == Some(PositionStatus::Pending),
            SignalState::Filled => {
                matches!(position, Some(PositionStatus::Open | PositionStatus::Closing | PositionStatus::Closed))
            }
            SignalState::Abandoned => position == Some(PositionStatus::Abandoned),
            SignalState::Expired | SignalState::Consumed | SignalState::NoAction => position.is_none(),
            SignalState::New | SignalState::Rejected => false,
        };
        if !fits {
            wrong.push(format!("signal {id} is {state:?} and its position {position:?}"));
        }
    }
    for (id, status) in by_signal {
        if !live.contains_key(id) {
            wrong.push(format!("a position that is {status:?} has no signal {id}"));
        }
    }
}

fn orders(books: &Books, exchange: &Exchange, wrong: &mut Vec<String>) {
    let theirs: BTreeMap<String, BrokerOrder> =
        exchange.orders().into_iter().map(|order| (order.request.client_order_id.to_string(), order)).collect();
    for (position, order) in books.positions.iter().flat_map(|it| it.orders.iter().map(move |order| (it, order))) {
        let id = &order.client_order_id;
        let Some(found) = theirs.get(id) else {
            if order.broker_order_id.is_some() || !order.done {
                wrong.push(format!("{id} is at no broker, and not done with"));
            }
            continue;
        };
        if folded(order) != found.filled_quantity {
            wrong.push(format!("{id}: {} was folded of {}", folded(order), found.filled_quantity));
        }
        let is_over = matches!(position.status, PositionStatus::Closed | PositionStatus::Abandoned);
        if is_over && found.status.state() == OrderState::Working {
            wrong.push(format!("{id} still works, and its position is {:?}", position.status));
        }
    }
}

fn folded(order: &LiveOrder) -> Decimal {
    order.legs.iter().map(|leg| leg.fill.quantity).sum()
}
