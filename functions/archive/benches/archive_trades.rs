//! How long Loop A takes for ten thousand trades: `cargo bench -p sentinel-archive --bench archive_trades`.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::panic,
    dead_code,
    reason = "a bench measures time, prints it, may fail, and needs only a part of the tests' world"
)]

#[path = "../tests/loops/world.rs"]
mod world;

use std::collections::BTreeMap;
use std::time::Instant;

use rust_decimal::{Decimal, dec};
use sentinel_domain::broker::{
    Activity, ActivityKind, ActivityQuery, BrokerOrderId, FillActivity, OrderKind, OrderRequest, OrderSize,
    TimeInForce, all_activities,
};
use sentinel_domain::documents::Precondition;
use sentinel_domain::fill::Side;
use sentinel_domain::gate::EntryIntent;
use sentinel_domain::live::{Leg, LiveOrder, LivePosition, LiveSignal, OrderPurpose, PositionStatus};
use sentinel_domain::money::{decimal_price, round_money};
use sentinel_domain::position::{Fill, Position, PositionEvent};
use sentinel_domain::signal::{SignalState, SignalType};
use sentinel_domain::tables::FactTrade;
use sentinel_domain::trade::ExitReason;
use sentinel_simulated_broker::Moment;

use world::{DAY, HOUR, OPENED, World, instrument, risk, signal, terms};

const TRADES: usize = 10_000;
const AT_ONCE: usize = 2_500;

/// As in the binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(measure());
}

async fn measure() {
    let world = World::new().await;
    let begin = Instant::now();
    let orders = traded(&world).await;
    println!("{} orders at the broker in {:?}", orders.len(), begin.elapsed());
    let begin = Instant::now();
    keep(&world, &orders).await;
    println!("{TRADES} positions and signals in the hot store in {:?}", begin.elapsed());

    world.clock.set(OPENED + DAY);
    for round in ["first", "nothing left"] {
        let begin = Instant::now();
        let run = world.run(&world.archive_trades(), OPENED + DAY).await;
        println!(
            "archive-trades, {round}: {:?}, {} in, {} out, {:?}",
            begin.elapsed(),
            run.rows_in,
            run.rows_out,
            run.status
        );
    }
    assert_eq!(world.rows::<FactTrade>().await.len(), TRADES);
}

/// Buys and sells at the broker; returns the fill of each order by our id.
async fn traded(world: &World) -> BTreeMap<String, (BrokerOrderId, FillActivity)> {
    let mut ids = BTreeMap::new();
    // Each part is sold before the next is bought: the account has cash for one.
    for part in 0..TRADES.div_ceil(AT_ONCE) {
        for (side, hour) in [(Side::Buy, 1), (Side::Sell, 4)] {
            let now = OPENED + (hour + 5 * i64::try_from(part).unwrap()) * HOUR;
            world.broker.advance(Moment::at_close(now)).unwrap();
            for trade in part * AT_ONCE..(part + 1) * AT_ONCE {
                let request = OrderRequest {
                    client_order_id: name(side, trade).parse().unwrap(),
                    symbol: instrument().symbol,
                    side,
                    size: OrderSize::Quantity(quantity(side)),
                    kind: OrderKind::Market,
                    time_in_force: TimeInForce::Gtc,
                };
                let order = world.desk.broker.submit_order(&request).await.unwrap();
                ids.insert(order.id.clone(), order.request.client_order_id.as_str().to_owned());
            }
            world.broker.advance(Moment::at_open(now)).unwrap();
        }
    }
    let query = ActivityQuery { kinds: vec![ActivityKind::Fill], ..ActivityQuery::default() };
    let fills = all_activities(world.desk.broker.as_ref(), &query).await.unwrap();
    let named = fills.into_iter().filter_map(|activity| match activity {
        Activity::Fill(fill) => Some((ids[&fill.order_id].clone(), (fill.order_id.clone(), fill))),
        _ => None,
    });
    named.collect()
}

fn name(side: Side, trade: usize) -> String {
    format!("{}-{trade:05}", if side == Side::Buy { "entry" } else { "exit" })
}

/// Less is sold than was bought: the fee is taken in coins.
fn quantity(side: Side) -> Decimal {
    if side == Side::Buy { dec!(0.02) } else { dec!(0.01995) }
}

async fn keep(world: &World, orders: &BTreeMap<String, (BrokerOrderId, FillActivity)>) {
    let mut writes = Vec::new();
    for trade in 0..TRADES {
        let legs = [Side::Buy, Side::Sell].map(|side| (name(side, trade), &orders[&name(side, trade)]));
        let given = LiveSignal {
            signal_id: format!("signal-{trade:05}"),
            status: SignalState::Filled,
            ..signal(legs[0].1.1.time / HOUR - OPENED / HOUR, SignalType::Buy)
        };
        writes.push(world.records().put(&position(&given, legs), Precondition::Any).unwrap());
        writes.push(world.records().put(&given, Precondition::Any).unwrap());
    }
    while !writes.is_empty() {
        let rest = writes.split_off(writes.len().min(400));
        world.runtime.store.commit(std::mem::replace(&mut writes, rest)).await.unwrap();
    }
}

fn position(given: &LiveSignal, legs: [(String, &(BrokerOrderId, FillActivity)); 2]) -> LivePosition {
    let mut folded = Position::default();
    let mut orders = Vec::new();
    for (name, (order_id, activity)) in legs {
        let (notional, reference) = (round_money(activity.quantity * activity.price), decimal_price(given.price));
        let rate = terms().fees.rate.taker(Decimal::ZERO);
        let (fee, purpose) = match activity.side {
            Side::Buy => (terms().fees.of_buy(activity.quantity, notional, rate), OrderPurpose::Entry),
            Side::Sell => (terms().fees.of_sale(notional, rate), OrderPurpose::Exit),
        };
        let (time, price, quantity) = (activity.time, activity.price, activity.quantity);
        let fill = Fill { time, price, reference, quantity, notional, fee };
        let event = match activity.side {
            Side::Buy => PositionEvent::Bought(fill),
            Side::Sell => PositionEvent::Sold(fill, ExitReason::Signal),
        };
        folded.apply(event, given.rules.step_size).unwrap();
        orders.push(LiveOrder {
            client_order_id: name,
            purpose,
            quantity,
            reference,
            decided_at: time,
            broker_order_id: Some(order_id.clone()),
            done: true,
            legs: vec![Leg { activity_id: activity.id.clone(), fill }],
            trouble: None,
        });
    }
    let intent = EntryIntent {
        quantity: dec!(0.02),
        reserved: dec!(3),
        stop_loss: None,
        take_profit: None,
        expiration_at: given.expiration_at,
    };
    let mut position = LivePosition {
        position_id: LivePosition::id_of(&given.signal_id),
        signal_id: given.signal_id.clone(),
        account_id: given.account_id.clone(),
        strategy_id: given.strategy_id.clone(),
        strategy_version: given.strategy_version,
        instrument: given.instrument.clone(),
        timeframe: given.timeframe,
        status: PositionStatus::Closed,
        position: folded,
        intent,
        signal_price: given.price,
        signal_time: given.close_time,
        confidence: given.confidence,
        pattern_name: given.pattern_name.clone(),
        rules: given.rules,
        risk_params: risk(),
        plan: None,
        best_close: None,
        watched_until: given.close_time,
        orders,
        entry_fill_price: None,
        current_stop: None,
        entry_time: None,
        exit_time: None,
        exit_reason: None,
        archived: false,
    };
    position.refresh();
    position
}
