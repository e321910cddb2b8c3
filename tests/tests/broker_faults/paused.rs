//! A person pauses the account while an entry is being filled.

use rust_decimal::dec;
use sentinel_domain::documents::{DocumentStore, Records};
use sentinel_domain::live::{Account, LivePosition, OrderPurpose, Pause, PositionStatus};
use sentinel_domain::timeframe::UnixMillis;
use sentinel_laptop::Simulation;
use sentinel_simulated_broker::faults::{Fault, FaultRule, OrderFault};
use sentinel_tests::ending::books_of;

use crate::support::{assert_adds_up, block_on, go_on, open, scenario_with};

#[test]
fn a_pause_takes_back_what_an_entry_still_wants_and_keeps_what_it_bought() {
    let test = "a_pause_takes_back_what_an_entry_still_wants_and_keeps_what_it_bought";
    // Valid for many bars, so that nothing but the pause takes the entry back.
    let scenario = scenario_with(test, 60, |setup| {
        setup.risk.signal_valid_bars = 30;
        setup.risk.stop_loss_pct = Some(dec!(3));
    });
    let Some(scenario) = scenario else { return };
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let mut simulation = open(&scenario, folder.path()).await;
        let slowly = FaultRule { count: None, ..FaultRule::next(OrderFault::PartialFills { fraction: dec!(0.1) }) };
        let FaultRule { fault, method, path, skip, count } = slowly;
        simulation.broker().arm(FaultRule { fault: Fault::Order(fault), method, path, skip, count }).unwrap();

        let mut times = scenario.series[0].candles().columns().open_time.iter();
        let (paused_at, id) = loop {
            let time = *times.next().expect("an entry is filled in parts");
            go_on(&mut simulation, time + 1).await;
            let positions = books_of(&simulation).await.positions;
            if let Some(position) = positions.iter().find(|position| is_half_bought(position)) {
                break (time, position.position_id.clone());
            }
        };
        pause(&simulation, paused_at).await;
        go_on(&mut simulation, UnixMillis::MAX).await;

        assert_adds_up(&scenario, &simulation).await;
        let books = books_of(&simulation).await;
        assert!(books.account.troubles.is_empty(), "{:?}", books.account.troubles);
        assert!(books.positions.iter().all(|position| position.signal_time <= paused_at), "bought under the pause");
        let position = books.positions.iter().find(|position| position.position_id == id).unwrap();
        let bought = position.position.bought().quantity;
        assert!(!bought.is_zero() && bought < position.intent.quantity, "{position:?}");
        assert_eq!(position.status, PositionStatus::Closed, "what was bought is still sold: {position:?}");
        assert!(entries(position).all(|order| order.done), "{position:?}");
    });
}

fn entries(position: &LivePosition) -> impl Iterator<Item = &sentinel_domain::live::LiveOrder> {
    position.orders.iter().filter(|order| order.purpose == OrderPurpose::Entry)
}

fn is_half_bought(position: &LivePosition) -> bool {
    position.status == PositionStatus::Open && entries(position).any(|order| !order.done)
}

async fn pause(simulation: &Simulation, since: UnixMillis) {
    let store = simulation.store();
    let records = Records::<Account>::of(store.as_ref(), simulation.desktop().runtime().environment);
    let mut account = records.all(records.select()).await.unwrap().pop().unwrap();
    account.record.paused = Some(Pause { since, reason: "maintenance".to_owned() });
    store.commit(vec![records.put_back(&account).unwrap()]).await.unwrap();
}
