//! Faults of orders: the broker did something else, and the books say so.

use rust_decimal::{Decimal, dec};
use sentinel_domain::live::{LivePosition, OrderPurpose, PositionStatus};
use sentinel_domain::trade::ExitReason;
use sentinel_laptop::Simulation;
use sentinel_simulated_broker::Moment;
use sentinel_simulated_broker::faults::{Fault, FaultRule, OrderFault};
use sentinel_tests::ending::{Books, books_of, ending_of};
use sentinel_tests::parity::Scenario;

use crate::support::{DAY, assert_adds_up, block_on, go_on, open, run, scenario, scenario_with, undisturbed};

#[test]
fn partial_fills_over_several_bars_are_folded_one_by_one() {
    let Some(scenario) = scenario("partial_fills_over_several_bars_are_folded_one_by_one", 60) else { return };
    for fraction in [dec!(0.6), dec!(0.3), dec!(0.1)] {
        let books = block_on(partly_filled(&scenario, fraction));
        assert!(books.account.troubles.is_empty(), "{:?}", books.account.troubles);
        let sales = books.positions.iter().flat_map(|position| &position.orders);
        let sold_in_parts = sales.filter(|order| order.purpose == OrderPurpose::Exit && order.legs.len() > 1).count();
        assert!(sold_in_parts > 1, "{fraction}: {sold_in_parts} sales took several bars");
        for position in &books.positions {
            assert!(position.position.bought().quantity <= position.intent.quantity, "{position:?}");
        }
    }
}

#[test]
fn an_entry_that_is_still_being_filled_is_taken_back_before_its_position_is_sold() {
    let test = "an_entry_that_is_still_being_filled_is_taken_back_before_its_position_is_sold";
    // Valid for many bars, so that the sale comes while the entry still works.
    let scenario = scenario_with(test, 60, |setup| setup.risk.signal_valid_bars = 30);
    let Some(scenario) = scenario else { return };
    let books = block_on(partly_filled(&scenario, dec!(0.1)));
    assert!(books.account.troubles.is_empty(), "{:?}", books.account.troubles);
    let closed = books.positions.iter().filter(|position| position.status == PositionStatus::Closed);
    let cut_short = closed.filter(|position| position.position.bought().quantity < position.intent.quantity).count();
    assert!(cut_short > 1, "{cut_short} entries were cut short by their sale");
}

#[test]
fn a_rejected_order_is_named_and_made_up_for() {
    let Some(scenario) = scenario("a_rejected_order_is_named_and_made_up_for", 40) else { return };
    block_on(async {
        let orders = undisturbed(&scenario).await.orders.len();
        let mut rejected = [0; 3];
        for order in 0..u32::try_from(orders).unwrap() {
            let fault = FaultRule::next(OrderFault::RejectOrder).after(order);
            let disturbed = run(&scenario, |simulation| arm(simulation, fault)).await;
            assert_adds_up(&scenario, &disturbed.simulation).await;
            rejected[check_rejected(&books_of(&disturbed.simulation).await)] += 1;
        }
        println!("rejected: {} entries, {} stops, {} exits", rejected[0], rejected[1], rejected[2]);
        assert!(rejected.iter().all(|times| *times > 0), "{rejected:?}");
    });
}

/// Looks at what became of the one order that was rejected, and returns its kind.
fn check_rejected(books: &Books) -> usize {
    let orders = || books.positions.iter().flat_map(|it| it.orders.iter().map(move |order| (it, order)));
    let troubled: Vec<_> = orders().filter(|(_, order)| order.trouble.is_some()).collect();
    let [(position, order)] = troubled.as_slice() else { panic!("{troubled:?}") };
    assert!(order.trouble.as_ref().is_some_and(|said| said.contains("rejected")), "{order:?}");
    // Named as long as it matters.
    let is_named = books.account.troubles.contains_key(&order.client_order_id);
    assert_eq!(is_named, position.status != PositionStatus::Closed, "{:?}", books.account.troubles);
    match order.purpose {
        OrderPurpose::Entry => {
            assert_eq!(position.status, PositionStatus::Abandoned);
            0
        }
        OrderPurpose::Stop { .. } => {
            assert!(is_guarded(position), "{position:?}");
            1
        }
        OrderPurpose::Exit => {
            assert_eq!(position.status, PositionStatus::Closed, "another order sold it");
            2
        }
    }
}

/// A position that is held has its stop at the broker; one that is over needs none.
fn is_guarded(position: &LivePosition) -> bool {
    position.status != PositionStatus::Open || position.resting_stop().is_some_and(|it| it.broker_order_id.is_some())
}

#[test]
fn a_stop_that_the_broker_never_takes_is_watched_instead() {
    let Some(scenario) = scenario("a_stop_that_the_broker_never_takes_is_watched_instead", 60) else { return };
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let mut simulation = open(&scenario, folder.path()).await;
        let mut day = scenario.series[0].candles().columns().open_time[0];
        let end = scenario.series[0].candles().close_time(scenario.series[0].candles().len() - 1);
        while day <= end {
            // Every order after the entry of a position that is held: its stops.
            go_on(&mut simulation, day).await;
            let books = books_of(&simulation).await;
            simulation.broker().disarm().unwrap();
            if books.positions.iter().any(|position| position.status == PositionStatus::Pending) {
                arm(&simulation, FaultRule::next(OrderFault::RejectOrder).times(1));
            }
            day += DAY;
        }
        go_on(&mut simulation, i64::MAX).await;
        assert_adds_up(&scenario, &simulation).await;
        let books = books_of(&simulation).await;
        let by_stop = books.positions.iter().filter(|position| position.exit_reason == Some(ExitReason::Stop)).count();
        assert!(by_stop > 0, "no position ended by its stop");
        assert!(books.positions.iter().all(is_guarded));
    });
}

#[test]
fn a_position_closed_by_hand_ends_as_manual_wherever_it_is() {
    let Some(scenario) = scenario("a_position_closed_by_hand_ends_as_manual_wherever_it_is", 60) else { return };
    block_on(async {
        let ours = undisturbed(&scenario).await;
        for hours in [0, 12] {
            let (simulation, closed, _folder) = closing_by_hand(&scenario, hours).await;
            assert!(closed > 3, "{closed}");
            assert_adds_up(&scenario, &simulation).await;
            let books = books_of(&simulation).await;
            assert!(books.account.troubles.is_empty(), "{:?}", books.account.troubles);
            let manual = ending_of(&simulation).await.trades.iter().filter(|it| it.exit_reason == "manual").count();
            assert_eq!(manual, closed, "each sale by hand ended a position: {:?}", ours.trades);
        }
    });
}

/// Sells by hand whatever is held, every fifth day, so many hours after its beginning. Returns how many positions were.
async fn closing_by_hand(scenario: &Scenario, hours: i64) -> (Simulation, usize, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let mut simulation = open(scenario, folder.path()).await;
    let candles = scenario.series[0].candles();
    let mut closed = 0;
    for row in (5..candles.len()).step_by(5) {
        let open_time = candles.columns().open_time[row];
        go_on(&mut simulation, open_time + 1).await;
        if hours > 0 {
            simulation.broker().advance(Moment::at_open(open_time + hours * 3_600_000)).unwrap();
        }
        let held = books_of(&simulation).await.positions;
        let held = held.iter().filter(|position| position.status == PositionStatus::Open).count();
        if held > 0 && simulation.broker().close_by_hand(&candles.instrument().symbol).is_ok() {
            closed += held;
        }
    }
    go_on(&mut simulation, i64::MAX).await;
    (simulation, closed, folder)
}

#[test]
fn what_a_person_buys_besides_is_named() {
    let Some(scenario) = scenario("what_a_person_buys_besides_is_named", 25) else { return };
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let mut simulation = open(&scenario, folder.path()).await;
        let candles = scenario.series[0].candles();
        go_on(&mut simulation, candles.columns().open_time[12]).await;
        let client =
            sentinel_alpaca::AlpacaClient::new(sentinel_alpaca::AlpacaConfig::local(&simulation.broker().url()));
        let request = sentinel_domain::broker::OrderRequest {
            client_order_id: "by-hand".parse().unwrap(),
            symbol: candles.instrument().symbol.clone(),
            side: sentinel_domain::fill::Side::Buy,
            size: sentinel_domain::broker::OrderSize::Quantity(dec!(0.05)),
            kind: sentinel_domain::broker::OrderKind::Market,
            time_in_force: sentinel_domain::broker::TimeInForce::Gtc,
        };
        sentinel_domain::broker::Broker::submit_order(&client.unwrap(), &request).await.unwrap();
        go_on(&mut simulation, i64::MAX).await;
        let troubles = books_of(&simulation).await.account.troubles;
        let said: Vec<_> = troubles.values().collect();
        assert!(said.iter().any(|said| said.contains("0.05") && said.contains("by no order of ours")), "{said:?}");
    });
}

async fn partly_filled(scenario: &Scenario, fraction: Decimal) -> Books {
    let fault = FaultRule { count: None, ..FaultRule::next(OrderFault::PartialFills { fraction }) };
    let disturbed = run(scenario, |simulation| arm(simulation, fault)).await;
    assert!(disturbed.failures.is_empty(), "{:?}", disturbed.failures);
    assert_adds_up(scenario, &disturbed.simulation).await;
    books_of(&disturbed.simulation).await
}

fn arm(simulation: &Simulation, rule: FaultRule<OrderFault>) {
    let FaultRule { fault, method, path, skip, count } = rule;
    simulation.broker().arm(FaultRule { fault: Fault::Order(fault), method, path, skip, count }).unwrap();
}
